//! Where the agent is and who asks: flags over environment over defaults (`spec/cli.md` 4).

use crate::types::secret::hidden;
use std::path::PathBuf;

/// What flags say; absent and empty values leave the choice to the environment.
#[derive(Clone, derive_more::Debug, Default)]
pub struct Overrides {
    /// `-http-addr`.
    pub http_addr: Option<String>,
    /// `-token`.
    #[debug("{}", hidden(token))]
    pub token: Option<String>,
    /// `-token-file`.
    pub token_file: Option<String>,
    /// `-ca-file`.
    pub ca_file: Option<String>,
    /// `-ca-path`.
    pub ca_path: Option<String>,
    /// `-client-cert`.
    pub client_cert: Option<String>,
    /// `-client-key`.
    pub client_key: Option<String>,
    /// `-tls-server-name`.
    pub tls_server_name: Option<String>,
    /// `-datacenter`.
    pub datacenter: Option<String>,
    /// `-namespace`.
    pub namespace: Option<String>,
    /// `-partition`.
    pub partition: Option<String>,
}

/// How to reach the agent's sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `host:port`, with a scheme and a path prefix (empty or `/x`).
    Tcp {
        /// TLS.
        https: bool,
        /// `host:port`.
        authority: String,
        /// Put before every API path.
        prefix: String,
    },
    /// A unix socket.
    Unix(PathBuf),
}

/// Everything a [`crate::client::Client`] needs to know.
#[derive(Clone, derive_more::Debug)]
pub struct Settings {
    /// Where.
    pub endpoint: Endpoint,
    /// ACL secret; empty sends none.
    #[debug("{}", hidden(token))]
    pub token: String,
    /// HTTP basic authentication: user and password.
    #[debug("{}", hidden(auth))]
    pub auth: Option<(String, Option<String>)>,
    /// CA bundle.
    pub ca_file: String,
    /// Directory of CA files.
    pub ca_path: String,
    /// Client certificate.
    pub client_cert: String,
    /// Client key.
    pub client_key: String,
    /// Name for SNI and verification.
    pub tls_server_name: String,
    /// Do not verify the server's certificate.
    pub insecure: bool,
    /// `?dc` of every request.
    pub datacenter: String,
    /// `?ns` of every request.
    pub namespace: String,
    /// `?partition` of every request.
    pub partition: String,
    /// Variables that could not be read: name and reason.
    pub warnings: Vec<String>,
}

impl Settings {
    /// Settings for one address, nothing else; the form that the agent uses to watch itself.
    ///
    /// # Errors
    /// The address has an unknown scheme.
    pub fn for_address(address: &str) -> Result<Settings, String> {
        let overrides = Overrides { http_addr: Some(address.to_string()), ..Overrides::default() };
        Settings::resolve(overrides, &|_| None)
    }

    /// Puts flags over the environment over the defaults.
    ///
    /// # Errors
    /// The text of the client-creation error (`spec/cli.md` 7.1): an unknown scheme or an unreadable token file.
    pub fn resolve(flags: Overrides, env: &dyn Fn(&str) -> Option<String>) -> Result<Settings, String> {
        let set = |value: Option<String>| value.filter(|text| !text.is_empty());
        let var = |name: &str| set(env(name));
        let pick = |flag: Option<String>, name: &str| set(flag).or_else(|| var(name)).unwrap_or_default();
        let mut warnings = Vec::new();
        let mut boolean = |name: &str| {
            let text = var(name)?;
            let parsed = parse_bool(&text);
            if parsed.is_none() {
                let reason = format!("strconv.ParseBool: parsing {text:?}: invalid syntax");
                warnings.push(format!("could not parse {name}: error={reason:?}"));
            }
            Some(parsed)
        };
        let https = boolean("CONSUL_HTTP_SSL").flatten().unwrap_or(false);
        let verify = boolean("CONSUL_HTTP_SSL_VERIFY").map(|parsed| parsed.unwrap_or(false)).unwrap_or(true);
        let address = pick(flags.http_addr, "CONSUL_HTTP_ADDR");
        let auth = var("CONSUL_HTTP_AUTH").map(|text| match text.split_once(':') {
            Some((user, password)) => (user.to_string(), Some(password.to_string())),
            None => (text, None),
        });
        let server_name = pick(flags.tls_server_name, "CONSUL_TLS_SERVER_NAME");
        Ok(Settings {
            endpoint: parse_address(&address, https)?,
            token: token(set(flags.token_file), set(flags.token), &var)?,
            auth,
            ca_file: pick(flags.ca_file, "CONSUL_CACERT"),
            ca_path: pick(flags.ca_path, "CONSUL_CAPATH"),
            client_cert: pick(flags.client_cert, "CONSUL_CLIENT_CERT"),
            client_key: pick(flags.client_key, "CONSUL_CLIENT_KEY"),
            tls_server_name: without_port(&server_name),
            insecure: !verify,
            datacenter: set(flags.datacenter).unwrap_or_default(),
            namespace: pick(flags.namespace, "CONSUL_NAMESPACE"),
            partition: pick(flags.partition, "CONSUL_PARTITION"),
            warnings,
        })
    }
}

/// The first source that yields a secret; files count with their content.
fn token(
    flag_file: Option<String>,
    flag: Option<String>,
    var: &dyn Fn(&str) -> Option<String>,
) -> Result<String, String> {
    if let Some(secret) = flag_file.as_deref().map(read_token).transpose()?.filter(|secret| !secret.is_empty()) {
        return Ok(secret);
    }
    if let Some(secret) = flag {
        return Ok(secret);
    }
    let file = if flag_file.is_none() { var("CONSUL_HTTP_TOKEN_FILE") } else { None };
    if let Some(secret) = file.as_deref().map(read_token).transpose()?.filter(|secret| !secret.is_empty()) {
        return Ok(secret);
    }
    Ok(var("CONSUL_HTTP_TOKEN").unwrap_or_default())
}

fn read_token(path: &str) -> Result<String, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("Error loading token file {path} : open {path}: {}", super::os_text(&error)))?;
    Ok(text.trim().to_string())
}

/// `spec/cli.md` 4.5.
fn parse_address(address: &str, https: bool) -> Result<Endpoint, String> {
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, address),
    };
    let tcp = |https: bool, authority: &str, prefix: String| Endpoint::Tcp {
        https,
        authority: if authority.is_empty() { "127.0.0.1:8500".into() } else { authority.into() },
        prefix,
    };
    match scheme {
        None => Ok(tcp(https, rest, String::new())),
        Some(scheme @ ("http" | "https")) => {
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            let path = path.trim_end_matches('/');
            let prefix = if path.is_empty() { String::new() } else { format!("/{path}") };
            Ok(tcp(https || scheme == "https", authority, prefix))
        }
        Some("unix") => Ok(Endpoint::Unix(PathBuf::from(rest))),
        Some(other) => Err(format!("Unknown protocol scheme: {other}")),
    }
}

fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// The host of `host:port`, brackets of IPv6 removed.
pub(super) fn without_port(authority: &str) -> String {
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest).to_string();
    }
    match authority.split_once(':') {
        Some((host, port)) if !port.contains(':') => host.to_string(),
        _ => authority.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn resolved(flags: Overrides, env: &[(&str, &str)]) -> Result<Settings, String> {
        Settings::resolve(flags, &|name| {
            env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_string())
        })
    }

    fn tcp(https: bool, authority: &str, prefix: &str) -> Endpoint {
        Endpoint::Tcp { https, authority: authority.into(), prefix: prefix.into() }
    }

    #[test]
    fn addresses_follow_the_table() {
        let ssl = [("CONSUL_HTTP_SSL", "true")];
        let cases = [
            ("", &[][..], tcp(false, "127.0.0.1:8500", "")),
            ("10.0.0.1:85", &[], tcp(false, "10.0.0.1:85", "")),
            ("10.0.0.1:85", &ssl, tcp(true, "10.0.0.1:85", "")),
            ("http://h:1/pre/fix", &[], tcp(false, "h:1", "/pre/fix")),
            ("http://h:1", &ssl, tcp(true, "h:1", "")),
            ("https://[::1]:1/", &[], tcp(true, "[::1]:1", "")),
            ("unix:///run/x.sock", &ssl, Endpoint::Unix("/run/x.sock".into())),
        ];
        for (address, env, endpoint) in cases {
            let flags = Overrides { http_addr: Some(address.into()), ..Overrides::default() };
            assert_eq!(resolved(flags, env).expect(address).endpoint, endpoint, "{address}");
        }
        let flags = Overrides { http_addr: Some("ftp://h".into()), ..Overrides::default() };
        assert_eq!(resolved(flags, &[]).expect_err("scheme"), "Unknown protocol scheme: ftp");
    }

    #[test]
    fn a_flag_beats_the_environment_and_an_empty_one_does_not() {
        let env = [("CONSUL_HTTP_ADDR", "h:1"), ("CONSUL_HTTP_TOKEN", "env")];
        let flags = Overrides { http_addr: Some(String::new()), token: Some("flag".into()), ..Overrides::default() };
        let settings = resolved(flags, &env).expect("valid");
        assert_eq!(settings.endpoint, tcp(false, "h:1", ""));
        assert_eq!(settings.token, "flag");
        assert_eq!(resolved(Overrides::default(), &env).expect("valid").token, "env");
    }

    #[test]
    fn token_files_win_over_texts_of_their_level() {
        let mut file = tempfile::NamedTempFile::new().expect("temporary file");
        file.write_all(b" from-file\n").expect("write");
        let path = file.path().to_string_lossy().into_owned();
        let flags = Overrides { token: Some("flag".into()), token_file: Some(path.clone()), ..Overrides::default() };
        assert_eq!(resolved(flags, &[]).expect("valid").token, "from-file");
        let flags = Overrides { token: Some("flag".into()), ..Overrides::default() };
        assert_eq!(resolved(flags, &[("CONSUL_HTTP_TOKEN_FILE", path.as_str())]).expect("valid").token, "flag");
        let missing = Overrides { token_file: Some("/nonexistent/t".into()), ..Overrides::default() };
        assert_eq!(
            resolved(missing, &[]).expect_err("missing"),
            "Error loading token file /nonexistent/t : open /nonexistent/t: no such file or directory"
        );
    }

    #[test]
    fn unreadable_booleans_warn_and_switch_verification_off() {
        let settings = resolved(Overrides::default(), &[("CONSUL_HTTP_SSL_VERIFY", "xx")]).expect("valid");
        assert!(settings.insecure);
        assert_eq!(
            settings.warnings,
            [r#"could not parse CONSUL_HTTP_SSL_VERIFY: error="strconv.ParseBool: parsing \"xx\": invalid syntax""#]
        );
    }

    #[test]
    fn auth_and_server_name_are_split() {
        let env = [("CONSUL_HTTP_AUTH", "u:p:q"), ("CONSUL_TLS_SERVER_NAME", "server.dc1.consul:8501")];
        let settings = resolved(Overrides::default(), &env).expect("valid");
        assert_eq!(settings.auth, Some(("u".into(), Some("p:q".into()))));
        assert_eq!(settings.tls_server_name, "server.dc1.consul");
    }
}
