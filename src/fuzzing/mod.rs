//! Every decoder of bytes from outside, in one table: name, what it reads, how to feed it.
//!
//! The fuzz targets in `fuzz/` and the replay of their corpus in `cargo test` both go through [`DECODERS`]. A decoder must take
//! any bytes: it may refuse them, and must neither panic, nor hang, nor ask for memory that the input does not pay for. Some
//! rows also check a law, such as that what was decoded and encoded is decoded to the same again.

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod seeds;

use crate::{acl, agent, auth, config, dns, filter, gossip, http, raft, rpc, state, tls, types};

/// A decoder of bytes from outside.
#[derive(Clone, Copy)]
pub struct Decoder {
    /// Name of the fuzz target, and of the folder with its corpus.
    pub name: &'static str,
    /// What arrives there, and how an input is laid out.
    pub about: &'static str,
    /// Decodes.
    pub run: fn(&[u8]),
}

const fn row(name: &'static str, about: &'static str, run: fn(&[u8])) -> Decoder {
    Decoder { name, about, run }
}

/// All of them.
pub static DECODERS: &[Decoder] = &[
    row("config_hcl", "A configuration file in HCL.", |data| config::fuzzing::file(data, config::Format::Hcl)),
    row("config_json", "A configuration file in JSON.", |data| config::fuzzing::file(data, config::Format::Json)),
    row("http_request", "Path with query, then header values, a line each.", http::fuzzing::request),
    row("http_body", "Name of a body, a line end, the body of a write.", |data| {
        named(data, http::fuzzing::body);
    }),
    row("filter", "Name of a row type, a line end, an expression.", |data| named(data, filter::fuzzing::expression)),
    row("acl_rules", "The rules of one or two policies, an empty line between.", acl::fuzzing::rules),
    row(
        "jwt",
        "What it is (token, keys, pem, discovery), a line end, a token, a key set, a key or a provider's.",
        |data| {
            named(data, auth::jwt::fuzzing::read);
        },
    ),
    row("auth_answer", "Name of a system (kubernetes, aws), a line end, what it answers.", |data| {
        named(data, auth::fuzzing::answer);
    }),
    row("csr", "What it is (pem, der, certificate), a line end, a request for a certificate or one.", |data| {
        named(data, tls::fuzzing::read);
    }),
    row("query_template", "Name, regular expression and text of a template, a line each.", state::fuzzing::template),
    row("dns_packet", "Transport (odd: TCP), then a packet.", dns::fuzzing::packet),
    row("gossip_packets", "Packets of a pool without keys, each behind its length.", |data| {
        gossip::fuzzing::packets(&pieces(data));
    }),
    row("gossip_encrypted", "A packet and a stream of a pool with keys.", gossip::fuzzing::encrypted),
    row("gossip_stream", "Size of the pieces in which it arrives, then a stream.", gossip::fuzzing::stream),
    row("gossip_lzw", "A compressed message.", gossip::fuzzing::compressed),
    row("serf_messages", "User messages and states above the failure detector, each behind its length.", |data| {
        gossip::fuzzing::messages(&pieces(data));
    }),
    row("user_event", "The payload of a user event.", agent::events::fuzz),
    row("msgpack", "A value.", |data| {
        types::msgpack::fuzzing::value(data);
        rpc::fuzzing::values(data);
    }),
    row("yamux", "What happens to a session: frames that arrive, and what its owner does.", rpc::fuzzing::yamux),
    row("rpc_calls", "The bytes of a stream with requests, for every method.", rpc::fuzzing::calls),
    row("rpc_reply", "Name of a method, a line end, the body of its reply.", |data| named(data, rpc::fuzzing::reply)),
    row("rpc_snapshot", "A request for a snapshot, or to restore one.", rpc::fuzzing::snapshot),
    row("rpc_subscribe", "A request for an event stream.", rpc::fuzzing::subscribe),
    row("auto_config", "What it is (request, response, kept), a line end, a message or its form on disk.", |data| {
        named(data, rpc::fuzzing::auto_config);
    }),
    row("raft_link", "The hello of a link between servers, and what follows.", rpc::fuzzing::link),
    row("raft_message", "Request (even) or answer (odd) of the consensus.", raft::fuzzing::message),
    row("state_commands", "Entries of the log, each behind its length, applied to a store.", |data| {
        state::fuzzing::commands(&pieces(data));
    }),
    row("snapshot_archive", "A snapshot file.", raft::fuzzing::archive),
    row("snapshot_state", "The records inside of a snapshot, restored to a store.", raft::fuzzing::records),
];

/// Feeds one decoder.
///
/// # Panics
/// There is none of this name, or it has a defect.
pub fn decode(name: &str, data: &[u8]) {
    let decoder = DECODERS.iter().find(|decoder| decoder.name == name);
    (decoder.expect("the name of a decoder").run)(data);
}

/// A first line that chooses, and the rest.
fn named(data: &[u8], run: fn(&str, &[u8])) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    if let Ok(name) = std::str::from_utf8(&data[..end]) {
        run(name, data.get(end + 1..).unwrap_or_default());
    }
}

/// Pieces of an input, each behind its length (u16, big endian); the last one is what is left.
fn pieces(mut data: &[u8]) -> Vec<&[u8]> {
    const MOST: usize = 64;
    let mut pieces = Vec::new();
    while let Some((length, rest)) = data.split_first_chunk::<2>() {
        if pieces.len() == MOST {
            break;
        }
        let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
        let (piece, rest) = rest.split_at(length);
        pieces.push(piece);
        data = rest;
    }
    pieces
}
