//! `acl auth-method create`.

use super::super::{FORMAT, META, missing, required, show};
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
    path: &["acl", "auth-method", "create"],
    synopsis: "Create an ACL auth method",
    usage: "Usage: {program} acl auth-method create -type TYPE -name NAME [options]

  Creates an auth method and prints it.

      $ {program} acl auth-method create -type \"kubernetes\" -name \"my-k8s\" \\
                  -kubernetes-host \"https://apiserver.example.com:8443\" \\
                  -kubernetes-ca-cert @/path/to/ca.crt \\
                  -kubernetes-service-account-jwt \"JWT_CONTENTS\"

      $ {program} acl auth-method create -type \"jwt\" -name \"ci\" -config @ci.json",
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
        TOKEN_LOCALITY,
        Flag::string("type", "Type of the auth method: jwt, kubernetes or aws-iam. This flag is required."),
    ],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let kind = required(m, "type")?;
    let name = required(m, "name")?;
    if super::config_and_flags(m) {
        return Err(missing("Cannot use command line arguments with '-config' flags"));
    }
    let client = connect(cx, m)?;
    let config = if !m.text("config").is_empty() {
        super::config(m, "Error parsing JSON configuration file")?
    } else if kind == "kubernetes" {
        kubernetes(m)?
    } else {
        BTreeMap::new()
    };
    let method = AuthMethod {
        name: name.to_owned(),
        kind: kind.to_owned(),
        display_name: m.text("display-name").to_owned(),
        description: m.text("description").to_owned(),
        max_token_ttl: m.duration("max-token-ttl"),
        token_locality: m.text("token-locality").to_owned(),
        config: Some(config).filter(|config| !config.is_empty()),
        ..AuthMethod::default()
    };
    let created = cx.block_on(client.acl_auth_method_create(&method)).or_exit("Failed to create new auth method")?;
    show(cx, m, &created, pretty::method)
}

/// The configuration that the Kubernetes flags stand for.
fn kubernetes(m: &Matches) -> Result<BTreeMap<String, serde_json::Value>, Exit> {
    for (flag, _) in KUBERNETES {
        required(m, flag)?;
    }
    let mut config = BTreeMap::new();
    for (flag, key) in KUBERNETES {
        let value = if flag == "kubernetes-ca-cert" { super::ca_cert(m)? } else { m.text(flag).to_owned() };
        config.insert(key.to_owned(), value.into());
    }
    Ok(config)
}
