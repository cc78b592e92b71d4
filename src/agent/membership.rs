//! What the gossip of the datacenter means for an agent: servers to call, leaders to notice, user events.

use super::client::Client;
use super::{Agent, Delegate, gossip};
use crate::gossip::{Event, Member};
use crate::rpc::ServerAddress;
use std::collections::HashMap;
use std::sync::Arc;

/// How the log names a server.
fn described(server: &ServerAddress) -> String {
    format!("{} (Addr: tcp/{}) (DC: {})", server.name, server.address, server.datacenter)
}

impl Agent {
    /// Follows the pool of the datacenter until it ends.
    pub(super) fn follow_lan(&self) {
        let mut events = self.lan().subscribe();
        let agent = self.clone();
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let Event::User(event) = event {
                    agent.user_event(&event).await;
                }
            }
        });
        if let Delegate::Client(client) = self.delegate() {
            tokio::spawn(self.clone().follow_servers(client.clone()));
            let (agent, client) = (self.clone(), client.clone());
            tokio::spawn(async move {
                let nodes = || agent.lan().alive_count();
                client.servers().keep_balanced(client.connections(), nodes).await;
            });
        }
    }

    /// Keeps the list of servers equal to what gossip knows.
    async fn follow_servers(self, client: Client) {
        let mut changes = self.lan().changes();
        let mut known = HashMap::new();
        loop {
            changes.borrow_and_update();
            if self.update_servers(&client, &mut known) {
                self.notice_server();
            }
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Brings the list of servers up to date; true when there are new ones.
    fn update_servers(&self, client: &Client, known: &mut HashMap<String, Arc<Member>>) -> bool {
        let datacenter = self.config().datacenter.clone();
        let members = self.lan().members();
        let mut next = HashMap::new();
        let mut added = false;
        for member in members.iter().filter(|member| member.is_alive() && member.tag("role") == "consul") {
            next.insert(member.name.clone(), Arc::clone(member));
            if known.get(&member.name).is_some_and(|before| before == member) {
                continue;
            }
            match gossip::server_address(member, &datacenter) {
                Some(server) => {
                    added = true;
                    tracing::info!(target: "agent.client", server = described(&server), "adding server");
                    client.servers().add(server);
                }
                None if member.tag("dc") != datacenter => {
                    tracing::warn!(
                        target: "agent.client", server = member.name,
                        "server has joined the wrong cluster: wrong datacenter"
                    );
                }
                None => {}
            }
        }
        for name in known.keys().filter(|name| !next.contains_key(*name)) {
            let list = client.servers().list();
            let Some(server) = list.iter().find(|server| server.name == *name) else { continue };
            tracing::info!(target: "agent.client", server = described(server), "removing server");
            client.servers().remove(name);
            client.connections().forget(server.address);
        }
        *known = next;
        added
    }

    /// There is a server, or a leader, that was not there before.
    pub(super) fn notice_server(&self) {
        self.inner.server_up.send_modify(|count| *count += 1);
    }
}
