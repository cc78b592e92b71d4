//! Who may do what: each row of [`table`] with each kind of token, against a server that denies by default.

mod agents;
mod page;
mod reference;
mod table;
mod world;

use crate::support::{Response, request_within};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use table::{GROUPS, Grant, Kind, LISTING, Missing, OK_OR_MISSING, QUESTIONS, Question, Row};
use world::{MANAGEMENT, World};

/// The kinds of tokens, in the order in which they are tried: what works comes last, so that nothing changes before.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Column {
    None,
    Anonymous,
    Unknown,
    Foreign,
    TooLow(usize),
    Expired,
    Exact,
}

/// Says that an answer would be longer for who may see more.
const FILTERED: &str = "x-consul-results-filtered-by-acls";
/// A secret that no token has.
const UNKNOWN: &str = "1b6e2f3c-7d7a-4d1f-9a53-0e5d8c4b2a10";
/// What an unknown, expired or foreign secret gets.
const NOT_FOUND: &str = "ACL not found";

impl Grant {
    /// The rule that grants exactly this.
    fn rule(&self) -> String {
        self.rule_of(self.level)
    }

    /// The same with the next lower level.
    fn lower_rule(&self) -> String {
        self.rule_of(match self.level {
            "write" | "list" => "read",
            _ => "deny",
        })
    }

    fn rule_of(&self, level: &str) -> String {
        match self.name {
            "" if !self.resource.ends_with("_prefix") => format!("{} = \"{level}\"\n", self.resource),
            name => format!("{} {name:?} {{ policy = \"{level}\" }}\n", self.resource),
        }
    }

    /// `'key:write' on "app/color"`.
    fn lacking(&self) -> String {
        let resource = self.resource.trim_end_matches("_prefix");
        let place = if self.name.is_empty() { String::new() } else { format!(" on {:?}", self.name) };
        format!("'{resource}:{}'{place}", self.level)
    }
}

/// The rules of a token for these grants, with one of them a level too low.
fn rules(grants: &[Grant], too_low: Option<usize>) -> String {
    let rule =
        |(number, grant): (usize, &Grant)| if too_low == Some(number) { grant.lower_rule() } else { grant.rule() };
    grants.iter().enumerate().map(rule).collect()
}

/// What a cell of the matrix expects.
#[derive(Debug, Default)]
struct Expected {
    status: u16,
    /// The whole body.
    body: Option<String>,
    /// A part of it.
    contains: Option<String>,
    lacks: Option<String>,
    /// `X-Consul-Results-Filtered-By-ACLs: true` is there.
    filtered: Option<bool>,
}

fn denied(row: &Row, column: Column, accessor: &str) -> String {
    let number = if let Column::TooLow(number) = column { number } else { 0 };
    let lacking = row.says.unwrap_or(row.grants[number]).lacking();
    if matches!(column, Column::None | Column::Anonymous) {
        return format!(
            "Permission denied: anonymous token lacks permission {lacking}. The anonymous token is used implicitly when a \
             request does not specify a token."
        );
    }
    format!("Permission denied: token with AccessorID '{accessor}' lacks permission {lacking}")
}

fn expected(row: &Row, column: Column, accessor: &str) -> Expected {
    let refused = |status: u16, body: &str| Expected { status, body: Some(body.to_owned()), ..Expected::default() };
    let unknown = matches!(column, Column::Unknown | Column::Foreign | Column::Expired);
    match row.kind {
        Kind::Open => Expected { status: row.granted, ..Expected::default() },
        Kind::Logout if column == Column::None => refused(401, "Supplied token does not exist"),
        _ if unknown => refused(403, NOT_FOUND),
        Kind::Logout => refused(403, "Permission denied: token wasn't created via login"),
        Kind::AnyToken => Expected { status: row.granted, ..Expected::default() },
        Kind::Hidden { shows, .. } if column == Column::Exact => {
            Expected { status: row.granted, contains: Some(shows.to_owned()), ..Expected::default() }
        }
        _ if column == Column::Exact => Expected { status: row.granted, ..Expected::default() },
        Kind::Hidden { shows: "", .. } => Expected { status: row.granted, ..Expected::default() },
        Kind::Hidden { status, shows } => Expected {
            status,
            lacks: Some(shows.to_owned()),
            // nothing that could carry the header is left of an answer that is not there
            filtered: (status != OK_OR_MISSING).then_some(column != Column::None),
            ..Expected::default()
        },
        Kind::Refused => refused(403, &denied(row, column, accessor)),
        Kind::RefusedBare => refused(403, "Permission denied"),
        Kind::FailedInTransaction => {
            let text = Value::from(denied(row, column, accessor)).to_string();
            let text = text.trim_matches('"').to_owned();
            Expected { status: 409, contains: Some(text), ..Expected::default() }
        }
    }
}

/// Sends a row's request; of an answer without end only the head is read.
fn send(world: &World, row: &Row, secret: Option<&str>) -> Response {
    let target = format!("{}{}", row.route, world.fill(row.rest));
    let body = match row.body {
        "{snapshot}" => world.snapshot.clone(),
        body => world.fill(body).into_bytes(),
    };
    let headers: Vec<(&str, &str)> = secret.iter().map(|secret| ("X-Consul-Token", *secret)).collect();
    let address = world.server.http_address();
    let answer = if row.stream {
        head_of(&address, row.method, &target, &headers)
    } else {
        request_within(Duration::from_secs(60), &address, row.method, &target, &headers, &body)
    };
    answer.unwrap_or_else(|error| panic!("{} {target}: {error}\n{}", row.method, world.server.log()))
}

/// The status of an answer, and its body when it is an error.
fn head_of(address: &str, method: &str, target: &str, headers: &[(&str, &str)]) -> std::io::Result<Response> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    write!(stream, "{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n")?;
    let mut reader = BufReader::new(stream);
    let endless = reader.fill_buf()?.starts_with(b"HTTP/1.1 200");
    crate::support::read_response(&mut reader, endless)
}

/// What is wrong with an answer, if anything.
fn judge(answer: &Response, expected: &Expected, world: &World) -> Option<String> {
    let text = answer.text();
    let filtered = answer.header(FILTERED);
    let shown: String = text.chars().take(300).collect();
    let left = expected.status == OK_OR_MISSING && matches!(answer.status, 200 | 404);
    if answer.status != expected.status && !left {
        return Some(format!("{} instead of {}: {shown}", answer.status, expected.status));
    }
    if let Some(body) = expected.body.as_ref().filter(|body| **body != text) {
        return Some(format!("\n     {shown}\n     instead of\n     {body}"));
    }
    if let Some(part) = expected.contains.as_ref().map(|part| world.fill(part)).filter(|part| !text.contains(part)) {
        return Some(format!("no {part} in {shown}"));
    }
    if let Some(part) = expected.lacks.as_ref().map(|part| world.fill(part)).filter(|part| text.contains(part)) {
        return Some(format!("{part} in {shown}"));
    }
    match expected.filtered {
        Some(true) if filtered != Some("true") => Some(format!("it does not say that something was filtered: {shown}")),
        Some(false) if filtered.is_some() => {
            Some("it tells a caller without a token that something was filtered".into())
        }
        _ => None,
    }
}

fn columns(grants: &[Grant]) -> impl Iterator<Item = Column> {
    let too_low = (0..grants.len()).map(Column::TooLow).collect::<Vec<_>>();
    [Column::None, Column::Anonymous, Column::Unknown, Column::Foreign].into_iter().chain(too_low)
}

/// Tries each row with each kind of token; what works comes last, so that nothing changes before.
fn try_all(world: &mut World, rows: &[&Row]) {
    let mut wrong = Vec::new();
    let mut cells = 0;
    let mut cell = |world: &mut World, row: &Row, column: Column| {
        let (accessor, secret) = world.token(row.grants, column);
        cells += 1;
        // what a token may do is known a moment later in the other datacenter; what it may not do must hold at once
        let asked = Instant::now();
        let what = loop {
            let answer = send(world, row, secret.as_deref());
            let what = judge(&answer, &expected(row, column, &accessor), world);
            if what.is_none() || column != Column::Exact || asked.elapsed() > Duration::from_secs(10) {
                break what;
            }
        };
        if let Some(what) = what {
            wrong.push(format!("{} {}{} ({}) {column:?}: {what}", row.method, row.route, row.rest, row.note));
        }
    };
    for row in rows {
        columns(row.grants).for_each(|column| cell(world, row, column));
    }
    world.wait_expired();
    rows.iter().for_each(|row| cell(world, row, Column::Expired));
    // the archive has the tokens that are used after it was restored
    rows.iter().for_each(|row| drop(world.token(row.grants, Column::Exact)));
    world.take_snapshot();
    rows.iter().for_each(|row| cell(world, row, Column::Exact));
    assert!(wrong.is_empty(), "{} of {cells} cells:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_endpoint_answers_every_kind_of_token_as_the_table_says() {
    let rows: Vec<&Row> = GROUPS.iter().flat_map(|group| group.rows).collect();
    try_all(&mut World::start(), &rows);
}

#[test]
fn listing_keys_can_need_a_permission_of_its_own() {
    let rows: Vec<&Row> = LISTING.rows.iter().collect();
    try_all(&mut World::with("enable_key_list_policy = true"), &rows);
}

#[test]
fn names_in_dns_exist_for_who_may_read_them() {
    let mut world = World::start();
    let mut wrong = Vec::new();
    let mut ask = |world: &mut World, question: &Question, column: Column| {
        let (_, secret) = world.token(question.grants, column);
        world.dns_token(secret.as_deref().unwrap_or(""));
        let (code, data) = world.ask(question.name, question.kind);
        let shows = world.fill(question.shows);
        let unknown = matches!(column, Column::Unknown | Column::Foreign | Column::Expired);
        let readable = question.grants.is_empty() || column == Column::Exact;
        let expected = match question.missing {
            Missing::Name if readable => "NoError",
            Missing::Name if unknown => "ServFail",
            Missing::Name => "NXDomain",
            Missing::Records => "NoError",
        };
        if code != expected || data.iter().any(|data| data.contains(&shows)) != readable {
            wrong
                .push(format!("{} {} {column:?}: {code} {data:?} instead of {expected}", question.name, question.kind));
        }
    };
    for question in QUESTIONS {
        columns(question.grants).for_each(|column| ask(&mut world, question, column));
        ask(&mut world, question, Column::Exact);
    }
    world.wait_expired();
    QUESTIONS.iter().for_each(|question| ask(&mut world, question, Column::Expired));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_endpoint_and_method_is_in_the_table() {
    let have: BTreeSet<(&str, &str)> =
        GROUPS.iter().flat_map(|group| group.rows).map(|row| (row.route, row.method)).collect();
    let mut missing = Vec::new();
    let mut known = BTreeSet::new();
    for (path, methods) in tribune::http::routes::endpoints() {
        for method in methods.split(',') {
            known.insert((path, method));
            if !have.contains(&(path, method)) {
                missing.push(format!("{method} {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "endpoints without a row in tests/it/matrix/table.rs: {missing:?}");
    let gone: Vec<_> = have.difference(&known).collect();
    assert!(gone.is_empty(), "rows without an endpoint: {gone:?}");
}

#[test]
fn the_page_on_permissions_is_what_the_table_renders() {
    page::check();
}

#[test]
fn a_local_token_of_the_primary_is_named_as_such_elsewhere() {
    let world = World::start();
    let made = world.manage("PUT", "/v1/acl/token", r#"{"Local": true, "Policies": [{"Name": "global-management"}]}"#);
    let secret = made["SecretID"].as_str().expect("a secret");
    let answer = world.other.send_with("GET", "/v1/kv/a", &[("X-Consul-Token", secret)], "");
    assert_eq!(answer.status, 403, "{}", answer.text());
    let answer = world.other.send_with("GET", "/v1/kv/a", &[("X-Consul-Token", MANAGEMENT)], "");
    assert_eq!(answer.status, 404, "a global token works in both: {}", answer.text());
}
