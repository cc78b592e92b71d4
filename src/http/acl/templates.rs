//! Templated policies (`spec/acl-and-tls.md` 8.2): they are built in, so the agent answers by itself.

use super::bodies::VARIABLES;
use super::{enabled, name};
use crate::acl::templates::{TEMPLATES, Template};
use crate::acl::{Access, Resource};
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::http::decode::shape::Kind;
use crate::types::acl::{AclPolicy, TemplateVariables};
use crate::types::{Error, Result, go_quote};
use serde::Serialize;
use std::collections::BTreeMap;

/// A template as the API shows it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct View {
    template_name: &'static str,
    schema: &'static str,
    template: &'static str,
    description: &'static str,
}

impl View {
    fn of(template: &'static Template) -> View {
        View {
            template_name: template.name,
            schema: template.schema(),
            template: template.rules,
            description: template.description,
        }
    }
}

/// Refuses callers who may not read ACLs.
async fn permitted(call: &Call<'_>) -> Result<()> {
    enabled(call)?;
    call.require(Resource::Acl, Access::Read, "").await
}

pub(super) async fn list(call: &mut Call<'_>) -> Result<Answer> {
    permitted(call).await?;
    let all: BTreeMap<_, _> = TEMPLATES.iter().map(|template| (template.name, View::of(template))).collect();
    call.json(&all)
}

pub(super) async fn read(call: &mut Call<'_>) -> Result<Answer> {
    permitted(call).await?;
    call.argument("Missing templated policy Name")?;
    let name = name(call);
    let unknown = || Error::bad_request(format!("Invalid templated policy Name: {name}"));
    call.json(&View::of(Template::named(&name).ok_or_else(unknown)?))
}

pub(super) async fn preview(call: &mut Call<'_>) -> Result<Answer> {
    permitted(call).await?;
    call.argument("Missing templated policy Name")?;
    let name = name(call).into_owned();
    let template = Template::named(&name)
        .ok_or_else(|| Error::bad_request(format!("templated policy {} does not exist", go_quote(&name))))?;
    let body = call.bytes(crate::http::call::BODY_LIMIT).await?;
    let variables: Option<TemplateVariables> = if body.is_empty() {
        None
    } else {
        let read = super::parse(&body, &Kind::Object(&VARIABLES));
        Some(read.map_err(|reason| Error::bad_request(format!("Failed to decode request body: {reason}")))?)
    };
    let variable = variables.as_ref().map(|variables| variables.name.as_str());
    template.check(variable).map_err(|why| {
        Error::bad_request(format!("validation error for templated policy: {}: {why}", go_quote(&name)))
    })?;
    let made = template.policy(variable.unwrap_or_default());
    let mut policy = AclPolicy {
        id: made.id,
        name: made.name,
        description: made.description,
        rules: made.rules,
        ..AclPolicy::default()
    };
    policy.set_hash();
    call.json(&policy)
}
