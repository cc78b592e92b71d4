//! Two datacenters that deny by default, with something of everything that can be asked for, and tokens for the cells.

use super::table::Grant;
use super::{Column, rules};
use crate::support::cluster::member_of;
use crate::support::*;
use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RecordType};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The secret of the first management token.
pub const MANAGEMENT: &str = "6ab4a1f2-3c57-4f6e-8f0e-0d8b2a3c4d5e";
/// Keys of the gossip.
const KEY: &str = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=";
const OTHER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// The fixtures.
pub struct World {
    pub server: TestAgent,
    /// The server of the other datacenter.
    pub other: TestAgent,
    /// An archive of the state.
    pub snapshot: Vec<u8>,
    values: BTreeMap<&'static str, String>,
    tokens: BTreeMap<String, (String, String)>,
    expired: (String, String),
    foreign: (String, String),
}

/// Settings of a server of either datacenter.
fn settings(more: &str) -> String {
    format!(
        r#"
        encrypt = "{KEY}"
        primary_datacenter = "dc1"
        disable_remote_exec = false
        telemetry {{ prometheus_retention_time = "60s" }}
        acl {{
          enabled = true
          default_policy = "deny"
          {more}
        }}
        "#
    )
}

/// Sends a request with the management token; its body must be JSON, or empty.
fn managed(agent: &TestAgent, method: &str, target: &str, body: &str) -> Option<Value> {
    let answer = agent.send_with(method, target, &[("X-Consul-Token", MANAGEMENT)], body);
    (answer.status == 200).then(|| serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
}

fn start(agent: AgentBuilder) -> TestAgent {
    let agent = agent.no_wait().start();
    let ready = |agent: &TestAgent| {
        let node = format!("/v1/catalog/node/{}", agent.name);
        let answer = request(&agent.http_address(), "GET", &node, &[("X-Consul-Token", MANAGEMENT)], b"");
        answer.is_ok_and(|answer| answer.text().contains(r#""Service":"consul""#))
    };
    wait_until(&format!("{} in the catalog", agent.name), || ready(&agent));
    agent
}

impl World {
    /// Starts both servers of the binary under test and makes all fixtures.
    pub fn start() -> World {
        World::with("")
    }

    /// [`World::start`] with further settings of the `acl` block.
    pub fn with(acl: &str) -> World {
        World::of(&under_test(), acl)
    }

    /// [`World::with`] with any binary; without what version 1.8 does not have if it is not ours.
    pub fn of(binary: &str, acl: &str) -> World {
        let tokens = format!(r#"{acl} tokens {{ master = "{MANAGEMENT}", agent = "{MANAGEMENT}" }}"#);
        let server = start(member_of(binary, "node1").server_of(1).hcl(&settings(&tokens)));
        let tokens = format!(
            r#"{acl} enable_token_replication = true
            tokens {{ replication = "{MANAGEMENT}", agent = "{MANAGEMENT}" }}"#
        );
        let other = member_of(binary, "node2").server_of(1).hcl(&settings(&tokens)).hcl(&format!(
            r#"
            datacenter = "dc2"
            retry_join_wan = ["{}"]
            "#,
            server.address
        ));
        let other = start(other);
        let mut world = World {
            server,
            other,
            snapshot: Vec::new(),
            values: BTreeMap::new(),
            tokens: BTreeMap::new(),
            expired: Default::default(),
            foreign: Default::default(),
        };
        let all = r#""Policies": [{"Name": "global-management"}]"#;
        world.expired = world.made_token(&format!(r#"{{{all}, "ExpirationTTL": "61s"}}"#));
        let local = format!(r#"{{{all}, "Local": true}}"#);
        let foreign =
            wait_for("a local token of the other datacenter", || managed(&world.other, "PUT", "/v1/acl/token", &local));
        world.foreign = pair(&foreign);
        world.furnish(binary == BINARY);
        world
    }

    /// Everything that rows ask for; what begins with `doomed` goes away with the cell that may do that. Version 1.8
    /// has no `jwt` auth methods, on which binding rules depend.
    fn furnish(&mut self, jwt: bool) {
        let register = |body: &str| self.manage("PUT", "/v1/agent/service/register", body);
        register(
            r#"{"ID": "web-1", "Name": "web", "Port": 80, "Check": {"CheckID": "web-ttl", "TTL": "1h", "Status": "passing"}}"#,
        );
        register(r#"{"ID": "doomed-1", "Name": "doomed", "Port": 80}"#);
        register(r#"{"ID": "replaced-1", "Name": "replaced", "Port": 80}"#);
        for check in [
            r#"{"ID": "disk", "Name": "disk", "TTL": "1h", "Status": "passing"}"#,
            r#"{"ID": "doomed-check", "Name": "doomed", "TTL": "1h", "Status": "passing"}"#,
            r#"{"ID": "doomed-web-check", "Name": "doomed", "ServiceID": "web-1", "TTL": "1h", "Status": "passing"}"#,
        ] {
            self.manage("PUT", "/v1/agent/check/register", check);
        }
        for row in [
            r#"{"Node": "db", "Address": "10.0.0.9", "Service": {"ID": "mysql-1", "Service": "mysql", "Port": 3306, "Tags": ["primary"]},
                "Check": {"CheckID": "mysql-check", "Name": "mysql", "ServiceID": "mysql-1", "Status": "passing"}}"#,
            r#"{"Node": "db", "Address": "10.0.0.9", "Service": {"ID": "native-1", "Service": "native", "Port": 1, "Connect": {"Native": true}}}"#,
            r#"{"Node": "db", "Address": "10.0.0.9", "Service": {"ID": "doomed-2", "Service": "doomed"}}"#,
            r#"{"Node": "db", "Address": "10.0.0.9", "Service": {"ID": "doomed-3", "Service": "doomed"}}"#,
            r#"{"Node": "db", "Address": "10.0.0.9", "Check": {"CheckID": "doomed-check", "Name": "doomed", "Status": "passing"}}"#,
            r#"{"Node": "doomed-node", "Address": "10.0.0.11"}"#,
        ] {
            self.manage("PUT", "/v1/catalog/register", row);
        }
        for key in ["app/color", "app/size", "doomed", "doomed/a", "doomed/b", "mixed/a", "mixed/kept"] {
            self.manage("PUT", &format!("/v1/kv/{key}"), "blue");
        }
        let coordinate =
            r#"{"Node": "db", "Coord": {"Vec": [0,0,0,0,0,0,0,0], "Error": 1.5, "Adjustment": 0, "Height": 0.00001}}"#;
        self.manage("PUT", "/v1/coordinate/update", coordinate);
        self.manage("PUT", "/v1/event/fire/deploy", "v1");
        // the bootstrap is over once the first management token is there; this one would prove it
        let key_pair = public_key();
        let method = |name: &str| {
            json!({"Name": name, "Type": "jwt", "Config": {"JWTValidationPubKeys": [key_pair]}}).to_string()
        };
        for name in ["kept", "doomed"].into_iter().filter(|_| jwt) {
            self.manage("PUT", "/v1/acl/auth-method", &method(name));
        }
        let made = [
            ("session", "PUT", "/v1/session/create", r#"{"Name": "kept"}"#),
            ("doomed_session", "PUT", "/v1/session/create", r#"{"Name": "doomed"}"#),
            ("query", "POST", "/v1/query", r#"{"Name": "find-web", "Service": {"Service": "web"}}"#),
            ("doomed_query", "POST", "/v1/query", r#"{"Name": "doomed-query", "Service": {"Service": "web"}}"#),
            ("policy", "PUT", "/v1/acl/policy", r#"{"Name": "kept"}"#),
            ("doomed_policy", "PUT", "/v1/acl/policy", r#"{"Name": "doomed"}"#),
            ("role", "PUT", "/v1/acl/role", r#"{"Name": "kept", "ServiceIdentities": [{"ServiceName": "web"}]}"#),
            (
                "doomed_role",
                "PUT",
                "/v1/acl/role",
                r#"{"Name": "doomed", "ServiceIdentities": [{"ServiceName": "web"}]}"#,
            ),
            (
                "rule",
                "PUT",
                "/v1/acl/binding-rule",
                r#"{"AuthMethod": "kept", "BindType": "service", "BindName": "web"}"#,
            ),
            (
                "doomed_rule",
                "PUT",
                "/v1/acl/binding-rule",
                r#"{"AuthMethod": "kept", "BindType": "service", "BindName": "db"}"#,
            ),
            ("token", "PUT", "/v1/acl/token", r#"{"Description": "kept"}"#),
            ("doomed_token", "PUT", "/v1/acl/token", r#"{"Description": "doomed"}"#),
        ];
        let mut values = BTreeMap::new();
        for (name, method, target, body) in
            made.into_iter().filter(|(_, _, target, _)| jwt || !target.ends_with("rule"))
        {
            let answer = self.manage(method, target, body);
            let id = answer["ID"].as_str().or(answer["AccessorID"].as_str()).expect("an id");
            values.insert(name, id.to_owned());
        }
        values.insert("address", self.server.address.clone());
        values.insert("key", KEY.to_owned());
        values.insert("other_key", OTHER_KEY.to_owned());
        values.insert("public_key", key_pair.replace('\n', "\\n"));
        self.values = values;
        for (what, target, text) in [
            ("the coordinate", "/v1/coordinate/node/db", "Coord"),
            ("the services of the agent in the catalog", "/v1/health/service/web?passing", "web-1"),
            ("the event", "/v1/event/list?name=deploy", "deploy"),
        ] {
            wait_until(what, || {
                managed(&self.server, "GET", target, "").is_some_and(|answer| answer.to_string().contains(text))
            });
        }
    }

    /// A request with the management token that must succeed.
    #[track_caller]
    pub fn manage(&self, method: &str, target: &str, body: &str) -> Value {
        let answer = self.server.send_with(method, target, &[("X-Consul-Token", MANAGEMENT)], body);
        assert_eq!(answer.status, 200, "{method} {target} {body}: {}", answer.text());
        serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
    }

    /// Replaces `{name}` by the id of that fixture.
    pub fn fill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.values {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    }

    fn made_token(&self, body: &str) -> (String, String) {
        pair(&self.manage("PUT", "/v1/acl/token", body))
    }

    /// Accessor and secret of the token of a cell.
    pub fn token(&mut self, grants: &[Grant], column: Column) -> (String, Option<String>) {
        let anonymous = "00000000-0000-0000-0000-000000000002".to_owned();
        let rules = match column {
            Column::None => return (anonymous, None),
            Column::Anonymous => return (anonymous, Some("anonymous".to_owned())),
            Column::Unknown => return (String::new(), Some(super::UNKNOWN.to_owned())),
            Column::Foreign => return (self.foreign.0.clone(), Some(self.foreign.1.clone())),
            Column::Expired => return (self.expired.0.clone(), Some(self.expired.1.clone())),
            Column::TooLow(number) => rules(grants, Some(number)),
            Column::Exact => rules(grants, None),
        };
        if let Some((accessor, secret)) = self.tokens.get(&rules) {
            return (accessor.clone(), Some(secret.clone()));
        }
        let name = format!("rules-{}", self.tokens.len());
        self.manage("PUT", "/v1/acl/policy", &json!({"Name": name, "Rules": rules}).to_string());
        let token = self.made_token(&json!({"Policies": [{"Name": name}]}).to_string());
        self.tokens.insert(rules, token.clone());
        (token.0, Some(token.1))
    }

    /// Waits until the token that was made to expire has done so.
    pub fn wait_expired(&self) {
        let secret = self.expired.1.clone();
        let own = || self.server.send_with("GET", "/v1/acl/token/self", &[("X-Consul-Token", &secret)], "");
        for _ in 0..2 {
            // the shortest life of a token is as long as the patience of one wait
            let start = std::time::Instant::now();
            while own().status == 200 && start.elapsed() < PATIENCE {
                std::thread::sleep(std::time::Duration::from_millis(200));
            }
        }
        assert_eq!(own().status, 403, "the token does not expire");
    }

    /// Keeps an archive of the state for the row that restores one.
    pub fn take_snapshot(&mut self) {
        let answer = self.server.send_with("GET", "/v1/snapshot", &[("X-Consul-Token", MANAGEMENT)], "");
        assert_eq!(answer.status, 200);
        self.snapshot = answer.body;
    }

    /// Sets the token of the agent's DNS.
    pub fn dns_token(&self, secret: &str) {
        self.manage("PUT", "/v1/agent/token/dns", &json!({"Token": secret}).to_string());
    }

    /// Code of the answer to a question, and the data of its answer and authority sections.
    pub fn ask(&self, name: &str, kind: &str) -> (String, Vec<String>) {
        let kind: RecordType = kind.parse().expect("a record type");
        let mut question = Message::new(rand::random(), MessageType::Query, OpCode::Query);
        question.add_query(Query::query(Name::from_ascii(name).expect("a name"), kind));
        let answer = self.server.dns_udp(&question.to_vec().expect("a packet")).expect("an answer");
        let message = Message::from_vec(&answer).expect("a packet");
        let records = message.answers.iter().chain(&message.authorities);
        let data = records.map(|record| record.data.to_string()).collect();
        (format!("{:?}", message.metadata.response_code), data)
    }
}

fn pair(token: &Value) -> (String, String) {
    let text = |name: &str| token[name].as_str().expect("a token").to_owned();
    (text("AccessorID"), text("SecretID"))
}

/// A public key for auth methods; nobody has the private one.
fn public_key() -> String {
    let lines = [
        "-----BEGIN PUBLIC KEY-----",
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt",
        "6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==",
        "-----END PUBLIC KEY-----",
    ];
    lines.join("\n") + "\n"
}
