//! `Coordinate.*`: network coordinates (`spec/semantics.md` 16). Updates are collected and written together by the leader.

use super::catalog::at;
use super::{Endpoint, Place, ReadContext, ReadEndpoint, Server};
use crate::acl::{Access, Resource};
use crate::rpc::method::*;
use crate::state::Command;
use crate::types::coordinate::{Coordinate, DIMENSIONS, DatacenterMap, NodeCoordinate};
use crate::types::requests::*;
use crate::types::{Error, Result};
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// The newest coordinate of every node and segment that has not been written yet.
#[derive(Default)]
pub(super) struct Pending {
    updates: Mutex<BTreeMap<(String, String), NodeCoordinate>>,
}

impl Pending {
    fn put(&self, update: NodeCoordinate) {
        self.updates.lock().insert((update.node.clone(), update.segment.clone()), update);
    }

    /// Takes up to `batches` lists of up to `size` updates; the rest is dropped, its number is returned.
    fn take(&self, size: usize, batches: usize) -> (Vec<Vec<NodeCoordinate>>, usize) {
        let mut all: Vec<NodeCoordinate> = std::mem::take(&mut *self.updates.lock()).into_values().collect();
        let dropped = all.len().saturating_sub(size * batches);
        all.truncate(size * batches);
        (all.chunks(size.max(1)).map(<[_]>::to_vec).collect(), dropped)
    }
}

impl Endpoint for CoordinateUpdate {
    async fn serve(server: &Server, args: CoordinateUpdateRequest) -> Result<()> {
        let coordinate = args.update.coord.as_deref();
        if !coordinate.is_some_and(Coordinate::is_valid) {
            return Err(Error::new("invalid coordinate"));
        }
        if coordinate.is_some_and(|coordinate| coordinate.vec.len() != DIMENSIONS) {
            return Err(Error::new("incompatible coordinate"));
        }
        let authorizer = server.resolve(&args.token).await?;
        authorizer.check(Resource::Node, Access::Write, &args.update.node)?;
        server.inner.coordinates.put(args.update);
        Ok(())
    }
}

/// Writes the collected updates once per period; runs while this server leads.
pub(super) async fn write_updates(server: Server) {
    let config = server.config();
    let mut ticks = tokio::time::interval(config.coordinate_update_period);
    loop {
        ticks.tick().await;
        let (batches, dropped) =
            server.inner.coordinates.take(config.coordinate_batch_size, config.coordinate_max_batches);
        if dropped > 0 {
            tracing::warn!(target: "agent.server.coordinate", "Discarded coordinate updates: number_discarded={dropped}");
        }
        for batch in batches {
            if let Err(error) = server.apply(Command::CoordinateBatch(batch), "").await {
                tracing::warn!(target: "agent.server.coordinate", "Batch update failed: error={:?}", error.text);
            }
        }
    }
}

impl Endpoint for CoordinateListDatacenters {
    const PLACE: Place = Place::Here;

    async fn serve(server: &Server, _args: DcRequest) -> Result<Vec<DatacenterMap>> {
        Ok(server.router().coordinates())
    }
}

impl ReadEndpoint for CoordinateListNodes {
    fn read(cx: &mut ReadContext<'_>, _args: &DcRequest) -> Result<IndexedCoordinates> {
        let (index, mut coordinates) = cx.state.coordinates(cx.watch);
        cx.permit(&mut coordinates, |who, row| who.allows(Resource::Node, Access::Read, &row.node));
        Ok(IndexedCoordinates { coordinates, meta: at(index) })
    }
}

impl ReadEndpoint for CoordinateNode {
    fn read(cx: &mut ReadContext<'_>, args: &NodeRequest) -> Result<IndexedCoordinates> {
        cx.authorizer.check(Resource::Node, Access::Read, &args.node)?;
        let (index, coordinates) = cx.state.node_coordinates(cx.watch, &args.node);
        if coordinates.is_empty() {
            cx.found = super::Found::Nothing;
        }
        Ok(IndexedCoordinates { coordinates, meta: at(index) })
    }

    fn nothing(_args: &NodeRequest, reply: &IndexedCoordinates) -> bool {
        reply.coordinates.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn only_the_newest_update_of_a_node_is_kept_and_the_surplus_is_dropped() {
        let pending = Pending::default();
        let update = |node: &str, height: f64| NodeCoordinate {
            node: node.into(),
            segment: String::new(),
            coord: Some(Arc::new(Coordinate { height, ..Coordinate::default() })),
        };
        for name in ["a", "b", "c", "d", "e"] {
            pending.put(update(name, 1.0));
        }
        pending.put(update("a", 2.0));
        let (batches, dropped) = pending.take(2, 2);
        let names: Vec<Vec<&str>> = batches.iter().map(|b| b.iter().map(|row| row.node.as_str()).collect()).collect();
        assert_eq!((names, dropped), (vec![vec!["a", "b"], vec!["c", "d"]], 1));
        assert_eq!(batches[0][0].coord.as_ref().expect("given").height, 2.0);
        assert_eq!(pending.take(2, 2), (Vec::new(), 0));
    }
}
