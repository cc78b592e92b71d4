//! The certificate authority: made by the first leader, and cleared of roots whose time is over (`spec/mesh.md` 4.2).

use super::super::{Server, ca};
use std::time::Duration;
use tokio::time::sleep;

/// Time between looks at roots whose time may be over.
const PRUNE: Duration = Duration::from_secs(3600);

/// Pauses after failures, the last of them again and again.
const RETRY: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30)];

/// Pauses after failures that follow each other.
struct Pauses(usize);

impl Pauses {
    async fn wait(&mut self) {
        sleep(RETRY[self.0.min(RETRY.len() - 1)]).await;
        self.0 += 1;
    }
}

/// Keeps the authority as it should be; runs while this server leads.
pub(super) async fn run(server: Server) {
    if server.config().connect.is_none() {
        return std::future::pending().await;
    }
    match server.acl().is_primary() {
        true => primary(&server).await,
        false => secondary(&server).await,
    }
}

async fn primary(server: &Server) {
    let mut pauses = Pauses(0);
    while let Err(error) = ca::ensure(server).await {
        tracing::error!(target: "agent.server.connect", "Failed to initialize Connect CA: error={:?}", error.text);
        pauses.wait().await;
    }
    loop {
        sleep(PRUNE).await;
        if let Err(error) = ca::prune(server).await {
            tracing::error!(target: "agent.server.connect", "error pruning CA roots: error={:?}", error.text);
        }
    }
}

async fn secondary(server: &Server) {
    let (mut pauses, mut seen) = (Pauses(0), 0);
    loop {
        match ca::follow_primary(server, &mut seen).await {
            Ok(()) => pauses = Pauses(0),
            Err(error) => {
                tracing::error!(target: "agent.server.connect", "Failed to initialize Connect CA: error={:?}", error.text);
                pauses.wait().await;
            }
        }
    }
}
