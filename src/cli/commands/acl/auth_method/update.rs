//! `acl auth-method update`.

use super::super::{FORMAT, META, missing, show};
use super::{
    CONFIG, DESCRIPTION, DISPLAY_NAME, KUBERNETES, KUBERNETES_CA_CERT, KUBERNETES_HOST, KUBERNETES_JWT, MAX_TOKEN_TTL,
    NAME, TOKEN_LOCALITY, pretty,
};
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::acl::AuthMethod;
use std::collections::BTreeMap;

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "auth-method", "update"],
    synopsis: "Update an ACL auth method",
    usage: "Usage: {program} acl auth-method update -name NAME [options]

  Changes an auth method. What is not given stays as it is, unless -no-merge
  says otherwise.

      $ {program} acl auth-method update -name \"my-k8s\" \\
                  -description \"new description\" \\
                  -kubernetes-host \"https://new-apiserver.example.com:8443\"",
    groups: Groups::CSN,
    flags: &[
        CONFIG,
        DESCRIPTION,
        DISPLAY_NAME,
        FORMAT,
        KUBERNETES_CA_CERT,
        KUBERNETES_HOST,
        KUBERNETES_JWT,
        MAX_TOKEN_TTL,
        META,
        NAME,
        Flag::bool("no-merge", "Replace all fields, also those that are not given. The default is false."),
        TOKEN_LOCALITY,
    ],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let name = m.text("name");
    if name.is_empty() {
        return Err(Exit::error("Cannot update an auth method without specifying the -name parameter"));
    }
    let client = connect(cx, m)?;
    let found = cx.block_on(client.acl_auth_method(name)).or_exit("Error when retrieving current auth method")?;
    let old = found.ok_or_else(|| Exit::error(format!("Auth method not found with name {name:?}")))?;
    if super::config_and_flags(m) {
        return Err(missing("Cannot use command line arguments with '-config' flag"));
    }
    let method = if m.flag("no-merge") { replaced(m, old)? } else { merged(m, old)? };
    let updated =
        cx.block_on(client.acl_auth_method_update(&method)).or_exit(&format!("Error updating auth method {name:?}"))?;
    show(cx, m, &updated, pretty::method)
}

/// What the flags say and nothing else; the type cannot change.
fn replaced(m: &Matches, old: AuthMethod) -> Result<AuthMethod, Exit> {
    let mut config = BTreeMap::new();
    if !m.text("config").is_empty() {
        config = super::config(m, "Error parsing JSON for auth method config")?;
    } else if old.kind == "kubernetes" {
        for (flag, _) in KUBERNETES {
            super::super::required(m, flag)?;
        }
        set_kubernetes(m, &mut config)?;
    }
    Ok(AuthMethod {
        name: old.name,
        kind: old.kind,
        display_name: m.text("display-name").to_owned(),
        description: m.text("description").to_owned(),
        max_token_ttl: m.duration("max-token-ttl"),
        token_locality: m.text("token-locality").to_owned(),
        config: Some(config).filter(|config| !config.is_empty()),
        ..AuthMethod::default()
    })
}

/// The old method with what the flags say.
fn merged(m: &Matches, mut method: AuthMethod) -> Result<AuthMethod, Exit> {
    for (flag, field) in [
        ("display-name", &mut method.display_name),
        ("description", &mut method.description),
        ("token-locality", &mut method.token_locality),
    ] {
        if !m.text(flag).is_empty() {
            *field = m.text(flag).to_owned();
        }
    }
    if m.duration("max-token-ttl").0 > 0 {
        method.max_token_ttl = m.duration("max-token-ttl");
    }
    if !m.text("config").is_empty() {
        method.config = Some(super::config(m, "Error parsing JSON for auth method config")?);
    } else if method.kind == "kubernetes" {
        let mut config = method.config.unwrap_or_default();
        set_kubernetes(m, &mut config)?;
        method.config = Some(config);
    }
    Ok(method)
}

/// Writes the Kubernetes flags that are given into a configuration.
fn set_kubernetes(m: &Matches, config: &mut BTreeMap<String, serde_json::Value>) -> Result<(), Exit> {
    for (flag, key) in KUBERNETES {
        let value = if flag == "kubernetes-ca-cert" { super::ca_cert(m)? } else { m.text(flag).to_owned() };
        if !value.is_empty() {
            config.insert(key.to_owned(), value.into());
        }
    }
    Ok(())
}
