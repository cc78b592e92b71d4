//! Request bodies: one JSON value, held against the table of its type, then read into the domain struct
//! (`spec/http-api.md` 1.5).

pub mod bodies;
pub mod scan;
pub mod shape;

pub use scan::TOO_DEEP;
use serde::de::DeserializeOwned;
use shape::Kind;

/// Reads a body of the given type. `null` gives the type's default.
///
/// # Errors
/// The reason in Go's words; the caller puts its prefix in front.
pub fn decode<T: DeserializeOwned + Default>(body: &[u8], kind: &Kind) -> Result<T, String> {
    match shape::fit(scan::scan(body)?, kind)? {
        None => Ok(T::default()),
        Some(value) => serde_json::from_value(value).map_err(|error| error.to_string()),
    }
}
