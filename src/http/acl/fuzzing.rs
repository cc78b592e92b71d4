//! The bodies of these endpoints, for `crate::http::fuzzing`.

use super::bodies::*;
use super::tokens::Bootstrap;
use crate::acl::templates::Template;
use crate::http::decode::shape::{Kind, Shape};
use crate::http::fuzzing::{Body, sent};
use crate::types::acl::*;
use serde::de::DeserializeOwned;

fn object<T: DeserializeOwned + Default>(body: &[u8], shape: &'static Shape) -> Option<T> {
    super::parse(body, &Kind::Object(shape)).ok()
}

/// Names of the bodies, and how they are read.
pub(in crate::http) const BODIES: &[Body] = &[
    ("acl_bootstrap", |body| drop(object::<Bootstrap>(body, &BOOTSTRAP))),
    ("acl_login", |body| sent(object::<AclLoginParams>(body, &LOGIN))),
    ("acl_token", |body| {
        let token = object::<AclToken>(body, &TOKEN);
        sent(token.map(|acl_token| AclTokenSetRequest { acl_token, ..AclTokenSetRequest::default() }));
    }),
    ("acl_policy", |body| {
        let mut policy = object::<AclPolicy>(body, &POLICY);
        policy.iter_mut().for_each(AclPolicy::set_hash);
        sent(policy);
    }),
    ("acl_role", |body| {
        let mut role = object::<AclRole>(body, &ROLE);
        role.iter_mut().for_each(AclRole::set_hash);
        sent(role);
    }),
    ("acl_auth_method", |body| sent(object::<AuthMethod>(body, &AUTH_METHOD))),
    ("acl_binding_rule", |body| sent(object::<BindingRule>(body, &BINDING_RULE))),
    ("acl_template", |body| {
        let Some(variables) = object::<TemplateVariables>(body, &VARIABLES) else { return };
        for name in ["builtin/service", "builtin/dns"] {
            let _ = Template::named(name).map(|template| template.check(Some(&variables.name)));
        }
    }),
    ("acl_authorize", |body| {
        let asked = super::parse::<Vec<AclAuthorizationRequest>>(body, &AUTHORIZATIONS);
        sent(asked.ok());
    }),
];
