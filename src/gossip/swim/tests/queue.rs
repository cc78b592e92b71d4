//! The queue of broadcasts and the scaling laws, against recorded numbers.

use super::super::suspicion;
use super::*;

#[test]
fn the_recorded_trace_of_the_queue_is_reproduced() {
    let trace = &VECTORS["broadcast_queue"][0];
    let limit = retransmit_limit(2, 10);
    let mut queue = Broadcasts::new();
    for (number, step) in trace["steps"].as_array().expect("steps").iter().enumerate() {
        let field = |key: &str| step[key].as_u64().unwrap_or_default() as usize;
        if step["op"] == "queue" {
            let name = step["name"].as_str().expect("a name");
            // Messages are told apart by their first byte.
            let mut message = vec![0; field("msg_len")];
            message[0] = name.as_bytes()[0];
            queue.queue((step["type"] == "named").then_some(name), message.into());
            continue;
        }
        let pulled = queue.pull(field("overhead"), field("limit"), limit);
        let names: Vec<String> = pulled.iter().map(|message| char::from(message[0]).to_string()).collect();
        assert_eq!(serde_json::json!(names), step["returns"], "step {number}");
        assert_eq!(queue.len(), field("queued_after"), "step {number}");
    }
}

#[test]
fn scaling_follows_the_recorded_tables() {
    let seconds = |duration: Duration| duration.as_secs_f64();
    for row in VECTORS["scaling"].as_array().expect("rows") {
        let field = |key: &str| row[key].as_f64().expect("a number");
        let n = field("n") as usize;
        assert_eq!(f64::from(retransmit_limit(4, n)), field("retransmit_mult4"), "n = {n}");
        assert_eq!(seconds(push_pull_interval(ms(30_000), n)), field("pushpull_30s_s"), "n = {n}");
        assert_eq!(seconds(push_pull_interval(ms(60_000), n)), field("pushpull_60s_s"), "n = {n}");
        let lan = suspicion_timeout(4, n, ms(1000));
        assert_eq!(lan.as_millis() as f64, field("suspicion_lan_mult4_1s_ms"), "n = {n}");
        let wan = suspicion_timeout(6, n, ms(5000));
        assert_eq!(wan.as_millis() as f64, field("suspicion_wan_mult6_5s_ms"), "n = {n}");
    }
}

#[test]
fn suspicion_times_follow_the_recorded_table() {
    for row in VECTORS["suspicion_remaining"].as_array().expect("rows") {
        let field = |key: &str| row[key].as_i64().expect("a number");
        let (min, max) = (ms(field("min_ms") as u64), ms(field("max_ms") as u64));
        let timeout = suspicion::timeout(field("n") as usize, field("k") as usize, min, max);
        assert_eq!(timeout.as_millis() as i64 - field("elapsed_ms"), field("remaining_ms"), "{row}");
    }
}

#[test]
fn a_broadcast_tells_when_it_is_done() {
    let mut queue = Broadcasts::new();
    let first = queue.queue(Some("n"), Bytes::from_static(b"first"));
    let second = queue.queue(Some("n"), Bytes::from_static(b"second"));
    assert!(!queue.is_queued(first), "replaced by the news of the same name");
    assert_eq!((queue.pull(2, 8, 2), queue.is_queued(second)), (vec![Bytes::from_static(b"second")], true));
    assert_eq!((queue.pull(2, 8, 2).len(), queue.is_queued(second)), (1, false));
    assert!(queue.is_empty());
    for number in 0..10u8 {
        queue.queue(None, Bytes::copy_from_slice(&[number; 4]));
    }
    queue.pull(2, 18, 9);
    queue.prune(7, usize::MAX);
    assert_eq!(queue.len(), 7);
    let left = queue.pull(0, 100, 1);
    assert_eq!(
        left.iter().map(|message| message[0]).collect::<Vec<_>>(),
        [6, 5, 4, 3, 2, 1, 0],
        "the most told went first"
    );
}
