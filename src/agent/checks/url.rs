//! URLs of HTTP checks, with the error texts of Go's `net/url`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

/// The parts of a URL that a request needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Url {
    /// In small letters; empty when there is none.
    pub scheme: String,
    /// Host without brackets.
    pub host: String,
    /// Port as written.
    pub port: String,
    /// `user:password`, decoded.
    pub userinfo: Option<String>,
    /// Path and query, at least `/`.
    pub target: String,
}

impl Url {
    /// Parses an absolute URL; the error is complete (`parse "http://a b/": invalid character " " in host name`).
    pub fn parse(text: &str) -> Result<Url, String> {
        Self::read(text).map_err(|reason| format!("parse {text:?}: {reason}"))
    }

    fn read(text: &str) -> Result<Url, String> {
        if text.chars().any(|c| c.is_control()) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let text = text.split('#').next().unwrap_or_default();
        let (scheme, rest) = match text.split_once(':') {
            Some(("", _)) => return Err("missing protocol scheme".to_owned()),
            Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
            Some((before, _)) if !before.contains('/') => {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
            _ => (String::new(), text),
        };
        let Some(rest) = rest.strip_prefix("//") else {
            return Ok(Url { scheme, target: rooted(rest), ..Url::default() });
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (userinfo, host_port) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(percent_decode_str(user).decode_utf8_lossy().into_owned()), host),
            None => (None, authority),
        };
        let (host, port) = split_authority(host_port)?;
        if let Some(bad) =
            host.chars().find(|c| matches!(c, ' ' | '<' | '>' | '"' | '\\' | '^' | '`' | '{' | '|' | '}'))
        {
            return Err(format!("invalid character {:?} in host name", bad.to_string()));
        }
        Ok(Url { scheme, host: host.to_owned(), port: port.to_owned(), userinfo, target: rooted(target) })
    }

    /// The URL that a `Location` header names.
    pub fn join(&self, location: &str) -> Result<Url, String> {
        if location.contains("://") {
            return Self::parse(location);
        }
        if let Some(rest) = location.strip_prefix("//") {
            return Self::parse(&format!("{}://{rest}", self.scheme));
        }
        let location = location.split('#').next().unwrap_or_default();
        let path = self.target.split('?').next().unwrap_or_default();
        let target = match location.chars().next() {
            Some('/') => location.to_owned(),
            Some('?') => format!("{path}{location}"),
            Some(_) => format!("{}/{location}", path.rsplit_once('/').map_or("", |(dir, _)| dir)),
            None => self.target.clone(),
        };
        Ok(Url { target: without_dots(&target), ..self.clone() })
    }

    /// `host:port` to connect to.
    pub fn address(&self) -> String {
        let port = match (self.port.as_str(), self.scheme.as_str()) {
            ("", "https") => "443",
            ("", _) => "80",
            (port, _) => port,
        };
        format!("{}:{port}", self.bracketed())
    }

    /// Host and port as written, for the `Host` header.
    pub fn authority(&self) -> String {
        if self.port.is_empty() { self.bracketed() } else { format!("{}:{}", self.bracketed(), self.port) }
    }

    /// The whole URL without user, for proxies.
    pub fn absolute(&self) -> String {
        format!("{}://{}{}", self.scheme, self.authority(), self.target)
    }

    /// `Basic ...` when the URL names a user.
    pub fn basic_auth(&self) -> Option<String> {
        let userinfo = self.userinfo.as_ref()?;
        let colon = if userinfo.contains(':') { "" } else { ":" };
        Some(format!("Basic {}", STANDARD.encode(format!("{userinfo}{colon}"))))
    }

    /// A URL text as errors show it: without a password.
    pub fn shown(&self, text: &str) -> String {
        match (&self.userinfo, text.split_once("://").zip(text.split_once('@'))) {
            (Some(userinfo), Some(((scheme, _), (_, rest)))) if userinfo.contains(':') => {
                let user = userinfo.split(':').next().unwrap_or_default();
                format!("{scheme}://{user}:***@{rest}")
            }
            _ => text.to_owned(),
        }
    }

    fn bracketed(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// Spaces and the like are escaped, as Go does when it writes the request line.
fn rooted(target: &str) -> String {
    const UNSAFE: percent_encoding::AsciiSet = percent_encoding::CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'<')
        .add(b'>')
        .add(b'\\')
        .add(b'^')
        .add(b'`')
        .add(b'{')
        .add(b'|')
        .add(b'}');
    let slash = if target.starts_with('/') { "" } else { "/" };
    format!("{slash}{}", percent_encoding::utf8_percent_encode(target, &UNSAFE))
}

fn split_authority(text: &str) -> Result<(&str, &str), String> {
    let (host, after) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or("missing ']' in host")?,
        None => text.find(':').map_or((text, ""), |colon| text.split_at(colon)),
    };
    match after.strip_prefix(':') {
        Some(port) if port.bytes().all(|b| b.is_ascii_digit()) => Ok((host, port)),
        None if after.is_empty() => Ok((host, "")),
        _ => Err(format!("invalid port {after:?} after host")),
    }
}

/// Resolves `.` and `..` in a path (RFC 3986 5.2.4).
fn without_dots(target: &str) -> String {
    let (path, query) = target.find('?').map_or((target, ""), |at| target.split_at(at));
    let mut parts: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    parts.pop();
                }
                if last {
                    parts.push("");
                }
            }
            _ => parts.push(segment),
        }
    }
    rooted(&format!("/{}{query}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart_as_go_does() {
        for (text, address, authority, target) in [
            ("http://127.0.0.1:80/x?y=1#z", "127.0.0.1:80", "127.0.0.1:80", "/x?y=1"),
            ("HTTP://host", "host:80", "host", "/"),
            ("https://[::1]/a b", "[::1]:443", "[::1]", "/a%20b"),
            ("https://h?q", "h:443", "h", "/?q"),
        ] {
            let url = Url::parse(text).expect(text);
            assert_eq!((url.address().as_str(), url.authority().as_str()), (address, authority), "{text}");
            assert_eq!(url.target, target, "{text}");
        }
        for (text, error) in [
            ("http://[::1/x", "parse \"http://[::1/x\": missing ']' in host"),
            ("http://a b/", "parse \"http://a b/\": invalid character \" \" in host name"),
            ("http://h:foo/", "parse \"http://h:foo/\": invalid port \":foo\" after host"),
            ("127.0.0.1:80/x", "parse \"127.0.0.1:80/x\": first path segment in URL cannot contain colon"),
            ("://x", "parse \"://x\": missing protocol scheme"),
        ] {
            assert_eq!(Url::parse(text), Err(error.to_owned()), "{text}");
        }
    }

    #[test]
    fn redirects_are_resolved_against_the_url() {
        let base = Url::parse("http://h:1/a/b?q=1").expect("base");
        for (location, absolute) in [
            ("/c", "http://h:1/c"),
            ("c", "http://h:1/a/c"),
            ("../c?d", "http://h:1/c?d"),
            ("?x", "http://h:1/a/b?x"),
            ("//other/c", "http://other/c"),
            ("https://other:2/c", "https://other:2/c"),
        ] {
            assert_eq!(base.join(location).expect(location).absolute(), absolute, "{location}");
        }
    }

    #[test]
    fn users_are_sent_and_passwords_not_shown() {
        let text = "http://joe:secret@h/x";
        let url = Url::parse(text).expect("url");
        assert_eq!(url.basic_auth().as_deref(), Some("Basic am9lOnNlY3JldA=="));
        assert_eq!(url.shown(text), "http://joe:***@h/x");
        assert_eq!(url.host, "h");
    }
}
