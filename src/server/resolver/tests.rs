//! A client agent's cache of answers about tokens, and a server's look into its own state.

use super::*;
use crate::acl::{Access, DownPolicy};
use crate::state::{Command, Store};
use crate::types::acl::*;
use crate::types::time::Timestamp;
use crate::types::{GoDuration, QueryMeta};
use parking_lot::Mutex;
use std::time::Duration;

const READ_A: &str = r#"key_prefix "a" { policy = "read" }"#;
const READ_B: &str = r#"key_prefix "b" { policy = "read" }"#;

fn settings() -> AclSettings {
    AclSettings {
        enabled: true,
        datacenter: "dc1".into(),
        primary_datacenter: "dc1".into(),
        node_name: "n1".into(),
        default_policy: Base::Deny,
        ..AclSettings::default()
    }
}

fn link(id: &str) -> AclLink {
    AclLink { id: id.into(), name: String::new() }
}

fn policy(id: &str, rules: &str) -> AclPolicy {
    AclPolicy { id: id.into(), name: id.into(), rules: rules.into(), ..AclPolicy::default() }
}

fn role(id: &str, policy: &str) -> AclRole {
    AclRole { id: id.into(), name: id.into(), policies: vec![link(policy)], ..AclRole::default() }
}

fn token(accessor: &str, secret: &str) -> AclToken {
    AclToken { accessor_id: accessor.into(), secret_id: secret.into(), ..AclToken::default() }
}

fn reads(authorizer: &Authorizer, key: &str) -> bool {
    authorizer.allows(Resource::Key, Access::Read, key)
}

/// Servers as they should be, or what they refuse; counts what it is asked.
#[derive(Default)]
struct Servers {
    token: Option<AclToken>,
    policies: Vec<AclPolicy>,
    roles: Vec<AclRole>,
    refusal: Option<&'static str>,
    source_datacenter: &'static str,
    asked: Vec<&'static str>,
}

struct Fake(Arc<Mutex<Servers>>);

impl Fake {
    fn answer<T: Send + 'static>(
        &self,
        what: &'static str,
        make: impl FnOnce(&Servers) -> T + Send + 'static,
    ) -> BoxFuture<'static, Result<T>> {
        let servers = Arc::clone(&self.0);
        async move {
            tokio::task::yield_now().await;
            let mut servers = servers.lock();
            servers.asked.push(what);
            match servers.refusal {
                Some(text) => Err(Error::new(text)),
                None => Ok(make(&servers)),
            }
        }
        .boxed()
    }

    fn change(&self, change: impl FnOnce(&mut Servers)) {
        change(&mut self.0.lock());
    }

    fn take_asked(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().asked)
    }
}

impl Ask for Fake {
    fn token(&self, args: AclTokenGetRequest) -> BoxFuture<'static, Result<AclTokenResponse>> {
        assert_eq!((args.token_id_type.as_str(), args.query.allow_stale), ("secret", true));
        self.answer("token", move |servers| AclTokenResponse {
            token: servers.token.clone().filter(|token| token.secret_id == args.token_id).map(Arc::new),
            source_datacenter: servers.source_datacenter.into(),
            meta: QueryMeta::default(),
            ..AclTokenResponse::default()
        })
    }

    fn policies(&self, args: AclPolicyBatchGetRequest) -> BoxFuture<'static, Result<AclPolicyBatchResponse>> {
        self.answer("policies", move |servers| {
            let wanted = servers.policies.iter().filter(|policy| args.policy_ids.contains(&policy.id));
            AclPolicyBatchResponse { policies: wanted.cloned().map(Arc::new).collect(), meta: QueryMeta::default() }
        })
    }

    fn roles(&self, args: AclRoleBatchGetRequest) -> BoxFuture<'static, Result<AclRoleBatchResponse>> {
        self.answer("roles", move |servers| {
            let wanted = servers.roles.iter().filter(|role| args.role_ids.contains(&role.id));
            AclRoleBatchResponse { roles: wanted.cloned().map(Arc::new).collect(), meta: QueryMeta::default() }
        })
    }
}

/// Servers with a token `s` that may read keys under `a` and, through a role, under `b`.
fn servers() -> Fake {
    let mut token = token("accessor", "s");
    token.policies = vec![link("p1")];
    token.roles = vec![link("r1")];
    Fake(Arc::new(Mutex::new(Servers {
        token: Some(token),
        policies: vec![policy("p1", READ_A), policy("p2", READ_B)],
        roles: vec![role("r1", "p2")],
        source_datacenter: "dc1",
        ..Servers::default()
    })))
}

fn remote(change: impl FnOnce(&mut AclSettings)) -> Remote {
    let mut settings = AclSettings { role_ttl: Duration::from_secs(30), ..settings() };
    change(&mut settings);
    Remote::new(settings, Bounds::CLIENT)
}

#[tokio::test]
async fn what_servers_told_is_believed_for_its_time() {
    let (remote, servers) = (remote(|_| {}), servers());
    for _ in 0..3 {
        let who = remote.resolve("s", &servers).await.expect("known");
        assert!(reads(&who, "a/x") && reads(&who, "b/x") && !reads(&who, "c"));
        assert_eq!(who.accessor(), "accessor");
    }
    assert_eq!(servers.take_asked(), ["token", "roles", "policies"]);
}

#[tokio::test]
async fn roles_without_a_time_are_asked_for_with_every_request() {
    let (remote, servers) = (remote(|settings| settings.role_ttl = Duration::ZERO), servers());
    for _ in 0..2 {
        remote.resolve("s", &servers).await.expect("known");
    }
    assert_eq!(servers.take_asked(), ["token", "roles", "policies", "roles"]);
}

#[tokio::test]
async fn equal_questions_about_a_token_are_asked_once() {
    let (remote, servers) = (remote(|_| {}), servers());
    servers.change(|servers| servers.token.as_mut().expect("one").roles.clear());
    servers.change(|servers| servers.token.as_mut().expect("one").policies.clear());
    let all = futures::future::join_all((0..20).map(|_| remote.resolve("s", &servers))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(servers.take_asked(), ["token"]);
}

#[tokio::test]
async fn a_secret_that_nobody_has_is_refused_and_not_remembered() {
    let (remote, servers) = (remote(|settings| settings.token_ttl = Duration::ZERO), servers());
    remote.resolve("s", &servers).await.expect("known");
    servers.change(|servers| servers.token = None);
    let error = remote.resolve("s", &servers).await.expect_err("gone");
    assert_eq!((error.text.as_str(), error.status), ("ACL not found", Some(403)));
    servers.change(|servers| servers.refusal = Some("No cluster leader"));
    let who = remote.resolve("s", &servers).await.expect("the down policy decides");
    assert!(!reads(&who, "a"), "the old answer was forgotten");
    servers.change(|servers| servers.refusal = Some("rpc error making call: ACL not found"));
    assert_eq!(remote.resolve("s", &servers).await.expect_err("gone").text, "ACL not found");
}

#[tokio::test]
async fn without_servers_the_down_policy_decides() {
    // policy, key a with an old answer, key a without one, operator without one
    let cases = [
        (DownPolicy::ExtendCache, true, false),
        (DownPolicy::AsyncCache, true, false),
        (DownPolicy::Deny, false, false),
        (DownPolicy::Allow, true, true),
    ];
    for (down_policy, with, without) in cases {
        let remote = remote(|settings| {
            settings.down_policy = down_policy;
            settings.token_ttl = Duration::ZERO;
            settings.policy_ttl = Duration::ZERO;
            settings.role_ttl = Duration::ZERO;
        });
        let servers = servers();
        remote.resolve("s", &servers).await.expect("known");
        servers.change(|servers| servers.refusal = Some("No known Consul servers"));
        let old = remote.resolve("s", &servers).await.expect("decided");
        assert_eq!(reads(&old, "a"), with, "{down_policy:?}");
        let new = remote.resolve("other", &servers).await.expect("decided");
        assert_eq!(reads(&new, "a"), without, "{down_policy:?}");
        assert!(!new.allows(Resource::Acl, Access::Read, ""), "{down_policy:?}");
    }
}

#[tokio::test]
async fn a_token_of_another_datacenter_says_so() {
    let (remote, servers) = (remote(|_| {}), servers());
    servers.change(|servers| {
        servers.source_datacenter = "dc2";
        servers.token.as_mut().expect("one").local = true;
    });
    let error = remote.resolve("s", &servers).await.expect_err("refused").text;
    assert_eq!(error, "Permission denied: This is a local token in datacenter \"dc2\"");
}

#[tokio::test]
async fn a_token_whose_time_is_over_is_unknown() {
    let (remote, servers) = (remote(|_| {}), servers());
    let over = Timestamp::now().plus(GoDuration::millis(-1));
    servers.change(|servers| servers.token.as_mut().expect("one").expiration_time = Some(over));
    assert_eq!(remote.resolve("s", &servers).await.expect_err("refused").text, "ACL not found");
}

#[tokio::test]
async fn servers_without_acls_switch_them_off_here_too() {
    let (remote, servers) = (remote(|_| {}), servers());
    servers.change(|servers| servers.refusal = Some("rpc error making call: ACL support disabled"));
    for _ in 0..2 {
        assert!(remote.resolve("s", &servers).await.expect("open").allows_everything());
    }
    assert_eq!(servers.take_asked(), ["token"]);
}

#[tokio::test]
async fn some_secrets_need_no_servers() {
    let tokens = crate::acl::Tokens::new(crate::config::settings::AclTokens {
        agent_recovery: "recovery".into(),
        ..Default::default()
    });
    let (remote, servers) = (remote(|settings| settings.tokens = tokens), servers());
    servers.change(|servers| servers.refusal = Some("No known Consul servers"));
    for root in ["allow", "deny", "manage"] {
        let error = remote.resolve(root, &servers).await.expect_err("refused");
        assert_eq!((error.text.as_str(), error.status), ("Cannot resolve root ACL", None));
    }
    let who = remote.resolve("recovery", &servers).await.expect("known");
    assert_eq!(who.accessor(), "agent-recovery:n1");
    assert!(who.allows(Resource::Agent, Access::Write, "n1") && !who.allows(Resource::Agent, Access::Read, "n2"));
    assert!(who.allows(Resource::Node, Access::Read, "n2") && !who.allows(Resource::Node, Access::Write, "n1"));
    assert!(servers.take_asked().is_empty());
}

/// A store with what it is given, at rising indexes.
struct Scene {
    store: Store,
    index: u64,
    local: Local,
}

impl Scene {
    fn new() -> Scene {
        let settings = settings();
        let compiler = Arc::new(compiler(&settings, Bounds::SERVER));
        Scene { store: Store::new(), index: 0, local: Local::new(&settings, Bounds::SERVER, compiler) }
    }

    fn apply(&mut self, command: Command) {
        self.index += 1;
        self.store.apply(&[(self.index, command)]);
    }

    fn policy(&mut self, policy: AclPolicy) {
        self.apply(Command::AclPolicySet(AclPolicyBatchSet { policies: vec![policy] }));
    }

    fn role(&mut self, role: AclRole) {
        let roles = vec![role];
        self.apply(Command::AclRoleSet(AclRoleBatchSet { roles, ..AclRoleBatchSet::default() }));
    }

    fn token(&mut self, token: AclToken) {
        let tokens = vec![token];
        self.apply(Command::AclTokenSet(AclTokenBatchSet { tokens, ..AclTokenBatchSet::default() }));
    }

    fn who(&self, secret: &str) -> Option<Authorizer> {
        self.local.resolve(&self.store, secret).expect("readable rules")
    }
}

const P1: &str = "11111111-0000-0000-0000-000000000001";
const P2: &str = "11111111-0000-0000-0000-000000000002";
const R1: &str = "22222222-0000-0000-0000-000000000001";
const A1: &str = "33333333-0000-0000-0000-000000000001";
const S1: &str = "44444444-0000-0000-0000-000000000001";

#[test]
fn what_the_state_says_holds_from_the_moment_it_says_so() {
    let mut scene = Scene::new();
    assert!(scene.who(S1).is_none());
    scene.policy(policy(P1, READ_A));
    scene.policy(policy(P2, READ_B));
    scene.role(role(R1, P2));
    scene.token(AclToken { policies: vec![link(P1)], ..token(A1, S1) });
    let who = scene.who(S1).expect("known");
    assert!(reads(&who, "a") && !reads(&who, "b"));
    assert_eq!(who.accessor(), A1);
    assert!(Arc::ptr_eq(who.permissions(), scene.who(S1).expect("known").permissions()));

    scene.token(AclToken { policies: vec![link(P1)], roles: vec![link(R1)], ..token(A1, S1) });
    assert!(reads(&scene.who(S1).expect("known"), "b"), "it has got a role");
    scene.role(role(R1, P1));
    assert!(!reads(&scene.who(S1).expect("known"), "b"), "the role has changed");
    scene.policy(policy(P1, READ_B));
    let who = scene.who(S1).expect("known");
    assert!(reads(&who, "b") && !reads(&who, "a"), "the policy has changed");
    scene.apply(Command::AclPolicyDelete(AclPolicyBatchDelete { policy_ids: vec![P1.into()] }));
    assert!(!reads(&scene.who(S1).expect("known"), "b"), "the policy is gone");
    scene.apply(Command::AclTokenDelete(AclTokenBatchDelete { token_ids: vec![A1.into()] }));
    assert!(scene.who(S1).is_none(), "the token is gone");
}

#[test]
fn policies_and_identities_hold_where_they_say() {
    let mut scene = Scene::new();
    scene.policy(AclPolicy { datacenters: vec!["dc2".into()], ..policy(P1, READ_A) });
    let service = |datacenters: &[&str]| ServiceIdentity {
        service_name: "web".into(),
        datacenters: datacenters.iter().map(|name| (*name).to_owned()).collect(),
    };
    let node = |datacenter: &str| NodeIdentity { node_name: "n1".into(), datacenter: datacenter.into() };
    // service identities, node identities, writes service web, writes node n1
    let cases = [
        (vec![], vec![], false, false),
        (vec![service(&[])], vec![], true, false),
        (vec![service(&["dc2"])], vec![node("dc2")], false, false),
        (vec![service(&["dc2", "dc1"])], vec![node("dc1")], true, true),
    ];
    for (service_identities, node_identities, web, n1) in cases {
        scene.token(AclToken {
            policies: vec![link(P1)],
            service_identities,
            node_identities,
            templated_policies: vec![TemplatedPolicy { template_name: "builtin/dns".into(), ..Default::default() }],
            ..token(A1, S1)
        });
        let who = scene.who(S1).expect("known");
        assert!(!reads(&who, "a"), "the policy is for another datacenter");
        assert_eq!(who.allows(Resource::Service, Access::Write, "web"), web);
        assert_eq!(who.allows(Resource::Node, Access::Write, "n1"), n1);
        assert!(who.allows(Resource::Query, Access::Read, "any"), "the template is for all");
    }
}

#[test]
fn a_token_ends_at_its_time_whatever_is_remembered() {
    let mut scene = Scene::new();
    let end = Timestamp::now().plus(GoDuration::millis(30));
    scene.token(AclToken { expiration_time: Some(end), ..token(A1, S1) });
    let first = scene.who(S1);
    while Timestamp::now() < end {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(scene.who(S1).is_none(), "known before: {}", first.is_some());
}

#[test]
fn the_anonymous_have_the_default_policy_until_there_is_a_token_for_them() {
    let mut scene = Scene::new();
    let who = scene.who(ANONYMOUS_SECRET).expect("known");
    assert!(!reads(&who, "a"));
    assert_eq!(who.accessor(), ANONYMOUS);
    scene.policy(policy(P1, READ_A));
    scene.token(AclToken { policies: vec![link(P1)], ..token(ANONYMOUS_ACCESSOR, ANONYMOUS_SECRET) });
    assert!(reads(&scene.who(ANONYMOUS_SECRET).expect("known"), "a"));
}
