//! Credentials that a program prints (`credential_process` of a profile).

use super::super::{child, os_text};
use super::{Credentials, Document};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

/// How long the program may take: it may ask a person.
const PATIENCE: Duration = Duration::from_secs(60);
/// Most that it may print, bytes.
const LARGEST: u64 = 64 << 10;

/// Runs the command line in a shell and reads what it prints. What it says on its error output is for the caller.
pub(super) async fn credentials(line: &str) -> Result<Credentials, String> {
    let mut command = Command::new("sh");
    command.arg("-c").arg(line).stdout(Stdio::piped()).kill_on_drop(true);
    let mut running = child::spawn(&mut command).map_err(|error| child::start_error(&command, &error))?;
    let mut text = String::new();
    let read = async {
        if let Some(stdout) = running.stdout.take() {
            stdout.take(LARGEST).read_to_string(&mut text).await?;
        }
        running.wait().await
    };
    let status = match tokio::time::timeout(PATIENCE, read).await {
        Ok(status) => status.map_err(|error| os_text(&error))?,
        Err(_) => return Err(format!("it does not end in {} s", PATIENCE.as_secs())),
    };
    if !status.success() {
        return Err(child::describe(status));
    }
    let document = Document::parse(&text)?;
    match document.version {
        Some(1) => document.credentials(),
        _ => Err("the answer is not of version 1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_prints_credentials() {
        let good = r#"echo '{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b","SessionToken":"c"}'"#;
        let found = credentials(good).await.expect("credentials");
        assert_eq!((found.access_key_id.as_str(), found.session_token.as_str()), ("a", "c"));
        let cases = [
            ("exit 3", "exit status 3"),
            ("echo secret", "the answer is not a JSON document of credentials"),
            (r#"echo '{"Version":2,"AccessKeyId":"a","SecretAccessKey":"b"}'"#, "the answer is not of version 1"),
            (r#"echo '{"Version":1,"AccessKeyId":"a"}'"#, "the answer has no access key and secret"),
            (
                r#"echo '{"Version":1,"AccessKeyId":"a","SecretAccessKey":7}'"#,
                "the answer is not a JSON document of credentials",
            ),
        ];
        for (line, error) in cases {
            assert_eq!(credentials(line).await.expect_err(line), error);
        }
    }
}
