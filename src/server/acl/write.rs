//! Tokens on their way into the log: what may be chosen, what may be changed, how long they live
//! (`spec/acl-and-tls.md` 5.5, 9.3).

use super::identities::settle_token;
use super::{fresh_id, is_token_id};
use crate::server::Server;
use crate::state::{Command, WatchSet};
use crate::types::acl::{AclToken, AclTokenBatchSet, RESERVED_ID_PREFIX, is_reserved_id};
use crate::types::validate::check_uuid;
use crate::types::{Error, GoDuration, Result, Timestamp, go_quote};

/// Where a new token comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Origin {
    /// Somebody who may write tokens.
    Writer,
    /// A login: it has an auth method, and must grant something.
    Login,
}

/// What this server cannot write.
fn check_place(server: &Server, token: &AclToken) -> Result<()> {
    if !server.has_tokens() {
        return Err(Error::new("Cannot upsert tokens within this datacenter"));
    }
    if !server.config().acl.is_primary() && !token.local {
        return Err(Error::new("Cannot upsert global tokens within this datacenter"));
    }
    Ok(())
}

/// An id that was chosen, or one that nobody has.
fn settle_id(server: &Server, chosen: &str, field: &str) -> Result<String> {
    if chosen.is_empty() {
        return Ok(fresh_id(server, is_token_id));
    }
    let refuse = |why: &str| Err(Error::new(format!("Invalid Token: {field} {why}")));
    if check_uuid(chosen).is_err() {
        return refuse("- not a valid UUID");
    }
    if is_reserved_id(chosen) {
        return refuse(&format!("- UUIDs with the prefix {} are reserved", go_quote(RESERVED_ID_PREFIX)));
    }
    if is_token_id(&server.store().snapshot(), chosen) {
        return refuse("is already in use");
    }
    Ok(chosen.to_owned())
}

/// Turns the wanted life into an end that is near enough and far enough.
fn settle_end(server: &Server, token: &mut AclToken) -> Result<()> {
    let ttl = token.expiration_ttl;
    if ttl.0 < 0 {
        return Err(Error::new(format!("Token Expiration TTL '{ttl}' should be > 0")));
    }
    token.expiration_time = token.expiration_time.filter(|end| !end.is_zero());
    if !ttl.is_zero() {
        if token.expiration_time.is_some() {
            return Err(Error::new("Token Expiration TTL and Expiration Time cannot both be set"));
        }
        token.expiration_time = Some(token.create_time.plus(ttl));
        token.expiration_ttl = GoDuration::ZERO;
    }
    let Some(end) = token.expiration_time else { return Ok(()) };
    if end < token.create_time {
        return Err(Error::new("ExpirationTime cannot be before CreateTime"));
    }
    let life = end.since(token.create_time);
    let config = server.config();
    let (least, most) = (GoDuration::from(config.acl_token_ttl_min), GoDuration::from(config.acl_token_ttl_max));
    if life > most {
        return Err(Error::new(format!("ExpirationTime cannot be more than {most} in the future (was {life})")));
    }
    if life < least {
        return Err(Error::new(format!("ExpirationTime cannot be less than {least} in the future (was {life})")));
    }
    Ok(())
}

/// Stores a new token.
///
/// # Errors
/// The texts of `spec/acl-and-tls.md` 9.3.
pub(in crate::server) async fn create(server: &Server, mut token: AclToken, origin: Origin) -> Result<AclToken> {
    check_place(server, &token)?;
    token.accessor_id = settle_id(server, &token.accessor_id, "AccessorID")?;
    token.secret_id = settle_id(server, &token.secret_id, "SecretID")?;
    token.create_time = Timestamp::now();
    settle_end(server, &mut token)?;
    if origin == Origin::Writer && !token.auth_method.is_empty() {
        return Err(Error::new("AuthMethod field is disallowed outside of login"));
    }
    store(server, token, origin).await
}

/// Replaces what may change of a stored token.
///
/// # Errors
/// The texts of `spec/acl-and-tls.md` 9.3.
pub(super) async fn update(server: &Server, mut token: AclToken) -> Result<AclToken> {
    check_place(server, &token)?;
    if check_uuid(&token.accessor_id).is_err() {
        return Err(Error::new("AccessorID is not a valid UUID"));
    }
    let accessor = &token.accessor_id;
    let stored = server.store().snapshot().acl_token(&mut WatchSet::none(), accessor).1;
    let stored = stored.filter(|stored| !stored.is_expired(Timestamp::now()));
    let stored = stored.ok_or_else(|| Error::new(format!("Cannot find token {}", go_quote(accessor))))?;
    let refuse = |what: &str| Err(Error::new(format!("Cannot {what} of {accessor}")));
    if !token.secret_id.is_empty() && token.secret_id != stored.secret_id {
        return Err(Error::new("Changing a token's SecretID is not permitted"));
    }
    if token.local != stored.local {
        return Err(Error::new(format!("Cannot toggle local mode of {accessor}")));
    }
    if !token.auth_method.is_empty() && token.auth_method != stored.auth_method {
        return refuse("change AuthMethod");
    }
    let end = token.expiration_time.filter(|end| !end.is_zero());
    if !token.expiration_ttl.is_zero() || (end.is_some() && end != stored.expiration_time) {
        return refuse("change expiration time");
    }
    token.accessor_id.clone_from(&stored.accessor_id);
    token.secret_id.clone_from(&stored.secret_id);
    token.auth_method.clone_from(&stored.auth_method);
    token.expiration_time = stored.expiration_time;
    token.create_time = stored.create_time;
    store(server, token, Origin::Writer).await
}

async fn store(server: &Server, mut token: AclToken, origin: Origin) -> Result<AclToken> {
    settle_token(&server.store().snapshot(), &mut token)?;
    token.set_hash();
    let accessor = token.accessor_id.clone();
    let prohibit_unprivileged = origin == Origin::Login;
    let batch = AclTokenBatchSet { tokens: vec![token], prohibit_unprivileged, ..AclTokenBatchSet::default() };
    server.apply(Command::AclTokenSet(batch), "Failed to apply token write request: ").await?;
    let stored = server.store().snapshot().acl_token(&mut WatchSet::none(), &accessor).1;
    stored.map(|stored| AclToken::clone(&stored)).ok_or_else(|| Error::new("Failed to retrieve token"))
}
