//! While the agent runs: it follows the roots, and renews its certificate.

use super::holder::{Holder, root_certificates};
use super::pauses::{Pauses, spread, up_to};
use super::{Enrolled, Way, Welcome, ask_certificate, ask_config, welcome_of};
use crate::agent::Agent;
use crate::rpc::method::{ConnectCaRoots, ConnectCaSign};
use crate::types::ca::{CaSignRequest, IndexedCaRoots};
use crate::types::requests::DcRequest;
use crate::types::{GoDuration, Index, QueryOptions, Result, Timestamp};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// How long a question for the roots stays open.
const WAIT: GoDuration = GoDuration::secs(600);

/// A new root makes all agents come within this time.
const SPREAD: Duration = Duration::from_secs(30);

impl Enrolled {
    /// Runs as long as the agent.
    pub(in crate::agent) async fn keep(mut self, agent: Agent) {
        let (sender, mut roots) = watch::channel(self.holder.roots.clone());
        tokio::spawn(follow_roots(agent.clone(), sender));
        loop {
            let pause = self.holder.pause(Timestamp::now());
            tokio::select! {
                () = sleep(pause) => self.renew(&agent).await,
                changed = roots.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let known = roots.borrow_and_update().clone();
                    self.trust(&agent, known).await;
                }
            }
        }
    }

    /// Trusts these roots; another one that signs makes a new certificate due.
    async fn trust(&mut self, agent: &Agent, roots: IndexedCaRoots) {
        let found = root_certificates(&roots);
        if found.is_empty() {
            return;
        }
        if let Err(error) = self.tls.update_auto(|auto| auto.connect_roots = found) {
            tracing::error!(target: "agent.auto_config", error, "failed to update the CA roots");
        }
        let signs_another = roots.active_root_id != self.holder.active_root;
        self.holder.trust_domain.clone_from(&roots.trust_domain);
        self.holder.roots = roots;
        if signs_another {
            sleep(up_to(SPREAD)).await;
            self.renew(agent).await;
        }
    }

    /// Gets a new certificate, however long it takes.
    async fn renew(&mut self, agent: &Agent) {
        let mut pauses = Pauses::new();
        loop {
            // boxed: the futures of calls are deep
            let renewed = match self.holder.is_over(Timestamp::now()) {
                false => Box::pin(self.sign(agent)).await,
                true => Box::pin(self.start_again(agent)).await,
            };
            let installed = renewed.and_then(|welcome| {
                self.write(&welcome);
                Holder::install(&self.tls, welcome)
            });
            match installed {
                Ok(holder) => {
                    self.holder = holder;
                    return;
                }
                Err(error) => {
                    tracing::error!(target: "agent.auto_config", error = %error, "failed to renew the certificate");
                }
            }
            sleep(spread(pauses.step())).await;
        }
    }

    /// A new certificate on the usual way.
    async fn sign(&self, agent: &Agent) -> Result<Welcome> {
        let (csr, key) = self.wanted.csr(&self.holder.trust_domain)?;
        let request = CaSignRequest { datacenter: String::new(), csr, token: agent.tokens().agent() };
        let mut cert = agent.call::<ConnectCaSign>(request).await?;
        cert.private_key_pem = key;
        let roots = agent.call::<ConnectCaRoots>(DcRequest::default()).await?;
        Ok(Welcome { cert, roots, manual_roots: self.manual_roots(), verify_server_hostname: None })
    }

    /// The authorities of the servers, as they were told first.
    fn manual_roots(&self) -> Vec<String> {
        self.tls.told_roots().iter().map(|root| crate::tls::x509::pem_text("CERTIFICATE", root)).collect()
    }

    /// The first way once more: with a certificate that has ended nobody answers on the usual one.
    async fn start_again(&self, agent: &Agent) -> Result<Welcome> {
        match &self.way {
            Way::Encrypt(asker) => ask_certificate(asker, &self.wanted, agent.tokens()).await,
            Way::Config(asker, _) => welcome_of(&ask_config(asker, &self.wanted, &agent.config()).await?),
        }
    }

    /// Keeps the certificate on disk, where the configuration is kept.
    fn write(&mut self, welcome: &Welcome) {
        if let Way::Config(_, kept) = &mut self.way {
            kept.update(&welcome.cert, &welcome.roots);
        }
    }
}

/// Tells of the roots whenever they change.
async fn follow_roots(agent: Agent, sender: watch::Sender<IndexedCaRoots>) {
    let (mut seen, mut pauses): (Index, Pauses) = (0, Pauses::new());
    while !sender.is_closed() {
        let max_query_time = if seen > 0 { WAIT } else { GoDuration::ZERO };
        let token = agent.tokens().agent();
        let query =
            QueryOptions { token, min_query_index: seen, max_query_time, allow_stale: true, ..QueryOptions::default() };
        match agent.call::<ConnectCaRoots>(DcRequest { query, ..DcRequest::default() }).await {
            Ok(reply) => {
                pauses = Pauses::new();
                // an index that went back belongs to another state
                seen = if reply.meta.index < seen { 0 } else { reply.meta.index.max(1) };
                sender.send_if_modified(|known| {
                    let same = known.active_root_id == reply.active_root_id && known.roots == reply.roots;
                    let changed = !same && !reply.roots.is_empty();
                    if changed {
                        *known = reply;
                    }
                    changed
                });
            }
            Err(error) => {
                tracing::debug!(target: "agent.auto_config", error = %error, "the CA roots cannot be read");
                sleep(pauses.step()).await;
            }
        }
    }
}
