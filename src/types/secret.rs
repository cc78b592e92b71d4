//! What is shown in the place of a secret.

/// What stands in the place of a secret that the reader may not see.
pub const REDACTED: &str = "<hidden>";

/// What `Debug` shows of a secret: whether there is one. Every field that holds a secret says so with
/// `#[debug("{}", hidden(field))]`.
pub fn hidden<T: Default + PartialEq>(secret: &T) -> &'static str {
    if *secret == T::default() { "<none>" } else { REDACTED }
}
