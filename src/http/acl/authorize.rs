//! `/v1/internal/acl/authorize`: what the caller may do (`spec/acl-and-tls.md` 9.2).

use super::bodies::AUTHORIZATIONS;
use super::{decode, enabled};
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::rpc::method::AclAuthorize;
use crate::types::acl::{AclAuthorizationRequest, AclAuthorizationResponse, AclAuthorizationsRequest};
use crate::types::{Error, Result};

/// Most things that one request may ask about.
const MOST: usize = 64;

pub(super) async fn authorize(call: &mut Call<'_>) -> Result<Answer> {
    enabled(call)?;
    call.options = call.params.options(Default::default())?;
    let requests: Vec<AclAuthorizationRequest> = decode(call, &AUTHORIZATIONS, "Failed to decode request body").await?;
    if requests.len() > MOST {
        let text = format!("Refusing to process more than {MOST} authorizations at once");
        return Err(Error::bad_request(text));
    }
    if requests.is_empty() {
        return call.json::<[AclAuthorizationResponse]>(&[]);
    }
    let request = AclAuthorizationsRequest { datacenter: call.datacenter(), requests, query: call.read_options() };
    let decisions = call.agent.call::<AclAuthorize>(request).await.map_err(refusal)?;
    call.json(&decisions)
}

/// A question that makes no sense is the caller's fault.
fn refusal(error: Error) -> Error {
    const SENSELESS: [&str; 2] = ["Invalid ACL resource requested: ", "Invalid access level for "];
    let found = SENSELESS.iter().filter_map(|words| error.text.find(words)).min();
    match found {
        Some(at) => Error::bad_request(&error.text[at..]),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senseless_questions_are_bad_requests() {
        let text = "rpc error making call: Invalid ACL resource requested: \"foo\"";
        assert_eq!(refusal(Error::new(text)), Error::bad_request("Invalid ACL resource requested: \"foo\""));
        assert_eq!(refusal(Error::no_leader()), Error::no_leader());
    }
}
