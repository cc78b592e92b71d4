//! Putting a pool together: sockets, core, disk, and the members of the last life.

use super::disk::Disk;
use super::driver::{Driver, Link, MAX_COMMANDS};
use super::figures::Figures;
use super::join::join_one;
use super::snapshot::{Snapshot, State};
use super::stream::Streams;
use super::{Pool, PoolConfig, PoolState, Shared, Tasks, address, sockets};
use crate::gossip::keyring::Keyring;
use crate::gossip::serf::{self, Layer, Serf, user_events};
use crate::gossip::swim::{self, Swim};
use crate::types::error::{Error, Result};
use arc_swap::ArcSwap;
use rand::seq::SliceRandom;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

/// Work that may wait for the disk.
const MAX_JOBS: usize = 16384;

pub(super) async fn start(config: PoolConfig) -> Result<Pool> {
    if config.event_size_limit > user_events::MAX_SIZE {
        let limit = user_events::MAX_SIZE;
        return Err(Error::new(format!("user event size limit exceeds limit of {limit} bytes")));
    }
    let keyring = match config.keys.as_slice() {
        [] => None,
        keys => Some(Arc::new(Keyring::new(keys).map_err(|error| Error::new(error.to_string()))?)),
    };
    let snapshot = open_snapshot(&config).await?;
    let last = snapshot.as_ref().map(|snapshot| snapshot.state().clone()).unwrap_or_default();
    let refused =
        |text: String| Error::new(format!("Failed to create memberlist: Could not set up network transport: {text}"));
    let (listener, socket, bound) = sockets::open(config.bind).map_err(refused)?;
    let address = sockets::advertised(config.advertise, bound).map_err(Error::new)?;
    let start = Instant::now();
    let settings = serf_settings(&config, address);
    let mut serf = Serf::new(settings, last.clocks, Duration::ZERO, rand::random()).map_err(Error::new)?;
    let swim_config = swim_config(&config, address, keyring.clone());
    let swim = Swim::new(swim_config, Duration::ZERO, rand::random(), &mut serf);

    let (commands_in, commands) = mpsc::channel(MAX_COMMANDS);
    let (jobs_in, jobs) = mpsc::channel(MAX_JOBS);
    let link = Link(commands_in);
    let log = config.log;
    let (deadline, layers) = (config.timing.stream_timeout, swim.layers().clone());
    let streams = Streams { link: link.clone(), layers, deadline, bound, log };
    let keyring_file = config.keyring_file.clone();
    let shared = Arc::new(Shared {
        address,
        bound,
        keyring: keyring.clone(),
        streams: streams.clone(),
        members: ArcSwap::default(),
        changes: watch::Sender::new(0),
        state: watch::Sender::new(PoolState::Alive),
        listeners: parking_lot::Mutex::default(),
        positions: parking_lot::RwLock::default(),
        figures: Figures::default(),
        key_operations: tokio::sync::RwLock::default(),
        tasks: parking_lot::Mutex::default(),
        config,
    });
    let accepting = tokio::spawn(streams.clone().serve(listener));
    let mut driver = Driver {
        swim,
        serf,
        start,
        socket,
        streams: streams.clone(),
        shared: Arc::clone(&shared),
        jobs: jobs_in,
        replies: HashMap::new(),
        tickets: HashMap::new(),
        updates: Vec::new(),
        leaving: None,
        unsent: VecDeque::new(),
        recorded_clock: last.clocks.member,
        lagging: false,
        listener: accepting.abort_handle(),
    };
    // The own join is recorded, but it is news to nobody.
    driver.flush();
    let disk = Disk { jobs, snapshot, keyring, keyring_file, link, log };
    *shared.tasks.lock() =
        Tasks { running: vec![tokio::spawn(driver.run(commands)), tokio::spawn(disk.run()), accepting] };
    rejoin(&shared, &last);
    Ok(Pool { shared })
}

async fn open_snapshot(config: &PoolConfig) -> Result<Option<Snapshot>> {
    let Some(path) = config.snapshot_path.clone() else { return Ok(None) };
    let (rejoin, log) = (config.rejoin_after_leave, config.log);
    let opened = spawn_blocking(move || Snapshot::open(&path, rejoin, log)).await.map_err(|error| error.to_string());
    let failed = |text: String| Error::new(format!("Failed to setup snapshot: failed to open snapshot: {text}"));
    match opened {
        Ok(Ok(snapshot)) => Ok(Some(snapshot)),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(text) => Err(failed(text)),
    }
}

fn serf_settings(config: &PoolConfig, address: SocketAddr) -> serf::Settings {
    serf::Settings {
        tags: config.tags.clone(),
        gossip_interval: config.timing.gossip_interval,
        retransmit_mult: config.timing.retransmit_mult,
        reconnect_timeout: config.reconnect_timeout,
        tombstone_timeout: config.tombstone_timeout,
        min_queue_depth: config.min_queue_depth,
        broadcast_timeout: config.broadcast_timeout,
        leave_propagate_delay: config.leave_propagate_delay,
        event_size_limit: config.event_size_limit,
        resolve_conflicts: config.resolve_conflicts,
        merge_check: config.merge_check.clone(),
        disable_coordinates: config.disable_coordinates,
        log: config.log,
        network: config.network,
        ..serf::Settings::new(config.name.clone(), address)
    }
}

fn swim_config(config: &PoolConfig, address: SocketAddr, keyring: Option<Arc<Keyring>>) -> swim::Config {
    let defaults = swim::Config::new(config.name.clone(), address, config.timing.clone());
    let mut versions = defaults.versions;
    versions[5] = config.delegate_version;
    swim::Config {
        versions,
        compression: config.compression,
        verify_incoming: config.verify_incoming,
        verify_outgoing: config.verify_outgoing,
        keyring,
        allowed: config.allowed_cidrs.clone(),
        ..defaults
    }
}

/// Tries the members of the last life in random order until one answers.
fn rejoin(shared: &Arc<Shared>, last: &State) {
    let own = shared.config.name.as_str();
    let mut known: Vec<String> = last
        .alive
        .iter()
        .filter(|(name, _)| name.as_str() != own)
        .filter_map(|(name, at)| Some(address::display(Some(name), at.parse().ok()?)))
        .collect();
    if known.is_empty() {
        return;
    }
    known.shuffle(&mut rand::rng());
    let (streams, port, mut state) = (shared.streams.clone(), shared.address.port(), shared.state.subscribe());
    let search = async move {
        for text in known {
            streams.log.info(Layer::Serf, format_args!("Attempting re-join to previously known node: {text}"));
            if join_one(&streams, &text, port).await.0 > 0 {
                streams.log.info(Layer::Serf, format_args!("Re-joined to previously known node: {text}"));
                return;
            }
        }
        streams.log.warn(Layer::Serf, format_args!("Failed to re-join any previously known node"));
    };
    tokio::spawn(async move {
        tokio::select! {
            () = search => {}
            // A pool that leaves looks for nobody.
            _ = state.wait_for(|state| *state != PoolState::Alive) => {}
        }
    });
}
