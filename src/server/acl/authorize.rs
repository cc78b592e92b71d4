//! `ACL.Authorize`: decisions for who asks what a token may do (`spec/acl-and-tls.md` 9.2).

use crate::acl::{Access, Authorizer, Resource};
use crate::rpc::method::AclAuthorize;
use crate::server::{Endpoint, Place, Server};
use crate::types::acl::*;
use crate::types::{Error, Result};

/// Most decisions at once.
const MOST: usize = 64;

impl Endpoint for AclAuthorize {
    /// Decisions hold in the datacenter of who decides.
    const PLACE: Place = Place::Datacenter;

    async fn serve(server: &Server, args: AclAuthorizationsRequest) -> Result<Vec<AclAuthorizationResponse>> {
        let authorizer = server.acl_caller(&args.query.token).await?;
        if args.requests.len() > MOST {
            return Err(Error::bad_request(format!("Refusing to process more than {MOST} authorizations at once")));
        }
        args.requests.into_iter().map(|request| decide(&authorizer, request)).collect()
    }
}

fn decide(authorizer: &Authorizer, request: AclAuthorizationRequest) -> Result<AclAuthorizationResponse> {
    let (name, access) = (&request.resource, request.access.as_str());
    let unknown = || Error::bad_request(format!("Invalid ACL resource requested: {name:?}"));
    let resource = Resource::parse(name).ok_or_else(unknown)?;
    let allow = match (resource, access) {
        (_, "read") => authorizer.allows(resource, Access::Read, &request.segment),
        (_, "write") => authorizer.allows(resource, Access::Write, &request.segment),
        (Resource::Key, "list") => authorizer.allows(resource, Access::List, &request.segment),
        (Resource::Key, "write-prefix") => authorizer.allows_prefix_write(resource, &request.segment),
        _ => return Err(Error::bad_request(format!("Invalid access level for {name} resource: {access}"))),
    };
    Ok(AclAuthorizationResponse { request, allow })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acl::Base;

    #[test]
    fn senseless_questions_are_refused_and_others_decided() {
        let decide = |resource: &str, access: &str| {
            let request =
                AclAuthorizationRequest { resource: resource.into(), access: access.into(), segment: "x".into() };
            decide(&Authorizer::of_base("", Base::Allow), request)
        };
        assert!(decide("key", "write-prefix").expect("decided").allow);
        assert!(decide("key", "list").expect("decided").allow);
        assert!(!decide("acl", "read").expect("decided").allow);
        assert!(decide("intention", "write").expect("decided").allow);
        assert_eq!(decide("foo", "read").expect_err("senseless").text, "Invalid ACL resource requested: \"foo\"");
        assert_eq!(decide("key", "foo").expect_err("senseless").text, "Invalid access level for key resource: foo");
        assert_eq!(decide("node", "list").expect_err("senseless").text, "Invalid access level for node resource: list");
    }
}
