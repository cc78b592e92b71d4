//! Names of IAM roles, users and sessions (`arn:aws:sts::1234:assumed-role/name/session`).

/// A parsed name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Arn {
    partition: String,
    service: String,
    account: String,
    /// `role`, `user`, `assumed-role`.
    kind: String,
    /// What stands between kind and name, without slashes at its ends.
    pub(super) path: String,
    /// Name of the role or user.
    pub(super) name: String,
}

impl Arn {
    /// Takes a name apart.
    ///
    /// # Errors
    /// It is not the name of a role, user or session of a role.
    pub(super) fn parse(text: &str) -> Result<Arn, String> {
        let unrecognized = || format!("unrecognized ARN: {text:?}");
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let &["arn", partition, service, "", account, resource] = parts.as_slice() else {
            return Err(unrecognized());
        };
        let owned = |text: &str| text.to_owned();
        let parts: Vec<&str> = resource.split('/').collect();
        let (kind, path, name) = match (service, parts.as_slice()) {
            ("iam", &[kind @ ("role" | "user"), ref path @ .., name]) => (kind, path.join("/"), name),
            ("sts", &["assumed-role", name, _]) => ("assumed-role", String::new(), name),
            _ => return Err(unrecognized()),
        };
        if account.is_empty() || partition.is_empty() || name.is_empty() {
            return Err(unrecognized());
        }
        Ok(Arn {
            partition: owned(partition),
            service: owned(service),
            account: owned(account),
            kind: owned(kind),
            path,
            name: owned(name),
        })
    }

    /// The role or user behind it, without its path: a session stands for its role.
    pub(super) fn canonical(&self) -> String {
        let kind = if self.kind == "assumed-role" { "role" } else { &self.kind };
        format!("arn:{}:iam::{}:{kind}/{}", self.partition, self.account, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_stands_for_its_role_and_paths_are_dropped() {
        let cases = [
            ("arn:aws:sts::1234:assumed-role/my-role/session", "arn:aws:iam::1234:role/my-role", ""),
            ("arn:aws:iam::1234:role/some/path/my-role", "arn:aws:iam::1234:role/my-role", "some/path"),
            ("arn:aws-cn:iam::1234:user/me", "arn:aws-cn:iam::1234:user/me", ""),
        ];
        for (text, canonical, path) in cases {
            let arn = Arn::parse(text).expect("an ARN");
            assert_eq!((arn.canonical().as_str(), arn.path.as_str()), (canonical, path));
        }
        for bad in [
            "",
            "arn",
            "arn:aws:iam::1234:root",
            "arn:aws:sts::1234:assumed-role/my-role",
            "arn:aws:sts::1234:role/x",
            "arn:aws:iam::1234:group/x",
            "arn:aws:iam:eu:1234:user/x",
            "arn:aws:iam::1234:user/",
            "arn:aws:iam:::user/x",
        ] {
            assert!(Arn::parse(bad).is_err(), "{bad}");
        }
    }
}
