//! `/v1/acl` (`spec/acl-and-tls.md` 9): one file a kind of object. While ACLs are off every endpoint says so.

mod auth_methods;
mod authorize;
mod binding_rules;
mod bodies;
pub(super) mod fuzzing;
mod login;
mod policies;
mod roles;
mod templates;
#[cfg(test)]
mod tests;
mod tokens;

use super::answer::Answer;
use super::call::{BODY_LIMIT, Call};
use super::decode::shape::Kind;
use super::encodings::Encodings;
use super::params::unescape;
use super::routes::{META, NS, routes};
use crate::rpc::Method;
use crate::rpc::method::AclReplicationStatusRead;
use crate::server::ReadEndpoint;
use crate::types::requests::{DcRequest, ReadRequest};
use crate::types::{Error, Result};
use hyper::StatusCode;
use serde::de::DeserializeOwned;

/// What all reads of objects have.
const LOOK: u8 = NS | META;

routes! {
    "/v1/acl/bootstrap" "PUT" tokens::bootstrap;
    "/v1/acl/replication" "GET" replication;
    "/v1/acl/login" "POST" login::login, NS;
    "/v1/acl/logout" "POST" login::logout;
    "/v1/acl/policies" "GET" policies::list, LOOK;
    "/v1/acl/policy" "PUT" policies::create, NS;
    "/v1/acl/policy/" "GET,PUT,DELETE" policies::one, LOOK;
    "/v1/acl/policy/name/" "GET" policies::by_name, LOOK;
    "/v1/acl/roles" "GET" roles::list, LOOK;
    "/v1/acl/role" "PUT" roles::create, NS;
    "/v1/acl/role/" "GET,PUT,DELETE" roles::one, LOOK;
    "/v1/acl/role/name/" "GET" roles::by_name, LOOK;
    "/v1/acl/tokens" "GET" tokens::list, LOOK;
    "/v1/acl/token" "PUT" tokens::create, NS;
    "/v1/acl/token/self" "GET" tokens::own, LOOK;
    "/v1/acl/token/" "GET,PUT,DELETE" tokens::one, LOOK;
    "/v1/acl/binding-rules" "GET" binding_rules::list, LOOK;
    "/v1/acl/binding-rule" "PUT" binding_rules::create, NS;
    "/v1/acl/binding-rule/" "GET,PUT,DELETE" binding_rules::one, LOOK;
    "/v1/acl/auth-methods" "GET" auth_methods::list, LOOK;
    "/v1/acl/auth-method" "PUT" auth_methods::create, NS;
    "/v1/acl/auth-method/" "GET,PUT,DELETE" auth_methods::one, LOOK;
    "/v1/acl/templated-policies" "GET" templates::list, NS;
    "/v1/acl/templated-policy/name/" "GET" templates::read, NS;
    "/v1/acl/templated-policy/preview/" "POST" templates::preview, NS;
    "/v1/internal/acl/authorize" "POST" authorize::authorize;
}

/// Refuses while ACLs are off.
///
/// # Errors
/// 401 `ACL support disabled`.
fn enabled(call: &Call<'_>) -> Result<()> {
    if call.settings.acl_enabled { Ok(()) } else { Err(Error::with_status(401, "ACL support disabled")) }
}

/// Refuses while ACLs are off, and parses the options of a read.
///
/// # Errors
/// 401, or 400 for bad options.
fn begin_read(call: &mut Call<'_>) -> Result<()> {
    enabled(call)?;
    call.options = call.params.options(Default::default())?;
    Ok(())
}

/// Reads an object; one that does not exist is 404 and shows no metadata.
async fn show<M>(call: &mut Call<'_>, args: M::Args, view: &Encodings<M::Reply>, thing: &str) -> Result<Answer>
where
    M: ReadEndpoint,
    <M as Method>::Args: ReadRequest,
{
    let found = call.fetch::<M>(args, view).await?;
    if !found.not_found {
        return Ok(Answer::encoded(found.body));
    }
    call.clear_meta();
    let text = format!("Requested {thing} does not exist: ACL not found");
    Ok(Answer::text(StatusCode::NOT_FOUND, text))
}

/// `true`, or 404 when there was nothing to delete.
fn deleted<T>(call: &Call<'_>, result: Result<T>, thing: &str) -> Result<Answer> {
    match result {
        Ok(_) => call.json(&true),
        // A caller whose own token is unknown is refused with just these words.
        Err(error) if error.text.ends_with(": ACL not found") => {
            Ok(Answer::text(StatusCode::NOT_FOUND, format!("Cannot find {thing} to delete")))
        }
        Err(error) => Err(error),
    }
}

/// The body as a value of the given type.
///
/// # Errors
/// 400 `<what>: <reason>`.
async fn decode<T: DeserializeOwned + Default>(call: &mut Call<'_>, kind: &Kind, what: &str) -> Result<T> {
    let body = call.bytes(BODY_LIMIT).await?;
    parse(&body, kind).map_err(|reason| Error::bad_request(format!("{what}: {reason}")))
}

/// Reads a body, with a hint when the unknown field is the Enterprise one.
fn parse<T: DeserializeOwned + Default>(body: &[u8], kind: &Kind) -> Result<T, String> {
    super::decode::decode(body, kind).map_err(|reason| {
        let namespace = reason.ends_with("unknown field \"Namespace\"");
        if namespace { reason + " - Namespaces are a Consul Enterprise feature" } else { reason }
    })
}

/// The path's argument, which clients escape once more than URLs need.
fn name<'a>(call: &Call<'a>) -> std::borrow::Cow<'a, str> {
    unescape(call.rest)
}

async fn replication(call: &mut Call<'_>) -> Result<Answer> {
    begin_read(call)?;
    let request = DcRequest { datacenter: call.datacenter(), query: call.read_options(), ..DcRequest::default() };
    let status = call.agent.call::<AclReplicationStatusRead>(request).await?;
    call.json(&status)
}
