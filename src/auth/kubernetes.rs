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
        let parts: Vec<&str> = user.username.split(':').collect();
        let &[system, kind, namespace, name] = parts.as_slice() else {
            return Err("lookup failed: unexpected username format".to_owned());
        };
        if (system, kind) != ("system", "serviceaccount") {
            return Err("lookup failed: username returned is not a service account".to_owned());
        }
        let annotated =
            self.annotated_name(namespace, name).await.map_err(|why| format!("annotation lookup failed: {why}"))?;
        let name = annotated.unwrap_or_else(|| name.to_owned());
        Ok(identity(ServiceAccount { namespace: namespace.to_owned(), name, uid: user.uid }))
    }

    async fn review(&self, token: &str) -> Result<User, String> {
        let url = format!("{}/apis/authentication.k8s.io/v1/tokenreviews", self.host);
        let body = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": { "token": token },
        });
        let review: Review = self.ask(self.http.post(url).json(&body)).await?;
        match review.status {
            ReviewStatus { error, .. } if !error.is_empty() => Err(error),
            ReviewStatus { authenticated: false, .. } => Err("service account jwt not valid".to_owned()),
            ReviewStatus { user, .. } => Ok(user),
        }
    }

    async fn annotated_name(&self, namespace: &str, name: &str) -> Result<Option<String>, String> {
        let escape = |text: &str| percent_encoding::utf8_percent_encode(text, PATH_SEGMENT).to_string();
        let (namespace, name) = (escape(namespace), escape(name));
        let url = format!("{}/api/v1/namespaces/{namespace}/serviceaccounts/{name}", self.host);
        let account: Account = self.ask(self.http.get(url)).await?;
        let mut annotations = account.metadata.annotations.unwrap_or_default();
        Ok(annotations.remove(NAME_ANNOTATION).filter(|name| !name.is_empty()))
    }

    /// Asks the API server with our own token.
    async fn ask<T: for<'de> Deserialize<'de>>(&self, request: reqwest::RequestBuilder) -> Result<T, String> {
        let (status, body) = fetch::send(request.bearer_auth(&self.own_token)).await?;
        if !(200..300).contains(&status) {
            let refusal: Refusal = serde_json::from_slice(&body).unwrap_or_default();
            let text = if refusal.message.is_empty() { "no message".to_owned() } else { refusal.message };
            return Err(format!("the API server answered {status}: {text}"));
        }
        serde_json::from_slice(&body).map_err(|error| format!("the API server's answer cannot be read: {error}"))
    }
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
