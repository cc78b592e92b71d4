//! Pools with keys (`spec/gossip.md` 2.6, 4.5).

use super::*;
use crate::gossip::KeyReply;
use crate::gossip::keyring::Keyring;
use std::os::unix::fs::PermissionsExt;

fn key(byte: u8) -> Vec<u8> {
    vec![byte; 32]
}

fn with_key(byte: u8) -> impl Fn(PoolConfig) -> PoolConfig {
    move |config| PoolConfig { keys: vec![key(byte)], ..config }
}

#[tokio::test]
async fn a_wrong_key_gets_nowhere() {
    let a = start(with_key(1)(config("a", "127.62.1.1"))).await;
    for (name, byte, wanted) in [
        ("wrong", Some(2), "No installed keys could decrypt the message"),
        ("plain", None, "Remote state is encrypted and encryption is not configured"),
    ] {
        let other = config(name, "127.62.1.2");
        let other = start(if let Some(byte) = byte { with_key(byte)(other) } else { other }).await;
        let error = join(&other, &a).await.unwrap_err();
        assert!(error.contains(wanted), "{error}");
        assert_eq!((a.members().len(), other.members().len()), (1, 1));
        other.shutdown().await;
    }
    let bad = Pool::start(PoolConfig { keys: vec![vec![1; 15]], ..config("bad", "127.62.1.3") }).await;
    assert_eq!(bad.err().unwrap().text, "key size must be 16, 24 or 32 bytes");
    a.shutdown().await;
}

#[tokio::test]
async fn keys_are_rotated_across_the_pool_and_saved() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| Some(directory.path().join(format!("{name}.keyring")));
    let [a, b, c] =
        cluster("127.62.2.1", |config| PoolConfig { keyring_file: file(&config.name), ..with_key(1)(config) }).await;
    assert!(a.encrypted() && a.stats()["encrypted"] == "true");
    let worked = |reply: KeyReply| assert_eq!((reply.error, reply.num_responses, reply.num_nodes), (None, 3, 3));
    let count = |key: &[u8]| crate::gossip::keyring::encode_key(key);

    worked(a.install_key(&key(2), 0).await);
    let listed = b.list_keys(0).await;
    assert_eq!(listed.keys, [(count(&key(1)), 3), (count(&key(2)), 3)].into());
    assert_eq!(listed.primary_keys, [(count(&key(1)), 3)].into());
    worked(b.use_key(&key(2), 1).await);
    worked(c.remove_key(&key(1), 0).await);
    for (name, pool) in [("a", &a), ("b", &b), ("c", &c)] {
        assert_eq!(pool.keys(), [key(2)]);
        let path = file(name).unwrap();
        assert_eq!(Keyring::load(&path).unwrap().keys(), [key(2)]);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let refused = a.remove_key(&key(2), 0).await;
    assert_eq!(refused.error.as_deref(), Some("3/3 nodes reported failure"));
    assert_eq!(refused.messages["b"], "Removing the primary key is not allowed");
    let refused = a.use_key(&key(9), 0).await;
    assert_eq!((refused.num_errors, &*refused.messages["c"]), (3, "Requested key is not in the keyring"));
    // Who comes now needs the new key.
    let d = start(with_key(2)(config("d", "127.62.2.2"))).await;
    join(&d, &a).await.unwrap();
    until_status(&b, "d", MemberStatus::Alive).await;
    shutdown(&[a, b, c, d]).await;
}

#[tokio::test]
async fn without_encryption_key_operations_fail_with_a_reason() {
    let [a, b] = cluster("127.62.3.1", |config| config).await;
    let reply = a.list_keys(0).await;
    assert_eq!(reply.error.as_deref(), Some("2/2 nodes reported failure"));
    assert_eq!(reply.messages["b"], "Keyring is empty (encryption not enabled)");
    shutdown(&[a, b]).await;
}
