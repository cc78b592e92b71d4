//! Kubernetes service accounts: the API server reviews the caller's token (`spec/acl-and-tls.md` 10.2).

use super::identity::{KubernetesFields, ServiceAccount};
use super::settings::Settings;
use super::{Fields, Identity, fetch, jwt};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Annotation of a service account that gives another name.
const NAME_ANNOTATION: &str = "consul.hashicorp.com/service-name";

/// Asks one API server.
pub struct Validator {
    http: reqwest::Client,
    host: String,
    own_token: String,
}

/// The answer to a review.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Review {
    status: ReviewStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ReviewStatus {
    authenticated: bool,
    user: User,
    error: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct User {
    username: String,
    uid: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Account {
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    annotations: Option<BTreeMap<String, String>>,
}

impl Review {
    /// The user behind the token that was reviewed.
    fn user(self) -> Result<User, String> {
        match self.status {
            ReviewStatus { error, .. } if !error.is_empty() => Err(error),
            ReviewStatus { authenticated: false, .. } => Err("service account jwt not valid".to_owned()),
            ReviewStatus { user, .. } => Ok(user),
        }
    }
}

impl User {
    /// Namespace and name of the service account that it is.
    fn service_account(&self) -> Result<(&str, &str), String> {
        let parts: Vec<&str> = self.username.split(':').collect();
        let &[system, kind, namespace, name] = parts.as_slice() else {
            return Err("lookup failed: unexpected username format".to_owned());
        };
        match (system, kind) {
            ("system", "serviceaccount") => Ok((namespace, name)),
            _ => Err("lookup failed: username returned is not a service account".to_owned()),
        }
    }
}

impl Account {
    /// The other name that it gives itself.
    fn annotated_name(self) -> Option<String> {
        self.metadata.annotations.unwrap_or_default().remove(NAME_ANNOTATION).filter(|name| !name.is_empty())
    }
}

/// A refusal of the API server.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    message: String,
}

impl Validator {
    /// From the configuration of an auth method.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(config: &BTreeMap<String, Value>) -> Result<Validator, String> {
        let mut settings = Settings::new(config);
        let host = settings.text("Host")?;
        let ca = settings.text("CACert")?;
        let own_token = settings.text("ServiceAccountJWT")?;
        for enterprise in ["MapNamespaces", "ConsulNamespacePrefix", "ConsulNamespaceOverrides"] {
            if settings.is_set(enterprise) {
                return Err(format!("Config.{enterprise} is a Consul Enterprise feature"));
            }
        }
        settings.finish()?;
        for (name, value) in [("Host", &host), ("CACert", &ca), ("ServiceAccountJWT", &own_token)] {
            if value.is_empty() {
                return Err(format!("Config.{name} is required"));
            }
        }
        let http = fetch::client(&ca).map_err(|why| format!("error parsing kubernetes ca cert: {why}"))?;
        jwt::is_token(&own_token).map_err(|why| format!("Config.ServiceAccountJWT is not a valid JWT: {why}"))?;
        Ok(Validator { http, host: host.trim_end_matches('/').to_owned(), own_token })
    }

    /// The identity of a service account's token.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub async fn validate(&self, token: &str) -> Result<Identity, String> {
        jwt::is_token(token).map_err(|why| format!("failed to parse and validate JWT: {why}"))?;
        let user = self.review(token).await.map_err(|why| format!("lookup failed: {why}"))?;
        let (namespace, name) = user.service_account()?;
        let annotated =
            self.annotated_name(namespace, name).await.map_err(|why| format!("annotation lookup failed: {why}"))?;
        let (namespace, name) = (namespace.to_owned(), annotated.unwrap_or_else(|| name.to_owned()));
        Ok(identity(ServiceAccount { namespace, name, uid: user.uid }))
    }

    async fn review(&self, token: &str) -> Result<User, String> {
        let url = format!("{}/apis/authentication.k8s.io/v1/tokenreviews", self.host);
        let body = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": { "token": token },
        });
        self.ask::<Review>(self.http.post(url).json(&body)).await?.user()
    }

    async fn annotated_name(&self, namespace: &str, name: &str) -> Result<Option<String>, String> {
        let escape = |text: &str| percent_encoding::utf8_percent_encode(text, PATH_SEGMENT).to_string();
        let (namespace, name) = (escape(namespace), escape(name));
        let url = format!("{}/api/v1/namespaces/{namespace}/serviceaccounts/{name}", self.host);
        Ok(self.ask::<Account>(self.http.get(url)).await?.annotated_name())
    }

    /// Asks the API server with our own token.
    async fn ask<T: for<'de> Deserialize<'de>>(&self, request: reqwest::RequestBuilder) -> Result<T, String> {
        let (status, body) = fetch::send(request.bearer_auth(&self.own_token)).await?;
        read(status, &body)
    }
}

/// Reads an answer of the API server.
fn read<T: for<'de> Deserialize<'de>>(status: u16, body: &[u8]) -> Result<T, String> {
    if !(200..300).contains(&status) {
        let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
        let text = if refusal.message.is_empty() { "no message".to_owned() } else { refusal.message };
        return Err(format!("the API server answered {status}: {text}"));
    }
    serde_json::from_slice(body).map_err(|error| format!("the API server's answer cannot be read: {error}"))
}

/// Reads an answer as a review, as an account and as a refusal, for `crate::fuzzing`.
pub(super) fn fuzz(body: &[u8]) {
    if let Ok(user) = read::<Review>(201, body).and_then(Review::user) {
        let _ = user.service_account();
    }
    let _ = read::<Account>(200, body).map(Account::annotated_name);
    assert!(read::<Account>(403, body).is_err(), "a refusal is no account");
}

/// What a segment of a path must not contain.
const PATH_SEGMENT: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// The fields of any service account, with empty values.
pub fn blank() -> Identity {
    identity(ServiceAccount::default())
}

fn identity(account: ServiceAccount) -> Identity {
    let variables = [
        ("serviceaccount.namespace", &account.namespace),
        ("serviceaccount.name", &account.name),
        ("serviceaccount.uid", &account.uid),
    ];
    let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    Identity { fields: Fields::Kubernetes(KubernetesFields { service_account: account }), variables }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JWT: &str = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln";

    fn refused(config: Value) -> String {
        Validator::new(&serde_json::from_value(config).expect("an object")).err().expect("refused")
    }

    #[test]
    fn configurations_are_refused_in_the_words_of_the_reference() {
        assert_eq!(refused(json!({})), "Config.Host is required");
        assert_eq!(refused(json!({"Host": "h"})), "Config.CACert is required");
        assert_eq!(refused(json!({"Host": "h", "CACert": "c"})), "Config.ServiceAccountJWT is required");
        let error = refused(json!({"Host": "h", "CACert": "c", "ServiceAccountJWT": JWT}));
        assert!(error.starts_with("error parsing kubernetes ca cert: "), "{error}");
        let key = rcgen::KeyPair::generate().expect("a key");
        let ca = rcgen::CertificateParams::new(Vec::new()).and_then(|params| params.self_signed(&key));
        let ca = ca.expect("a certificate").pem();
        let error = refused(json!({"Host": "h", "CACert": ca, "ServiceAccountJWT": "x"}));
        assert!(error.starts_with("Config.ServiceAccountJWT is not a valid JWT: "), "{error}");
        let error = refused(json!({"Host": "h", "CACert": ca, "ServiceAccountJWT": JWT, "Hosts": "x"}));
        assert!(error.ends_with("has invalid keys: Hosts"), "{error}");
        let config = json!({"host": "h", "cacert": ca, "serviceaccountjwt": JWT});
        assert!(Validator::new(&serde_json::from_value(config).expect("an object")).is_ok());
    }
}
