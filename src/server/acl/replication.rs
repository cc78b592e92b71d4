//! How the copying of policies, roles and tokens goes; the copying itself is a duty of the leader
//! (`spec/acl-and-tls.md` 11.2).

use crate::rpc::method::AclReplicationStatusRead;
use crate::server::{Endpoint, Place, Server};
use crate::types::acl::AclReplicationStatus;
use crate::types::requests::DcRequest;
use crate::types::{Result, Timestamp};
use parking_lot::Mutex;

/// What a leader tells of its copying.
#[derive(Default)]
pub(in crate::server) struct Replication(Mutex<AclReplicationStatus>);

impl Replication {
    /// It begins, with or without tokens.
    pub(in crate::server) fn start(&self, source: &str, tokens: bool) {
        *self.0.lock() = AclReplicationStatus {
            enabled: true,
            running: true,
            source_datacenter: source.to_owned(),
            replication_type: if tokens { "tokens" } else { "policies" }.to_owned(),
            ..AclReplicationStatus::default()
        };
    }

    /// It is another server's business now.
    pub(in crate::server) fn stop(&self) {
        self.0.lock().running = false;
    }

    /// A round succeeded; `note` tells of what.
    pub(in crate::server) fn succeeded(&self, note: impl FnOnce(&mut AclReplicationStatus)) {
        let mut status = self.0.lock();
        status.last_success = Timestamp::now();
        note(&mut status);
    }

    /// A round failed.
    pub(in crate::server) fn failed(&self, why: &str) {
        let mut status = self.0.lock();
        status.last_error = Timestamp::now();
        why.clone_into(&mut status.last_error_message);
    }

    fn get(&self) -> AclReplicationStatus {
        self.0.lock().clone()
    }
}

impl Endpoint for AclReplicationStatusRead {
    const PLACE: Place = Place::LeaderAlways;

    async fn serve(server: &Server, _args: DcRequest) -> Result<AclReplicationStatus> {
        Ok(server.inner.acl_replication.get())
    }
}
