//! Tokens whose time is over.

use super::super::super::Server;
use crate::state::Command;
use crate::types::acl::AclTokenBatchDelete;
use crate::types::{Result, Timestamp};
use std::time::Duration;
use tokio::time::sleep;

/// Most tokens that go with one entry of the log.
const BATCH: usize = 4096;
/// Least time between two passes.
const PAUSE: Duration = Duration::from_secs(1);

/// Removes tokens whose time is over: local ones everywhere, global ones in the primary datacenter.
pub(in crate::server::leader) async fn reap(server: Server) {
    let acl = &server.config().acl;
    if !acl.enabled {
        return std::future::pending().await;
    }
    let localities: &[bool] = if acl.is_primary() { &[true, false] } else { &[true] };
    loop {
        let (next, watch) = server
            .store()
            .read(|state, watch| localities.iter().filter_map(|local| state.acl_next_end(watch, *local)).min());
        match next {
            None => watch.changed().await,
            Some(next) => {
                let left = next.since(Timestamp::now()).to_std();
                tokio::select! {
                    () = sleep(left) => {}
                    () = watch.changed() => {}
                }
            }
        }
        for local in localities {
            if let Err(error) = reap_some(&server, *local).await {
                tracing::error!(target: "agent.server", "error reaping expired tokens: local={local} error={:?}", error.text);
            }
        }
        sleep(PAUSE).await;
    }
}

async fn reap_some(server: &Server, local: bool) -> Result<()> {
    let token_ids = server.store().snapshot().acl_expired_tokens(local, Timestamp::now(), BATCH);
    if token_ids.is_empty() {
        return Ok(());
    }
    tracing::info!(target: "agent.server", "deleting expired ACL tokens: amount={} local={local}", token_ids.len());
    server.apply(Command::AclTokenDelete(AclTokenBatchDelete { token_ids }), "").await.map(drop)
}
