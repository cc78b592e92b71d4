//! `/v1/status` (`spec/http-api.md` 3.1).

use super::answer::Answer;
use super::call::Call;
use super::routes::{READ, routes};
use crate::rpc::method::{StatusLeader, StatusPeers};
use crate::types::Result;
use crate::types::requests::DcRequest;

routes! {
    "/v1/status/leader" "GET" leader, READ;
    "/v1/status/peers" "GET" peers, READ;
}

fn request(call: &Call<'_>) -> DcRequest {
    DcRequest { datacenter: call.datacenter(), query: call.read_options(), ..DcRequest::default() }
}

async fn leader(call: &mut Call<'_>) -> Result<Answer> {
    let leader = call.agent.call::<StatusLeader>(request(call)).await?;
    call.json(&leader)
}

async fn peers(call: &mut Call<'_>) -> Result<Answer> {
    let peers = call.agent.call::<StatusPeers>(request(call)).await?;
    call.json(&peers)
}
