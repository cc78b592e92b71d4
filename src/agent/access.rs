//! Who may use this agent (`spec/acl-and-tls.md` 6.1): the permissions of a secret, and the checks that more than one
//! endpoint makes.

use super::local::{unknown_check, unknown_service};
use super::sidecar::sidecar_id;
use super::{Agent, Client, Delegate};
use crate::acl::{Access, Authorizer, Resource};
use crate::rpc::method::{AclPolicyResolve, AclRoleResolve, AclTokenRead};
use crate::server::resolver::Ask;
use crate::types::acl::{
    AclPolicyBatchGetRequest, AclPolicyBatchResponse, AclRoleBatchGetRequest, AclRoleBatchResponse, AclTokenGetRequest,
    AclTokenResponse,
};
use crate::types::{HealthCheck, NodeService, Result};
use futures::FutureExt;
use futures::future::BoxFuture;

/// Asks the servers of the datacenter.
struct Servers(Client);

impl Ask for Servers {
    fn token(&self, args: AclTokenGetRequest) -> BoxFuture<'static, Result<AclTokenResponse>> {
        let client = self.0.clone();
        async move { client.call::<AclTokenRead>(args).await }.boxed()
    }

    fn policies(&self, args: AclPolicyBatchGetRequest) -> BoxFuture<'static, Result<AclPolicyBatchResponse>> {
        let client = self.0.clone();
        async move { client.call::<AclPolicyResolve>(args).await }.boxed()
    }

    fn roles(&self, args: AclRoleBatchGetRequest) -> BoxFuture<'static, Result<AclRoleBatchResponse>> {
        let client = self.0.clone();
        async move { client.call::<AclRoleResolve>(args).await }.boxed()
    }
}

impl Agent {
    /// The permissions of a secret on this agent.
    ///
    /// # Errors
    /// `ACL not found`, and the other refusals of `spec/acl-and-tls.md` 2.3 and 5.2.
    pub async fn resolve(&self, secret: &str) -> Result<Authorizer> {
        match self.delegate() {
            Delegate::Server(server) => server.resolve(secret).await,
            Delegate::Client(client) => self.inner.remote.resolve(secret, &Servers(client.clone())).await,
        }
    }

    /// A check of a service is visible with the service, one of the node with the node.
    pub fn may_see_check(&self, who: &Authorizer, check: &HealthCheck) -> bool {
        let (resource, name) = self.subject(check);
        who.allows(resource, Access::Read, &name)
    }

    /// What a check is about.
    fn subject(&self, check: &HealthCheck) -> (Resource, String) {
        match check.service_name.as_str() {
            "" => (Resource::Node, self.config().node_name.clone()),
            service => (Resource::Service, service.to_owned()),
        }
    }

    /// A service may be registered by who may write its name, the name of the service that it replaces, that of the service
    /// it stands in for, and the same of its sidecar.
    ///
    /// # Errors
    /// `Permission denied...`.
    pub fn check_service_register(&self, who: &Authorizer, service: &NodeService) -> Result<()> {
        let write = |name: &str| who.check(Resource::Service, Access::Write, name);
        let replaced = |id: &str| self.local().service(id).map_or(Ok(()), |other| write(&other.service));
        write(&service.service)?;
        replaced(&service.id)?;
        if service.kind == "connect-proxy" {
            write(&service.proxy.destination_service_name)?;
        }
        let Some(sidecar) = &service.connect.sidecar_service else { return Ok(()) };
        match sidecar.get("Name").and_then(serde_json::Value::as_str).filter(|name| !name.is_empty()) {
            Some(name) => write(name)?,
            None => write(&sidecar_id(&service.service))?,
        }
        replaced(&sidecar_id(&service.id))
    }

    /// A service may be changed by who may write its name.
    ///
    /// # Errors
    /// `Permission denied...`; 404 for an unknown id.
    pub fn check_service_update(&self, who: &Authorizer, id: &str) -> Result<()> {
        let service = self.local().service(id).ok_or_else(|| unknown_service(id))?;
        who.check(Resource::Service, Access::Write, &service.service)
    }

    /// A check may be registered by who may write what it is about, and what the check is about that it replaces.
    ///
    /// # Errors
    /// `Permission denied...`.
    pub fn check_check_register(&self, who: &Authorizer, check: &HealthCheck) -> Result<()> {
        for check in self.local().check(&check.check_id).as_deref().into_iter().chain([check]) {
            let (resource, name) = self.subject(check);
            who.check(resource, Access::Write, &name)?;
        }
        Ok(())
    }

    /// A check may be changed by who may write what it is about.
    ///
    /// # Errors
    /// `Permission denied...`; 404 for an unknown id.
    pub fn check_check_update(&self, who: &Authorizer, id: &str) -> Result<()> {
        let check = self.local().check(id).ok_or_else(|| unknown_check(id))?;
        let (resource, name) = self.subject(&check);
        who.check(resource, Access::Write, &name)
    }
}
