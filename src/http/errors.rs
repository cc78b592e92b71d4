//! From an error's words to an HTTP status: the one place that decides (`spec/http-api.md` 1.3).

use crate::types::Error;
use hyper::StatusCode;

/// What a row of [`RULES`] looks for in an error text.
enum Words {
    /// Anywhere.
    Contain(&'static str),
    /// The whole text.
    Are(&'static str),
}

/// Statuses by words, first match wins. RPC codes arrive as words too (`code = PermissionDenied`).
const RULES: [(Words, StatusCode); 9] = [
    (Words::Contain("Permission denied"), StatusCode::FORBIDDEN),
    (Words::Contain("ACL not found"), StatusCode::FORBIDDEN),
    (Words::Contain("code = PermissionDenied"), StatusCode::FORBIDDEN),
    (Words::Contain("RPC rate limit exceeded"), StatusCode::TOO_MANY_REQUESTS),
    (Words::Are("Rate limit reached, try again later"), StatusCode::TOO_MANY_REQUESTS),
    (Words::Contain("code = ResourceExhausted"), StatusCode::TOO_MANY_REQUESTS),
    (
        Words::Contain("rate limit exceeded, try again later or against a different server"),
        StatusCode::TOO_MANY_REQUESTS,
    ),
    (Words::Contain("code = Unavailable"), StatusCode::SERVICE_UNAVAILABLE),
    (
        Words::Contain("rate limit exceeded for operation that can only be performed by the leader, try again later"),
        StatusCode::SERVICE_UNAVAILABLE,
    ),
];

/// The status that answers an error.
pub fn status(error: &Error) -> StatusCode {
    let text = error.text.as_str();
    let by_words = RULES.iter().find(|(words, _)| match words {
        Words::Contain(part) => text.contains(part),
        Words::Are(whole) => text == *whole,
    });
    match by_words {
        Some((_, status)) => *status,
        None => {
            error.status.and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_win_over_the_explicit_status_and_the_rest_is_500() {
        let cases = [
            (Error::new("rpc error making call: Permission denied: token"), 403),
            (Error::bad_request("ACL not found"), 403),
            (Error::new("Rate limit reached, try again later"), 429),
            (Error::new("so: Rate limit reached, try again later"), 500),
            (Error::new("rate limit exceeded, try again later or against a different server"), 429),
            (Error::with_status(404, "unknown service ID: x"), 404),
            (Error::no_leader(), 500),
        ];
        for (error, expected) in cases {
            assert_eq!(status(&error).as_u16(), expected, "{error}");
        }
    }
}
