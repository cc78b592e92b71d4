//! Where keys come from: the configuration, or a URL whose key set is kept for a while.

use super::super::fetch;
use super::JwtConfig;
use super::keys::{self, Key};
use super::token::Token;
use serde::Deserialize;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long a key set is used without a look at its source.
const FRESH: Duration = Duration::from_secs(300);

/// Time between looks for a key that the set does not have.
const AGAIN: Duration = Duration::from_secs(10);

/// The keys of a validator.
pub(super) enum Keys {
    /// From the configuration.
    Fixed(Vec<Key>),
    /// From a URL.
    Remote(Remote),
}

/// A key set at a URL.
pub(super) struct Remote {
    http: reqwest::Client,
    url: String,
    /// The URL is that of an OIDC provider, which tells where its key set is.
    discover: bool,
    kept: Mutex<Kept>,
}

/// What was read last.
#[derive(Default)]
struct Kept {
    keys: Vec<Key>,
    /// The issuer, when the provider tells one.
    issuer: Option<String>,
    read: Option<Instant>,
    /// The last attempt, successful or not.
    tried: Option<Instant>,
}

/// What a provider tells about itself (OpenID Connect Discovery 3).
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Discovery {
    /// What the provider at a URL tells.
    fn parse(body: &[u8], url: &str) -> Result<Discovery, String> {
        let found: Discovery =
            serde_json::from_slice(body).map_err(|error| format!("failed to decode provider discovery: {error}"))?;
        if found.issuer.trim_end_matches('/') != url.trim_end_matches('/') {
            return Err(format!(
                "issuer did not match the issuer returned by provider, expected {url:?} got {:?}",
                found.issuer
            ));
        }
        Ok(found)
    }
}

/// Reads what a provider tells, for `crate::fuzzing`.
pub(super) fn fuzz(body: &[u8]) {
    let _ = Discovery::parse(body, "https://accounts.example.com");
}

impl Keys {
    /// The keys of a configuration.
    ///
    /// # Errors
    /// One cannot be read.
    pub(super) fn of(config: &JwtConfig) -> Result<Keys, String> {
        let remote = |url: &str, ca: &str, name: &str, discover| {
            let http = fetch::client(ca).map_err(|why| format!("'{name}' could not be parsed: {why}"))?;
            Ok(Keys::Remote(Remote { http, url: url.to_owned(), discover, kept: Mutex::default() }))
        };
        if !config.jwks_url.is_empty() {
            return remote(&config.jwks_url, &config.jwks_ca_cert, "JWKSCACert", false);
        }
        if !config.oidc_discovery_url.is_empty() {
            return remote(&config.oidc_discovery_url, &config.oidc_discovery_ca_cert, "OIDCDiscoveryCACert", true);
        }
        config.validation_pub_keys.iter().map(|pem| Key::from_pem(pem)).collect::<Result<_, _>>().map(Keys::Fixed)
    }

    /// Reads a remote key set now.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(super) async fn refresh(&self) -> Result<(), String> {
        match self {
            Keys::Fixed(_) => Ok(()),
            Keys::Remote(remote) => remote.read(&mut *remote.kept.lock().await).await,
        }
    }

    /// Verifies the signature; gives the issuer that the source demands.
    ///
    /// # Errors
    /// No key made it, or the keys cannot be read.
    pub(super) async fn verify(&self, token: &Token<'_>) -> Result<Option<String>, String> {
        match self {
            Keys::Fixed(keys) => signed_by(keys, token)
                .then_some(None)
                .ok_or_else(|| "no known key successfully validated the token signature".to_owned()),
            Keys::Remote(remote) => remote.verify(token).await,
        }
    }
}

/// One of the keys made the signature; a token that names its key is held against that one alone.
fn signed_by(keys: &[Key], token: &Token<'_>) -> bool {
    let named = |key: &&Key| token.key_id.is_empty() || key.id.is_empty() || key.id == token.key_id;
    keys.iter().filter(named).any(|key| key.verifies(&token.algorithm, token.signed.as_bytes(), &token.signature))
}

impl Remote {
    async fn verify(&self, token: &Token<'_>) -> Result<Option<String>, String> {
        // One reader at a time: the others then find what it brought.
        let mut kept = self.kept.lock().await;
        let old = |at: Option<Instant>, age: Duration| at.is_none_or(|at| at.elapsed() >= age);
        if old(kept.read, FRESH) && old(kept.tried, AGAIN) {
            // Keys that are old are better than none while their source is away.
            if let (Err(why), true) = (self.read(&mut kept).await, kept.keys.is_empty()) {
                return Err(format!("fetching keys: {why}"));
            }
        }
        if !signed_by(&kept.keys, token) && old(kept.tried, AGAIN) {
            self.read(&mut kept).await.map_err(|why| format!("fetching keys: {why}"))?;
        }
        if signed_by(&kept.keys, token) {
            Ok(kept.issuer.clone())
        } else {
            Err("failed to verify id token signature".to_owned())
        }
    }

    /// Reads the key set into `kept`, which keeps what it had when that fails.
    async fn read(&self, kept: &mut Kept) -> Result<(), String> {
        kept.tried = Some(Instant::now());
        let (url, issuer) = if self.discover { self.discovered().await? } else { (self.url.clone(), None) };
        let keys = keys::from_set(&self.get(&url).await?)?;
        *kept = Kept { keys, issuer, read: kept.tried, tried: kept.tried };
        Ok(())
    }

    /// Where the provider's key set is, and its issuer.
    async fn discovered(&self) -> Result<(String, Option<String>), String> {
        let url = format!("{}/.well-known/openid-configuration", self.url.trim_end_matches('/'));
        let found = Discovery::parse(&self.get(&url).await?, &self.url)?;
        Ok((found.jwks_uri, Some(found.issuer)))
    }

    async fn get(&self, url: &str) -> Result<Vec<u8>, String> {
        match fetch::send(self.http.get(url)).await? {
            (200, body) => Ok(body),
            (status, _) => Err(format!("GET {url}: unexpected status {status}")),
        }
    }
}
