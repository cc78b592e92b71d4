//! Transactions: checks before the log, the path through it, the read path.

use super::*;

fn kv_op(verb: KvOp, key: &str) -> TxnOp {
    let dir_ent = DirEntry { key: key.into(), value: "v".into(), ..Default::default() };
    TxnOp { kv: Some(TxnKvOp { verb, dir_ent }), ..Default::default() }
}

async fn apply(server: &Server, ops: Vec<TxnOp>) -> TxnResponse {
    server.call::<TxnApply>(TxnRequest { ops, ..Default::default() }).await.expect("answered")
}

fn errors(response: TxnResponse) -> Vec<(usize, String)> {
    assert_eq!(response.results, None);
    response.errors.expect("refused").into_iter().map(|error| (error.op_index, error.what)).collect()
}

#[tokio::test]
async fn every_refusal_before_the_log_is_reported_with_its_position() {
    let server = server().await;
    let service_op = TxnServiceOp {
        verb: CatalogVerb::Delete,
        node: "n1".into(),
        service: NodeService { id: "zz".into(), ..Default::default() },
    };
    let node_op = TxnNodeOp { verb: CatalogVerb::Set, node: Node::default() };
    let ops = vec![
        TxnOp { service: Some(service_op), ..Default::default() },
        kv_op(KvOp::Set, "fine"),
        TxnOp { node: Some(node_op), ..Default::default() },
        kv_op(KvOp::Set, ""),
    ];
    assert_eq!(
        errors(apply(&server, ops).await),
        [
            (0, "Must provide service name (Service.Service) when service ID is provided".to_owned()),
            (2, "Must provide node".to_owned()),
            (3, "Must provide key".to_owned()),
        ]
    );
    assert_eq!(server.call::<KvsGet>(key("fine")).await.expect("read").entries, None);
}

#[tokio::test]
async fn all_operations_or_none() {
    let server = server().await;
    let failed = apply(&server, vec![kv_op(KvOp::Set, "a"), kv_op(KvOp::Get, "x"), kv_op(KvOp::Get, "y")]).await;
    assert_eq!(errors(failed), [(1, "key \"x\" doesn't exist".to_owned()), (2, "key \"y\" doesn't exist".to_owned())]);
    let done = apply(&server, vec![kv_op(KvOp::Set, "a"), kv_op(KvOp::Get, "a"), kv_op(KvOp::Delete, "a")]).await;
    let results = done.results.expect("done");
    assert_eq!(results.len(), 2, "deletes give no result");
    assert!(results[0].kv.as_ref().expect("key").value.is_empty());
    assert_eq!(results[1].kv.as_ref().expect("key").value, Blob::from("v"));
}

#[tokio::test]
async fn reads_see_one_snapshot_and_report_absent_keys() {
    let server = server().await;
    put(&server, "a", "1").await;
    let read = async |ops: Vec<TxnOp>| {
        server.call::<TxnRead>(TxnReadRequest { ops, ..Default::default() }).await.expect("answered")
    };
    let reply = read(vec![kv_op(KvOp::Get, "a")]).await;
    assert_eq!(reply.results.expect("done").len(), 1);
    assert_eq!((reply.meta.index, reply.meta.known_leader), (1, true));
    let reply = read(vec![kv_op(KvOp::Get, "nope")]).await;
    assert_eq!(reply.errors.expect("refused")[0].what, "key \"nope\" doesn't exist");
}
