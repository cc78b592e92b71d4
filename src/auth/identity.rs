//! What is known of a caller: fields for selectors and variables for names.

use crate::filter::{Field, Filter, Filterable, Typed, kind_of};
use std::collections::BTreeMap;

/// A caller as another system knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// What selectors see.
    pub fields: Fields,
    /// What `${...}` stands for, by name.
    pub variables: BTreeMap<String, String>,
}

/// The fields of an identity, by type of the auth method.
#[derive(Clone, Debug, PartialEq)]
pub enum Fields {
    /// Of a JSON web token.
    Jwt(JwtFields),
    /// Of a Kubernetes service account.
    Kubernetes(KubernetesFields),
    /// Of an AWS principal.
    Aws(AwsFields),
}

/// Mapped claims.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JwtFields {
    /// `value.<name>`.
    pub value: BTreeMap<String, String>,
    /// `list.<name>`.
    pub list: BTreeMap<String, Vec<String>>,
}

/// A service account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KubernetesFields {
    /// `serviceaccount`.
    pub service_account: ServiceAccount,
}

/// What is known of a service account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceAccount {
    /// Namespace.
    pub namespace: String,
    /// Name, or the one that its annotation gives.
    pub name: String,
    /// Id.
    pub uid: String,
}

/// An IAM role or user.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AwsFields {
    /// Name of the role or user.
    pub entity_name: String,
    /// Unique id of the role or user.
    pub entity_id: String,
    /// Account.
    pub account_id: String,
    /// Path; only with entity details.
    pub entity_path: String,
    /// Tags that the method asks for; only with entity details.
    pub entity_tags: BTreeMap<String, String>,
}

macro_rules! filterable {
    ($($row:ty { $($name:literal => $get:expr;)* })*) => {$(
        impl Filterable for $row {
            const FIELDS: &'static [Field<Self>] = &[$(Field {
                name: $name,
                kind: kind_of::<$row, _>($get),
                get: |row| {
                    let get: for<'a> fn(&'a $row) -> &'a _ = $get;
                    Typed::value(get(row))
                },
            }),*];
        }
    )*};
}

filterable! {
    JwtFields {
        "value" => |row| &row.value;
        "list" => |row| &row.list;
    }
    KubernetesFields {
        "serviceaccount" => |row| &row.service_account;
    }
    ServiceAccount {
        "namespace" => |row| &row.namespace;
        "name" => |row| &row.name;
        "uid" => |row| &row.uid;
    }
    AwsFields {
        "entity_name" => |row| &row.entity_name;
        "entity_id" => |row| &row.entity_id;
        "account_id" => |row| &row.account_id;
        "entity_path" => |row| &row.entity_path;
        "entity_tags" => |row| &row.entity_tags;
    }
}

impl Fields {
    /// Whether an expression holds; the empty one always does.
    ///
    /// # Errors
    /// What is wrong with the expression.
    pub fn matches(&self, selector: &str) -> Result<bool, String> {
        match self {
            Fields::Jwt(row) => matches(row, selector),
            Fields::Kubernetes(row) => matches(row, selector),
            Fields::Aws(row) => matches(row, selector),
        }
    }
}

fn matches<T: Filterable>(row: &T, selector: &str) -> Result<bool, String> {
    const PREFIX: &str = "Failed to create boolean expression evaluator: ";
    match Filter::<T>::parse(selector) {
        Ok(filter) => Ok(filter.matches(row)),
        Err(error) => Err(error.text.strip_prefix(PREFIX).unwrap_or(&error.text).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_see_the_fields_of_their_type() {
        let jwt = Fields::Jwt(JwtFields {
            value: BTreeMap::from([("user".to_owned(), "bob".to_owned())]),
            list: BTreeMap::from([("groups".to_owned(), vec!["dev".to_owned()])]),
        });
        let account = ServiceAccount { namespace: "default".into(), name: "web".into(), uid: "u".into() };
        let kubernetes = Fields::Kubernetes(KubernetesFields { service_account: account });
        let aws = Fields::Aws(AwsFields {
            entity_name: "r".into(),
            entity_tags: BTreeMap::from([("team".to_owned(), "a".to_owned())]),
            ..AwsFields::default()
        });
        let cases = [
            (&jwt, "", true),
            (&jwt, "value.user == bob", true),
            (&jwt, "value.user == eve", false),
            (&jwt, "\"dev\" in list.groups and value.user != eve", true),
            (&jwt, "value.other == bob", false),
            (&kubernetes, "serviceaccount.namespace==default and serviceaccount.name==web", true),
            (&kubernetes, "serviceaccount.uid != u", false),
            (&aws, "entity_name == r and entity_tags.team == a", true),
        ];
        for (fields, selector, expected) in cases {
            assert_eq!(fields.matches(selector), Ok(expected), "{selector}");
        }
        for (fields, selector) in [(&jwt, "nope == 1"), (&kubernetes, "serviceaccount.x == 1"), (&aws, "(")] {
            assert!(fields.matches(selector).is_err(), "{selector}");
        }
    }
}
