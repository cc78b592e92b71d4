//! Policies (`spec/acl-and-tls.md` 9.4).

use super::super::catalog::at;
use super::super::{Endpoint, Found, ReadContext, ReadEndpoint, Server};
use super::{absent, check_read, fresh_id};
use crate::acl::{NOT_FOUND, Rules};
use crate::rpc::method::*;
use crate::state::{Command, Snapshot, WatchSet};
use crate::telemetry::metrics::Sample;
use crate::types::acl::*;
use crate::types::validate::check_uuid;
use crate::types::{Error, Result, Timestamp, go_quote};
use std::collections::BTreeSet;
use std::sync::Arc;

static UPSERT: Sample = Sample::new("acl.policy.upsert");
static DELETE: Sample = Sample::new("acl.policy.delete");

impl ReadEndpoint for AclPolicyRead {
    fn read(cx: &mut ReadContext<'_>, args: &AclPolicyGetRequest) -> Result<AclPolicyResponse> {
        check_read(cx.server, cx.authorizer)?;
        let (index, policy) = match args.policy_id.as_str() {
            "" => cx.state.acl_policy_by_name(cx.watch, &args.policy_name),
            id => cx.state.acl_policy(cx.watch, id),
        };
        if policy.is_none() {
            cx.found = Found::Nothing;
        }
        Ok(AclPolicyResponse { policy, meta: at(index) })
    }

    fn nothing(_args: &AclPolicyGetRequest, reply: &AclPolicyResponse) -> bool {
        reply.policy.is_none()
    }
}

impl ReadEndpoint for AclPolicyBatchRead {
    fn read(cx: &mut ReadContext<'_>, args: &AclPolicyBatchGetRequest) -> Result<AclPolicyBatchResponse> {
        check_read(cx.server, cx.authorizer)?;
        let (index, policies) = cx.state.acl_policies_of(cx.watch, &args.policy_ids);
        Ok(AclPolicyBatchResponse { policies, meta: at(index) })
    }
}

impl ReadEndpoint for AclPolicyList {
    fn read(cx: &mut ReadContext<'_>, _args: &AclPolicyListRequest) -> Result<AclPolicyListResponse> {
        check_read(cx.server, cx.authorizer)?;
        let (index, policies) = cx.state.acl_policies(cx.watch);
        let policies = policies.iter().map(|policy| AclPolicyListStub::from(&**policy)).collect();
        Ok(AclPolicyListResponse { policies, meta: at(index) })
    }
}

impl Endpoint for AclPolicySet {
    async fn serve(server: &Server, args: AclPolicySetRequest) -> Result<AclPolicy> {
        server.acl_writer(&args.token).await?;
        let _timer = UPSERT.timer();
        let mut policy = args.policy;
        check_policy(server, &mut policy)?;
        policy.set_hash();
        let id = policy.id.clone();
        let batch = AclPolicyBatchSet { policies: vec![policy] };
        server.apply(Command::AclPolicySet(batch), "Failed to apply policy upsert request: ").await?;
        let stored = server.store().snapshot().acl_policy(&mut WatchSet::none(), &id).1;
        stored.map(|stored| AclPolicy::clone(&stored)).ok_or_else(|| Error::new("Failed to retrieve policy"))
    }

    fn for_primary(_server: &Server, _args: &AclPolicySetRequest) -> bool {
        true
    }
}

/// Refuses a policy that cannot be stored, and gives a new one its id.
fn check_policy(server: &Server, policy: &mut AclPolicy) -> Result<()> {
    let state = server.store().snapshot();
    let invalid = |why: &str| Error::new(format!("Invalid Policy: {why}"));
    if policy.name.is_empty() {
        return Err(invalid("no Name is set"));
    }
    let named = state.acl_policy_by_name(&mut WatchSet::none(), &policy.name).1;
    if let Some(why) = policy_name_error(&policy.name) {
        return Err(invalid(why));
    }
    let taken = || Err(invalid(&format!("A Policy with Name {} already exists", go_quote(&policy.name))));
    if policy.id.is_empty() {
        if named.is_some() {
            return taken();
        }
        policy.id = fresh_id(server, |state, id| state.acl_policy(&mut WatchSet::none(), id).1.is_some());
    } else {
        if check_uuid(&policy.id).is_err() {
            return Err(Error::new("Policy ID invalid UUID"));
        }
        let stored = state.acl_policy(&mut WatchSet::none(), &policy.id).1;
        let stored = stored.ok_or_else(|| Error::new(format!("cannot find policy {}", policy.id)))?;
        if named.is_some_and(|named| named.id != stored.id) {
            return taken();
        }
        check_builtin(policy, &stored)?;
        policy.id.clone_from(&stored.id);
    }
    Rules::parse(&policy.rules).map(drop)
}

/// A builtin policy can be renamed and described, nothing else.
fn check_builtin(policy: &AclPolicy, stored: &AclPolicy) -> Result<()> {
    let Some(builtin) = BuiltinPolicy::with_id(&stored.id) else { return Ok(()) };
    let refuse = |what: &str| {
        Err(Error::new(format!("Changing the {what} the builtin {} policy is not permitted", builtin.name)))
    };
    if policy.datacenters != stored.datacenters {
        return refuse("Datacenters of");
    }
    if policy.rules != stored.rules {
        return refuse("Rules for");
    }
    Ok(())
}

impl Endpoint for AclPolicyDelete {
    async fn serve(server: &Server, args: AclPolicyDeleteRequest) -> Result<String> {
        server.acl_writer(&args.token).await?;
        let _timer = DELETE.timer();
        let policy = server.store().snapshot().acl_policy(&mut WatchSet::none(), &args.policy_id).1;
        let policy = policy.ok_or_else(|| absent("policy"))?;
        if let Some(builtin) = BuiltinPolicy::with_id(&policy.id) {
            let text = format!("Delete operation not permitted on the builtin {} policy", builtin.name);
            return Err(Error::new(text));
        }
        let batch = AclPolicyBatchDelete { policy_ids: vec![policy.id.clone()] };
        server.apply(Command::AclPolicyDelete(batch), "Failed to apply policy delete request: ").await?;
        Ok(policy.name.clone())
    }

    fn for_primary(_server: &Server, _args: &AclPolicyDeleteRequest) -> bool {
        true
    }
}

/// The token of a caller who asks what it is linked to.
pub(super) fn own_token(server: &Server, state: &Snapshot, secret: &str) -> Result<Arc<AclToken>> {
    server.acl_enabled()?;
    let secret = if secret.is_empty() { ANONYMOUS_SECRET } else { secret };
    let token = state.acl_token_by_secret(&mut WatchSet::none(), secret).1;
    let token = token.filter(|token| !token.is_expired(Timestamp::now()));
    token.ok_or_else(|| Error::with_status(403, NOT_FOUND))
}

impl Endpoint for AclPolicyResolve {
    async fn serve(server: &Server, args: AclPolicyBatchGetRequest) -> Result<AclPolicyBatchResponse> {
        let state = server.store().snapshot();
        let ws = &mut WatchSet::none();
        let token = own_token(server, &state, &args.query.token)?;
        let roles: Vec<String> = token.roles.iter().map(|link| link.id.clone()).collect();
        let roles = state.acl_roles_of(ws, &roles).1;
        let links = token.policies.iter().chain(roles.iter().flat_map(|role| &role.policies));
        let linked: BTreeSet<&str> = links.map(|link| link.id.as_str()).collect();
        let wanted: Vec<String> = args.policy_ids.into_iter().filter(|id| linked.contains(id.as_str())).collect();
        let policies = state.acl_policies_of(ws, &wanted).1;
        Ok(AclPolicyBatchResponse { policies, meta: server.meta(0, false, &args.query.token) })
    }

    fn for_primary(server: &Server, _args: &AclPolicyBatchGetRequest) -> bool {
        !server.has_tokens()
    }
}
