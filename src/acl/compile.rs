//! From the texts of policies to permissions. Tokens with the same policies share both the parsing and the result.

use super::permissions::{Base, Permissions};
use super::recent::Recent;
use super::rules::Rules;
use crate::types::Result;
use parking_lot::Mutex;
use std::sync::Arc;

/// Parses and merges, and remembers what it has made.
#[derive(Debug)]
pub struct Compiler {
    base: Base,
    /// Rules by text.
    parsed: Mutex<Recent<Arc<str>, Arc<Rules>>>,
    /// Permissions by the texts that they were made of, sorted.
    merged: Mutex<Recent<Vec<Arc<str>>, Arc<Permissions>>>,
}

impl Compiler {
    /// Remembers so many parsed policies and so many permissions (`spec/acl-and-tls.md` 5.3).
    pub fn new(base: Base, policies: usize, permissions: usize) -> Compiler {
        Compiler { base, parsed: Mutex::new(Recent::new(policies)), merged: Mutex::new(Recent::new(permissions)) }
    }

    /// What is decided where no rule speaks.
    pub fn base(&self) -> Base {
        self.base
    }

    /// The permissions that these policies give together.
    ///
    /// # Errors
    /// What is wrong with the rules of one of them.
    pub fn permissions<'a>(&self, policies: impl IntoIterator<Item = &'a str>) -> Result<Arc<Permissions>> {
        let mut texts: Vec<Arc<str>> = policies.into_iter().map(Arc::from).collect();
        texts.sort_unstable();
        texts.dedup();
        if let Some(known) = self.merged.lock().get(&texts) {
            return Ok(Arc::clone(known));
        }
        let rules: Vec<Arc<Rules>> = texts.iter().map(|text| self.rules(text)).collect::<Result<_>>()?;
        let permissions = Arc::new(Permissions::merged(self.base, rules.iter().map(|rules| &**rules)));
        self.merged.lock().insert(texts, Arc::clone(&permissions));
        Ok(permissions)
    }

    fn rules(&self, text: &Arc<str>) -> Result<Arc<Rules>> {
        if let Some(known) = self.parsed.lock().get(text) {
            return Ok(Arc::clone(known));
        }
        let rules = Arc::new(Rules::parse(text)?);
        self.parsed.lock().insert(Arc::clone(text), Arc::clone(&rules));
        Ok(rules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acl::{Access, Resource};

    #[test]
    fn the_same_policies_give_the_same_permissions_in_any_order() {
        let compiler = Compiler::new(Base::Deny, 8, 8);
        let (read, write) = (r#"key_prefix "" { policy = "read" }"#, r#"key "a" { policy = "write" }"#);
        let one = compiler.permissions([read, write]).expect("valid");
        let other = compiler.permissions([write, read, write]).expect("valid");
        assert!(Arc::ptr_eq(&one, &other));
        assert!(one.allows(Resource::Key, Access::Write, "a") && one.allows(Resource::Key, Access::Read, "b"));
        assert!(compiler.permissions([read, "key"]).is_err());
    }
}
