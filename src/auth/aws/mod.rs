//! AWS principals: the caller signs a request to STS, the server sends it and so learns who signed
//! (`spec/acl-and-tls.md` 10.4).

mod arn;
mod bearer;
mod responses;

use super::identity::AwsFields;
use super::settings::Settings;
use super::{Fields, Identity, fetch};
use arn::Arn;
use bearer::{Bearer, Signed};
use responses::{CallerIdentity, Entity};
use serde_json::Value;
use std::collections::BTreeMap;

/// What callers must be.
#[derive(Clone, Debug, Default, PartialEq)]
struct Config {
    bound_principals: Vec<String>,
    entity_details: bool,
    entity_tags: Vec<String>,
    server_id: String,
    max_retries: i64,
    iam_endpoint: String,
    sts_endpoint: String,
    allowed_headers: Vec<String>,
}

impl Config {
    fn read(config: &BTreeMap<String, Value>) -> Result<Config, String> {
        let mut settings = Settings::new(config);
        let read = Config {
            bound_principals: settings.texts("BoundIAMPrincipalARNs")?,
            entity_details: settings.flag("EnableIAMEntityDetails")?,
            entity_tags: settings.texts("IAMEntityTags")?,
            server_id: settings.text("ServerIDHeaderValue")?,
            max_retries: settings.number("MaxRetries")?,
            iam_endpoint: settings.text("IAMEndpoint")?,
            sts_endpoint: settings.text("STSEndpoint")?,
            allowed_headers: settings.texts("AllowedSTSHeaderValues")?,
        };
        settings.finish()?;
        read.check()?;
        Ok(read)
    }

    fn check(&self) -> Result<(), String> {
        if self.bound_principals.is_empty() {
            return Err("BoundIAMPrincipalARNs is required and must have at least 1 entry".to_owned());
        }
        for text in &self.bound_principals {
            match text.matches('*').count() {
                0 => {}
                _ if !self.entity_details => {
                    return Err("Must set EnableIAMEntityDetails=true to use wildcards in BoundIAMPrincipalARNs".into());
                }
                1 if text.ends_with('*') => {}
                _ => return Err("Only one wildcard is allowed at the end of the bound IAM principal ARN".into()),
            }
            let arn = Arn::parse(text).map_err(|_| format!("Invalid principal ARN: {text:?}"))?;
            if !arn.path.is_empty() && !self.entity_details {
                return Err(format!(
                    "invalid bound principal ARN {text:?}: must set EnableIAMEntityDetails=true to use a path"
                ));
            }
        }
        if !self.entity_tags.is_empty() && !self.entity_details {
            return Err("Must set EnableIAMEntityDetails=true to use IAMEntityTags".to_owned());
        }
        for (name, url) in [("STSEndpoint", &self.sts_endpoint), ("IAMEndpoint", &self.iam_endpoint)] {
            if !url.is_empty() {
                bearer::endpoint(url).map_err(|why| format!("{name} is invalid: {why}"))?;
            }
        }
        Ok(())
    }

    /// An ARN is one of the bound ones; a `*` at the end of those stands for anything.
    fn trusts(&self, arn: &str) -> bool {
        self.bound_principals.iter().any(|bound| match bound.strip_suffix('*') {
            Some(prefix) => arn.starts_with(prefix),
            None => bound == arn,
        })
    }
}

/// Asks STS and IAM.
pub struct Validator {
    http: reqwest::Client,
    config: Config,
}

impl Validator {
    /// From the configuration of an auth method.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(config: &BTreeMap<String, Value>) -> Result<Validator, String> {
        Ok(Validator { config: Config::read(config)?, http: fetch::client("")? })
    }

    /// All fields that can occur, with empty values.
    pub fn blank(&self) -> Identity {
        let tags = self.config.entity_tags.iter().map(|tag| (tag.clone(), String::new())).collect();
        self.identity(AwsFields { entity_tags: tags, ..AwsFields::default() })
    }

    /// The identity of the one who signed the requests of a bearer token.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub async fn validate(&self, token: &str) -> Result<Identity, String> {
        let bearer =
            Bearer::parse(token, &self.config).map_err(|why| format!("failed to parse bearer token: {why}"))?;
        let body = self.send(&bearer.caller_identity, &self.config.sts_endpoint, "STS").await?;
        let caller = CallerIdentity::parse(&body)
            .map_err(|why| format!("failed to parse the response of sts:GetCallerIdentity: {why}"))?;
        let arn = Arn::parse(&caller.arn)?;
        let canonical = arn.canonical();
        let fields = if self.config.entity_details {
            let request = bearer.entity.as_ref().ok_or("the bearer token carries no request for the IAM entity")?;
            let body = self.send(request, &self.config.iam_endpoint, "IAM").await?;
            let entity = Entity::parse(&body).map_err(|why| format!("failed to parse the IAM entity: {why}"))?;
            self.with_entity(&arn, &caller, entity)?
        } else {
            if !self.config.trusts(&canonical) {
                return Err(format!("IAM principal {canonical} is not trusted"));
            }
            AwsFields {
                entity_name: arn.name.clone(),
                entity_id: caller.entity_id().to_owned(),
                account_id: caller.account.clone(),
                ..AwsFields::default()
            }
        };
        Ok(self.identity(fields))
    }

    /// The entity must be the one that signed, and trusted with its full path.
    fn with_entity(&self, arn: &Arn, caller: &CallerIdentity, entity: Entity) -> Result<AwsFields, String> {
        let described = Arn::parse(&entity.arn)?;
        if described.canonical() != arn.canonical() || entity.id != caller.entity_id() {
            return Err(format!("the IAM entity {} is not the caller {}", entity.arn, caller.arn));
        }
        if !self.config.trusts(&entity.arn) {
            return Err(format!("IAM principal {} is not trusted", entity.arn));
        }
        let tag = |name: &String| (name.clone(), entity.tags.get(name).cloned().unwrap_or_default());
        Ok(AwsFields {
            entity_name: entity.name.clone(),
            entity_id: entity.id.clone(),
            account_id: caller.account.clone(),
            entity_path: entity.path.clone(),
            entity_tags: self.config.entity_tags.iter().map(tag).collect(),
        })
    }

    fn identity(&self, fields: AwsFields) -> Identity {
        let mut variables = BTreeMap::from([
            ("entity_name".to_owned(), fields.entity_name.clone()),
            ("entity_id".to_owned(), fields.entity_id.clone()),
            ("account_id".to_owned(), fields.account_id.clone()),
        ]);
        if self.config.entity_details {
            variables.insert("entity_path".to_owned(), fields.entity_path.clone());
            let tags = fields.entity_tags.iter();
            variables.extend(tags.map(|(tag, value)| (format!("entity_tags.{tag}"), value.clone())));
        }
        Identity { fields: Fields::Aws(fields), variables }
    }

    /// Sends a signed request, to another place when the configuration says so; tries again while the service is away.
    async fn send(&self, signed: &Signed, endpoint: &str, service: &str) -> Result<Vec<u8>, String> {
        let attempts = 1 + self.config.max_retries.clamp(0, 10);
        let mut failure = String::new();
        for _ in 0..attempts {
            match fetch::send(signed.request(&self.http, endpoint)?).await {
                Ok((200, body)) => return Ok(body),
                Ok((status, _)) if status < 500 => return Err(format!("received error code {status} from {service}")),
                Ok((status, _)) => failure = format!("received error code {status} from {service}"),
                Err(why) => failure = format!("request to {service} failed: {why}"),
            }
        }
        Err(failure)
    }
}

/// Reads an answer of STS or IAM, or the bearer token of a caller, for `crate::fuzzing`.
pub(super) fn fuzz(data: &[u8]) {
    if let Ok(caller) = CallerIdentity::parse(data) {
        let _ = Arn::parse(&caller.arn).map(|arn| arn.canonical());
        caller.entity_id();
    }
    if let Ok(entity) = Entity::parse(data) {
        let _ = Arn::parse(&entity.arn);
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    for entity_details in [false, true] {
        let config = Config { entity_details, server_id: "server".to_owned(), ..Config::default() };
        let _ = Bearer::parse(text, &config);
    }
}

#[cfg(test)]
mod tests;
