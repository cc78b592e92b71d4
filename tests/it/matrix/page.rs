//! Renders docs/permissions.md. `TRIBUNE_WRITE_DOCS=1 cargo test --test it page_on_permissions` writes it.

use super::table::{GROUPS, Grant, Kind, LISTING, Missing, QUESTIONS, Row};
use std::fmt::Write;

const HEAD: &str = "\
# Permissions

<!-- Rendered from tests/it/matrix/table.rs; `TRIBUNE_WRITE_DOCS=1 cargo test --test it page_on_permissions` writes it. -->

What each request and each DNS name needs when ACLs are on and `default_policy` is `deny`. The table is the one that a test sends to a
server, each row with each kind of token. In the examples the agent's node is `node1`, another node `db`.

| token | needs a permission | hides what may not be read | any token | open |
|---|---|---|---|---|
| none | 403, names what the anonymous token lacks | less, without a word | as the anonymous token | works |
| the anonymous token | the same | less, `X-Consul-Results-Filtered-By-ACLs: true` | works | works |
| unknown, expired, or local to another datacenter | 403 `ACL not found` | 403 `ACL not found` | 403 `ACL not found` | works |
| one level too low (`read` for `write`, `deny` for `read`) | 403, names token and permission | less, with the header | works | works |
| exactly what is needed | works | all | works | works |

";

fn permission(grant: &Grant) -> String {
    let resource = grant.resource.trim_end_matches("_prefix");
    match grant.name {
        "" => format!("`{resource}:{}`", grant.level),
        name if grant.resource.ends_with("_prefix") => format!("`{resource}:{}` below `{name}`", grant.level),
        name => format!("`{resource}:{}` on `{name}`", grant.level),
    }
}

fn needs(grants: &[Grant]) -> String {
    grants.iter().map(permission).collect::<Vec<_>>().join(", ")
}

fn without(row: &Row) -> &'static str {
    match row.kind {
        Kind::Open => "open",
        Kind::AnyToken => "any token",
        Kind::Refused => "403",
        Kind::RefusedBare => "403 `Permission denied`",
        Kind::FailedInTransaction => "409, named in `Errors`",
        Kind::Hidden { status: 404, .. } => "hidden; 404 when nothing is left",
        Kind::Hidden { .. } => "hidden",
        Kind::Logout => "401 without a token, 403 unless it came from a login",
    }
}

fn render() -> String {
    let mut text = HEAD.to_owned();
    for group in GROUPS.iter().chain([&LISTING]) {
        let _ =
            write!(text, "## {}\n\n| request | in the test | needs | without it |\n|---|---|---|---|\n", group.title);
        for row in group.rows {
            let note = if row.note.is_empty() { String::new() } else { format!(": {}", row.note) };
            let example = if row.rest.is_empty() { String::new() } else { format!("`{}`", row.rest) };
            let (method, route) = (row.method, row.route);
            let _ =
                writeln!(text, "| `{method} {route}`{note} | {example} | {} | {} |", needs(row.grants), without(row));
        }
        text.push('\n');
    }
    text.push_str(
        "## DNS\n\nThe agent asks with `acl.tokens.dns`, else `acl.tokens.default`, else as anonymous. A name that its token may not read \
         does not\nexist (NXDOMAIN); with a token that is unknown, expired or of another datacenter the answer is SERVFAIL.\n\n\
         | form | in the test | needs | without it |\n|---|---|---|---|\n",
    );
    for question in QUESTIONS {
        let without = match question.missing {
            _ if question.grants.is_empty() => "open",
            Missing::Name => "NXDOMAIN",
            Missing::Records => "left out",
        };
        let (form, name, needs) = (question.form, question.name, needs(question.grants));
        let _ = writeln!(text, "| {form} | `{name}` | {needs} | {without} |");
    }
    text
}

/// Compares the page with the table, or writes it.
pub fn check() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/permissions.md");
    let text = render();
    if std::env::var_os("TRIBUNE_WRITE_DOCS").is_some() {
        std::fs::write(path, &text).expect("the page can be written");
    }
    let page = std::fs::read_to_string(path).expect("the page is there");
    assert!(
        page == text,
        "docs/permissions.md is stale: TRIBUNE_WRITE_DOCS=1 cargo test --test it page_on_permissions"
    );
}
