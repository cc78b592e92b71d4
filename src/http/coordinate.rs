//! `/v1/coordinate` (`spec/http-api.md` 3.11).

use super::answer::Answer;
use super::call::Call;
use super::decode::bodies::COORDINATE_UPDATE;
use super::decode::shape::Kind;
use super::encodings::encodings;
use super::routes::{META, NS, PARTITION, READ, routes};
use crate::rpc::method::{CoordinateListDatacenters, CoordinateListNodes, CoordinateNode, CoordinateUpdate};
use crate::types::requests::{CoordinateUpdateRequest, DcRequest, IndexedCoordinates, NodeRequest};
use crate::types::{Error, NodeCoordinate, Result};
use hyper::StatusCode;

routes! {
    "/v1/coordinate/datacenters" "GET" datacenters;
    "/v1/coordinate/nodes" "GET" nodes, READ | PARTITION | META;
    "/v1/coordinate/node/" "GET" node, READ | PARTITION | META;
    "/v1/coordinate/update" "PUT" update, NS;
}

encodings! {
    ALL: IndexedCoordinates, reply => &reply.coordinates;
    DEFAULT_SEGMENT: IndexedCoordinates, reply => segment(reply, true);
    OTHER_SEGMENT: IndexedCoordinates, reply => segment(reply, false);
}

/// The rows of the default segment, or of a named one; named segments do not exist here, but rows from outside may.
fn segment(reply: &IndexedCoordinates, default: bool) -> Vec<&NodeCoordinate> {
    reply.coordinates.iter().filter(|row| row.segment.is_empty() == default).collect()
}

fn refuse_disabled(call: &Call<'_>) -> Result<()> {
    if call.config().disable_coordinates {
        return Err(Error::with_status(401, "Coordinate support disabled"));
    }
    Ok(())
}

async fn datacenters(call: &mut Call<'_>) -> Result<Answer> {
    refuse_disabled(call)?;
    let maps = call.agent.call::<CoordinateListDatacenters>(DcRequest::default()).await?;
    call.json(&maps)
}

async fn nodes(call: &mut Call<'_>) -> Result<Answer> {
    refuse_disabled(call)?;
    let request = DcRequest { datacenter: call.datacenter(), query: call.read_options(), ..DcRequest::default() };
    let encodings = match call.params.get("segment") {
        None => &ALL,
        Some("") => &DEFAULT_SEGMENT,
        Some(_) => &OTHER_SEGMENT,
    };
    let found = call.fetch::<CoordinateListNodes>(request, encodings).await?;
    Ok(Answer::encoded(found.body))
}

async fn node(call: &mut Call<'_>) -> Result<Answer> {
    refuse_disabled(call)?;
    let request = NodeRequest {
        datacenter: call.datacenter(),
        node: call.argument("Missing node name")?.to_owned(),
        query: call.read_options(),
        ..NodeRequest::default()
    };
    let answer = call.read::<CoordinateNode>(request, &ALL).await?;
    if answer.status == StatusCode::NOT_FOUND {
        call.clear_meta();
    }
    Ok(answer)
}

async fn update(call: &mut Call<'_>) -> Result<Answer> {
    refuse_disabled(call)?;
    let mut request: CoordinateUpdateRequest = call.decode(&Kind::Object(&COORDINATE_UPDATE)).await?;
    if !call.params.datacenter().is_empty() {
        request.datacenter = call.datacenter();
    }
    request.token = call.token();
    call.agent.call::<CoordinateUpdate>(request).await?;
    Ok(Answer::done())
}
