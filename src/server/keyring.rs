//! `Internal.KeyringOperation`: works on the gossip keys of all pools of all datacenters (`spec/gossip.md` 6.7).

use super::{Endpoint, Place, Server};
use crate::acl::{Access, Resource};
use crate::gossip::pool::{KeyReply, Pool};
use crate::rpc::method::InternalKeyringOperation;
use crate::types::cluster::{KeyringRequest, KeyringResponse, KeyringResponses};
use crate::types::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::future::join_all;

/// Most members that an answer may be relayed through.
const RELAY_MAX: u8 = 5;

/// What is done to the keyrings.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Operation {
    List,
    Install(Vec<u8>),
    Use(Vec<u8>),
    Remove(Vec<u8>),
}

impl Operation {
    fn parse(args: &KeyringRequest) -> Result<Operation> {
        let key = || STANDARD.decode(&args.key).map_err(|error| Error::new(format!("Invalid key: {error}")));
        Ok(match args.operation.as_str() {
            "list" => Operation::List,
            "install" => Operation::Install(key()?),
            "use" => Operation::Use(key()?),
            "remove" => Operation::Remove(key()?),
            other => return Err(Error::new(format!("Invalid keyring operation: {other}"))),
        })
    }

    async fn run(&self, pool: &Pool, relay_factor: u8) -> KeyReply {
        match self {
            Operation::List => pool.list_keys(relay_factor).await,
            Operation::Install(key) => pool.install_key(key, relay_factor).await,
            Operation::Use(key) => pool.use_key(key, relay_factor).await,
            Operation::Remove(key) => pool.remove_key(key, relay_factor).await,
        }
    }
}

impl Endpoint for InternalKeyringOperation {
    const PLACE: Place = Place::Datacenter;

    async fn serve(server: &Server, args: KeyringRequest) -> Result<KeyringResponses> {
        let operation = Operation::parse(&args)?;
        let list = operation == Operation::List;
        if args.local_only && !list {
            return Err(Error::new("argument error: LocalOnly can only be used for List operations"));
        }
        let access = if list { Access::Read } else { Access::Write };
        server.resolve(&args.query.token).await?.check(Resource::Keyring, access, "")?;
        let datacenter = &server.config().datacenter;
        let relay_factor = args.relay_factor.min(RELAY_MAX);
        let mut responses = Vec::new();
        let everywhere = !args.local_only && !args.forwarded;
        if let Some(pool) = server.gossip().wan.as_ref().filter(|_| everywhere) {
            responses.push(response(datacenter, true, operation.run(pool, relay_factor).await));
        }
        if let Some(pool) = &server.gossip().lan {
            responses.push(response(datacenter, false, operation.run(pool, relay_factor).await));
        }
        if everywhere {
            let others = server.router().other_datacenters();
            let answers = join_all(others.into_iter().map(|datacenter| forward(server, &args, datacenter)));
            responses.extend(answers.await.into_iter().flatten());
        }
        Ok(KeyringResponses { responses, ..KeyringResponses::default() })
    }
}

/// Has another datacenter do the same in its LAN. One that cannot be reached is named with the reason.
async fn forward(server: &Server, args: &KeyringRequest, datacenter: String) -> Vec<KeyringResponse> {
    let request = KeyringRequest { datacenter: datacenter.clone(), forwarded: true, ..args.clone() };
    match server.ask_datacenter::<InternalKeyringOperation>(datacenter.clone(), &request).await {
        Ok(answer) => answer.responses,
        Err(error) => vec![KeyringResponse { datacenter, error: error.text, ..KeyringResponse::default() }],
    }
}

fn response(datacenter: &str, wan: bool, reply: KeyReply) -> KeyringResponse {
    let counts = |keys: std::collections::BTreeMap<String, usize>| {
        keys.into_iter().map(|(key, count)| (key, count as i64)).collect()
    };
    KeyringResponse {
        wan,
        datacenter: datacenter.to_owned(),
        messages: Some(reply.messages),
        keys: counts(reply.keys),
        primary_keys: counts(reply.primary_keys),
        num_nodes: reply.num_nodes as i64,
        error: reply.error.unwrap_or_default(),
        ..KeyringResponse::default()
    }
}
