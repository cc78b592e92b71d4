//! Making certificates: keys, authorities, leaves (RFC 5280), requests for them (RFC 2986), with the layout that the reference gives them.

mod csr;
mod der;
mod issue;
mod key;
mod names;
mod parse;
#[cfg(test)]
mod tests;

pub use csr::Csr;
pub use issue::{Issuer, Request, Usage};
pub use key::{Key, pem_text, sha1_id};
pub use names::Names;
pub use parse::Parsed;

/// Object identifiers.
mod oids {
    pub const P256: &[u32] = &[1, 2, 840, 10045, 3, 1, 7];
    pub const P384: &[u32] = &[1, 3, 132, 0, 34];
    pub const RSA: &[u32] = &[1, 2, 840, 113_549, 1, 1, 1];
    pub const ECDSA_SHA256: &[u32] = &[1, 2, 840, 10045, 4, 3, 2];
    pub const ECDSA_SHA384: &[u32] = &[1, 2, 840, 10045, 4, 3, 3];
    pub const RSA_SHA256: &[u32] = &[1, 2, 840, 113_549, 1, 1, 11];
    pub const ED25519: &[u32] = &[1, 3, 101, 112];
    pub const ORGANIZATION: &[u32] = &[2, 5, 4, 10];
    pub const COMMON_NAME: &[u32] = &[2, 5, 4, 3];
    pub const KEY_USAGE: &[u32] = &[2, 5, 29, 15];
    pub const EXTENDED_KEY_USAGE: &[u32] = &[2, 5, 29, 37];
    pub const BASIC_CONSTRAINTS: &[u32] = &[2, 5, 29, 19];
    pub const SUBJECT_KEY_ID: &[u32] = &[2, 5, 29, 14];
    pub const AUTHORITY_KEY_ID: &[u32] = &[2, 5, 29, 35];
    pub const ALTERNATIVE_NAME: &[u32] = &[2, 5, 29, 17];
    pub const NAME_CONSTRAINTS: &[u32] = &[2, 5, 29, 30];
    pub const EXTENSION_REQUEST: &[u32] = &[1, 2, 840, 113_549, 1, 9, 14];
    pub const SERVER_AUTH: &[u32] = &[1, 3, 6, 1, 5, 5, 7, 3, 1];
    pub const CLIENT_AUTH: &[u32] = &[1, 3, 6, 1, 5, 5, 7, 3, 2];
}
