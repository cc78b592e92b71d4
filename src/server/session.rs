//! `Session.*`: sessions and their renewal (`spec/semantics.md` 7).

use super::catalog::at;
use super::{Endpoint, Found, Place, ReadContext, ReadEndpoint, Server};
use crate::acl::{Access, Resource};
use crate::rpc::method::*;
use crate::state::{Command, Outcome, WatchSet};
use crate::telemetry::metrics::Sample;
use crate::types::requests::*;
use crate::types::session::SessionOp;
use crate::types::{Error, GoDuration, Result, Session, SessionRequest};
use std::sync::Arc;
use std::time::{Duration, Instant};

static APPLY: Sample = Sample::new("session.apply");
static RENEW: Sample = Sample::new("session.renew");

/// What comes in front of errors that applying gives (`spec/http-api.md` 1.3).
const APPLY_FAILED: &str = "apply failed: ";

/// Longest time to live.
const TTL_MAX: GoDuration = GoDuration::secs(24 * 3600);

impl Endpoint for SessionApply {
    async fn serve(server: &Server, mut args: SessionRequest) -> Result<String> {
        let start = Instant::now();
        if args.op == SessionOp::Destroy && args.session.id.is_empty() {
            return Err(Error::new("Must provide ID"));
        }
        if args.op == SessionOp::Create && args.session.node.is_empty() {
            return Err(Error::new("Must provide Node"));
        }
        let authorizer = server.resolve(&args.token).await?;
        let state = server.store().snapshot();
        let node = match args.op {
            SessionOp::Create => args.session.node.clone(),
            SessionOp::Destroy => match state.session(&mut WatchSet::none(), &args.session.id).1 {
                Some(session) => session.node.clone(),
                None => return Ok(String::new()),
            },
        };
        authorizer.check(Resource::Session, Access::Write, &node)?;
        check_behavior(&mut args.session)?;
        check_ttl(&args.session.ttl, server.config().session_ttl_min)?;
        if args.op == SessionOp::Create {
            args.session.id = fresh_id(server);
        }
        args.token.clear();
        let (op, session) = (args.op, args.session.clone());
        let outcome = server.apply(Command::Session(args), APPLY_FAILED).await;
        APPLY.since(start);
        let reply = match outcome? {
            Outcome::Session(id) => id,
            _ => String::new(),
        };
        match op {
            SessionOp::Create => server.inner.session_timers.reset(&session),
            SessionOp::Destroy => server.inner.session_timers.clear(&session.id),
        }
        Ok(reply)
    }
}

/// An id that no session has: the state machine must not roll dice.
fn fresh_id(server: &Server) -> String {
    let state = server.store().snapshot();
    loop {
        let id = uuid::Uuid::new_v4().to_string();
        if state.session(&mut WatchSet::none(), &id).1.is_none() {
            return id;
        }
    }
}

fn check_behavior(session: &mut Session) -> Result<()> {
    match session.behavior.as_str() {
        "" => "release".clone_into(&mut session.behavior),
        "release" | "delete" => {}
        other => return Err(Error::new(format!("Invalid Behavior setting '{other}'"))),
    }
    Ok(())
}

fn check_ttl(ttl: &str, min: Duration) -> Result<()> {
    if ttl.is_empty() {
        return Ok(());
    }
    let parsed: GoDuration = ttl.parse().map_err(|why| Error::new(format!("Session TTL '{ttl}' invalid: {why}")))?;
    let min = GoDuration::from(min);
    if parsed.is_zero() || (min..=TTL_MAX).contains(&parsed) {
        return Ok(());
    }
    Err(Error::new(format!("Invalid Session TTL '{}', must be between [{min}={TTL_MAX}]", parsed.0)))
}

impl ReadEndpoint for SessionGet {
    fn read(cx: &mut ReadContext<'_>, args: &SessionSpecificRequest) -> Result<IndexedSessions> {
        let (index, session) = cx.state.session(cx.watch, args.id());
        if session.is_none() {
            cx.found = Found::Absent;
        }
        Ok(visible(cx, index, session.into_iter().collect()))
    }

    fn nothing(_args: &SessionSpecificRequest, reply: &IndexedSessions) -> bool {
        reply.sessions.is_empty()
    }
}

impl ReadEndpoint for SessionList {
    fn read(cx: &mut ReadContext<'_>, _args: &SessionSpecificRequest) -> Result<IndexedSessions> {
        let (index, sessions) = cx.state.sessions(cx.watch);
        Ok(visible(cx, index, sessions))
    }
}

impl ReadEndpoint for SessionNodeSessions {
    fn read(cx: &mut ReadContext<'_>, args: &NodeRequest) -> Result<IndexedSessions> {
        let (index, sessions) = cx.state.node_sessions(cx.watch, &args.node);
        Ok(visible(cx, index, sessions))
    }
}

fn visible(cx: &mut ReadContext<'_>, index: u64, mut sessions: Vec<Arc<Session>>) -> IndexedSessions {
    cx.permit(&mut sessions, |who, session| who.allows(Resource::Session, Access::Read, &session.node));
    IndexedSessions { sessions, meta: at(index) }
}

impl Endpoint for SessionRenew {
    const PLACE: Place = Place::LeaderAlways;

    async fn serve(server: &Server, args: SessionSpecificRequest) -> Result<IndexedSessions> {
        let start = Instant::now();
        let authorizer = server.resolve(&args.query.token).await?;
        let (index, session) = server.store().snapshot().session(&mut WatchSet::none(), args.id());
        let Some(session) = session else {
            return Ok(IndexedSessions { sessions: Vec::new(), meta: at(index) });
        };
        authorizer.check(Resource::Session, Access::Write, &session.node)?;
        server.inner.session_timers.reset(&session);
        RENEW.since(start);
        Ok(IndexedSessions { sessions: vec![session], meta: server.meta(index, false, "") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_to_live_are_refused_in_the_words_of_the_reference() {
        let text = |ttl: &str| check_ttl(ttl, Duration::from_secs(10)).expect_err("refused").text;
        assert_eq!(text("x"), "Session TTL 'x' invalid: time: invalid duration \"x\"");
        assert_eq!(text("1s"), "Invalid Session TTL '1000000000', must be between [10s=24h0m0s]");
        assert_eq!(text("25h"), "Invalid Session TTL '90000000000000', must be between [10s=24h0m0s]");
        for fine in ["", "0", "0s", "10s", "24h"] {
            check_ttl(fine, Duration::from_secs(10)).expect(fine);
        }
    }
}
