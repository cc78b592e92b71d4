//! TTL checks with short times.

use super::*;

#[tokio::test]
async fn silence_is_critical_until_the_next_word() {
    let mut check = run(json!({"TTL": "50ms"}));
    assert_eq!(check.handle.kind(), CheckKind::Ttl);
    assert_eq!(check.next().await, result(Critical, "TTL expired"));
    assert_eq!(check.handle.ttl_set(Warning, "hm"), Ok("hm".to_owned()));
    assert_eq!(check.next().await, result(Warning, "hm"));
    assert_eq!(check.next().await, result(Critical, "TTL expired (last output before timeout follows): hm"));
}

#[tokio::test]
async fn a_word_restarts_the_time() {
    let mut check = run(json!({"TTL": "1h"}));
    for status in [Passing, Warning, Critical, Passing] {
        let note = "x".repeat(5000);
        let told = check.handle.ttl_set(status, &note).expect("a TTL check");
        assert_eq!(told, format!("{} ... (captured 4096 of 5000 bytes)", "x".repeat(4096)));
        assert_eq!(check.next().await, (status, told));
    }
}

#[tokio::test]
async fn other_kinds_take_no_word() {
    let check = run(json!({"AliasService": "web"}));
    assert!(check.handle.ttl_set(Passing, "").is_err());
}
