//! Access control: links, cascades, ends, and the recorded archive.

use super::*;
use crate::types::Timestamp;
use crate::types::acl::*;
use std::collections::BTreeMap;

const P1: &str = "a1111111-0000-0000-0000-000000000001";
const P2: &str = "a2222222-0000-0000-0000-000000000002";
const R1: &str = "b1111111-0000-0000-0000-000000000001";
const T1: &str = "c1111111-0000-0000-0000-000000000001";
const T2: &str = "c2222222-0000-0000-0000-000000000002";

fn policy(id: &str, name: &str) -> Command {
    let policies = vec![AclPolicy { id: id.into(), name: name.into(), ..Default::default() }];
    Command::AclPolicySet(AclPolicyBatchSet { policies })
}

fn links(ids: &[&str]) -> Vec<AclLink> {
    ids.iter().map(|id| AclLink { id: (*id).into(), name: "whatever".into() }).collect()
}

fn role(id: &str, name: &str, policies: &[&str]) -> Command {
    let role = AclRole { id: id.into(), name: name.into(), policies: links(policies), ..Default::default() };
    Command::AclRoleSet(AclRoleBatchSet { roles: vec![role], ..Default::default() })
}

fn token(accessor: &str) -> AclToken {
    let secret_id = accessor.replacen('c', "d", 1);
    AclToken { accessor_id: accessor.into(), secret_id, ..Default::default() }
}

fn tokens(tokens: Vec<AclToken>) -> Command {
    Command::AclTokenSet(AclTokenBatchSet { tokens, ..Default::default() })
}

fn method(name: &str) -> Command {
    let auth_methods = vec![AuthMethod { name: name.into(), kind: "jwt".into(), ..Default::default() }];
    Command::AclAuthMethodSet(AclAuthMethodBatchSet { auth_methods })
}

fn rule(id: &str, method: &str) -> Command {
    let binding_rules = vec![BindingRule { id: id.into(), auth_method: method.into(), ..Default::default() }];
    Command::AclBindingRuleSet(AclBindingRuleBatchSet { binding_rules })
}

fn refused(scene: &mut Scene, command: Command) -> String {
    match scene.apply(command) {
        Outcome::Error(text) => text,
        other => panic!("{other:?}"),
    }
}

fn names(links: &[AclLink]) -> Vec<&str> {
    links.iter().map(|link| link.name.as_str()).collect()
}

#[test]
fn links_follow_a_rename_and_vanish_with_what_they_lead_to() {
    let mut scene = Scene::new();
    scene.done(policy(P1, "one"));
    scene.done(policy(P2, "two"));
    scene.done(role(R1, "role", &[P1, P2]));
    let stored = scene.done(tokens(vec![AclToken { policies: links(&[P1, P2]), roles: links(&[R1]), ..token(T1) }]));
    let read = |scene: &Scene| scene.ask(|snapshot, ws| snapshot.acl_token(ws, T1)).1.expect("stored");
    assert_eq!((names(&read(&scene).policies), names(&read(&scene).roles)), (vec!["one", "two"], vec!["role"]));
    scene.done(policy(P1, "uno"));
    assert_eq!(names(&read(&scene).policies), ["uno", "two"]);
    scene.done(Command::AclPolicyDelete(AclPolicyBatchDelete { policy_ids: vec![P2.into()] }));
    assert_eq!(names(&read(&scene).policies), ["uno"]);
    let shown = scene.ask(|snapshot, ws| snapshot.acl_role_by_name(ws, "ROLE")).1.expect("stored");
    assert_eq!(names(&shown.policies), ["uno"]);
    scene.done(Command::AclRoleDelete(AclRoleBatchDelete { role_ids: vec![R1.into()] }));
    assert!(read(&scene).roles.is_empty());
    assert_eq!(read(&scene).modify_index, stored, "the token itself was never written again");
    let secret = read(&scene).secret_id.clone();
    let found = scene.ask(|snapshot, ws| snapshot.acl_token_by_secret(ws, &secret)).1.expect("by its secret");
    assert_eq!(found.accessor_id, T1);
    assert!(scene.ask(|snapshot, ws| snapshot.acl_token_by_secret(ws, &secret.to_uppercase())).1.is_none());
}

#[test]
fn what_contradicts_the_tables_is_refused_and_changes_nothing() {
    let mut scene = Scene::new();
    scene.done(policy(P1, "one"));
    scene.done(tokens(vec![token(T1)]));
    let stolen = AclToken { secret_id: token(T1).secret_id, ..token(T2) };
    let cases = [
        (policy(P2, "One"), "Invalid Policy: A Policy with Name \"One\" already exists"),
        (policy("", "x"), "Missing ACL Policy ID"),
        (policy(P2, ""), "Missing ACL Policy Name"),
        (role(R1, "r", &[P2]), "No such ACL policy with ID \"a2222222-0000-0000-0000-000000000002\""),
        (role(R1, "", &[]), "Missing ACL Role Name"),
        (
            tokens(vec![AclToken { roles: links(&[R1]), ..token(T2) }]),
            "No such ACL role with ID \"b1111111-0000-0000-0000-000000000001\"",
        ),
        (
            tokens(vec![AclToken { secret_id: "other".into(), ..token(T1) }]),
            "The ACL Token SecretID field is immutable",
        ),
        (tokens(vec![stolen]), "The ACL Token AccessorID field is immutable"),
        (tokens(vec![token(T2), AclToken::default()]), "Missing ACL Token SecretID"),
        (tokens(vec![AclToken { auth_method: "m".into(), ..token(T2) }]), "No such ACL auth method with name \"m\""),
        (rule("r", "m"), "cannot find auth method with name \"m\""),
        (
            Command::AclPolicyDelete(AclPolicyBatchDelete { policy_ids: vec![P1.into(), GLOBAL_MANAGEMENT_ID.into()] }),
            "Deletion of the builtin global-management policy is not permitted",
        ),
        (
            Command::AclTokenDelete(AclTokenBatchDelete { token_ids: vec![T1.into(), ANONYMOUS_ACCESSOR.into()] }),
            "Deletion of the builtin anonymous token is not permitted",
        ),
    ];
    for (command, text) in cases {
        assert_eq!(refused(&mut scene, command), text);
    }
    let unprivileged = AclTokenBatchSet { tokens: vec![token(T2)], prohibit_unprivileged: true, ..Default::default() };
    assert_eq!(refused(&mut scene, Command::AclTokenSet(unprivileged)), "Permission denied");
    assert_eq!(scene.ask(|snapshot, ws| snapshot.acl_tokens(ws, TokenFilter::All, (true, true))).1.len(), 1);
    assert!(scene.ask(|snapshot, ws| snapshot.acl_policy(ws, P1)).1.is_some());
    assert_eq!(scene.index_of(|snapshot, ws| snapshot.acl_roles(ws, "")), 0);
}

#[test]
fn names_can_be_swapped_within_one_batch() {
    let mut scene = Scene::new();
    for (id, name) in [(P1, "one"), (P2, "two")] {
        scene.done(policy(id, name));
    }
    let row = |id: &str, name: &str| AclPolicy { id: id.into(), name: name.into(), ..Default::default() };
    let swapped = vec![row(P1, "two"), row(P2, "one")];
    scene.done(Command::AclPolicySet(AclPolicyBatchSet { policies: swapped }));
    let by_name =
        |name: &str| scene.ask(|snapshot, ws| snapshot.acl_policy_by_name(ws, name)).1.expect("stored").id.clone();
    assert_eq!((by_name("one"), by_name("two")), (P2.to_owned(), P1.to_owned()));
    let row = |id: &str, name: &str| AclRole { id: id.into(), name: name.into(), ..Default::default() };
    for batch in [vec![row("r1", "a"), row("r2", "b")], vec![row("r1", "b"), row("r2", "a")]] {
        scene.done(Command::AclRoleSet(AclRoleBatchSet { roles: batch, ..Default::default() }));
    }
    let by_name =
        |name: &str| scene.ask(|snapshot, ws| snapshot.acl_role_by_name(ws, name)).1.expect("stored").id.clone();
    assert_eq!((by_name("a"), by_name("b")), ("r2".to_owned(), "r1".to_owned()));
}

#[test]
fn links_may_lead_nowhere_when_they_come_from_elsewhere() {
    let mut scene = Scene::new();
    let row = AclToken { policies: links(&[P1]), auth_method: "elsewhere".into(), ..token(T1) };
    let batch =
        AclTokenBatchSet { tokens: vec![row], allow_missing_links: true, from_replication: true, ..Default::default() };
    scene.done(Command::AclTokenSet(batch));
    let read = |scene: &Scene| scene.ask(|snapshot, ws| snapshot.acl_token(ws, T1)).1.expect("stored");
    assert!(read(&scene).policies.is_empty());
    scene.done(policy(P1, "later"));
    assert_eq!(names(&read(&scene).policies), ["later"]);
}

#[test]
fn a_write_over_another_version_than_it_saw_is_passed_over() {
    let mut scene = Scene::new();
    let first = scene.done(tokens(vec![token(T1)]));
    let over = |modify_index, description: &str| {
        let row = AclToken { modify_index, description: description.into(), ..token(T1) };
        Command::AclTokenSet(AclTokenBatchSet { tokens: vec![row], cas: true, ..Default::default() })
    };
    scene.done(over(first, "seen"));
    scene.done(over(first, "stale"));
    let row = scene.ask(|snapshot, ws| snapshot.acl_token(ws, T1)).1.expect("stored");
    assert_eq!((row.description.as_str(), row.create_index, row.modify_index), ("seen", first, first + 1));
}

#[test]
fn the_first_token_is_made_once_and_again_only_by_who_knows_its_index() {
    let mut scene = Scene::new();
    let first =
        |token: AclToken, reset_index| Command::AclBootstrap(Box::new(AclBootstrapEntry { token, reset_index }));
    let index = scene.done(first(token(T1), 0));
    assert_eq!(scene.store.snapshot().acl_bootstrap_index(), Some(index));
    let text = refused(&mut scene, first(token(T2), 0));
    assert_eq!(text, format!("Permission denied: ACL bootstrap no longer allowed (reset index: {index})"));
    let text = refused(&mut scene, first(token(T2), 3));
    assert_eq!(text, format!("Invalid bootstrap reset index (specified 3, reset index: {index})"));
    let again = scene.done(first(token(T2), index));
    assert_eq!(scene.store.snapshot().acl_bootstrap_index(), Some(again));
    assert_eq!(scene.index_of(|snapshot, ws| snapshot.acl_token(ws, T2)), again);
}

#[test]
fn an_auth_method_goes_with_its_rules_and_tokens() {
    let mut scene = Scene::new();
    for name in ["m", "n"] {
        scene.done(method(name));
        scene.done(rule(&format!("rule-{name}"), name));
        let accessor = if name == "m" { T1 } else { T2 };
        scene.done(tokens(vec![AclToken { auth_method: name.into(), ..token(accessor) }]));
    }
    let gone =
        scene.done(Command::AclAuthMethodDelete(AclAuthMethodBatchDelete { auth_method_names: vec!["m".into()] }));
    let left = scene.ask(|snapshot, ws| snapshot.acl_tokens(ws, TokenFilter::All, (true, true)));
    assert_eq!((left.0, left.1.len(), left.1[0].accessor_id.as_str()), (gone, 1, T2));
    let rules = scene.ask(|snapshot, ws| snapshot.acl_binding_rules(ws, ""));
    assert_eq!((rules.0, rules.1.len(), rules.1[0].id.as_str()), (gone, 1, "rule-n"));
    assert!(scene.ask(|snapshot, ws| snapshot.acl_binding_rules(ws, "m")).1.is_empty());
    assert!(scene.ask(|snapshot, ws| snapshot.acl_auth_method(ws, "M")).1.is_none());
    assert_eq!(scene.ask(|snapshot, ws| snapshot.acl_auth_methods(ws)).1.len(), 1);
}

#[test]
fn lists_are_cut_by_one_filter_and_the_locality() {
    let mut scene = Scene::new();
    scene.done(policy(P1, "one"));
    scene.done(role(R1, "role", &[P1]));
    let identity = ServiceIdentity { service_name: "web".into(), ..Default::default() };
    scene.done(tokens(vec![
        AclToken { policies: links(&[P1]), local: true, ..token(T1) },
        AclToken { roles: links(&[R1]), service_identities: vec![identity], ..token(T2) },
    ]));
    let list = |filter, locality| {
        let rows = scene.ask(|snapshot, ws| snapshot.acl_tokens(ws, filter, locality)).1;
        rows.iter().map(|row| row.accessor_id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(list(TokenFilter::All, (true, true)), [T1, T2]);
    assert_eq!(list(TokenFilter::All, (false, false)), [T1, T2]);
    assert_eq!(list(TokenFilter::All, (true, false)), [T1]);
    assert_eq!(list(TokenFilter::All, (false, true)), [T2]);
    assert_eq!(list(TokenFilter::Policy(P1), (true, true)), [T1]);
    assert!(list(TokenFilter::Policy(P1), (false, true)).is_empty());
    assert_eq!(list(TokenFilter::Role(R1), (true, true)), [T2]);
    assert_eq!(list(TokenFilter::Service("web"), (true, true)), [T2]);
    assert_eq!(scene.ask(|snapshot, ws| snapshot.acl_roles(ws, P1)).1.len(), 1);
    assert!(scene.ask(|snapshot, ws| snapshot.acl_roles(ws, P2)).1.is_empty());
    let two = AclTokenListRequest { policy: P1.into(), role: R1.into(), ..Default::default() };
    assert_eq!(
        TokenFilter::of(&two).expect_err("two filters").text,
        "can only filter by one of policy, role, serviceName, or methodName at a time"
    );
}

#[test]
fn tokens_end_in_the_order_of_their_ends_local_and_global_ones_apart() {
    let mut scene = Scene::new();
    let now = Timestamp::now();
    let end = |accessor: &str, seconds: i64, local| AclToken {
        expiration_time: Some(now.plus(GoDuration::secs(seconds))),
        local,
        ..token(accessor)
    };
    let ids: Vec<String> = (1..=5).map(|at| format!("c{at}111111-0000-0000-0000-000000000000")).collect();
    scene.done(tokens(vec![
        end(&ids[0], 30, false),
        end(&ids[1], 10, false),
        end(&ids[2], 20, false),
        end(&ids[3], 5, true),
        token(&ids[4]),
    ]));
    let snapshot = scene.store.snapshot();
    let mut ws = WatchSet::none();
    assert_eq!(snapshot.acl_next_end(&mut ws, false), Some(now.plus(GoDuration::secs(10))));
    assert_eq!(snapshot.acl_next_end(&mut ws, true), Some(now.plus(GoDuration::secs(5))));
    let later = now.plus(GoDuration::secs(21));
    assert_eq!(snapshot.acl_expired_tokens(false, later, 10), [ids[1].clone(), ids[2].clone()]);
    assert_eq!(snapshot.acl_expired_tokens(false, later, 1), [ids[1].clone()]);
    assert_eq!(snapshot.acl_expired_tokens(true, later, 10), [ids[3].clone()]);
    scene.done(Command::AclTokenDelete(AclTokenBatchDelete { token_ids: ids.clone() }));
    assert_eq!(scene.store.snapshot().acl_next_end(&mut ws, false), None);
}

#[tokio::test]
async fn readers_are_woken_by_what_they_read_and_by_nothing_else() {
    let mut scene = Scene::new();
    scene.done(policy(P1, "one"));
    scene.done(role(R1, "role", &[P1]));
    scene.done(tokens(vec![AclToken { roles: links(&[R1]), ..token(T1) }]));
    let secret = token(T1).secret_id;
    let known = || scene.store.read(|snapshot, ws| drop(snapshot.acl_token_by_secret(ws, &secret))).1;
    let absent = || scene.store.read(|snapshot, ws| drop(snapshot.acl_token_by_secret(ws, "nobody's"))).1;
    let role_of = || scene.store.read(|snapshot, ws| drop(snapshot.acl_role(ws, R1))).1;
    let fact = || scene.store.read(|snapshot, ws| drop(snapshot.system_metadata_watched(ws, "k"))).1;
    let sets = [known(), absent(), role_of(), fact()];
    let woken = |sets: &[WatchSet]| {
        let woken = |set: &WatchSet| futures::FutureExt::now_or_never(set.changed()).is_some();
        sets.iter().map(woken).collect::<Vec<_>>()
    };
    assert_eq!(woken(&sets), [false; 4]);
    scene.store.apply(&[(50, tokens(vec![token(T2)]))]);
    assert_eq!(woken(&sets), [false, true, false, false]);
    scene.store.apply(&[(51, policy(P1, "renamed"))]);
    assert_eq!(woken(&sets), [false, true, true, false]);
    scene.store.apply(&[(52, role(R1, "other", &[]))]);
    assert_eq!(woken(&sets), [true, true, true, false]);
    let entry = crate::types::SystemMetadataEntry { key: "k".into(), value: "v".into(), ..Default::default() };
    let set = crate::types::SystemMetadataRequest { entry, ..Default::default() };
    scene.store.apply(&[(53, Command::SystemMetadata(set))]);
    assert_eq!(woken(&sets), [true; 4]);
}

#[test]
fn the_recorded_archive_restores_into_real_tables() {
    let state = super::snapshots::acl_archive();
    let store = Store::new();
    store.restore(&mut &state[..]).expect("restores");
    let snapshot = store.snapshot();
    let mut ws = WatchSet::none();
    let (index, all) = snapshot.acl_tokens(&mut ws, TokenFilter::All, (true, true));
    assert_eq!((index, all.len()), (48, 4));
    assert_eq!(all[0].secret_id, ANONYMOUS_SECRET);
    let app = snapshot.acl_token_by_secret(&mut ws, "bbbbbbbb-0000-0000-0000-000000000001").1.expect("stored");
    assert_eq!((app.accessor_id.as_str(), app.create_index), ("aaaaaaaa-0000-0000-0000-000000000001", 47));
    assert_eq!((names(&app.policies), names(&app.roles)), (vec!["kv-read"], vec!["app-role"]));
    assert_eq!(app.service_identities[0].service_name, "db");
    let policy = snapshot.acl_policy_by_name(&mut ws, "kv-read").1.expect("stored");
    assert_eq!(
        (policy.rules.as_str(), policy.datacenters.as_slice()),
        ("key_prefix \"app/\" { policy = \"read\" }", &["dc1".to_owned()][..])
    );
    assert_eq!(snapshot.acl_roles(&mut ws, &policy.id).1[0].node_identities[0].node_name, "cli");
    assert_eq!(snapshot.acl_binding_rules(&mut ws, "jwt1").1[0].bind_name, "web-${value.name}");
    let method = snapshot.acl_auth_method(&mut ws, "jwt1").1.expect("stored");
    assert_eq!(method.max_token_ttl, GoDuration::secs(3600));
    assert_eq!(method.config.as_ref().expect("a map")["BoundAudiences"], serde_json::json!(["aud1"]));
    assert_eq!(snapshot.acl_bootstrap_index(), Some(5));
    assert!(snapshot.acl_next_end(&mut ws, true).is_some());
    let mut hashed = AclToken::clone(&app);
    hashed.set_hash();
    assert_eq!(hashed.hash, app.hash, "the recorded hash is that of the content");
}

mod laws {
    use super::*;
    use proptest::prelude::*;

    fn ids(letter: char) -> impl Strategy<Value = String> {
        (1..4u8).prop_map(move |at| format!("{letter}{at}"))
    }

    fn commands() -> impl Strategy<Value = Vec<Command>> {
        let some = |letter| prop::collection::vec(ids(letter), 0..3);
        let links = |ids: Vec<String>| {
            let ids: std::collections::BTreeSet<_> = ids.into_iter().collect();
            ids.into_iter().map(|id| AclLink { id, name: String::new() }).collect::<Vec<_>>()
        };
        let role = (ids('r'), ids('n'), some('p'), any::<bool>()).prop_map(move |(id, name, policies, missing)| {
            let role = AclRole { id, name, policies: links(policies), ..Default::default() };
            Command::AclRoleSet(AclRoleBatchSet { roles: vec![role], allow_missing_links: missing })
        });
        let token = (ids('t'), ids('s'), some('p'), some('r'), ids('m'), 0..3i64, any::<(bool, bool, bool)>())
            .prop_map(move |(accessor_id, secret_id, policies, roles, method, end, (local, missing, login))| {
                let identity = ServiceIdentity { service_name: method.clone(), ..Default::default() };
                let row = AclToken {
                    accessor_id,
                    secret_id,
                    policies: links(policies),
                    roles: links(roles),
                    local,
                    service_identities: if login { vec![] } else { vec![identity] },
                    auth_method: if login { method } else { String::new() },
                    expiration_time: (end > 0).then(|| Timestamp::default().plus(GoDuration::secs(end))),
                    ..Default::default()
                };
                let batch = AclTokenBatchSet { tokens: vec![row], allow_missing_links: missing, ..Default::default() };
                Command::AclTokenSet(batch)
            });
        let command = prop_oneof![
            3 => (ids('p'), ids('n')).prop_map(|(id, name)| policy(&id, &name)),
            3 => role,
            6 => token,
            2 => ids('m').prop_map(|name| method(&name)),
            2 => (ids('b'), ids('m')).prop_map(|(id, name)| rule(&id, &name)),
            1 => ids('p').prop_map(|id| Command::AclPolicyDelete(AclPolicyBatchDelete { policy_ids: vec![id] })),
            1 => ids('r').prop_map(|id| Command::AclRoleDelete(AclRoleBatchDelete { role_ids: vec![id] })),
            2 => ids('t').prop_map(|id| Command::AclTokenDelete(AclTokenBatchDelete { token_ids: vec![id] })),
            1 => ids('b').prop_map(|id| Command::AclBindingRuleDelete(AclBindingRuleBatchDelete { binding_rule_ids: vec![id] })),
            1 => ids('m').prop_map(|name| Command::AclAuthMethodDelete(AclAuthMethodBatchDelete { auth_method_names: vec![name] })),
        ];
        prop::collection::vec(command, 0..60)
    }

    /// Every secondary index holds exactly what a scan of its table finds.
    fn assert_consistent(store: &Store) {
        use super::super::super::key::join;
        let snapshot = store.snapshot();
        let acl = &snapshot.tables().acl;
        let tokens: Vec<_> = acl.tokens.iter().map(|slot| slot.value.clone()).collect();
        let mut expected =
            BTreeMap::from([("secret", 0), ("policy", 0), ("role", 0), ("method", 0), ("service", 0), ("end", 0)]);
        let mut add = |what, number| *expected.get_mut(what).expect("known") += number;
        for row in &tokens {
            let found = acl.tokens_by_secret.get(row.secret_id.as_bytes()).expect("by secret");
            assert!(Arc::ptr_eq(&found.value, row));
            let place = if row.local { "local" } else { "global" };
            assert!(acl.tokens_by_locality.contains(&join(&[place, &row.accessor_id])));
            for link in &row.policies {
                assert!(Arc::ptr_eq(
                    &acl.tokens_by_policy.get(&join(&[&link.id, &row.accessor_id])).expect("by policy").value,
                    row
                ));
            }
            add("secret", 1);
            add("policy", row.policies.len());
            add("role", row.roles.len());
            add("method", usize::from(!row.auth_method.is_empty()));
            add("service", row.service_identities.len());
            add("end", usize::from(row.expiration_time.is_some()));
            assert!(row.auth_method.is_empty() || acl.methods.contains(&join(&[&row.auth_method])));
        }
        assert_eq!(acl.tokens_by_locality.len(), tokens.len());
        let counted = [
            ("secret", acl.tokens_by_secret.len()),
            ("policy", acl.tokens_by_policy.len()),
            ("role", acl.tokens_by_role.len()),
            ("method", acl.tokens_by_method.len()),
            ("service", acl.tokens_by_service.len()),
            ("end", acl.tokens_by_end.len()),
        ];
        assert_eq!(BTreeMap::from(counted), expected);
        assert_eq!(acl.policies_by_name.len(), acl.policies.len());
        assert_eq!(acl.roles_by_name.len(), acl.roles.len());
        let linked: usize = acl.roles.iter().map(|slot| slot.value.policies.len()).sum();
        assert_eq!(acl.roles_by_policy.len(), linked);
        assert_eq!(acl.rules_by_method.len(), acl.rules.len());
        assert!(acl.rules.iter().all(|slot| acl.methods.contains(&join(&[&slot.value.auth_method]))));
        let mut ws = WatchSet::none();
        for row in snapshot.acl_tokens(&mut ws, TokenFilter::All, (true, true)).1 {
            assert!(row.policies.iter().all(|link| {
                snapshot.acl_policy(&mut WatchSet::none(), &link.id).1.is_some_and(|policy| policy.name == link.name)
            }));
            assert!(row.roles.iter().all(|link| {
                snapshot.acl_role(&mut WatchSet::none(), &link.id).1.is_some_and(|role| role.name == link.name)
            }));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(150))]

        #[test]
        fn secondary_indexes_follow_every_write_and_a_dump_keeps_everything(commands in commands()) {
            let (one, whole) = (Store::new(), Store::new());
            let batch: Vec<_> = commands.into_iter().enumerate().map(|(at, command)| (at as Index + 10, command)).collect();
            let single: Vec<_> = batch.iter().flat_map(|entry| one.apply(std::slice::from_ref(entry))).collect();
            assert_consistent(&one);
            prop_assert_eq!(whole.apply(&batch), single);
            let dump = |store: &Store| {
                let mut bytes = Vec::new();
                store.snapshot().write_to(&mut bytes).expect("memory");
                bytes
            };
            prop_assert_eq!(dump(&whole), dump(&one));
            let again = Store::new();
            // a token may have lost its hash on the way, which a restore makes anew
            again.restore(&mut dump(&one).as_slice()).expect("our own dump");
            assert_consistent(&again);
            let third = Store::new();
            third.restore(&mut dump(&again).as_slice()).expect("our own dump");
            prop_assert_eq!(dump(&third), dump(&again));
            let count = |store: &Store| store.snapshot().acl_tokens(&mut WatchSet::none(), TokenFilter::All, (true, true));
            let plain = |rows: (Index, Vec<Arc<AclToken>>)| (rows.0, rows.1.iter().map(|row| AclToken { hash: Default::default(), ..AclToken::clone(row) }).collect::<Vec<_>>());
            prop_assert_eq!(plain(count(&again)), plain(count(&one)));
        }
    }
}
