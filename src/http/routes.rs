//! The table of endpoints and how a path finds its row (`spec/http-api.md` 0, 1.1).

use super::answer::Answer;
use super::call::Call;
use super::{
    acl, agent, agent_checks, agent_services, catalog, connect, coordinate, event, health, keyring, kv, operator,
    query, session, snapshot, status, txn, ui,
};
use crate::types::Result;
use ahash::AHashMap;
use futures::future::BoxFuture;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Answers one request.
pub type Handler = for<'a, 'b> fn(&'b mut Call<'a>) -> BoxFuture<'b, Result<Answer>>;

/// The read options are parsed, and refused when bad, before the handler runs.
pub const READ: u8 = 1;
/// `?ns=` and `?partition=` are refused.
pub const NS: u8 = 2;
/// `?partition=` is refused.
pub const PARTITION: u8 = 4;
/// `?filter=` becomes part of the options.
pub const FILTER: u8 = 8;
/// Answers carry `X-Consul-Effective-Consistency`.
pub const EFFECTIVE: u8 = 16;
/// Reads become stale under `discovery_max_stale`.
pub const DISCOVERY: u8 = 32;
/// A failing read still carries index headers.
pub const META: u8 = 64;

/// The handler looks at the method itself.
pub const OWN_METHODS: u8 = 128;

/// A row of the table.
pub struct Route {
    /// Path; with a final slash it is a subtree and the rest is the argument.
    pub path: &'static str,
    /// Methods in the order of the `Allow` header, comma separated.
    pub methods: &'static str,
    /// The handler.
    pub handler: Handler,
    /// What happens before it.
    pub flags: u8,
}

impl Route {
    /// The flag is set.
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The method is in the list.
    pub fn allows(&self, method: &str) -> bool {
        self.methods.split(',').any(|allowed| allowed == method)
    }
}

/// Declares rows: `routes! { "/v1/x" "GET" handler; "/v1/y/" "GET,PUT" handler, READ | NS; }`.
macro_rules! routes {
    ($($path:literal $methods:literal $handler:path $(, $flags:expr)?;)*) => {
        /// The endpoints of this group.
        pub const ROUTES: &[$crate::http::routes::Route] = &[$(
            $crate::http::routes::Route {
                path: $path,
                methods: $methods,
                handler: |call| Box::pin($handler(call)),
                flags: 0 $(| $flags)?,
            }
        ),*];
    };
}
pub(super) use routes;

/// All groups.
const GROUPS: &[&[Route]] = &[
    status::ROUTES,
    agent::ROUTES,
    agent_checks::ROUTES,
    agent_services::ROUTES,
    catalog::ROUTES,
    health::ROUTES,
    kv::ROUTES,
    session::ROUTES,
    txn::ROUTES,
    coordinate::ROUTES,
    event::ROUTES,
    snapshot::ROUTES,
    operator::ROUTES,
    keyring::ROUTES,
    query::ROUTES,
    ui::ROUTES,
    acl::ROUTES,
    connect::ROUTES,
];

/// A row and its name in metrics (`v1_kv_`).
pub struct Entry {
    /// The row.
    pub route: &'static Route,
    /// Label of `api.http`.
    pub label: String,
}

static TABLE: LazyLock<AHashMap<&'static str, Entry>> = LazyLock::new(|| {
    let rows = GROUPS.iter().flat_map(|group| group.iter());
    rows.map(|route| (route.path, Entry { route, label: route.path[1..].replace('/', "_") })).collect()
});

/// Path and methods of every endpoint.
pub fn endpoints() -> impl Iterator<Item = (&'static str, &'static str)> {
    GROUPS.iter().flat_map(|group| group.iter()).map(|route| (route.path, route.methods))
}

/// No endpoint has more parts than this.
const MAX_DEPTH: usize = 6;

/// Where a path leads.
pub enum Found {
    /// An endpoint; its argument begins at this byte of the path.
    Route(&'static Entry, usize),
    /// A subtree that was asked for without its slash.
    NeedsSlash,
    /// Nothing.
    Nothing,
}

/// Finds the row of a decoded path by longest prefix.
pub fn find(path: &str) -> Found {
    if let Some(entry) = TABLE.get(path) {
        return Found::Route(entry, path.len());
    }
    let mut ends = [0; MAX_DEPTH];
    let mut count = 0;
    for (at, _) in path.bytes().enumerate().filter(|(_, byte)| *byte == b'/').take(MAX_DEPTH) {
        ends[count] = at + 1;
        count += 1;
    }
    for end in ends[..count].iter().rev() {
        if let Some(entry) = TABLE.get(&path[..*end]) {
            return Found::Route(entry, *end);
        }
    }
    let mut slashed = path.to_owned();
    slashed.push('/');
    if TABLE.contains_key(slashed.as_str()) { Found::NeedsSlash } else { Found::Nothing }
}

/// The cleaned form of a raw path, when it differs: no `//`, `/./`, `/../`; a final slash stays.
pub fn cleaned(raw: &str) -> Option<String> {
    if !raw.contains("//") && !raw.contains("/.") {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in raw.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let mut clean = String::with_capacity(raw.len());
    for part in &parts {
        clean.push('/');
        clean.push_str(part);
    }
    if raw.ends_with('/') || clean.is_empty() {
        clean.push('/');
    }
    (clean != raw).then_some(clean)
}

/// True when a character of the path cannot be printed, by Go's `unicode.IsPrint`.
pub fn has_unprintable(path: &str) -> bool {
    path.bytes().any(|byte| byte < b' ' || byte == 0x7f)
        || (!path.is_ascii()
            && path.chars().filter(|character| !character.is_ascii()).any(|character| {
                // The leading letter keeps combining marks from counting as unprintable.
                String::from_iter(['a', character]).escape_debug().any(|escaped| escaped == '\\')
            }))
}

/// The 404 text of a path that leads nowhere.
pub fn unknown_path(path: &str) -> Cow<'static, str> {
    Cow::Borrowed(if path.contains("/v1/") {
        "Invalid URL path: not a recognized HTTP API endpoint\n"
    } else {
        "Invalid URL path: if attempting to use the HTTP API, ensure the path starts with '/v1/'\n"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(path: &str) -> Option<(&'static str, &str)> {
        match find(path) {
            Found::Route(entry, at) => Some((entry.route.path, &path[at..])),
            Found::NeedsSlash => Some(("slash", "")),
            Found::Nothing => None,
        }
    }

    #[test]
    fn the_longest_prefix_wins_and_subtrees_need_their_slash() {
        let cases = [
            ("/v1/agent/service/register", Some(("/v1/agent/service/register", ""))),
            ("/v1/agent/service/register2", Some(("/v1/agent/service/", "register2"))),
            ("/v1/agent/service/web/a", Some(("/v1/agent/service/", "web/a"))),
            ("/v1/kv/", Some(("/v1/kv/", ""))),
            ("/v1/kv/a/b/c/d/e/f/g/", Some(("/v1/kv/", "a/b/c/d/e/f/g/"))),
            ("/v1/kv", Some(("slash", ""))),
            ("/v1/catalog/service", Some(("slash", ""))),
            ("/v1/status/leader/", None),
            ("/v1/nope", None),
            ("/", None),
        ];
        for (path, expected) in cases {
            assert_eq!(lead(path), expected, "{path}");
        }
    }

    #[test]
    fn every_path_is_in_the_table_once_and_its_methods_are_known() {
        let rows: Vec<_> = GROUPS.iter().flat_map(|group| group.iter()).collect();
        assert_eq!(rows.len(), TABLE.len(), "a path is listed twice");
        for route in rows {
            assert!(route.path.starts_with("/v1/"), "{}", route.path);
            for method in route.methods.split(',') {
                assert!(["GET", "PUT", "POST", "DELETE"].contains(&method), "{} {method}", route.path);
            }
            assert!(route.path[1..].matches('/').count() <= MAX_DEPTH, "{}", route.path);
        }
    }

    #[test]
    fn paths_are_cleaned_as_they_stand() {
        let cases = [
            ("/v1/kv/foo", None),
            ("/v1/kv/.hidden/..x", None),
            ("/v1/kv/%2Fa", None),
            ("/v1/kv//a", Some("/v1/kv/a")),
            ("//v1/kv/x", Some("/v1/kv/x")),
            ("/v1/kv/./a/../b/", Some("/v1/kv/b/")),
            ("/..", Some("/")),
        ];
        for (raw, expected) in cases {
            assert_eq!(cleaned(raw).as_deref(), expected, "{raw}");
        }
    }

    #[test]
    fn characters_that_cannot_be_printed_are_found() {
        for path in ["/v1/kv/a b", "/é", "/\u{4e2d}", "/e\u{301}", "/\u{fffd}", "/'\"\\"] {
            assert!(!has_unprintable(path), "{path:?}");
        }
        for path in ["/\u{1}", "/\n", "/\u{7f}", "/\u{a0}", "/\u{200b}", "/\u{2028}", "/\u{e000}"] {
            assert!(has_unprintable(path), "{path:?}");
        }
    }
}
