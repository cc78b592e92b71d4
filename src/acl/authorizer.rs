//! The permissions of one caller, with what error texts say of them (`spec/acl-and-tls.md` 4.6).

use super::permissions::{Base, Permissions};
use super::resource::{Access, Resource};
use crate::types::{Error, Result};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

/// Accessor of the anonymous token.
pub const ANONYMOUS: &str = "00000000-0000-0000-0000-000000000002";

/// The bare refusal.
pub const PERMISSION_DENIED: &str = "Permission denied";

/// What a caller may do. Clones share it; two are equal when they permit the same, whoever they belong to.
#[derive(Clone, Debug)]
pub struct Authorizer(Arc<Caller>);

#[derive(Debug)]
struct Caller {
    /// Public handle of the token; empty when nothing is known of it.
    accessor: Box<str>,
    permissions: Arc<Permissions>,
}

impl PartialEq for Authorizer {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || Arc::ptr_eq(&self.0.permissions, &other.0.permissions)
            || self.0.permissions == other.0.permissions
    }
}

impl Eq for Authorizer {}

impl Hash for Authorizer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.permissions.hash(state);
    }
}

impl Authorizer {
    /// The permissions of the token with this accessor.
    pub fn new(accessor: &str, permissions: Arc<Permissions>) -> Authorizer {
        Authorizer(Arc::new(Caller { accessor: accessor.into(), permissions }))
    }

    /// Everything is allowed: ACLs are off.
    pub fn manage() -> Authorizer {
        static MANAGE: LazyLock<Authorizer> = LazyLock::new(|| Authorizer::of_base("", Base::Manage));
        MANAGE.clone()
    }

    /// Permissions without rules.
    pub fn of_base(accessor: &str, base: Base) -> Authorizer {
        Authorizer::new(accessor, Arc::new(Permissions::of_base(base)))
    }

    /// Public handle of the token; empty when nothing is known of it.
    pub fn accessor(&self) -> &str {
        &self.0.accessor
    }

    /// The permissions.
    pub fn permissions(&self) -> &Arc<Permissions> {
        &self.0.permissions
    }

    /// Whether `access` to the named resource is granted. For intentions the name `*` stands for all services.
    pub fn allows(&self, resource: Resource, access: Access, name: &str) -> bool {
        self.0.permissions.allows(resource, access, name)
    }

    /// Whether all names with this prefix may be written (recursive deletes).
    pub fn allows_prefix_write(&self, resource: Resource, prefix: &str) -> bool {
        self.0.permissions.allows_prefix_write(resource, prefix)
    }

    /// Whether `access` is granted to at least one name.
    pub fn allows_any(&self, resource: Resource, access: Access) -> bool {
        self.0.permissions.any(resource, access)
    }

    /// Whether `access` is granted to each name.
    pub fn allows_all(&self, resource: Resource, access: Access) -> bool {
        self.0.permissions.all(resource, access)
    }

    /// True when nothing is ever filtered, so lists need no pass.
    pub fn allows_everything(&self) -> bool {
        self.0.permissions.everything()
    }

    /// The permission, or the refusal that HTTP answers with 403.
    ///
    /// # Errors
    /// `Permission denied: token with AccessorID '...' lacks permission 'key:write' on "foo"`.
    pub fn check(&self, resource: Resource, access: Access, name: &str) -> Result<()> {
        if self.allows(resource, access, name) { Ok(()) } else { Err(self.refusal(resource, access, name)) }
    }

    /// The permission to write all names with this prefix, or the refusal.
    ///
    /// # Errors
    /// As [`Authorizer::check`].
    pub fn check_prefix_write(&self, resource: Resource, prefix: &str) -> Result<()> {
        match self.allows_prefix_write(resource, prefix) {
            true => Ok(()),
            false => Err(self.refusal(resource, Access::Write, prefix)),
        }
    }

    /// The access to at least one name, or the refusal.
    ///
    /// # Errors
    /// As [`Authorizer::check`], on `any service`.
    pub fn check_any(&self, resource: Resource, access: Access) -> Result<()> {
        match self.allows_any(resource, access) {
            true => Ok(()),
            false => Err(self.refusal(resource, access, &format!("any {}", resource.name()))),
        }
    }

    /// The access to each name, or the refusal.
    ///
    /// # Errors
    /// As [`Authorizer::check`], on `all services`.
    pub fn check_all(&self, resource: Resource, access: Access) -> Result<()> {
        match self.allows_all(resource, access) {
            true => Ok(()),
            false => Err(self.refusal(resource, access, &format!("all {}s", resource.name()))),
        }
    }

    /// The refusal of an access that is not granted.
    pub fn refusal(&self, resource: Resource, access: Access, name: &str) -> Error {
        let accessor = self.accessor();
        let who = match accessor {
            "" => "provided token".to_owned(),
            ANONYMOUS => "anonymous token".to_owned(),
            accessor => format!("token with AccessorID '{accessor}'"),
        };
        let (what, level) = (resource.name(), access.name());
        let mut text = format!("{PERMISSION_DENIED}: {who} lacks permission '{what}:{level}'");
        if !name.is_empty() {
            text.push_str(&format!(" on \"{name}\""));
        }
        if accessor == ANONYMOUS {
            text.push_str(". The anonymous token is used implicitly when a request does not specify a token.");
        }
        Error::with_status(403, text)
    }
}
