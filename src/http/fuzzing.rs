//! Requests and the bodies of writes, for `crate::fuzzing`.

use super::decode::bodies::*;
use super::decode::decode;
use super::decode::shape::Kind;
use super::params::{self, Params, unescape};
use super::routes;
use super::{acl, agent_checks, agent_services, keyring, session, txn};
use crate::agent::checks::{CheckKind, validate};
use crate::types::ca::CaConfiguration;
use crate::types::operator::AutopilotConfig;
use crate::types::requests::CoordinateUpdateRequest;
use crate::types::{DeregisterRequest, GoDuration, PreparedQuery, RegisterRequest, msgpack};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Name of a body, and how it is read.
pub(super) type Body = (&'static str, fn(&[u8]));

/// The bodies of all writes but those of access control.
const BODIES: &[Body] = &[
    ("check_register", |body| {
        if let Some(wanted) = object::<agent_checks::Registration>(body, &CHECK_REGISTER) {
            let mut check = wanted.check;
            agent_checks::complete(&mut check);
            if validate(&check).is_ok() {
                CheckKind::reported(&check);
            }
        }
    }),
    ("check_update", |body| drop(object::<agent_checks::Update>(body, &CHECK_UPDATE))),
    ("service_register", |body| {
        if let Some(definition) = object::<agent_services::Definition>(body, &SERVICE_REGISTER) {
            let _ = agent_services::checked(definition);
        }
    }),
    ("catalog_register", |body| sent(object::<RegisterRequest>(body, &CATALOG_REGISTER))),
    ("catalog_deregister", |body| sent(object::<DeregisterRequest>(body, &CATALOG_DEREGISTER))),
    ("session_create", |body| {
        sent(object::<session::Wanted>(body, &SESSION_CREATE).map(|wanted| wanted.into_session("n1")));
    }),
    ("prepared_query", |body| sent(object::<PreparedQuery>(body, &PREPARED_QUERY))),
    ("coordinate_update", |body| sent(object::<CoordinateUpdateRequest>(body, &COORDINATE_UPDATE))),
    ("autopilot", |body| sent(object::<AutopilotConfig>(body, &AUTOPILOT))),
    ("ca_configuration", |body| sent(object::<CaConfiguration>(body, &CA_CONFIGURATION))),
    ("keyring", |body| drop(object::<keyring::Body>(body, &KEYRING))),
    ("txn", |body| {
        let Ok(ops) = decode::<Vec<txn::Op>>(body, &TXN) else { return };
        let mut plan = txn::Plan::default();
        for op in ops {
            let _ = plan.add(op, 1024);
        }
        sent(Some(plan.ops));
    }),
];

fn object<T: DeserializeOwned + Default>(body: &[u8], shape: &'static super::decode::shape::Shape) -> Option<T> {
    decode(body, &Kind::Object(shape)).ok()
}

/// What goes on to a server arrives there as it left.
pub(super) fn sent<T: Serialize + DeserializeOwned>(request: Option<T>) {
    let Some(request) = request else { return };
    let bytes = msgpack::to_vec(&request).expect("requests can be encoded");
    let again: T = msgpack::from_slice(&bytes).expect("what was encoded is read");
    assert_eq!(msgpack::to_vec(&again).expect("as before"), bytes, "a request changes on its way");
}

/// Decodes the body of a write.
pub fn body(name: &str, body: &[u8]) {
    let known = BODIES.iter().chain(acl::fuzzing::BODIES);
    if let Some((_, run)) = known.into_iter().find(|(known, _)| *known == name) {
        run(body);
    }
}

/// Reads a request line's path and query, then one line of header values each.
pub fn request(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.split('\n');
    let target = lines.next().unwrap_or_default();
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    if let Some(clean) = routes::cleaned(path) {
        assert_eq!(routes::cleaned(&clean), None, "cleaning is done once");
    }
    let path = unescape(path);
    routes::has_unprintable(&path);
    if let routes::Found::Route(_, at) = routes::find(&path) {
        assert!(path.is_char_boundary(at), "the argument begins inside of a character");
    }
    if let Some(params) = Params::parse(query) {
        let _ = params.options(GoDuration(1_000_000_000));
        params.node_meta();
        let encoded = params.encode();
        let again = Params::parse(Some(&encoded)).expect("what was encoded is read");
        assert_eq!(again.encode(), encoded, "parameters change on their way");
    }
    lines.for_each(|line| drop(params::cache_control(line)));
}
