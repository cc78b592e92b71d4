//! The authority in the state: made by the first leader, looked up by whoever signs.

use super::provider::{Made, Signer, make, state_id};
use super::settings::BuiltIn;
use crate::server::Server;
use crate::state::{Command, Outcome, WatchSet};
use crate::types::ca::{CaConfiguration, CaOp, CaProviderState, CaRequest, CaRoot};
use crate::types::{Error, GoDuration, Result, Timestamp};
use std::sync::Arc;

/// What signs now.
pub(super) struct Authority {
    pub config: Arc<CaConfiguration>,
    pub root: Arc<CaRoot>,
    pub state: Arc<CaProviderState>,
}

/// The authority with its key.
///
/// # Errors
/// There is none yet.
pub(super) fn active(server: &Server) -> Result<Authority> {
    let uninitialized = || Error::new("CA is uninitialized and unable to sign certificates yet: provider is nil");
    let snapshot = server.store().snapshot();
    let config = snapshot.ca_config().ok_or_else(uninitialized)?;
    let (_, roots) = snapshot.ca_roots(&mut WatchSet::none());
    let root = roots.into_iter().find(|root| root.active).ok_or_else(uninitialized)?;
    let mut states = snapshot.ca_states().into_iter();
    let same = |state: &Arc<CaProviderState>| state.root_cert.trim_end() == root.root_cert.trim_end();
    let state = states.find(|state| same(state) && !state.private_key.is_empty());
    Ok(Authority { config, state: state.ok_or_else(uninitialized)?, root })
}

async fn change(server: &Server, request: CaRequest) -> Result<Outcome> {
    server.apply(Command::Ca(Box::new(request)), "").await
}

/// A number that no certificate of this authority has.
pub(super) async fn serial(server: &Server) -> Result<u64> {
    match change(server, CaRequest { op: CaOp::IncrementProviderSerial, ..CaRequest::default() }).await? {
        Outcome::Number(serial) => Ok(serial),
        other => Err(Error::new(format!("unexpected answer to a request for a serial number: {other:?}"))),
    }
}

/// Stores what the provider keeps.
pub(super) async fn keep(server: &Server, state: CaProviderState) -> Result<()> {
    let request = CaRequest { op: CaOp::SetProviderState, provider_state: Some(state), ..CaRequest::default() };
    change(server, request).await.map(drop)
}

/// Stores a configuration, with roots if those change.
///
/// # Errors
/// Somebody else changed it meanwhile.
pub(super) async fn store(server: &Server, config: Option<CaConfiguration>, roots: Option<Vec<CaRoot>>) -> Result<()> {
    let op = match (&config, &roots) {
        (Some(_), Some(_)) => CaOp::SetRootsConfig,
        (None, Some(_)) => CaOp::SetRoots,
        (_, None) => CaOp::SetConfig,
    };
    let index = server.store().snapshot().ca_roots_index();
    match change(server, CaRequest { op, index, config, roots, ..CaRequest::default() }).await? {
        Outcome::Bool(true) => Ok(()),
        _ => Err(Error::new("could not atomically update roots and config")),
    }
}

/// Makes sure of the configuration and of a root with its key, in the primary datacenter.
pub(in crate::server) async fn ensure(server: &Server) -> Result<()> {
    let Some(settings) = &server.config().connect else { return Ok(()) };
    let stored = server.store().snapshot().ca_config();
    let config = match stored {
        Some(config) if !config.cluster_id.is_empty() => CaConfiguration::clone(&config),
        _ => {
            let config = settings.first();
            store(server, Some(config.clone()), None).await?;
            config
        }
    };
    let built_in = BuiltIn::read(&config).map_err(Error::new)?;
    if active(server).is_ok() {
        return Ok(());
    }
    let made = new_root(server, &built_in, &config).await?;
    // roots whose key is lost stay trusted as long as they would have
    let roots = succeeded(server, made.root);
    store(server, None, Some(roots)).await?;
    tracing::info!(target: "agent.server.connect", "initialized primary datacenter CA with provider: provider=consul");
    Ok(())
}

/// A root with its key, which is kept.
async fn new_root(server: &Server, settings: &BuiltIn, config: &CaConfiguration) -> Result<Made> {
    let serial = serial(server).await?;
    let now = chrono::Utc::now().timestamp();
    let made = make(settings, &config.cluster_id, serial, now).map_err(Error::new)?;
    keep(server, made.state.clone()).await?;
    Ok(made)
}

/// The roots with a new active one; the others no longer sign.
fn succeeded(server: &Server, new: CaRoot) -> Vec<CaRoot> {
    let (_, before) = server.store().snapshot().ca_roots(&mut WatchSet::none());
    let mut roots: Vec<CaRoot> = before.iter().filter(|root| root.id != new.id).map(|root| (**root).clone()).collect();
    for root in roots.iter_mut().filter(|root| root.active) {
        root.active = false;
        root.rotated_out_at = Timestamp::now();
    }
    roots.push(new);
    roots
}

/// Brings a new configuration into force; with another key or root, the old root vouches for the new one.
///
/// # Errors
/// Settings that cannot be used, or somebody else changed them meanwhile.
pub(super) async fn reconfigure(server: &Server, config: CaConfiguration) -> Result<()> {
    let wanted = BuiltIn::read(&config).map_err(|text| match text.starts_with("could not initialize") {
        true => Error::new(text),
        false => Error::new(format!("error configuring provider: {text}")),
    })?;
    let before = active(server)?;
    let kept = BuiltIn::read(&before.config).map_err(Error::new)?;
    if state_id(&wanted, true) == state_id(&kept, true) {
        return store(server, Some(config), None).await;
    }
    let mut made = new_root(server, &wanted, &before.config).await?;
    if made.root.id != before.root.id && !config.force_without_cross_signing {
        let number = serial(server).await?;
        let now = chrono::Utc::now().timestamp();
        let cross = Signer::of(&before.state, now).and_then(|signer| signer.cross_sign(&made.root, number, now));
        made.root.intermediate_certs = Some(vec![cross.map_err(Error::new)?]);
    }
    let roots = succeeded(server, made.root);
    store(server, Some(config), Some(roots)).await?;
    tracing::info!(target: "agent.server.connect", "CA rotated to new root under provider: provider=consul");
    Ok(())
}

/// Forgets roots that nobody can have a leaf of any more: those that ended their work two lives of a leaf ago.
pub(in crate::server) async fn prune(server: &Server) -> Result<()> {
    let snapshot = server.store().snapshot();
    let Some(config) = snapshot.ca_config() else { return Ok(()) };
    let Ok(settings) = BuiltIn::read(&config) else { return Ok(()) };
    let twice = GoDuration(settings.leaf_life.0.saturating_mul(2));
    let (_, roots) = snapshot.ca_roots(&mut WatchSet::none());
    let now = Timestamp::now();
    let over =
        |root: &Arc<CaRoot>| !root.active && !root.rotated_out_at.is_zero() && now.since(root.rotated_out_at) > twice;
    if !roots.iter().any(over) {
        return Ok(());
    }
    let left = roots.iter().filter(|root| !over(root)).map(|root| (**root).clone()).collect();
    store(server, None, Some(left)).await
}
