//! Roles (`spec/acl-and-tls.md` 9.5).

use super::bodies::ROLE;
use super::{begin_read, decode, deleted, enabled, name, show};
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::http::decode::shape::Kind;
use crate::http::encodings::encodings;
use crate::rpc::method::{AclRoleDelete, AclRoleList, AclRoleRead, AclRoleSet};
use crate::types::acl::{
    AclRole, AclRoleDeleteRequest, AclRoleGetRequest, AclRoleListRequest, AclRoleListResponse, AclRoleResponse,
    AclRoleSetRequest,
};
use crate::types::{Error, Result};

encodings! {
    ROLES: AclRoleListResponse, reply => &reply.roles;
    ONE: AclRoleResponse, reply => &reply.role;
}

pub(super) async fn list(call: &mut Call<'_>) -> Result<Answer> {
    begin_read(call)?;
    let request = AclRoleListRequest {
        datacenter: call.datacenter(),
        policy: call.params.text("policy").to_owned(),
        query: call.read_options(),
    };
    let found = call.fetch::<AclRoleList>(request, &ROLES).await?;
    Ok(Answer::encoded(found.body))
}

pub(super) async fn create(call: &mut Call<'_>) -> Result<Answer> {
    enabled(call)?;
    set(call, "").await
}

/// Stores the role of the body.
async fn set(call: &mut Call<'_>, id: &str) -> Result<Answer> {
    let mut role: AclRole = decode(call, &Kind::Object(&ROLE), "Role decoding failed").await?;
    if !role.id.is_empty() && role.id != id {
        return Err(Error::bad_request("Role ID in URL and payload do not match"));
    }
    id.clone_into(&mut role.id);
    let request = AclRoleSetRequest { datacenter: call.datacenter(), role, token: call.token() };
    let stored = call.agent.call::<AclRoleSet>(request).await?;
    call.json(&stored)
}

/// One role: read, replaced or deleted.
pub(super) async fn one(call: &mut Call<'_>) -> Result<Answer> {
    enabled(call)?;
    let missing = "Missing role ID";
    match call.method() {
        "PUT" => set(call, call.rest).await,
        "DELETE" => {
            let role_id = call.argument(missing)?.to_owned();
            let request = AclRoleDeleteRequest { datacenter: call.datacenter(), role_id, token: call.token() };
            let result = call.agent.call::<AclRoleDelete>(request).await;
            deleted(call, result, "role")
        }
        _ => {
            begin_read(call)?;
            let role_id = call.argument(missing)?.to_owned();
            read(call, AclRoleGetRequest { role_id, ..AclRoleGetRequest::default() }).await
        }
    }
}

pub(super) async fn by_name(call: &mut Call<'_>) -> Result<Answer> {
    begin_read(call)?;
    call.argument("Missing role Name")?;
    let role_name = name(call).into_owned();
    read(call, AclRoleGetRequest { role_name, ..AclRoleGetRequest::default() }).await
}

async fn read(call: &mut Call<'_>, which: AclRoleGetRequest) -> Result<Answer> {
    let request = AclRoleGetRequest { datacenter: call.datacenter(), query: call.read_options(), ..which };
    show::<AclRoleRead>(call, request, &ONE, "role").await
}
