//! Policies (`spec/acl-and-tls.md` 9.4).

use super::bodies::POLICY;
use super::{begin_read, decode, deleted, enabled, name, show};
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::http::decode::shape::Kind;
use crate::http::encodings::encodings;
use crate::rpc::method::{AclPolicyDelete, AclPolicyList, AclPolicyRead, AclPolicySet};
use crate::types::acl::{
    AclPolicy, AclPolicyDeleteRequest, AclPolicyGetRequest, AclPolicyListRequest, AclPolicyListResponse,
    AclPolicyResponse, AclPolicySetRequest,
};
use crate::types::{Error, Result};

encodings! {
    POLICIES: AclPolicyListResponse, reply => &reply.policies;
    ONE: AclPolicyResponse, reply => &reply.policy;
}

pub(super) async fn list(call: &mut Call<'_>) -> Result<Answer> {
    begin_read(call)?;
    let request = AclPolicyListRequest { datacenter: call.datacenter(), query: call.read_options() };
    let found = call.fetch::<AclPolicyList>(request, &POLICIES).await?;
    Ok(Answer::encoded(found.body))
}

pub(super) async fn create(call: &mut Call<'_>) -> Result<Answer> {
    enabled(call)?;
    set(call, "").await
}

/// Stores the policy of the body.
async fn set(call: &mut Call<'_>, id: &str) -> Result<Answer> {
    let mut policy: AclPolicy = decode(call, &Kind::Object(&POLICY), "Policy decoding failed").await?;
    if id.is_empty() && !policy.id.is_empty() {
        return Err(Error::bad_request("Cannot specify the ID when creating a new policy"));
    }
    if !policy.id.is_empty() && policy.id != id {
        return Err(Error::bad_request("Policy ID in URL and payload do not match"));
    }
    id.clone_into(&mut policy.id);
    let request = AclPolicySetRequest { datacenter: call.datacenter(), policy, token: call.token() };
    let stored = call.agent.call::<AclPolicySet>(request).await?;
    call.json(&stored)
}

/// One policy: read, replaced or deleted.
pub(super) async fn one(call: &mut Call<'_>) -> Result<Answer> {
    enabled(call)?;
    let missing = "Missing policy ID";
    match call.method() {
        "PUT" => set(call, call.rest).await,
        "DELETE" => {
            let policy_id = call.argument(missing)?.to_owned();
            let request = AclPolicyDeleteRequest { datacenter: call.datacenter(), policy_id, token: call.token() };
            let result = call.agent.call::<AclPolicyDelete>(request).await;
            deleted(call, result, "policy")
        }
        _ => {
            begin_read(call)?;
            let policy_id = call.argument(missing)?.to_owned();
            read(call, AclPolicyGetRequest { policy_id, ..AclPolicyGetRequest::default() }).await
        }
    }
}

pub(super) async fn by_name(call: &mut Call<'_>) -> Result<Answer> {
    begin_read(call)?;
    call.argument("Missing policy Name")?;
    let policy_name = name(call).into_owned();
    read(call, AclPolicyGetRequest { policy_name, ..AclPolicyGetRequest::default() }).await
}

async fn read(call: &mut Call<'_>, which: AclPolicyGetRequest) -> Result<Answer> {
    let request = AclPolicyGetRequest { datacenter: call.datacenter(), query: call.read_options(), ..which };
    show::<AclPolicyRead>(call, request, &ONE, "policy").await
}
