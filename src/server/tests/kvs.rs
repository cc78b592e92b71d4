//! Keys and locks.

use super::*;

#[tokio::test]
async fn keys_are_written_read_and_listed() {
    let server = server().await;
    put(&server, "a/1", "x").await;
    put(&server, "a/b/2", "y").await;
    let entry = server.call::<KvsGet>(key("a/1")).await.expect("read");
    let entries = entry.entries.expect("present");
    assert_eq!((entries[0].value.clone(), entries[0].modify_index), (Blob::from("x"), entry.meta.index));
    assert!(entry.meta.known_leader);

    let listed = server.call::<KvsList>(key("a/")).await.expect("read").entries.expect("some");
    assert_eq!(listed.len(), 2);
    let request = KeyListRequest { prefix: "a/".into(), seperator: "/".into(), ..Default::default() };
    assert_eq!(server.call::<KvsListKeys>(request).await.expect("read").keys, ["a/1", "a/b/"]);
}

#[tokio::test]
async fn absent_keys_and_empty_prefixes_are_not_found() {
    let server = server().await;
    let encoding = Encoding { name: "json", encode: json };
    assert!(server.call_encoded::<KvsGet>(key("no"), &encoding).await.expect("answered").not_found);
    let encoding = Encoding { name: "json", encode: json };
    assert!(server.call_encoded::<KvsList>(key("no"), &encoding).await.expect("answered").not_found);
    let encoding = Encoding { name: "json", encode: json };
    let names = |prefix: &str| KeyListRequest { prefix: prefix.into(), ..Default::default() };
    assert!(server.call_encoded::<KvsListKeys>(names("no"), &encoding).await.expect("answered").not_found);
    let all = server.call_encoded::<KvsListKeys>(names(""), &encoding).await.expect("answered");
    assert!(!all.not_found, "the empty prefix lists nothing with 200");
}

#[tokio::test]
async fn refusals_carry_the_prefix_of_applying() {
    let server = server().await;
    assert_eq!(refusal(kv(&server, KvOp::Set, "", |_| {}).await), "Must provide key");
    assert_eq!(refusal(kv(&server, KvOp::Lock, "k", |_| {}).await), "raft apply failed: missing session");
    let unknown = kv(&server, KvOp::Lock, "k", |entry| entry.session = OTHER_ID.into()).await;
    assert_eq!(refusal(unknown), format!("raft apply failed: invalid session \"{OTHER_ID}\""));
}

#[tokio::test]
async fn compare_and_set_answers_whether_it_did() {
    let server = server().await;
    assert!(kv(&server, KvOp::Cas, "k", |entry| entry.modify_index = 0).await.expect("answered"));
    assert!(!kv(&server, KvOp::Cas, "k", |entry| entry.modify_index = 0).await.expect("answered"));
    assert!(!kv(&server, KvOp::DeleteCas, "k", |entry| entry.modify_index = 0).await.expect("answered"));
    assert!(kv(&server, KvOp::DeleteCas, "gone", |entry| entry.modify_index = 99).await.expect("answered"));
}

#[tokio::test]
async fn a_key_of_a_destroyed_session_refuses_acquisition_until_its_lock_delay_is_over() {
    let server = server().await;
    register(&server, |_| {}).await.expect("a node");
    let create = |lock_delay: GoDuration| {
        let session = Session { node: "n2".into(), lock_delay, ..Default::default() };
        server.call::<SessionApply>(SessionRequest { session, ..Default::default() })
    };
    let first = create(GoDuration::secs(60)).await.expect("created");
    let second = create(GoDuration::ZERO).await.expect("created");
    let lock = |session: &str| {
        let session = session.to_owned();
        kv(&server, KvOp::Lock, "k", |entry| entry.session = session)
    };
    assert!(lock(&first).await.expect("answered"));
    assert!(!lock(&second).await.expect("answered"), "held by another");
    let session = Session { id: first.clone(), ..Default::default() };
    let destroy = SessionRequest { op: crate::types::session::SessionOp::Destroy, session, ..Default::default() };
    server.call::<SessionApply>(destroy).await.expect("destroyed");
    assert!(!lock(&second).await.expect("answered"), "free, but delayed");

    let op = TxnOp {
        kv: Some(TxnKvOp {
            verb: KvOp::Lock,
            dir_ent: DirEntry { key: "k".into(), session: second, ..Default::default() },
        }),
        ..Default::default()
    };
    let reply = server.call::<TxnApply>(TxnRequest { ops: vec![op], ..Default::default() }).await.expect("answered");
    assert_eq!(reply.errors.expect("refused")[0].what, "failed to lock key \"k\" due to lock delay");
}
