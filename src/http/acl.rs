//! `/v1/acl`: while ACLs are off every endpoint says so (`spec/acl-and-tls.md` 7).

use super::answer::Answer;
use super::call::Call;
use super::routes::routes;
use crate::types::{Error, Result};

routes! {
    "/v1/acl/bootstrap" "PUT" disabled;
    "/v1/acl/replication" "GET" disabled;
    "/v1/acl/login" "POST" disabled;
    "/v1/acl/logout" "POST" disabled;
    "/v1/acl/policies" "GET" disabled;
    "/v1/acl/policy" "PUT" disabled;
    "/v1/acl/policy/" "GET,PUT,DELETE" disabled;
    "/v1/acl/policy/name/" "GET" disabled;
    "/v1/acl/roles" "GET" disabled;
    "/v1/acl/role" "PUT" disabled;
    "/v1/acl/role/" "GET,PUT,DELETE" disabled;
    "/v1/acl/role/name/" "GET" disabled;
    "/v1/acl/tokens" "GET" disabled;
    "/v1/acl/token" "PUT" disabled;
    "/v1/acl/token/self" "GET" disabled;
    "/v1/acl/token/" "GET,PUT,DELETE" disabled;
    "/v1/acl/binding-rules" "GET" disabled;
    "/v1/acl/binding-rule" "PUT" disabled;
    "/v1/acl/binding-rule/" "GET,PUT,DELETE" disabled;
    "/v1/acl/auth-methods" "GET" disabled;
    "/v1/acl/auth-method" "PUT" disabled;
    "/v1/acl/auth-method/" "GET,PUT,DELETE" disabled;
    "/v1/acl/templated-policies" "GET" disabled;
    "/v1/acl/templated-policy/name/" "GET" disabled;
    "/v1/acl/templated-policy/preview/" "POST" disabled;
    "/v1/internal/acl/authorize" "POST" disabled;
}

async fn disabled(_call: &mut Call<'_>) -> Result<Answer> {
    Err(Error::with_status(401, "ACL support disabled"))
}
