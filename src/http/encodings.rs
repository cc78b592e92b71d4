//! The forms in which one read can be encoded: compact, indented and pretty JSON, each plain or compressed. Equal reads
//! in one form share one body, so compressing costs nothing for the second reader.

use super::json::Style;
use crate::server::Encoding;

/// The encodings of one view of a reply, by [`Style`] and compression.
pub struct Encodings<R: 'static> {
    /// Plain, then compressed: compact, indented, pretty.
    pub forms: [Encoding<R>; 6],
}

impl<R> Encodings<R> {
    /// The form that a request wants.
    pub fn form(&self, style: Style, gzip: bool) -> &Encoding<R> {
        let style = match style {
            Style::Compact => 0,
            Style::Indented => 1,
            Style::Pretty => 2,
        };
        &self.forms[style + if gzip { 3 } else { 0 }]
    }
}

/// Declares the encodings of views: `encodings! { NODES: IndexedNodes, reply => &reply.nodes; }`.
macro_rules! encodings {
    ($($(#[$doc:meta])* $name:ident: $reply:ty, $bound:pat => $view:expr;)*) => {$(
        $(#[$doc])*
        static $name: $crate::http::encodings::Encodings<$reply> = {
            use $crate::http::encodings::encode;
            use $crate::http::json::Style;
            use $crate::server::Encoding;
            $crate::http::encodings::Encodings { forms: [
                Encoding {
                    name: concat!(stringify!($name), " compact"),
                    encode: |$bound: &$reply| encode($view, Style::Compact, false),
                },
                Encoding {
                    name: concat!(stringify!($name), " indented"),
                    encode: |$bound: &$reply| encode($view, Style::Indented, false),
                },
                Encoding {
                    name: concat!(stringify!($name), " pretty"),
                    encode: |$bound: &$reply| encode($view, Style::Pretty, false),
                },
                Encoding {
                    name: concat!(stringify!($name), " compact gzip"),
                    encode: |$bound: &$reply| encode($view, Style::Compact, true),
                },
                Encoding {
                    name: concat!(stringify!($name), " indented gzip"),
                    encode: |$bound: &$reply| encode($view, Style::Indented, true),
                },
                Encoding {
                    name: concat!(stringify!($name), " pretty gzip"),
                    encode: |$bound: &$reply| encode($view, Style::Pretty, true),
                },
            ] }
        };
    )*};
}
pub(super) use encodings;

/// Encodes a view; small bodies are not compressed.
///
/// # Errors
/// As [`super::json::to_bytes`].
pub fn encode<T: serde::Serialize>(view: T, style: Style, gzip: bool) -> crate::types::Result<bytes::Bytes> {
    let body = super::json::to_bytes(&view, style)?;
    Ok(if gzip && body.len() >= super::answer::GZIP_FROM { super::answer::gzip(&body) } else { body })
}
