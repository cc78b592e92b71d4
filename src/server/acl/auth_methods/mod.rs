//! Auth methods at work: their validators, what is checked of a configuration and of a binding rule, login and logout
//! (`spec/acl-and-tls.md` 10). Credentials themselves are checked in the room `auth`.

mod login;

use crate::acl::templates::Template;
use crate::auth::{Validator, binding};
use crate::server::Server;
use crate::types::acl::{AuthMethod, BindingRule};
use crate::types::{Error, Index, Result};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// The validators in use, by name of their methods. They keep connections and key sets from one login to the next.
#[derive(Default)]
pub(in crate::server) struct Validators(Mutex<HashMap<String, (Index, Arc<Validator>)>>);

impl Validators {
    /// The validator of a stored method.
    ///
    /// # Errors
    /// What is wrong with its configuration.
    fn of(&self, method: &AuthMethod) -> Result<Arc<Validator>> {
        let mut kept = self.0.lock();
        match kept.get(&method.name) {
            Some((index, validator)) if *index == method.modify_index => Ok(Arc::clone(validator)),
            _ => {
                let validator = Arc::new(Validator::new(method)?);
                kept.insert(method.name.clone(), (method.modify_index, Arc::clone(&validator)));
                Ok(validator)
            }
        }
    }

    /// Forgets the validators of methods that are gone.
    fn retain(&self, exists: impl Fn(&str) -> bool) {
        self.0.lock().retain(|name, _| exists(name));
    }
}

/// Refuses a method whose configuration cannot work; what it points to is read once.
///
/// # Errors
/// `Invalid Auth Method: ...`
pub(super) async fn check_config(method: &AuthMethod) -> Result<()> {
    let invalid = |error: Error| error.prefixed("Invalid Auth Method: ");
    Validator::new(method).map_err(invalid)?.check_sources().await.map_err(invalid)
}

/// Refuses a rule that cannot work with its method.
///
/// # Errors
/// What is wrong with the selector, the type or the names.
pub(super) fn check_content(server: &Server, method: &AuthMethod, rule: &BindingRule) -> Result<()> {
    let blank = server.inner.validators.of(method)?.blank();
    binding::check(rule, &blank, check_template).map_err(Error::new)
}

/// A template by name, with the variable that it gets.
fn check_template(name: &str, variable: Option<&str>) -> Result<(), String> {
    let template = Template::named(name).ok_or_else(|| format!("templated policy not found: {name:?}"))?;
    template.check(variable).map_err(|error| error.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_validator_is_kept_until_its_method_changes() {
        let config = serde_json::json!({"BoundIAMPrincipalARNs": ["arn:aws:iam::1:role/r"]});
        let config = serde_json::from_value(config).expect("an object");
        let mut method =
            AuthMethod { name: "a".into(), kind: "aws-iam".into(), config, modify_index: 1, ..AuthMethod::default() };
        let validators = Validators::default();
        let first = validators.of(&method).expect("valid");
        assert!(Arc::ptr_eq(&first, &validators.of(&method).expect("valid")));
        method.modify_index = 2;
        assert!(!Arc::ptr_eq(&first, &validators.of(&method).expect("valid")));
        validators.retain(|_| false);
        assert!(validators.0.lock().is_empty());
    }

    #[test]
    fn templates_of_binding_rules_must_exist_and_fit() {
        assert_eq!(check_template("builtin/service", Some("web")), Ok(()));
        assert_eq!(check_template("builtin/dns", None), Ok(()));
        assert!(check_template("builtin/service", None).is_err());
        assert_eq!(check_template("x", None), Err("templated policy not found: \"x\"".into()));
    }
}
