//! Our own encodings of log entries, votes, memberships and messages between servers. All integers are big endian; every
//! top-level value opens with a version byte.
//!
//! | value | layout |
//! |---|---|
//! | log id | term u64, index u64 |
//! | vote | version, term u64, candidate uuid, granted u8 |
//! | entry | version, kind u8, log id, body to the end |
//! | membership | count of voter sets u16, each: count u16, uuids; count of servers u16, each: uuid, address (u16 length) |
//! | request | version, kind u8, body (see [`Request`]) |

use super::engine::{Entry, LogId, Membership, Payload, Proposal, ProposalKind, ServerNode, Vote, log_id, term_of};
use bytes::{Buf, BufMut, Bytes};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use uuid::Uuid;

/// Version of everything here.
const VERSION: u8 = 1;

/// Bytes that are not what this module writes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed raft data: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

impl From<Malformed> for io::Error {
    fn from(error: Malformed) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error.to_string())
    }
}

type Decoded<T> = Result<T, Malformed>;

/// Reads from shared bytes without copying bodies.
pub(crate) struct Reader(pub Bytes);

impl Reader {
    fn need(&self, len: usize, what: &'static str) -> Decoded<()> {
        if self.0.len() < len { Err(Malformed(what)) } else { Ok(()) }
    }

    pub fn u8(&mut self) -> Decoded<u8> {
        self.need(1, "cut byte")?;
        Ok(self.0.get_u8())
    }

    pub fn u16(&mut self) -> Decoded<u16> {
        self.need(2, "cut number")?;
        Ok(self.0.get_u16())
    }

    pub fn u32(&mut self) -> Decoded<u32> {
        self.need(4, "cut number")?;
        Ok(self.0.get_u32())
    }

    pub fn u64(&mut self) -> Decoded<u64> {
        self.need(8, "cut number")?;
        Ok(self.0.get_u64())
    }

    pub fn bytes(&mut self, len: usize) -> Decoded<Bytes> {
        self.need(len, "cut bytes")?;
        Ok(self.0.split_to(len))
    }

    pub fn uuid(&mut self) -> Decoded<Uuid> {
        self.need(16, "cut id")?;
        Ok(Uuid::from_u128(self.0.get_u128()))
    }

    pub fn log_id(&mut self) -> Decoded<LogId> {
        Ok(log_id(self.u64()?, self.u64()?))
    }

    pub fn optional_log_id(&mut self) -> Decoded<Option<LogId>> {
        match self.u8()? {
            0 => Ok(None),
            1 => self.log_id().map(Some),
            _ => Err(Malformed("flag of a log id")),
        }
    }

    pub fn version(&mut self) -> Decoded<()> {
        match self.u8()? {
            VERSION => Ok(()),
            _ => Err(Malformed("written by a version of this program that is too new")),
        }
    }

    fn end(&self) -> Decoded<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed("bytes behind the end")) }
    }
}

pub(crate) fn put_log_id(out: &mut Vec<u8>, id: &LogId) {
    out.put_u64(term_of(id));
    out.put_u64(id.index);
}

fn put_optional_log_id(out: &mut Vec<u8>, id: Option<&LogId>) {
    out.put_u8(id.is_some() as u8);
    if let Some(id) = id {
        put_log_id(out, id);
    }
}

/// Appends a vote.
pub(crate) fn put_vote(out: &mut Vec<u8>, vote: &Vote) {
    out.put_u8(VERSION);
    out.put_u64(vote.leader_id.term);
    out.put_u128(vote.leader_id.voted_for.as_u128());
    out.put_u8(vote.committed as u8);
}

/// Reads a vote.
pub(crate) fn get_vote(from: &mut Reader) -> Decoded<Vote> {
    from.version()?;
    let (term, candidate, granted) = (from.u64()?, from.uuid()?, from.u8()?);
    let leader = openraft::impls::leader_id_std::LeaderId { term, voted_for: candidate };
    Ok(Vote { leader_id: leader, committed: granted == 1 })
}

/// Bytes of a vote on its own.
pub(crate) fn encode_vote(vote: &Vote) -> Vec<u8> {
    let mut out = Vec::with_capacity(26);
    put_vote(&mut out, vote);
    out
}

fn put_membership(out: &mut Vec<u8>, membership: &Membership) {
    let sets = membership.get_joint_config();
    out.put_u16(sets.len() as u16);
    for set in sets {
        out.put_u16(set.len() as u16);
        for id in set {
            out.put_u128(id.as_u128());
        }
    }
    out.put_u16(membership.nodes().count() as u16);
    for (id, node) in membership.nodes() {
        out.put_u128(id.as_u128());
        out.put_u16(node.address.len() as u16);
        out.put_slice(node.address.as_bytes());
    }
}

fn get_membership(from: &mut Reader) -> Decoded<Membership> {
    let mut sets = Vec::new();
    for _ in 0..from.u16()? {
        let mut set = BTreeSet::new();
        for _ in 0..from.u16()? {
            set.insert(from.uuid()?);
        }
        sets.push(set);
    }
    let mut nodes = BTreeMap::new();
    for _ in 0..from.u16()? {
        let id = from.uuid()?;
        let len = from.u16()? as usize;
        let address = std::str::from_utf8(&from.bytes(len)?).map_err(|_| Malformed("address"))?.to_owned();
        nodes.insert(id, ServerNode { address });
    }
    Membership::new(sets, nodes).map_err(|_| Malformed("membership"))
}

const BLANK: u8 = 0;
const COMMAND: u8 = 1;
const MEMBERSHIP: u8 = 2;
const RESTORE: u8 = 3;

/// Appends a log entry.
pub(crate) fn put_entry(out: &mut Vec<u8>, entry: &Entry) {
    out.put_u8(VERSION);
    let kind = match &entry.payload {
        Payload::Blank => BLANK,
        Payload::Normal(proposal) => match proposal.kind {
            ProposalKind::Command => COMMAND,
            ProposalKind::Restore => RESTORE,
        },
        Payload::Membership(_) => MEMBERSHIP,
    };
    out.put_u8(kind);
    put_log_id(out, &entry.log_id);
    match &entry.payload {
        Payload::Blank => {}
        Payload::Normal(proposal) => out.put_slice(&proposal.bytes),
        Payload::Membership(membership) => put_membership(out, membership),
    }
}

/// Bytes that [`put_entry`] adds, close enough to reserve and to bound caches.
pub(crate) fn entry_size(entry: &Entry) -> usize {
    18 + match &entry.payload {
        Payload::Blank => 0,
        Payload::Normal(proposal) => proposal.bytes.len(),
        Payload::Membership(_) => 256,
    }
}

/// Reads a log entry that fills `bytes`; its body shares them.
pub(crate) fn get_entry(bytes: Bytes) -> Decoded<Entry> {
    let mut from = Reader(bytes);
    from.version()?;
    let kind = from.u8()?;
    let log_id = from.log_id()?;
    let payload = match kind {
        BLANK => Payload::Blank,
        COMMAND => Payload::Normal(Proposal::encoded(ProposalKind::Command, from.0)),
        RESTORE => Payload::Normal(Proposal::encoded(ProposalKind::Restore, from.0)),
        MEMBERSHIP => {
            let membership = get_membership(&mut from)?;
            from.end()?;
            Payload::Membership(membership)
        }
        _ => return Err(Malformed("kind of entry")),
    };
    Ok(Entry { log_id, payload })
}

/// What one server asks another.
pub(crate) enum Request {
    /// 1: vote, previous log id, leader's commit, count u32, each entry with a u32 length.
    Append(openraft::raft::AppendEntriesRequest<super::engine::TypeConfig>),
    /// 2: vote, last log id, transfer u8.
    Vote(openraft::raft::VoteRequest<super::engine::TypeConfig>),
    /// 3: as 2.
    PreVote(openraft::raft::VoteRequest<super::engine::TypeConfig>),
    /// 4: vote of the leader, uuid, last log id.
    Transfer(openraft::raft::TransferLeaderRequest<super::engine::TypeConfig>),
}

impl Request {
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::new();
        out.put_u8(VERSION);
        match self {
            Request::Append(append) => {
                out.reserve(append.entries.iter().map(|entry| entry_size(entry) + 4).sum::<usize>() + 96);
                out.put_u8(1);
                put_vote(&mut out, &append.vote);
                put_optional_log_id(&mut out, append.prev_log_id.as_ref());
                put_optional_log_id(&mut out, append.leader_commit.as_ref());
                out.put_u32(append.entries.len() as u32);
                for entry in &append.entries {
                    put_sized(&mut out, |out| put_entry(out, entry));
                }
            }
            Request::Vote(vote) => put_vote_request(&mut out, 2, vote),
            Request::PreVote(vote) => put_vote_request(&mut out, 3, vote),
            Request::Transfer(transfer) => {
                out.put_u8(4);
                put_vote(&mut out, transfer.from_leader());
                out.put_u128(transfer.to_node_id().as_u128());
                put_optional_log_id(&mut out, transfer.last_log_id());
            }
        }
        out.into()
    }

    pub fn decode(bytes: Bytes) -> Decoded<Request> {
        let mut from = Reader(bytes);
        from.version()?;
        let request = match from.u8()? {
            1 => {
                let vote = get_vote(&mut from)?;
                let prev_log_id = from.optional_log_id()?;
                let leader_commit = from.optional_log_id()?;
                let count = from.u32()?;
                let mut entries = Vec::new();
                for _ in 0..count {
                    let len = from.u32()? as usize;
                    entries.push(get_entry(from.bytes(len)?)?);
                }
                Request::Append(openraft::raft::AppendEntriesRequest { vote, prev_log_id, leader_commit, entries })
            }
            2 => Request::Vote(get_vote_request(&mut from)?),
            3 => Request::PreVote(get_vote_request(&mut from)?),
            4 => {
                let (vote, to, last) = (get_vote(&mut from)?, from.uuid()?, from.optional_log_id()?);
                Request::Transfer(openraft::raft::TransferLeaderRequest::new(vote, to, last))
            }
            _ => return Err(Malformed("kind of request")),
        };
        from.end()?;
        Ok(request)
    }
}

/// Appends what `write` writes behind its length.
pub(crate) fn put_sized(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.put_u32(0);
    write(out);
    let len = (out.len() - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&len.to_be_bytes());
}

fn put_vote_request(out: &mut Vec<u8>, kind: u8, request: &openraft::raft::VoteRequest<super::engine::TypeConfig>) {
    out.put_u8(kind);
    put_vote(out, &request.vote);
    put_optional_log_id(out, request.last_log_id.as_ref());
    out.put_u8(request.leadership_transfer as u8);
}

fn get_vote_request(from: &mut Reader) -> Decoded<openraft::raft::VoteRequest<super::engine::TypeConfig>> {
    let mut request = openraft::raft::VoteRequest::new(get_vote(from)?, from.optional_log_id()?);
    request.leadership_transfer = from.u8()? == 1;
    Ok(request)
}

/// What the other answers.
#[derive(Debug)]
pub(crate) enum Response {
    /// 0: text; the request could not be served.
    Failed(String),
    /// 1: entries are stored.
    Appended,
    /// 2: entries up to here are stored.
    AppendedUpTo(Option<LogId>),
    /// 3: the previous entry differs.
    Conflict,
    /// 4: a higher vote was seen.
    HigherVote(Vote),
    /// 5: vote, granted u8, last log id.
    Vote(openraft::raft::VoteResponse<super::engine::TypeConfig>),
    /// 6: leadership will be taken.
    Transferring,
    /// 7: vote of the receiver of a snapshot.
    Snapshot(Vote),
}

impl Response {
    pub fn encode(&self) -> Bytes {
        let mut out = vec![VERSION];
        match self {
            Response::Failed(text) => {
                out.put_u8(0);
                out.put_slice(text.as_bytes());
            }
            Response::Appended => out.put_u8(1),
            Response::AppendedUpTo(id) => {
                out.put_u8(2);
                put_optional_log_id(&mut out, id.as_ref());
            }
            Response::Conflict => out.put_u8(3),
            Response::HigherVote(vote) => {
                out.put_u8(4);
                put_vote(&mut out, vote);
            }
            Response::Vote(vote) => {
                out.put_u8(5);
                put_vote(&mut out, &vote.vote);
                out.put_u8(vote.vote_granted as u8);
                put_optional_log_id(&mut out, vote.last_log_id.as_ref());
            }
            Response::Transferring => out.put_u8(6),
            Response::Snapshot(vote) => {
                out.put_u8(7);
                put_vote(&mut out, vote);
            }
        }
        out.into()
    }

    pub fn decode(bytes: Bytes) -> Decoded<Response> {
        let mut from = Reader(bytes);
        from.version()?;
        let response = match from.u8()? {
            0 => {
                let text = String::from_utf8_lossy(&from.0).into_owned();
                return Ok(Response::Failed(text));
            }
            1 => Response::Appended,
            2 => Response::AppendedUpTo(from.optional_log_id()?),
            3 => Response::Conflict,
            4 => Response::HigherVote(get_vote(&mut from)?),
            5 => {
                let (vote, granted, last) = (get_vote(&mut from)?, from.u8()? == 1, from.optional_log_id()?);
                Response::Vote(openraft::raft::VoteResponse::new(vote, last, granted))
            }
            6 => Response::Transferring,
            7 => Response::Snapshot(get_vote(&mut from)?),
            _ => return Err(Malformed("kind of response")),
        };
        from.end()?;
        Ok(response)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use openraft::impls::leader_id_std::LeaderId;

    fn vote(term: u64, granted: bool) -> Vote {
        Vote { leader_id: LeaderId { term, voted_for: Uuid::from_u128(7) }, committed: granted }
    }

    fn entries() -> Vec<Entry> {
        let ids = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let nodes: BTreeMap<_, _> =
            ids.iter().map(|id| (*id, ServerNode { address: format!("10.0.0.{id}:8300") })).collect();
        let joint = Membership::new(vec![BTreeSet::from(ids), BTreeSet::from([ids[1]])], nodes).unwrap();
        vec![
            Entry { log_id: log_id(3, 9), payload: Payload::Blank },
            Entry {
                log_id: log_id(3, 10),
                payload: Payload::Normal(Proposal::encoded(ProposalKind::Command, Bytes::from_static(b"\x02abc"))),
            },
            Entry {
                log_id: log_id(3, 11),
                payload: Payload::Normal(Proposal::encoded(ProposalKind::Restore, Bytes::from_static(b"\x1f\x8b"))),
            },
            Entry { log_id: log_id(4, 12), payload: Payload::Membership(joint) },
        ]
    }

    #[test]
    fn entries_come_back_as_they_were() {
        for entry in entries() {
            let mut out = Vec::new();
            put_entry(&mut out, &entry);
            let back = get_entry(out.into()).unwrap();
            assert_eq!(back.log_id, entry.log_id);
            match (&back.payload, &entry.payload) {
                (Payload::Blank, Payload::Blank) => {}
                (Payload::Normal(a), Payload::Normal(b)) => assert_eq!((a.kind, &a.bytes), (b.kind, &b.bytes)),
                (Payload::Membership(a), Payload::Membership(b)) => assert_eq!(a, b),
                (a, b) => panic!("{a:?} instead of {b:?}"),
            }
        }
    }

    #[test]
    fn the_layout_of_an_entry_is_pinned() {
        let mut out = Vec::new();
        put_entry(&mut out, &entries()[1]);
        assert_eq!(out, b"\x01\x01\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x0a\x02abc");
        assert_eq!(encode_vote(&vote(5, true)), b"\x01\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x07\x01");
    }

    fn requests() -> [Request; 2] {
        let append = Request::Append(openraft::raft::AppendEntriesRequest {
            vote: vote(3, true),
            prev_log_id: Some(log_id(2, 8)),
            leader_commit: None,
            entries: entries(),
        });
        let transfer = Request::Transfer(openraft::raft::TransferLeaderRequest::new(
            vote(3, true),
            Uuid::from_u128(2),
            Some(log_id(3, 9)),
        ));
        [append, transfer]
    }

    fn responses() -> [Response; 8] {
        [
            Response::Failed("no".into()),
            Response::Appended,
            Response::AppendedUpTo(Some(log_id(1, 2))),
            Response::Conflict,
            Response::HigherVote(vote(9, false)),
            Response::Vote(openraft::raft::VoteResponse::new(vote(4, false), Some(log_id(3, 3)), true)),
            Response::Transferring,
            Response::Snapshot(vote(4, true)),
        ]
    }

    /// Encoded requests (0) and answers (1).
    pub fn samples() -> Vec<(u8, Bytes)> {
        let requests = requests().into_iter().map(|request| (0, request.encode()));
        requests.chain(responses().into_iter().map(|response| (1, response.encode()))).collect()
    }

    #[test]
    fn every_cut_of_a_request_is_refused() {
        for request in requests() {
            let whole = request.encode();
            assert_eq!(Request::decode(whole.clone()).unwrap().encode(), whole);
            for len in 0..whole.len() {
                assert!(Request::decode(whole.slice(..len)).is_err(), "{len} of {} bytes", whole.len());
            }
        }
    }

    #[test]
    fn responses_come_back_as_they_were() {
        for response in responses() {
            let bytes = response.encode();
            assert_eq!(Response::decode(bytes.clone()).unwrap().encode(), bytes);
        }
    }
}
