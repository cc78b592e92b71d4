//! Who somebody is in another system: JSON web tokens, Kubernetes service accounts, AWS principals
//! (`spec/acl-and-tls.md` 10). A [`Validator`] turns a credential into an [`Identity`]; binding rules select on its fields
//! and fill names from its variables. This room knows nothing of tokens, policies or the state.

pub mod aws;
pub mod binding;
mod der;
mod fetch;
pub(crate) mod fuzzing;
mod identity;
mod interpolate;
pub mod jwt;
pub mod kubernetes;
mod settings;

pub use identity::{Fields, Identity};
pub use interpolate::interpolate;

use crate::types::acl::AuthMethod;
use crate::types::{Error, Result};

/// Longest credential that is looked at, bytes.
pub const MAX_CREDENTIAL: usize = 128 << 10;

/// Types of auth methods.
pub const KINDS: [&str; 3] = ["aws-iam", "jwt", "kubernetes"];

/// Checks the credentials of one auth method.
pub enum Validator {
    /// `jwt`.
    Jwt(Box<jwt::Validator>),
    /// `kubernetes`.
    Kubernetes(kubernetes::Validator),
    /// `aws-iam`.
    Aws(aws::Validator),
}

impl Validator {
    /// The validator of an auth method, whose configuration is checked.
    ///
    /// # Errors
    /// An unknown type, or what is wrong with the configuration.
    pub fn new(method: &AuthMethod) -> Result<Validator> {
        let empty = Default::default();
        let config = method.config.as_ref().unwrap_or(&empty);
        let made = match method.kind.as_str() {
            "jwt" => jwt::Validator::new(config).map(|made| Validator::Jwt(Box::new(made))),
            "kubernetes" => kubernetes::Validator::new(config).map(Validator::Kubernetes),
            "aws-iam" => aws::Validator::new(config).map(Validator::Aws),
            _ => return Err(Error::new(format!("Type should be one of: [{}]", KINDS.join(" ")))),
        };
        made.map_err(Error::new)
    }

    /// Looks whether what the configuration points to can be reached; only key sets are asked.
    ///
    /// # Errors
    /// What kept it from being read.
    pub async fn check_sources(&self) -> Result<()> {
        match self {
            Validator::Jwt(validator) => validator.check_sources().await.map_err(Error::new),
            Validator::Kubernetes(_) | Validator::Aws(_) => Ok(()),
        }
    }

    /// What an identity of this method looks like, with empty values: selectors and names are checked against it.
    pub fn blank(&self) -> Identity {
        match self {
            Validator::Jwt(validator) => validator.blank(),
            Validator::Kubernetes(_) => kubernetes::blank(),
            Validator::Aws(validator) => validator.blank(),
        }
    }

    /// The identity behind a credential.
    ///
    /// # Errors
    /// Why the credential is not accepted.
    pub async fn validate(&self, credential: &str) -> Result<Identity> {
        if credential.len() > MAX_CREDENTIAL {
            return Err(Error::new(format!("bearer token is longer than {MAX_CREDENTIAL} bytes")));
        }
        let found = match self {
            Validator::Jwt(validator) => validator.validate(credential).await,
            Validator::Kubernetes(validator) => validator.validate(credential).await,
            Validator::Aws(validator) => validator.validate(credential).await,
        };
        found.map_err(Error::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_types_are_refused_and_the_enterprise_one_is_unknown() {
        for kind in ["oidc", "", "JWT"] {
            let method = AuthMethod { kind: kind.into(), ..AuthMethod::default() };
            let error = Validator::new(&method).err().expect("refused");
            assert_eq!(error.text, "Type should be one of: [aws-iam jwt kubernetes]");
        }
    }
}
