//! `acl auth-method` (`spec/cli.md` 9.5).

pub mod create;
pub mod delete;
pub mod list;
mod pretty;
pub mod read;
pub mod update;

use crate::cli::{Command, Exit, Flag, Matches, OrExit, data};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsStr;

/// The group.
pub static COMMAND: Command = Command::group(
    &["acl", "auth-method"],
    "Manage ACL auth methods",
    "Usage: {program} acl auth-method <subcommand> [options] [args]

  Auth methods let programs exchange a credential of another system for a
  token. Some examples:

      $ {program} acl auth-method create -type jwt -name ci -config @ci.json
      $ {program} acl auth-method list
      $ {program} acl auth-method read -name ci
      $ {program} acl auth-method update -name ci -description \"builds\"
      $ {program} acl auth-method delete -name ci",
);

const NAME: Flag = Flag::string("name", "Name of the auth method. This flag is required.");
const DISPLAY_NAME: Flag = Flag::string("display-name", "Name for humans.");
const DESCRIPTION: Flag = Flag::string("description", "Text that says what the auth method is for.");
const MAX_TOKEN_TTL: Flag = Flag::duration("max-token-ttl", "Time after which a token of a login is no longer valid.");
const TOKEN_LOCALITY: Flag = Flag::string(
    "token-locality",
    "Kind of the tokens of logins: 'local' to this datacenter, or 'global'. The default is local.",
);
const CONFIG: Flag = Flag::string("config", "Configuration in JSON. @file reads it from a file, - from stdin.");
const KUBERNETES_HOST: Flag = Flag::string("kubernetes-host", "Address of the Kubernetes API server.");
const KUBERNETES_CA_CERT: Flag = Flag::string(
    "kubernetes-ca-cert",
    "CA certificate of the Kubernetes API server, PEM. @file reads it from a file, - from stdin.",
);
const KUBERNETES_JWT: Flag = Flag::string(
    "kubernetes-service-account-jwt",
    "JWT of a service account that may review tokens at the Kubernetes API server.",
);

/// The Kubernetes flags and the keys of the configuration that they fill.
const KUBERNETES: [(&str, &str); 3] = [
    ("kubernetes-host", "Host"),
    ("kubernetes-ca-cert", "CACert"),
    ("kubernetes-service-account-jwt", "ServiceAccountJWT"),
];

/// `-config` stands next to a Kubernetes flag.
fn config_and_flags(m: &Matches) -> bool {
    !m.text("config").is_empty() && KUBERNETES.iter().any(|(flag, _)| !m.text(flag).is_empty())
}

/// The configuration of `-config`.
fn config(m: &Matches, parsing: &str) -> Result<BTreeMap<String, Value>, Exit> {
    let text = data::load(OsStr::new(m.text("config"))).or_exit("Error loading configuration file")?;
    serde_json::from_slice(&text).or_exit(parsing)
}

/// The certificate of `-kubernetes-ca-cert`, empty when it is not given.
fn ca_cert(m: &Matches) -> Result<String, Exit> {
    let text = data::load(OsStr::new(m.text("kubernetes-ca-cert")));
    let text = text.map_err(|error| Exit::error(format!("Invalid '-kubernetes-ca-cert' value: {error}")))?;
    let text = String::from_utf8_lossy(&text).into_owned();
    if text.is_empty() && !m.text("kubernetes-ca-cert").is_empty() {
        return Err(Exit::error("Kubernetes CA Cert is empty"));
    }
    Ok(text)
}
