//! Servers that hand out certificates accept those who come with one: their TLS follows the roots.

use crate::server::Server;
use crate::tls::{Certificate, pem};
use std::time::Duration;

/// Pause after a failure, such as a file that is being replaced.
const RETRY: Duration = Duration::from_secs(5);

/// Keeps the roots in the TLS configuration of a server.
pub(in crate::server) async fn follow(server: Server) {
    let mut known: Vec<Certificate> = Vec::new();
    loop {
        let ((_, roots), watch) = server.store().read(|state, watch| state.ca_roots(watch));
        let found = pem::readable(roots.iter().map(|root| &root.root_cert));
        if found != known {
            let updated = server.config().tls.update_auto(|auto| auto.connect_roots.clone_from(&found));
            match updated {
                Ok(()) => known = found,
                Err(error) => {
                    tracing::error!(target: "agent.server.connect", "failed to update CA roots: error={error:?}");
                    tokio::time::sleep(RETRY).await;
                    continue;
                }
            }
        }
        watch.changed().await;
    }
}
