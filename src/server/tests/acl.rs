//! Access control on a server: the first token, what may be stored and what not, ends, cascades, and copies.

use super::gossip::{Node, within};
use super::*;
use crate::acl::{AclSettings, Base, Tokens};
use crate::config::settings::AclTokens;
use crate::types::acl::*;
use crate::types::time::Timestamp;

/// Secret of the management token of the configuration.
const MANAGER: &str = "11111111-2222-3333-4444-555555555555";
/// An id that nothing has.
const NOBODY: &str = "99999999-9999-9999-9999-999999999999";

fn settings(datacenter: &str, primary: &str, tokens: AclTokens) -> AclSettings {
    AclSettings {
        enabled: true,
        datacenter: datacenter.into(),
        primary_datacenter: primary.into(),
        default_policy: Base::Deny,
        token_replication: true,
        tokens: Tokens::new(tokens),
        ..AclSettings::default()
    }
}

fn managed() -> AclTokens {
    AclTokens { initial_management: MANAGER.into(), ..AclTokens::default() }
}

/// A server with ACLs and a management token.
async fn closed() -> Server {
    server_with(|config| config.acl = settings("dc1", "dc1", managed())).await.0
}

fn by_manager() -> QueryOptions {
    QueryOptions { token: MANAGER.into(), ..QueryOptions::default() }
}

async fn set_policy(server: &Server, policy: AclPolicy) -> Result<AclPolicy> {
    server.call::<AclPolicySet>(AclPolicySetRequest { policy, token: MANAGER.into(), ..Default::default() }).await
}

async fn policy(server: &Server, name: &str) -> AclPolicy {
    set_policy(server, AclPolicy { name: name.into(), ..Default::default() }).await.expect("stored")
}

async fn set_role(server: &Server, role: AclRole) -> Result<AclRole> {
    server.call::<AclRoleSet>(AclRoleSetRequest { role, token: MANAGER.into(), ..Default::default() }).await
}

async fn set_token(server: &Server, acl_token: AclToken, create: bool) -> Result<AclToken> {
    let request = AclTokenSetRequest { acl_token, create, token: MANAGER.into(), ..Default::default() };
    server.call::<AclTokenSet>(request).await
}

async fn token(server: &Server, acl_token: AclToken) -> AclToken {
    set_token(server, acl_token, true).await.expect("stored")
}

async fn read_token(server: &Server, accessor: &str) -> Result<AclTokenResponse> {
    let request = AclTokenGetRequest {
        token_id: accessor.into(),
        token_id_type: "accessor".into(),
        query: by_manager(),
        ..Default::default()
    };
    server.call::<AclTokenRead>(request).await
}

async fn delete_token(server: &Server, accessor: &str) -> Result<String> {
    let request = AclTokenDeleteRequest { token_id: accessor.into(), token: MANAGER.into(), ..Default::default() };
    server.call::<AclTokenDelete>(request).await
}

async fn tokens(server: &Server) -> Vec<AclTokenListStub> {
    let request = AclTokenListRequest { query: by_manager(), ..Default::default() };
    server.call::<AclTokenList>(request).await.expect("listed").tokens
}

async fn set_method(server: &Server, auth_method: AuthMethod) -> Result<AuthMethod> {
    let request = AclAuthMethodSetRequest { auth_method, token: MANAGER.into(), ..Default::default() };
    server.call::<AclAuthMethodSet>(request).await
}

async fn set_rule(server: &Server, binding_rule: BindingRule) -> Result<BindingRule> {
    let request = AclBindingRuleSetRequest { binding_rule, token: MANAGER.into(), ..Default::default() };
    server.call::<AclBindingRuleSet>(request).await
}

fn named(name: &str) -> Vec<AclLink> {
    vec![AclLink { id: String::new(), name: name.into() }]
}

async fn bootstrap(server: &Server, secret: &str) -> Result<AclToken> {
    let request = AclBootstrapRequest { bootstrap_secret: secret.into(), ..Default::default() };
    server.call::<AclBootstrapTokens>(request).await
}

#[tokio::test]
async fn a_new_leader_makes_what_requests_rely_on() {
    let server = closed().await;
    let state = server.store().snapshot();
    let ws = &mut crate::state::WatchSet::none();
    for builtin in &BUILTIN_POLICIES {
        let stored = state.acl_policy(ws, builtin.id).1.expect("stored");
        assert_eq!((stored.name.as_str(), &stored.hash), (builtin.name, &builtin.policy().hash));
    }
    let anonymous = state.acl_token_by_secret(ws, ANONYMOUS_SECRET).1.expect("stored");
    assert_eq!(
        (anonymous.accessor_id.as_str(), anonymous.description.as_str()),
        (ANONYMOUS_ACCESSOR, "Anonymous Token")
    );
    let manager = state.acl_token_by_secret(ws, MANAGER).1.expect("stored");
    assert_eq!(manager.description, "Initial Management Token");
    assert_eq!(manager.policies[0].name, "global-management");
    assert!(state.acl_bootstrap_index().is_some(), "the configured token counts as the first");
    assert!(state.system_metadata(SERVER_MANAGEMENT).is_some_and(|entry| entry.value.len() == 36));
    let text = refusal(bootstrap(&server, "").await);
    let index = state.acl_bootstrap_index().expect("an index");
    assert_eq!(text, format!("Permission denied: ACL bootstrap no longer allowed (reset index: {index})"));
}

#[tokio::test]
async fn without_acls_every_method_says_so() {
    let server = server().await;
    assert_eq!(refusal(bootstrap(&server, "").await), "ACL support disabled");
    assert_eq!(refusal(set_policy(&server, AclPolicy::default()).await), "ACL support disabled");
    assert_eq!(refusal(read_token(&server, NOBODY).await), "ACL support disabled");
    assert_eq!(refusal(set_rule(&server, BindingRule::default()).await), "ACL support disabled");
    assert!(server.store().snapshot().acl_policies(&mut crate::state::WatchSet::none()).1.is_empty());
}

#[tokio::test]
async fn the_first_token_is_made_once_and_again_by_the_reset_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let (server, _) = server_with(|config| {
        config.acl = settings("dc1", "dc1", AclTokens::default());
        config.data_dir = Some(dir.path().to_owned());
    })
    .await;
    assert_eq!(refusal(bootstrap(&server, "x").await), "uuid string is wrong length");
    let first = bootstrap(&server, MANAGER).await.expect("the first");
    assert_eq!(
        (first.secret_id.as_str(), first.description.as_str()),
        (MANAGER, "Bootstrap Token (Global Management)")
    );
    assert!(!first.local && first.policies[0].id == GLOBAL_MANAGEMENT_ID);
    let index = server.store().snapshot().acl_bootstrap_index().expect("an index");
    let closed = format!("Permission denied: ACL bootstrap no longer allowed (reset index: {index})");
    assert_eq!(refusal(bootstrap(&server, "").await), closed);
    let file = dir.path().join("acl-bootstrap-reset");
    std::fs::write(&file, "no number").expect("written");
    assert_eq!(refusal(bootstrap(&server, "").await), closed);
    std::fs::write(&file, format!("{}\n", index + 1)).expect("written");
    let wrong = format!("Invalid bootstrap reset index (specified {}, reset index: {index})", index + 1);
    assert_eq!(refusal(bootstrap(&server, "").await), wrong);
    std::fs::write(&file, format!("{index}\n")).expect("written");
    let taken = "Provided token cannot be used because a token with that secret already exists.";
    assert_eq!(refusal(bootstrap(&server, MANAGER).await), taken);
    assert!(file.exists(), "a refused attempt leaves the file");
    let second = bootstrap(&server, "").await.expect("another first");
    assert_ne!(second.secret_id, first.secret_id);
    assert!(!file.exists());
    assert!(refusal(bootstrap(&server, "").await).starts_with("Permission denied: ACL bootstrap no longer allowed"));
    server.shutdown().await;
}

#[tokio::test]
async fn tokens_are_stored_with_ids_links_and_hash_and_can_be_replaced_and_copied() {
    let server = closed().await;
    let p1 = policy(&server, "p1").await;
    let role = set_role(&server, AclRole { name: "r1".into(), policies: named("p1"), ..Default::default() })
        .await
        .expect("stored");
    let identity = ServiceIdentity { service_name: "web".into(), ..Default::default() };
    let made = token(
        &server,
        AclToken {
            description: "t".into(),
            policies: named("P1"),
            roles: vec![
                AclLink { id: role.id.clone(), name: "ignored".into() },
                AclLink { id: role.id.clone(), name: String::new() },
            ],
            service_identities: vec![identity.clone(), identity],
            expiration_ttl: GoDuration::secs(3600),
            ..Default::default()
        },
    )
    .await;
    assert!(made.accessor_id.len() == 36 && made.secret_id.len() == 36 && made.accessor_id != made.secret_id);
    assert_eq!(made.policies, [AclLink { id: p1.id.clone(), name: "p1".into() }]);
    assert_eq!(made.roles, [AclLink { id: role.id.clone(), name: "r1".into() }]);
    assert_eq!(made.service_identities.len(), 1);
    assert_eq!(made.expiration_time, Some(made.create_time.plus(GoDuration::secs(3600))));
    assert!(made.expiration_ttl.is_zero() && made.hash.0.len() == 32 && made.create_index == made.modify_index);

    let copy = AclTokenSetRequest {
        acl_token: AclToken { accessor_id: made.accessor_id.clone(), ..Default::default() },
        token: MANAGER.into(),
        ..Default::default()
    };
    let copy = server.call::<AclTokenClone>(copy).await.expect("copied");
    assert_ne!((&copy.accessor_id, &copy.secret_id), (&made.accessor_id, &made.secret_id));
    assert_eq!(
        (&copy.description, &copy.policies, copy.expiration_time),
        (&made.description, &made.policies, made.expiration_time)
    );

    let replaced = AclToken { accessor_id: made.accessor_id.clone(), description: "new".into(), ..Default::default() };
    let replaced = set_token(&server, replaced, false).await.expect("replaced");
    assert_eq!(
        (&replaced.secret_id, replaced.create_time, replaced.expiration_time),
        (&made.secret_id, made.create_time, made.expiration_time)
    );
    assert!(
        replaced.policies.is_empty()
            && replaced.modify_index > made.modify_index
            && replaced.create_index == made.create_index
    );

    let expanded = AclTokenGetRequest {
        token_id: copy.secret_id.clone(),
        token_id_type: "secret".into(),
        expanded: true,
        ..Default::default()
    };
    let expanded = server.call::<AclTokenRead>(expanded).await.expect("whoever has the secret may read");
    let names: Vec<_> =
        expanded.expanded_policies.expect("policies").iter().map(|policy| policy.name.clone()).collect();
    assert_eq!(names.len(), 2);
    assert!(names[0] == "p1" && names[1].starts_with("synthetic-policy-"), "{names:?}");
    assert_eq!(expanded.expanded_roles.expect("roles")[0].name, "r1");
    assert_eq!(
        (expanded.agent_acl_default_policy.as_str(), expanded.agent_acl_down_policy.as_str()),
        ("deny", "extend-cache")
    );
    assert_eq!((expanded.resolved_by_agent.as_str(), expanded.source_datacenter.as_str()), ("n1", "dc1"));

    assert_eq!(delete_token(&server, &copy.accessor_id).await.expect("deleted"), copy.accessor_id);
    assert!(read_token(&server, &copy.accessor_id).await.expect("answered").token.is_none());
    assert_eq!(tokens(&server).await.len(), 3);
}

#[tokio::test]
async fn bad_tokens_are_refused_in_the_words_of_the_reference() {
    let server = closed().await;
    let made = token(&server, AclToken::default()).await;
    let accessor = &made.accessor_id;
    let new = |change: fn(&mut AclToken)| {
        let mut token = AclToken::default();
        change(&mut token);
        token
    };
    let creates: [(AclToken, String); 12] = [
        (new(|token| token.accessor_id = "x".into()), "Invalid Token: AccessorID - not a valid UUID".into()),
        (new(|token| token.secret_id = "x".into()), "Invalid Token: SecretID - not a valid UUID".into()),
        (
            new(|token| token.accessor_id = "00000000-0000-0000-0000-0000000000ff".into()),
            "Invalid Token: AccessorID - UUIDs with the prefix \"00000000-0000-0000-0000-0000000000\" are reserved"
                .into(),
        ),
        (
            AclToken { accessor_id: accessor.clone(), ..Default::default() },
            "Invalid Token: AccessorID is already in use".into(),
        ),
        (
            AclToken { secret_id: accessor.clone(), ..Default::default() },
            "Invalid Token: SecretID is already in use".into(),
        ),
        (new(|token| token.expiration_ttl = GoDuration::secs(-1)), "Token Expiration TTL '-1s' should be > 0".into()),
        (
            new(|token| {
                token.expiration_ttl = GoDuration::secs(60);
                token.expiration_time = Some(Timestamp::now());
            }),
            "Token Expiration TTL and Expiration Time cannot both be set".into(),
        ),
        (
            new(|token| token.expiration_time = Some(Timestamp::now().plus(GoDuration::secs(-5)))),
            "ExpirationTime cannot be before CreateTime".into(),
        ),
        (
            new(|token| token.expiration_ttl = GoDuration::secs(1)),
            "ExpirationTime cannot be less than 1m0s in the future (was 1s)".into(),
        ),
        (new(|token| token.auth_method = "m".into()), "AuthMethod field is disallowed outside of login".into()),
        (new(|token| token.policies = named("nope")), "No such ACL policy with name \"nope\"".into()),
        (new(|token| token.roles = named("nope")), "No such ACL role with name \"nope\"".into()),
    ];
    for (token, text) in creates {
        assert_eq!(refusal(set_token(&server, token, true).await), text);
    }
    let of = |token: AclToken| AclToken { accessor_id: accessor.clone(), ..token };
    let updates = [
        (AclToken { accessor_id: "x".into(), ..Default::default() }, "AccessorID is not a valid UUID".to_owned()),
        (AclToken { accessor_id: NOBODY.into(), ..Default::default() }, format!("Cannot find token \"{NOBODY}\"")),
        (of(new(|token| token.secret_id = NOBODY.into())), "Changing a token's SecretID is not permitted".into()),
        (of(new(|token| token.local = true)), format!("Cannot toggle local mode of {accessor}")),
        (of(new(|token| token.auth_method = "m".into())), format!("Cannot change AuthMethod of {accessor}")),
        (
            of(new(|token| token.expiration_ttl = GoDuration::secs(90))),
            format!("Cannot change expiration time of {accessor}"),
        ),
        (
            of(new(|token| token.expiration_time = Some(Timestamp::now()))),
            format!("Cannot change expiration time of {accessor}"),
        ),
        (
            of(AclToken { policies: vec![AclLink { id: NOBODY.into(), name: String::new() }], ..Default::default() }),
            format!("No such ACL policy with ID \"{NOBODY}\""),
        ),
        (
            of(AclToken { policies: vec![AclLink { id: "nope".into(), name: String::new() }], ..Default::default() }),
            "Error looking up policy for ID: \"nope\": uuid string is wrong length".into(),
        ),
    ];
    for (token, text) in updates {
        assert_eq!(refusal(set_token(&server, token, false).await), text);
    }
    let manager =
        server.store().snapshot().acl_token_by_secret(&mut crate::state::WatchSet::none(), MANAGER).1.expect("stored");
    let deletes = [
        ("x", "Token ID is missing or an invalid UUID"),
        (ANONYMOUS_ACCESSOR, "Delete operation not permitted on the anonymous token"),
        (&manager.accessor_id, "Deletion of the request's authorization token is not permitted"),
        (NOBODY, "token does not exist: ACL not found"),
    ];
    for (accessor, text) in deletes {
        assert_eq!(refusal(delete_token(&server, accessor).await), text);
    }
    let stored = read_token(&server, accessor).await.expect("read").token.expect("stored");
    assert_eq!(stored.modify_index, made.modify_index, "nothing of all that was stored");
}

#[tokio::test]
async fn bad_policies_roles_methods_and_rules_are_refused_in_the_words_of_the_reference() {
    let server = closed().await;
    let p1 = policy(&server, "p1").await;
    let policies = [
        (AclPolicy::default(), "Invalid Policy: no Name is set"),
        (
            AclPolicy { name: "a b".into(), ..Default::default() },
            "Invalid Policy: invalid Name. Only alphanumeric characters, a single '/', '-' and '_' are allowed",
        ),
        (
            AclPolicy { name: "builtin/x".into(), ..Default::default() },
            "Invalid Policy: invalid Name. Names cannot be prefixed with '/' or 'builtin/'",
        ),
        (
            AclPolicy { name: "P1".into(), ..Default::default() },
            "Invalid Policy: A Policy with Name \"P1\" already exists",
        ),
        (AclPolicy { id: "x".into(), name: "y".into(), ..Default::default() }, "Policy ID invalid UUID"),
        (
            AclPolicy { id: NOBODY.into(), name: "y".into(), ..Default::default() },
            "cannot find policy 99999999-9999-9999-9999-999999999999",
        ),
        (
            AclPolicy { id: p1.id.clone(), name: "global-management".into(), ..Default::default() },
            "Invalid Policy: A Policy with Name \"global-management\" already exists",
        ),
        (
            AclPolicy {
                id: GLOBAL_MANAGEMENT_ID.into(),
                name: "x".into(),
                datacenters: vec!["dc1".into()],
                ..Default::default()
            },
            "Changing the Datacenters of the builtin global-management policy is not permitted",
        ),
        (
            AclPolicy { id: GLOBAL_MANAGEMENT_ID.into(), name: "x".into(), ..Default::default() },
            "Changing the Rules for the builtin global-management policy is not permitted",
        ),
        (
            AclPolicy { name: "bad".into(), rules: "acl = \"foo\"".into(), ..Default::default() },
            "Invalid acl policy: \"foo\"",
        ),
    ];
    for (policy, text) in policies {
        assert_eq!(refusal(set_policy(&server, policy).await), text);
    }
    let renamed = AclPolicy { name: "root".into(), ..BUILTIN_POLICIES[0].policy() };
    assert_eq!(set_policy(&server, renamed).await.expect("renamed").name, "root");
    let delete = async |policy_id: &str| {
        let request =
            AclPolicyDeleteRequest { policy_id: policy_id.into(), token: MANAGER.into(), ..Default::default() };
        server.call::<AclPolicyDelete>(request).await
    };
    assert_eq!(
        refusal(delete(GLOBAL_MANAGEMENT_ID).await),
        "Delete operation not permitted on the builtin global-management policy"
    );
    assert_eq!(refusal(delete(NOBODY).await), "policy does not exist: ACL not found");
    assert_eq!(delete(&p1.id).await.expect("deleted"), "p1");

    let r1 = set_role(&server, AclRole { name: "r1".into(), ..Default::default() }).await.expect("stored");
    let roles = [
        (AclRole::default(), "Invalid Role: no Name is set"),
        (
            AclRole { name: "a/b".into(), ..Default::default() },
            "Invalid Role: invalid Name. Only alphanumeric characters, '-' and '_' are allowed",
        ),
        (AclRole { name: "r1".into(), ..Default::default() }, "Invalid Role: A Role with Name \"r1\" already exists"),
        (AclRole { id: "x".into(), name: "y".into(), ..Default::default() }, "Role ID invalid UUID"),
        (
            AclRole { id: NOBODY.into(), name: "y".into(), ..Default::default() },
            "cannot find role 99999999-9999-9999-9999-999999999999",
        ),
        (
            AclRole { id: r1.id.clone(), name: "r1".into(), policies: named("x"), ..Default::default() },
            "No such ACL policy with name \"x\"",
        ),
    ];
    for (role, text) in roles {
        assert_eq!(refusal(set_role(&server, role).await), text);
    }

    let jwt = |name: &str| AuthMethod { name: name.into(), kind: "jwt".into(), ..Default::default() };
    let methods = [
        (AuthMethod::default(), "Invalid Auth Method: no Name is set"),
        (
            AuthMethod { name: "a/b".into(), ..Default::default() },
            "Invalid Auth Method: invalid Name. Only alphanumeric characters, '-' and '_' are allowed",
        ),
        (
            AuthMethod { kind: "oidc".into(), ..jwt("m") },
            "Invalid Auth Method: Type should be one of: [aws-iam jwt kubernetes]",
        ),
        (AuthMethod { max_token_ttl: GoDuration::secs(1), ..jwt("m") }, "MaxTokenTTL 1s cannot be less than 1m0s"),
        (
            AuthMethod { token_locality: "x".into(), ..jwt("m") },
            "Invalid Auth Method: TokenLocality should be one of 'local' or 'global'",
        ),
    ];
    for (method, text) in methods {
        assert_eq!(refusal(set_method(&server, method).await), text);
    }
    let rule = |bind_type: &str, bind_name: &str| BindingRule {
        auth_method: "m".into(),
        bind_type: bind_type.into(),
        bind_name: bind_name.into(),
        ..Default::default()
    };
    assert_eq!(refusal(set_rule(&server, BindingRule::default()).await), "Invalid Binding Rule: no AuthMethod is set");
    assert_eq!(refusal(set_rule(&server, rule("service", "web")).await), "cannot find auth method with name \"m\"");
    let id = |id: &str| BindingRule { id: id.into(), ..rule("service", "web") };
    assert_eq!(refusal(set_rule(&server, id("x")).await), "Binding Rule ID invalid UUID");
    assert_eq!(refusal(set_rule(&server, id(NOBODY)).await), format!("cannot find binding rule {NOBODY}"));
}

#[tokio::test]
async fn a_token_whose_time_is_over_is_gone_at_once_and_removed_soon() {
    let (server, _) = server_with(|config| {
        config.acl = settings("dc1", "dc1", managed());
        config.acl_token_ttl_min = Duration::from_millis(1);
    })
    .await;
    let brief = |local| AclToken { local, expiration_ttl: GoDuration::millis(50), ..Default::default() };
    let made = [token(&server, brief(true)).await, token(&server, brief(false)).await];
    let stays = token(&server, AclToken { expiration_ttl: GoDuration::secs(3600), ..Default::default() }).await;
    for token in &made {
        let accessor = token.accessor_id.clone();
        until(&server, |state, watch| state.acl_token(watch, &accessor).1.is_none().then_some(())).await;
        assert!(read_token(&server, &accessor).await.expect("answered").token.is_none());
    }
    assert!(tokens(&server).await.iter().any(|token| token.accessor_id == stays.accessor_id));
}

#[tokio::test]
async fn a_restored_archive_decides_who_gets_in() {
    let server = closed().await;
    let kept = token(&server, AclToken { description: "kept".into(), ..Default::default() }).await;
    let archive = save_as(&server, MANAGER).await;
    let lost = token(&server, AclToken { description: "lost".into(), ..Default::default() }).await;
    delete_token(&server, &kept.accessor_id).await.expect("deleted");
    restore_as(&server, MANAGER, archive).await;
    server.readiness().wait_for(|ready| *ready).await.expect("ready again");
    assert!(read_token(&server, &kept.accessor_id).await.expect("answered").token.is_some());
    assert!(read_token(&server, &lost.accessor_id).await.expect("answered").token.is_none());
}

async fn datacenter(name: &str, number: u8, tokens: AclTokens) -> Node {
    let acl = settings(name, "dc1", tokens);
    let node = Node::start_with(name, number, 1, move |config| config.acl = acl).await;
    within(async || node.server.is_ready().then_some(())).await;
    node
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_datacenters_have_copies_and_write_in_the_primary() {
    let near = datacenter("dc1", 1, managed()).await;
    let far = datacenter("dc2", 2, AclTokens { replication: MANAGER.into(), ..AclTokens::default() }).await;
    far.wan.join(&[near.wan.address().to_string()]).await.expect("joined");
    within(async || (far.server.router().datacenters().len() == 2).then_some(())).await;
    let ws = || crate::state::WatchSet::none();

    let p1 = policy(&near.server, "p1").await;
    let copied = within(async || far.server.store().snapshot().acl_policy(&mut ws(), &p1.id).1).await;
    assert_eq!((&copied.name, &copied.hash), (&p1.name, &p1.hash));
    within(async || far.server.store().snapshot().acl_token_by_secret(&mut ws(), MANAGER).1).await;
    within(async || far.server.store().snapshot().acl_token(&mut ws(), ANONYMOUS_ACCESSOR).1).await;

    // writes of what belongs to the primary are made there
    let role = set_role(&far.server, AclRole { name: "r1".into(), policies: named("p1"), ..Default::default() })
        .await
        .expect("stored");
    assert!(near.server.store().snapshot().acl_role(&mut ws(), &role.id).1.is_some());
    let global = token(&far.server, AclToken { roles: named("r1"), ..Default::default() }).await;
    assert!(near.server.store().snapshot().acl_token(&mut ws(), &global.accessor_id).1.is_some());
    let local = token(
        &far.server,
        AclToken {
            local: true,
            policies: vec![AclLink { id: p1.id.clone(), name: String::new() }],
            ..Default::default()
        },
    )
    .await;
    assert!(near.server.store().snapshot().acl_token(&mut ws(), &local.accessor_id).1.is_none());
    let copy = within(async || far.server.store().snapshot().acl_token(&mut ws(), &global.accessor_id).1).await;
    within(async || {
        let copy = far.server.store().snapshot().acl_token(&mut ws(), &global.accessor_id).1?;
        (copy.roles.first()?.name == "r1").then_some(())
    })
    .await;
    assert_eq!((&copy.secret_id, &copy.hash), (&global.secret_id, &global.hash));

    // what changes or goes there changes and goes here; local tokens stay
    let changed = AclPolicy { rules: "key_prefix \"\" { policy = \"read\" }".into(), ..p1.clone() };
    let changed = set_policy(&far.server, changed).await.expect("stored");
    within(async || {
        let copy = far.server.store().snapshot().acl_policy(&mut ws(), &p1.id).1?;
        (copy.hash == changed.hash).then_some(())
    })
    .await;
    delete_token(&far.server, &global.accessor_id).await.expect("deleted");
    assert!(near.server.store().snapshot().acl_token(&mut ws(), &global.accessor_id).1.is_none());
    within(async || far.server.store().snapshot().acl_token(&mut ws(), &global.accessor_id).1.is_none().then_some(()))
        .await;
    assert!(far.server.store().snapshot().acl_token(&mut ws(), &local.accessor_id).1.is_some());

    let status = far.server.call::<AclReplicationStatusRead>(DcRequest::default()).await.expect("told");
    assert!(status.enabled && status.running && !status.last_success.is_zero(), "{status:?}");
    assert_eq!((status.source_datacenter.as_str(), status.replication_type.as_str()), ("dc1", "tokens"));
    assert!(
        status.replicated_index >= changed.modify_index
            && status.replicated_role_index > 0
            && status.replicated_token_index > 0
    );
    let status = near.server.call::<AclReplicationStatusRead>(DcRequest::default()).await.expect("told");
    assert_eq!(status, AclReplicationStatus::default());
    near.end().await;
    far.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_datacenter_without_a_replication_token_has_no_tokens_of_its_own() {
    let near = datacenter("dc1", 1, managed()).await;
    let far = datacenter("dc2", 2, AclTokens::default()).await;
    far.wan.join(&[near.wan.address().to_string()]).await.expect("joined");
    within(async || (far.server.router().datacenters().len() == 2).then_some(())).await;
    let local = AclToken { local: true, ..Default::default() };
    assert_eq!(refusal(set_token(&far.server, local, true).await), "Local tokens are disabled");
    let jwt = AuthMethod { name: "m".into(), kind: "jwt".into(), ..Default::default() };
    assert_eq!(
        refusal(set_method(&far.server, jwt).await),
        "Token replication is required for auth methods to function"
    );
    let global = token(&far.server, AclToken::default()).await;
    let read = read_token(&far.server, &global.accessor_id).await.expect("asked there").token.expect("stored");
    assert_eq!(read.secret_id, global.secret_id);
    assert_eq!(tokens(&far.server).await.len(), 3);
    near.end().await;
    far.end().await;
}
