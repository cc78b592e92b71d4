//! The `coordinates` table (`spec/semantics.md` 16).

use super::index::Table;
use super::key::{join, lower};
use super::radix::Slot;
use super::tables::Writer;
use super::watch::Space;
use super::{Snapshot, WatchSet};
use crate::types::{Coordinate, Index, NodeCoordinate};
use std::sync::Arc;

impl Writer {
    /// Stores coordinates; those of unknown nodes are passed over, because their removal is tied to the node's.
    pub fn update_coordinates(&mut self, rows: &[NodeCoordinate]) {
        for row in rows {
            if self.tables.node(&row.node).is_some() {
                self.put_coordinate(row.clone());
            }
        }
        self.move_table(Table::Coordinates);
    }

    /// Stores a row as it is.
    pub fn put_coordinate(&mut self, row: NodeCoordinate) {
        self.touch(Space::NodeCoordinates, &row.node);
        self.tables.coordinates.insert(Slot::new(&join(&[&row.node, &row.segment]), row));
        self.move_table(Table::Coordinates);
    }
}

impl Snapshot {
    /// All coordinates, by node.
    pub fn coordinates(&self, ws: &mut WatchSet) -> (Index, Vec<NodeCoordinate>) {
        ws.watch_table(Table::Coordinates);
        let rows = self.tables().coordinates.iter().map(|slot| slot.value.clone()).collect();
        (self.tables().indexes.table(Table::Coordinates), rows)
    }

    /// Coordinates of a node, by segment.
    pub fn node_coordinates(&self, ws: &mut WatchSet, node: &str) -> (Index, Vec<NodeCoordinate>) {
        ws.watch(Space::NodeCoordinates, lower(node).as_bytes());
        ws.depend_tables(&[Table::Coordinates]);
        let rows = self.tables().coordinates.iter_prefix(&join(&[node])).map(|slot| slot.value.clone()).collect();
        (self.tables().indexes.table(Table::Coordinates), rows)
    }

    /// A node's coordinate in the default segment, for sorting by distance.
    pub fn coordinate_of(&self, node: &str) -> Option<Arc<Coordinate>> {
        self.tables().coordinates.get(&join(&[node, ""]))?.value.coord.clone()
    }
}
