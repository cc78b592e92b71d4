//! Writes of tokens.

use super::absent;
use super::write::{Origin, create, update};
use crate::acl::NOT_FOUND;
use crate::rpc::method::{AclTokenClone, AclTokenDelete, AclTokenSet};
use crate::server::{Endpoint, Server};
use crate::state::{Command, WatchSet};
use crate::telemetry::metrics::Sample;
use crate::types::acl::*;
use crate::types::validate::check_uuid;
use crate::types::{Error, Result, Timestamp};

static UPSERT: Sample = Sample::new("acl.token.upsert");
static DELETE: Sample = Sample::new("acl.token.delete");

impl Endpoint for AclTokenSet {
    async fn serve(server: &Server, args: AclTokenSetRequest) -> Result<AclToken> {
        server.acl_enabled()?;
        let token = args.acl_token;
        if token.local && !server.has_tokens() {
            return Err(Error::new("Local tokens are disabled"));
        }
        server.acl_writer(&args.token).await?;
        let _timer = UPSERT.timer();
        match args.create || token.accessor_id.is_empty() {
            true => create(server, token, Origin::Writer).await,
            false => update(server, token).await,
        }
    }

    fn for_primary(_server: &Server, args: &AclTokenSetRequest) -> bool {
        !args.acl_token.local
    }
}

impl Endpoint for AclTokenClone {
    async fn serve(server: &Server, args: AclTokenSetRequest) -> Result<AclToken> {
        server.acl_writer(&args.token).await?;
        let accessor = &args.acl_token.accessor_id;
        let token = server.store().snapshot().acl_token(&mut WatchSet::none(), accessor).1;
        let token = token.ok_or_else(|| Error::with_status(403, format!("token does not exist: {NOT_FOUND}")))?;
        if token.is_expired(Timestamp::now()) {
            return Err(Error::with_status(403, format!("token is expired: {NOT_FOUND}")));
        }
        if !token.local && !server.config().acl.is_primary() {
            return server.ask_primary::<AclTokenClone>(args).await;
        }
        if !token.auth_method.is_empty() {
            return Err(Error::new("Cannot clone a token created from an auth method"));
        }
        let mut copy = AclToken::clone(&token);
        copy.accessor_id.clear();
        copy.secret_id.clear();
        if !args.acl_token.description.is_empty() {
            copy.description = args.acl_token.description;
        }
        let _timer = UPSERT.timer();
        create(server, copy, Origin::Writer).await
    }

    fn for_primary(server: &Server, _args: &AclTokenSetRequest) -> bool {
        !server.has_tokens()
    }
}

impl Endpoint for AclTokenDelete {
    async fn serve(server: &Server, args: AclTokenDeleteRequest) -> Result<String> {
        server.acl_enabled()?;
        if check_uuid(&args.token_id).is_err() {
            return Err(Error::new("Token ID is missing or an invalid UUID"));
        }
        server.acl_writer(&args.token).await?;
        if args.token_id == ANONYMOUS_ACCESSOR {
            return Err(Error::new("Delete operation not permitted on the anonymous token"));
        }
        let token = server.store().snapshot().acl_token(&mut WatchSet::none(), &args.token_id).1;
        if token.as_ref().is_some_and(|token| token.secret_id == args.token) {
            return Err(Error::new("Deletion of the request's authorization token is not permitted"));
        }
        if !server.config().acl.is_primary() && token.as_ref().is_none_or(|token| !token.local) {
            return server.ask_primary::<AclTokenDelete>(args).await;
        }
        let token = token.ok_or_else(|| absent("token"))?;
        let _timer = DELETE.timer();
        delete(server, &token.accessor_id).await?;
        Ok(token.accessor_id.clone())
    }

    fn for_primary(server: &Server, _args: &AclTokenDeleteRequest) -> bool {
        !server.has_tokens()
    }
}

/// Removes a token that is here.
///
/// # Errors
/// The log refused it.
pub(in crate::server) async fn delete(server: &Server, accessor: &str) -> Result<()> {
    let batch = AclTokenBatchDelete { token_ids: vec![accessor.to_owned()] };
    server.apply(Command::AclTokenDelete(batch), "Failed to apply token delete request: ").await.map(drop)
}
