//! `/v1/operator` (`spec/http-api.md` 3.14).

use super::answer::Answer;
use super::call::{BODY_LIMIT, Call};
use super::decode::bodies::AUTOPILOT;
use super::decode::{self, shape::Kind};
use super::params::parse_uint;
use super::routes::{EFFECTIVE, PARTITION, READ, routes};
use crate::rpc::method::{
    CatalogListDatacenters, CatalogListNodes, OperatorAutopilotGetConfiguration, OperatorAutopilotSetConfiguration,
    OperatorRaftGetConfiguration, OperatorRaftRemovePeer, OperatorRaftTransferLeader, OperatorServerHealth,
    OperatorUsage,
};
use crate::types::operator::{ServerHealth, UsageReport};
use crate::types::requests::{AutopilotSetRequest, DcRequest, RaftRemovePeerRequest, TransferLeaderRequest};
use crate::types::{Error, QueryOptions, Result, StringMap};
use hyper::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;

routes! {
    "/v1/operator/raft/configuration" "GET" raft_configuration, READ;
    "/v1/operator/raft/peer" "DELETE" raft_peer;
    "/v1/operator/raft/transfer-leader" "POST" transfer_leader, PARTITION;
    "/v1/operator/autopilot/configuration" "GET,PUT" autopilot_configuration, READ;
    "/v1/operator/autopilot/health" "GET" autopilot_health, READ;
    "/v1/operator/autopilot/state" "GET" autopilot_state, READ;
    "/v1/operator/usage" "GET" usage, READ | EFFECTIVE;
}

fn request(call: &Call<'_>) -> DcRequest {
    DcRequest { datacenter: call.datacenter(), query: call.read_options(), ..DcRequest::default() }
}

async fn raft_configuration(call: &mut Call<'_>) -> Result<Answer> {
    let configuration = call.agent.call::<OperatorRaftGetConfiguration>(request(call)).await?;
    call.json(&configuration)
}

async fn raft_peer(call: &mut Call<'_>) -> Result<Answer> {
    let (id, address) = (call.params.has("id"), call.params.has("address"));
    if !id && !address {
        let text = "Must specify either ?id with the server's ID or ?address with IP:port of peer to remove";
        return Err(Error::bad_request(text));
    }
    if id && address {
        return Err(Error::bad_request("Must specify only one of ?id or ?address"));
    }
    let request = RaftRemovePeerRequest {
        datacenter: call.datacenter(),
        address: call.params.text("address").to_owned(),
        id: call.params.text("id").to_owned(),
        token: call.token(),
    };
    call.agent.call::<OperatorRaftRemovePeer>(request).await?;
    Ok(Answer::done())
}

async fn transfer_leader(call: &mut Call<'_>) -> Result<Answer> {
    let id = call.params.text("id").to_owned();
    let request = TransferLeaderRequest { datacenter: call.datacenter(), id, token: call.token() };
    call.agent.call::<OperatorRaftTransferLeader>(request).await?;
    call.json(&json!({ "Success": true }))
}

async fn autopilot_configuration(call: &mut Call<'_>) -> Result<Answer> {
    if call.method() == "GET" {
        let config = call.agent.call::<OperatorAutopilotGetConfiguration>(request(call)).await?;
        return call.json(&config);
    }
    let body = call.bytes(BODY_LIMIT).await?;
    let config = decode::decode(&body, &Kind::Object(&AUTOPILOT))
        .map_err(|reason| Error::bad_request(format!("Error parsing autopilot config: {reason}")))?;
    let mut request = AutopilotSetRequest { datacenter: call.datacenter(), config, cas: false, token: call.token() };
    if let Some(index) = call.params.get("cas") {
        request.config.modify_index =
            parse_uint(index).map_err(|error| Error::bad_request(format!("Error parsing cas value: {error}")))?;
        request.cas = true;
    }
    let cas = request.cas;
    let done = call.agent.call::<OperatorAutopilotSetConfiguration>(request).await?;
    call.json(&(done || !cas))
}

async fn autopilot_health(call: &mut Call<'_>) -> Result<Answer> {
    let health = call.agent.call::<OperatorServerHealth>(request(call)).await?;
    if health.servers.is_empty() {
        let none = json!({ "Healthy": false, "FailureTolerance": 0, "Servers": null });
        return Ok(call.json(&none)?.with_status(StatusCode::TOO_MANY_REQUESTS));
    }
    let status = if health.healthy { StatusCode::OK } else { StatusCode::TOO_MANY_REQUESTS };
    Ok(call.json(&health)?.with_status(status))
}

async fn autopilot_state(call: &mut Call<'_>) -> Result<Answer> {
    let health = call.agent.call::<OperatorServerHealth>(request(call)).await?;
    let meta = node_meta(call).await?;
    let servers: BTreeMap<&str, Value> =
        health.servers.iter().map(|server| (server.id.as_str(), server_state(server, &meta))).collect();
    let leader = health.servers.iter().find(|server| server.leader).map_or("", |server| server.id.as_str());
    let mut voters: Vec<&str> =
        health.servers.iter().filter(|server| server.voter).map(|server| server.id.as_str()).collect();
    voters.sort_unstable();
    call.json(&json!({
        "Healthy": health.healthy,
        "FailureTolerance": health.failure_tolerance,
        "OptimisticFailureTolerance": health.failure_tolerance,
        "Servers": servers,
        "Leader": leader,
        "Voters": voters,
    }))
}

/// Metadata of the nodes, by node name.
async fn node_meta(call: &Call<'_>) -> Result<BTreeMap<String, StringMap>> {
    let reply = call.agent.call::<CatalogListNodes>(request(call)).await?;
    Ok(reply.nodes.iter().map(|node| (node.node.clone(), node.meta.clone())).collect())
}

fn server_state(server: &ServerHealth, meta: &BTreeMap<String, StringMap>) -> Value {
    let status = match (server.leader, server.voter) {
        (true, _) => "leader",
        (false, true) => "voter",
        (false, false) => "non-voter",
    };
    json!({
        "ID": server.id,
        "Name": server.name,
        "Address": server.address,
        "NodeStatus": server.serf_status,
        "Version": server.version,
        "LastContact": server.last_contact,
        "LastTerm": server.last_term,
        "LastIndex": server.last_index,
        "Healthy": server.healthy,
        "StableSince": server.stable_since,
        "ReadReplica": false,
        "Status": status,
        "Meta": meta.get(&server.name).cloned().flatten(),
        "NodeType": "voter",
    })
}

async fn usage(call: &mut Call<'_>) -> Result<Answer> {
    let request = request(call);
    let options = request.query.clone();
    let mut report = call.agent.call::<OperatorUsage>(request.clone()).await?;
    if call.params.has("global") {
        add_other_datacenters(call, &request, &mut report).await?;
    }
    call.set_meta(&report.meta);
    call.set_effective_consistency(&options);
    call.json(&report)
}

/// Adds the figures of all other datacenters that answer.
async fn add_other_datacenters(call: &Call<'_>, request: &DcRequest, report: &mut UsageReport) -> Result<()> {
    let datacenters = call.agent.call::<CatalogListDatacenters>(DcRequest::default()).await?;
    let others = datacenters.into_iter().filter(|datacenter| !report.usage.contains_key(datacenter));
    let asked = others.map(|datacenter| {
        let query = QueryOptions { min_query_index: 0, ..request.query.clone() };
        call.agent.call::<OperatorUsage>(DcRequest { datacenter, query, ..DcRequest::default() })
    });
    for answer in futures::future::join_all(asked).await.into_iter().flatten() {
        report.usage.extend(answer.usage);
    }
    Ok(())
}
