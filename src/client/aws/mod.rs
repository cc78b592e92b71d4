//! The bearer token of the `aws-iam` auth method: a `sts:GetCallerIdentity` request signed with the caller's AWS
//! credentials, which the server sends on its behalf (`spec/acl-and-tls.md` 10.4), and the places where the credentials of
//! a caller can be.

mod bearer;
mod chain;
mod container;
mod fetch;
mod instance;
mod process;
mod shared;
mod sign;
mod sts;

pub use bearer::Login;
pub use chain::Chain;
pub use sts::Sts;

use crate::types::secret::hidden;
use serde::Deserialize;

/// AWS credentials.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    #[debug("{}", hidden(secret_access_key))]
    pub secret_access_key: String,
    /// Session token, empty for long-lived credentials.
    #[debug("{}", hidden(session_token))]
    pub session_token: String,
}

impl Credentials {
    /// Both keys, or nothing.
    fn of(id: Option<String>, secret: Option<String>, token: Option<String>) -> Option<Credentials> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        Some(Credentials {
            access_key_id: given(id)?,
            secret_access_key: given(secret)?,
            session_token: token.unwrap_or_default(),
        })
    }
}

/// Credentials as services and helpers print them. What is wrong with a document is not told in the decoder's words, which
/// quote values.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Document {
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    #[serde(alias = "SessionToken")]
    token: Option<String>,
    #[serde(alias = "code")]
    code: Option<String>,
    #[serde(alias = "message")]
    message: Option<String>,
    version: Option<u32>,
}

impl Document {
    fn parse(text: &str) -> Result<Document, String> {
        serde_json::from_str(text).map_err(|_| "the answer is not a JSON document of credentials".to_owned())
    }

    /// The credentials.
    fn credentials(self) -> Result<Credentials, String> {
        if let Some(code) = self.code.filter(|code| !code.eq_ignore_ascii_case("success")) {
            return Err(refusal(&code, self.message.as_deref().unwrap_or_default()));
        }
        let found = Credentials::of(self.access_key_id, self.secret_access_key, self.token);
        found.ok_or_else(|| "the answer has no access key and secret".to_owned())
    }
}

/// What a service says of a refusal, shortened.
fn refusal(code: &str, message: &str) -> String {
    let shown = |text: &str| text.chars().filter(|letter| !letter.is_control()).take(300).collect::<String>();
    if message.is_empty() { shown(code) } else { format!("{}: {}", shown(code), shown(message)) }
}

#[cfg(test)]
mod tests {
    use super::Credentials;
    use reqwest::Url;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    /// The credentials of Amazon's test suite.
    pub(super) fn example() -> Credentials {
        Credentials {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session_token: String::new(),
        }
    }

    /// Variables with their values.
    pub(super) type Variables<'a> = [(&'a str, &'a str)];

    /// An environment of these variables.
    pub(super) fn variables(list: &Variables<'_>) -> impl Fn(&str) -> Option<String> {
        let list: Vec<(String, String)> =
            list.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        move |wanted| list.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
    }

    /// What a small service is asked.
    pub(super) struct Asked {
        pub(super) line: String,
        headers: Vec<String>,
        pub(super) body: String,
    }

    impl Asked {
        pub(super) fn header(&self, name: &str) -> String {
            let found = self.headers.iter().find_map(|line| {
                let (found, value) = line.split_once(':')?;
                found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            });
            found.unwrap_or_default()
        }
    }

    /// The status of an answer that is not given: the connection is closed.
    pub(super) const CLOSED: u16 = 0;

    /// Serves one answer a connection, for as long as the test runs.
    pub(super) fn serve(answer: impl Fn(&Asked) -> (u16, String) + Send + 'static) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = serve_one(&stream, &answer);
            }
        });
        Url::parse(&url).expect("a URL")
    }

    fn serve_one(stream: &TcpStream, answer: &impl Fn(&Asked) -> (u16, String)) -> std::io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut reader = BufReader::new(stream);
        let mut asked = Asked { line: String::new(), headers: Vec::new(), body: String::new() };
        reader.read_line(&mut asked.line)?;
        asked.line.truncate(asked.line.trim_end().len());
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            match line.trim_end() {
                "" => break,
                text => asked.headers.push(text.to_owned()),
            }
        }
        let length = asked.header("content-length").parse().unwrap_or(0);
        reader.take(length).read_to_string(&mut asked.body)?;
        let (status, body) = answer(&asked);
        if status == CLOSED {
            return Ok(());
        }
        let text = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        (&*stream).write_all(text.as_bytes())
    }
}
