//! `ACL.BootstrapTokens`: the first token (`spec/acl-and-tls.md` 2.2).

use super::{fresh_id, is_token_id};
use crate::acl::DISABLED;
use crate::rpc::method::AclBootstrapTokens;
use crate::server::{Endpoint, Place, Server};
use crate::state::{Command, WatchSet};
use crate::types::acl::*;
use crate::types::validate::check_uuid;
use crate::types::{Error, Index, Result, Timestamp};
use std::path::PathBuf;

/// File in the data directory of the leader that holds the index of the bootstrap that is to be undone.
const RESET_FILE: &str = "acl-bootstrap-reset";

/// Description of the token.
const DESCRIPTION: &str = "Bootstrap Token (Global Management)";

/// A token that everything may be done with.
pub(in crate::server) fn management_token(accessor: String, secret: String, description: &str) -> AclToken {
    let mut token = AclToken {
        accessor_id: accessor,
        secret_id: secret,
        description: description.into(),
        policies: vec![AclLink { id: GLOBAL_MANAGEMENT_ID.into(), name: String::new() }],
        create_time: Timestamp::now(),
        ..AclToken::default()
    };
    token.set_hash();
    token
}

fn reset_path(server: &Server) -> Option<PathBuf> {
    server.config().data_dir.as_ref().map(|dir| dir.join(RESET_FILE))
}

/// The index in the reset file; 0 when there is none to be read.
async fn reset_index(server: &Server) -> Index {
    let Some(path) = reset_path(server) else { return 0 };
    let text = match tokio::fs::read_to_string(&path).await {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return 0,
        Err(error) => {
            tracing::error!(target: "agent.server.acl", "failed to read ACL bootstrap reset file: path={path:?} error={error}");
            return 0;
        }
    };
    text.trim().parse().unwrap_or_else(|_| {
        tracing::error!(target: "agent.server.acl", "failed to parse ACL bootstrap reset index: path={path:?}");
        0
    })
}

async fn remove_reset_file(server: &Server) {
    let Some(path) = reset_path(server) else { return };
    if let Err(error) = tokio::fs::remove_file(&path).await {
        tracing::warn!(target: "agent.server.acl", "failed to remove bootstrap file: path={path:?} error={error}");
    }
}

impl Endpoint for AclBootstrapTokens {
    const PLACE: Place = Place::LeaderAlways;

    async fn serve(server: &Server, args: AclBootstrapRequest) -> Result<AclToken> {
        server.acl_enabled()?;
        if !server.config().acl.is_primary() {
            return Err(Error::new(DISABLED));
        }
        let state = server.store().snapshot();
        let index = match state.acl_bootstrap_index() {
            None => 0,
            Some(last) => match reset_index(server).await {
                0 => {
                    let text = format!("Permission denied: ACL bootstrap no longer allowed (reset index: {last})");
                    return Err(Error::with_status(403, text));
                }
                index if index != last => {
                    let text = format!("Invalid bootstrap reset index (specified {index}, reset index: {last})");
                    return Err(Error::new(text));
                }
                index => index,
            },
        };
        let accessor = fresh_id(server, is_token_id);
        let secret = match args.bootstrap_secret {
            secret if secret.is_empty() => fresh_id(server, is_token_id),
            secret => {
                check_uuid(&secret).map_err(Error::new)?;
                if is_token_id(&state, &secret) {
                    let text = "Provided token cannot be used because a token with that secret already exists.";
                    return Err(Error::new(text));
                }
                secret
            }
        };
        remove_reset_file(server).await;
        let token = management_token(accessor.clone(), secret, DESCRIPTION);
        server.apply(Command::AclBootstrap(Box::new(AclBootstrapEntry { token, reset_index: index })), "").await?;
        tracing::info!(target: "agent.server.acl", "ACL bootstrap completed");
        let stored = server.store().snapshot().acl_token(&mut WatchSet::none(), &accessor).1;
        stored.map(|stored| AclToken::clone(&stored)).ok_or_else(|| Error::new("Failed to retrieve token"))
    }
}
