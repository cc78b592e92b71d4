//! JSON web tokens, signed by keys that are configured, or read from a JWKS or OIDC discovery URL
//! (`spec/acl-and-tls.md` 10.3). `auto_config` checks its intro tokens with the same [`Validator`].

mod claims;
pub(crate) mod fuzzing;
mod keys;
mod sources;
mod token;

pub use claims::Times;
pub use token::is_token;

use super::identity::JwtFields;
use super::settings::Settings;
use super::{Fields, Identity};
use crate::types::GoDuration;
use serde_json::Value;
use sources::Keys;
use std::collections::BTreeMap;
use token::Token;

/// What a token must be like, and which of its claims are taken over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JwtConfig {
    /// Public keys, PEM.
    pub validation_pub_keys: Vec<String>,
    /// Where a key set is.
    pub jwks_url: String,
    /// CA certificates for [`JwtConfig::jwks_url`], PEM.
    pub jwks_ca_cert: String,
    /// Where an OIDC provider is.
    pub oidc_discovery_url: String,
    /// CA certificates for [`JwtConfig::oidc_discovery_url`], PEM.
    pub oidc_discovery_ca_cert: String,
    /// Signature algorithms; empty means RS256.
    pub supported_algs: Vec<String>,
    /// One of these must be an audience; empty accepts all.
    pub bound_audiences: Vec<String>,
    /// The issuer; empty accepts all.
    pub bound_issuer: String,
    /// Claims and the names of their values.
    pub claim_mappings: BTreeMap<String, String>,
    /// List claims and the names of their values.
    pub list_claim_mappings: BTreeMap<String, String>,
    /// Allowances for clocks and absent times.
    pub leeways: Leeways,
}

/// Allowances for clocks and absent times; zero is the default of each, negative is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leeways {
    /// Life of a token without `exp`.
    pub expiration: GoDuration,
    /// How long before `exp` a token without `nbf` and `iat` began.
    pub not_before: GoDuration,
    /// How far clocks may differ.
    pub clock_skew: GoDuration,
}

/// Keys of the type that only the OIDC flow of browsers uses.
const OIDC_ONLY: [&str; 6] =
    ["OIDCClientID", "OIDCClientSecret", "OIDCScopes", "OIDCACRValues", "AllowedRedirectURIs", "VerboseOIDCLogging"];

impl JwtConfig {
    /// From the configuration of an auth method.
    ///
    /// # Errors
    /// An unknown key or a value that does not fit.
    fn read(config: &BTreeMap<String, Value>) -> Result<JwtConfig, String> {
        let mut settings = Settings::new(config);
        let read = JwtConfig {
            validation_pub_keys: settings.texts("JWTValidationPubKeys")?,
            jwks_url: settings.text("JWKSURL")?,
            jwks_ca_cert: settings.text("JWKSCACert")?,
            oidc_discovery_url: settings.text("OIDCDiscoveryURL")?,
            oidc_discovery_ca_cert: settings.text("OIDCDiscoveryCACert")?,
            supported_algs: settings.texts("JWTSupportedAlgs")?,
            bound_audiences: settings.texts("BoundAudiences")?,
            bound_issuer: settings.text("BoundIssuer")?,
            claim_mappings: settings.map("ClaimMappings")?,
            list_claim_mappings: settings.map("ListClaimMappings")?,
            leeways: Leeways {
                expiration: settings.duration("ExpirationLeeway")?,
                not_before: settings.duration("NotBeforeLeeway")?,
                clock_skew: settings.duration("ClockSkewLeeway")?,
            },
        };
        let foreign = OIDC_ONLY.into_iter().find(|key| settings.is_set(key));
        settings.finish()?;
        match foreign {
            Some(key) => Err(format!("'{key}' must not be set for type \"jwt\"")),
            None => Ok(read),
        }
    }

    fn check(&self) -> Result<(), String> {
        let sources =
            [!self.validation_pub_keys.is_empty(), !self.jwks_url.is_empty(), !self.oidc_discovery_url.is_empty()];
        if sources.iter().filter(|set| **set).count() != 1 {
            return Err(
                "exactly one of 'JWTValidationPubKeys', 'JWKSURL', or 'OIDCDiscoveryURL' must be set for type \
                        \"jwt\""
                    .to_owned(),
            );
        }
        for (cert, cert_name, url, url_name) in [
            (&self.jwks_ca_cert, "JWKSCACert", &self.jwks_url, "JWKSURL"),
            (&self.oidc_discovery_ca_cert, "OIDCDiscoveryCACert", &self.oidc_discovery_url, "OIDCDiscoveryURL"),
        ] {
            if !cert.is_empty() && url.is_empty() {
                return Err(format!("'{cert_name}' should not be set unless '{url_name}' is set"));
            }
        }
        if let Some(bad) = self.supported_algs.iter().find(|alg| !keys::is_algorithm(alg)) {
            return Err(format!("Invalid supported algorithm: {bad}"));
        }
        if !self.algorithms().iter().any(|alg| keys::can_verify(alg)) {
            return Err("JWTSupportedAlgs names ES512 alone, and signatures on P-521 cannot be verified".to_owned());
        }
        for (mappings, name) in
            [(&self.claim_mappings, "ClaimMappings"), (&self.list_claim_mappings, "ListClaimMappings")]
        {
            let mut targets: Vec<&String> = mappings.values().collect();
            targets.sort();
            if let Some(pair) = targets.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(format!("{name} contains multiple mappings for key {:?}", pair[0]));
            }
        }
        Ok(())
    }

    fn algorithms(&self) -> Vec<String> {
        if self.supported_algs.is_empty() { vec!["RS256".to_owned()] } else { self.supported_algs.clone() }
    }
}

/// Checks tokens.
pub struct Validator {
    config: JwtConfig,
    algorithms: Vec<String>,
    keys: Keys,
}

impl Validator {
    /// From the configuration of an auth method.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(config: &BTreeMap<String, Value>) -> Result<Validator, String> {
        Validator::of(JwtConfig::read(config)?)
    }

    /// From a configuration in its own form.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of(config: JwtConfig) -> Result<Validator, String> {
        config.check()?;
        let keys = Keys::of(&config)?;
        Ok(Validator { algorithms: config.algorithms(), keys, config })
    }

    /// Reads the key set of a URL once, so that a wrong one shows when it is configured.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn check_sources(&self) -> Result<(), String> {
        self.keys.refresh().await.map_err(|why| match self.config.jwks_url.is_empty() {
            true => format!("error checking OIDCDiscoveryURL: {why}"),
            false => format!("error checking JWKSURL: {why}"),
        })
    }

    /// All names that can occur, with empty values.
    pub fn blank(&self) -> Identity {
        let empty = |mappings: &BTreeMap<String, String>| mappings.values().cloned().collect::<Vec<_>>();
        let value: BTreeMap<_, _> =
            empty(&self.config.claim_mappings).into_iter().map(|name| (name, String::new())).collect();
        let list = empty(&self.config.list_claim_mappings).into_iter().map(|name| (name, Vec::new())).collect();
        identity(value, list)
    }

    /// The identity of a token, at this moment.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub async fn validate(&self, token: &str) -> Result<Identity, String> {
        let now = chrono::Utc::now().timestamp();
        self.validate_at(token, now).await
    }

    /// The identity of a token at a moment, in seconds since 1970.
    ///
    /// # Errors
    /// Why it is not accepted.
    async fn validate_at(&self, token: &str, now: i64) -> Result<Identity, String> {
        let token = Token::parse(token)?;
        if !self.algorithms.contains(&token.algorithm) {
            return Err(format!(
                "error verifying token: token signed with unsupported algorithm, expected {:?} got {:?}",
                self.algorithms, token.algorithm
            ));
        }
        let issuer = self.keys.verify(&token).await.map_err(|why| format!("error verifying token: {why}"))?;
        let claims = token.claims;
        Times::of(&claims)?.check(self.config.leeways, now)?;
        let found = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
        let bound = [Some(self.config.bound_issuer.as_str()).filter(|issuer| !issuer.is_empty()), issuer.as_deref()];
        if bound.into_iter().flatten().any(|wanted| wanted != found) {
            return Err(format!("error validating claims: invalid issuer (iss) claim {found:?}"));
        }
        claims::check_audience(&claims, &self.config.bound_audiences)?;
        let value = claims::values(&claims, &self.config.claim_mappings)?;
        let list = claims::lists(&claims, &self.config.list_claim_mappings)?;
        Ok(identity(value, list))
    }
}

fn identity(value: BTreeMap<String, String>, list: BTreeMap<String, Vec<String>>) -> Identity {
    let variables = value.iter().map(|(name, text)| (format!("value.{name}"), text.clone())).collect();
    Identity { fields: Fields::Jwt(JwtFields { value, list }), variables }
}

#[cfg(test)]
mod tests;
