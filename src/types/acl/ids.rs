//! Ids and names that have a meaning of their own (`spec/acl-and-tls.md` 1.6, 2.1), and what names may look like.

/// Prefix of ids that nobody may choose.
pub const RESERVED_ID_PREFIX: &str = "00000000-0000-0000-0000-0000000000";
/// Policy `global-management`.
pub const GLOBAL_MANAGEMENT_ID: &str = "00000000-0000-0000-0000-000000000001";
/// Policy `builtin/global-read-only`.
pub const GLOBAL_READ_ONLY_ID: &str = "00000000-0000-0000-0000-000000000002";
/// Accessor of the anonymous token.
pub const ANONYMOUS_ACCESSOR: &str = "00000000-0000-0000-0000-000000000002";
/// Secret of the anonymous token: what a request without a token stands for.
pub const ANONYMOUS_SECRET: &str = "anonymous";
/// Key of the system metadata under which the secret of the servers themselves lies; also its accessor.
pub const SERVER_MANAGEMENT: &str = "server-management-token";
/// Description of the anonymous token.
pub const ANONYMOUS_DESCRIPTION: &str = "Anonymous Token";

/// An id that nobody may choose.
pub fn is_reserved_id(id: &str) -> bool {
    id.starts_with(RESERVED_ID_PREFIX)
}

/// Letters, digits, `-` and `_`, between 1 and `most` of them.
fn is_plain_name(name: &str, most: usize) -> bool {
    (1..=most).contains(&name.len())
        && name.bytes().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_'))
}

/// Name of a role.
pub fn is_role_name(name: &str) -> bool {
    is_plain_name(name, 256)
}

/// Name of an auth method.
pub fn is_auth_method_name(name: &str) -> bool {
    is_plain_name(name, 128)
}

/// Name of a service or node in an identity: lower case, letters or digits at both ends.
pub fn is_identity_name(name: &str) -> bool {
    let end = |letter: Option<&u8>| letter.is_some_and(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit());
    is_plain_name(name, 256)
        && !name.bytes().any(|letter| letter.is_ascii_uppercase())
        && end(name.as_bytes().first())
        && end(name.as_bytes().last())
}

/// What is wrong with the name of a policy, if anything.
pub fn policy_name_error(name: &str) -> Option<&'static str> {
    if !(1..=128).contains(&name.len()) {
        return Some("invalid Name. Length must be greater than 0 and less than 128");
    }
    if name.starts_with('/') || name.starts_with("builtin/") {
        return Some("invalid Name. Names cannot be prefixed with '/' or 'builtin/'");
    }
    let (head, tail) = name.split_once('/').unwrap_or((name, ""));
    let fine = is_plain_name(head, 128) && (tail.is_empty() || is_plain_name(tail, 128));
    (!fine).then_some("invalid Name. Only alphanumeric characters, a single '/', '-' and '_' are allowed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        for fine in ["web", "w", "web-1", "a_b", "0"] {
            assert!(is_identity_name(fine), "{fine}");
        }
        for bad in ["", "Web", "-web", "web_", "we b", &"a".repeat(257)] {
            assert!(!is_identity_name(bad), "{bad}");
        }
        assert!(is_role_name(&"R".repeat(256)) && !is_role_name(&"R".repeat(257)) && !is_role_name("a/b"));
        assert!(is_auth_method_name(&"m".repeat(128)) && !is_auth_method_name(&"m".repeat(129)));
        for fine in ["p1", "team/p1", "team/", "A-_"] {
            assert_eq!(policy_name_error(fine), None, "{fine}");
        }
        for (bad, word) in
            [("", "Length"), ("/x", "prefixed"), ("builtin/x", "prefixed"), ("a/b/c", "single"), ("a b", "single")]
        {
            assert!(policy_name_error(bad).is_some_and(|text| text.contains(word)), "{bad}");
        }
        assert!(is_reserved_id(GLOBAL_MANAGEMENT_ID) && !is_reserved_id("00000000-0000-0000-0000-000000000100"));
    }
}
