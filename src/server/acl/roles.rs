//! Roles (`spec/acl-and-tls.md` 9.5).

use super::super::catalog::at;
use super::super::{Endpoint, Found, ReadContext, ReadEndpoint, Server};
use super::identities::settle_role;
use super::policies::own_token;
use super::{absent, check_read, fresh_id};
use crate::rpc::method::*;
use crate::state::{Command, WatchSet};
use crate::telemetry::metrics::Sample;
use crate::types::acl::*;
use crate::types::validate::check_uuid;
use crate::types::{Error, Result, go_quote};

static UPSERT: Sample = Sample::new("acl.role.upsert");
static DELETE: Sample = Sample::new("acl.role.delete");

impl ReadEndpoint for AclRoleRead {
    fn read(cx: &mut ReadContext<'_>, args: &AclRoleGetRequest) -> Result<AclRoleResponse> {
        check_read(cx.server, cx.authorizer)?;
        let (index, role) = match args.role_id.as_str() {
            "" => cx.state.acl_role_by_name(cx.watch, &args.role_name),
            id => cx.state.acl_role(cx.watch, id),
        };
        if role.is_none() {
            cx.found = Found::Nothing;
        }
        Ok(AclRoleResponse { role, meta: at(index) })
    }

    fn nothing(_args: &AclRoleGetRequest, reply: &AclRoleResponse) -> bool {
        reply.role.is_none()
    }
}

impl ReadEndpoint for AclRoleBatchRead {
    fn read(cx: &mut ReadContext<'_>, args: &AclRoleBatchGetRequest) -> Result<AclRoleBatchResponse> {
        check_read(cx.server, cx.authorizer)?;
        let (index, roles) = cx.state.acl_roles_of(cx.watch, &args.role_ids);
        Ok(AclRoleBatchResponse { roles, meta: at(index) })
    }
}

impl ReadEndpoint for AclRoleList {
    fn read(cx: &mut ReadContext<'_>, args: &AclRoleListRequest) -> Result<AclRoleListResponse> {
        check_read(cx.server, cx.authorizer)?;
        let (index, roles) = cx.state.acl_roles(cx.watch, &args.policy);
        Ok(AclRoleListResponse { roles, meta: at(index) })
    }
}

impl Endpoint for AclRoleSet {
    async fn serve(server: &Server, args: AclRoleSetRequest) -> Result<AclRole> {
        server.acl_writer(&args.token).await?;
        let _timer = UPSERT.timer();
        let mut role = args.role;
        check_role(server, &mut role)?;
        settle_role(&server.store().snapshot(), &mut role)?;
        role.set_hash();
        let id = role.id.clone();
        let batch = AclRoleBatchSet { roles: vec![role], ..AclRoleBatchSet::default() };
        server.apply(Command::AclRoleSet(batch), "Failed to apply role upsert request: ").await?;
        let stored = server.store().snapshot().acl_role(&mut WatchSet::none(), &id).1;
        stored.map(|stored| AclRole::clone(&stored)).ok_or_else(|| Error::new("Failed to retrieve role"))
    }

    fn for_primary(_server: &Server, _args: &AclRoleSetRequest) -> bool {
        true
    }
}

/// Refuses a role that cannot be stored under its id and name, and gives a new one its id.
fn check_role(server: &Server, role: &mut AclRole) -> Result<()> {
    let state = server.store().snapshot();
    let invalid = |why: &str| Error::new(format!("Invalid Role: {why}"));
    if role.name.is_empty() {
        return Err(invalid("no Name is set"));
    }
    if !is_role_name(&role.name) {
        return Err(invalid("invalid Name. Only alphanumeric characters, '-' and '_' are allowed"));
    }
    let named = state.acl_role_by_name(&mut WatchSet::none(), &role.name).1;
    let taken = || Err(invalid(&format!("A Role with Name {} already exists", go_quote(&role.name))));
    if role.id.is_empty() {
        if named.is_some() {
            return taken();
        }
        role.id = fresh_id(server, |state, id| state.acl_role(&mut WatchSet::none(), id).1.is_some());
        return Ok(());
    }
    if check_uuid(&role.id).is_err() {
        return Err(Error::new("Role ID invalid UUID"));
    }
    let stored = state.acl_role(&mut WatchSet::none(), &role.id).1;
    let stored = stored.ok_or_else(|| Error::new(format!("cannot find role {}", role.id)))?;
    if named.is_some_and(|named| named.id != stored.id) {
        return taken();
    }
    role.id.clone_from(&stored.id);
    Ok(())
}

impl Endpoint for AclRoleDelete {
    async fn serve(server: &Server, args: AclRoleDeleteRequest) -> Result<String> {
        server.acl_writer(&args.token).await?;
        let _timer = DELETE.timer();
        let role = server.store().snapshot().acl_role(&mut WatchSet::none(), &args.role_id).1;
        let role = role.ok_or_else(|| absent("role"))?;
        let batch = AclRoleBatchDelete { role_ids: vec![role.id.clone()] };
        server.apply(Command::AclRoleDelete(batch), "Failed to apply role delete request: ").await?;
        Ok(role.name.clone())
    }

    fn for_primary(_server: &Server, _args: &AclRoleDeleteRequest) -> bool {
        true
    }
}

impl Endpoint for AclRoleResolve {
    async fn serve(server: &Server, args: AclRoleBatchGetRequest) -> Result<AclRoleBatchResponse> {
        let state = server.store().snapshot();
        let token = own_token(server, &state, &args.query.token)?;
        let linked = |id: &String| token.roles.iter().any(|link| link.id == *id);
        let wanted: Vec<String> = args.role_ids.into_iter().filter(linked).collect();
        let roles = state.acl_roles_of(&mut WatchSet::none(), &wanted).1;
        Ok(AclRoleBatchResponse { roles, meta: server.meta(0, false, &args.query.token) })
    }

    fn for_primary(server: &Server, _args: &AclRoleBatchGetRequest) -> bool {
        !server.has_tokens()
    }
}
