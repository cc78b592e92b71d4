//! `login`: a token for the credential of an auth method (`spec/cli.md` 20).

use crate::cli::connect::settings;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::aws::{Chain, Credentials, Login, Sts};
use crate::client::{Client, os_text};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// The command.
pub static COMMAND: Command = Command {
    path: &["login"],
    synopsis: "Log in with an auth method",
    usage: "Usage: {program} login [options]

  Exchanges the credential of another system for a token and writes the token
  to a file. {program} logout destroys it when it is no longer needed.

      $ {program} login -method=minikube \\
                  -bearer-token-file=/var/run/secrets/kubernetes.io/serviceaccount/token \\
                  -token-sink-file=consul.token

  With an aws-iam method the credential is made of the AWS credentials of the
  caller, from flags, environment, a web identity, the shared files of AWS
  tools, or the services that give them to containers and EC2 instances:

      $ {program} login -method=aws -aws-auto-bearer-token -token-sink-file=consul.token",
    groups: Groups::CSN,
    flags: &[
        Flag::string("aws-access-key-id", "AWS access key id; with -aws-auto-bearer-token."),
        Flag::bool("aws-auto-bearer-token", "Make the bearer token from AWS credentials. The default is false."),
        Flag::bool("aws-include-entity", "Let the server read the IAM role or user too. The default is false."),
        Flag::string(
            "aws-region",
            "AWS region; with -aws-auto-bearer-token. Environment: AWS_REGION. The default is that of the profile.",
        ),
        Flag::string("aws-secret-access-key", "AWS secret access key; with -aws-auto-bearer-token."),
        Flag::string("aws-server-id-header-value", "Value of the server id header that the auth method demands."),
        Flag::string("aws-session-token", "AWS session token; with -aws-auto-bearer-token."),
        Flag::string("aws-sts-endpoint", "`URL` of STS; with -aws-auto-bearer-token."),
        Flag::string("bearer-token-file", "File with the credential."),
        Flag::map("meta", "Text for the description of the token, as key=value. May be given several times."),
        Flag::string("method", "Name of the auth method. This flag is required."),
        Flag::string("token-sink-file", "File to write the token's secret to. This flag is required."),
        Flag::string("type", "Type of the auth method; not needed."),
    ],
    flag_error: None,
    run,
};

/// The AWS flags that mean nothing without `-aws-auto-bearer-token`.
const AWS: [&str; 7] = [
    "aws-include-entity",
    "aws-sts-endpoint",
    "aws-region",
    "aws-server-id-header-value",
    "aws-access-key-id",
    "aws-secret-access-key",
    "aws-session-token",
];

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    if !m.args().is_empty() {
        return Err(Exit::error("Should have no non-flag arguments."));
    }
    for flag in ["method", "token-sink-file"] {
        if m.text(flag).is_empty() {
            return Err(Exit::error(format!("Missing required '-{flag}' flag")));
        }
    }
    let bearer = if m.flag("aws-auto-bearer-token") { aws(cx, m)? } else { from_file(m)? };
    // A login is for those who have no token yet: one that is at hand is not sent.
    let connecting = "Error connecting to Consul agent";
    let settings = crate::client::Settings { token: String::new(), ..settings(cx, m).or_exit(connecting)? };
    let client = Client::new(settings).or_exit(connecting)?;
    let token = cx.block_on(client.acl_login(m.text("method"), &bearer, &m.map("meta"))).or_exit("Error logging in")?;
    write_sink(Path::new(m.text("token-sink-file")), &token.secret_id)
        .map_err(|error| Exit::error(format!("Error writing token to file sink: {}", os_text(&error))))
}

/// The bearer token of the file.
fn from_file(m: &Matches) -> Result<String, Exit> {
    if AWS.iter().any(|flag| m.is_set(flag)) {
        return Err(Exit::error("Missing '-aws-auto-bearer-token' flag"));
    }
    let file = m.text("bearer-token-file");
    if file.is_empty() {
        return Err(Exit::error("Missing required '-bearer-token-file' flag"));
    }
    let text =
        std::fs::read_to_string(file).map_err(|error| Exit::error(format!("open {file}: {}", os_text(&error))))?;
    match text.trim() {
        "" => Err(Exit::error(format!("No bearer token found in {file}"))),
        token => Ok(token.to_owned()),
    }
}

/// The bearer token that AWS credentials make.
fn aws(cx: &Context, m: &Matches) -> Result<String, Exit> {
    if !m.text("bearer-token-file").is_empty() {
        return Err(Exit::error("Cannot use '-bearer-token-file' flag with '-aws-auto-bearer-token'"));
    }
    let env = |name: &str| std::env::var(name).ok();
    let chain = Chain::new(&env);
    let text = |flag: &str| m.text(flag).to_owned();
    let region = Some(text("aws-region")).filter(|region| !region.is_empty()).or_else(|| chain.region());
    let sts = Sts::new(m.text("aws-sts-endpoint"), &region.unwrap_or_default()).map_err(Exit::error)?;
    let credentials = match (m.text("aws-access-key-id"), m.text("aws-secret-access-key"), m.text("aws-session-token"))
    {
        ("", "", "") => cx.block_on(chain.credentials(&sts)).map_err(Exit::error)?,
        ("", "", _) => {
            return Err(Exit::error("Missing '-aws-access-key-id' and '-aws-secret-access-key' flags"));
        }
        ("", ..) => return Err(Exit::error("Missing '-aws-access-key-id' flag")),
        (_, "", _) => return Err(Exit::error("Missing '-aws-secret-access-key' flag")),
        (id, secret, token) => Credentials {
            access_key_id: id.to_owned(),
            secret_access_key: secret.to_owned(),
            session_token: token.to_owned(),
        },
    };
    let include_entity = m.flag("aws-include-entity");
    let login = Login { credentials, sts, server_id: text("aws-server-id-header-value"), include_entity };
    cx.block_on(login.bearer()).or_exit("Error making the AWS bearer token")
}

/// Writes the secret under another name beside the file, then puts it in its place.
fn write_sink(file: &Path, secret: &str) -> std::io::Result<()> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    }
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = Path::new(&name);
    let written = || {
        let mut options = std::fs::OpenOptions::new();
        let mut out = options.write(true).create(true).truncate(true).mode(0o600).open(temporary)?;
        out.write_all(secret.as_bytes())?;
        out.sync_all()?;
        std::fs::rename(temporary, file)
    };
    written().inspect_err(|_| {
        let _ = std::fs::remove_file(temporary);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_sink_holds_the_secret_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a/b/token");
        for secret in ["first", "second"] {
            write_sink(&file, secret).expect("writes");
            assert_eq!(std::fs::read_to_string(&file).expect("reads"), secret);
        }
        assert_eq!(std::fs::metadata(&file).expect("exists").permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(file.parent().expect("a parent")).expect("reads").count(), 1);
    }
}
