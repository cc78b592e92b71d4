//! A secondary datacenter: it signs with an intermediate certificate of the primary one (`spec/mesh.md` 4.2).

use super::authority::{active, keep, serial, store};
use super::provider::{Signer, state_id, trust_domain};
use super::settings::BuiltIn;
use crate::acl::{Access, Resource};
use crate::rpc::method::{ConnectCaRoots, ConnectCaSignIntermediate};
use crate::server::{Endpoint, Place, Server};
use crate::state::WatchSet;
use crate::tls::x509::{Csr, Key, Request, Usage};
use crate::types::ca::{CaConfiguration, CaProviderState, CaRoot, CaSignRequest, IndexedCaRoots};
use crate::types::requests::DcRequest;
use crate::types::{Error, GoDuration, Index, QueryOptions, Result};

/// How long a question for the primary's roots stays open; then the age of the intermediate certificate is looked at.
const WAIT: GoDuration = GoDuration::secs(600);

impl Endpoint for ConnectCaSignIntermediate {
    const PLACE: Place = Place::LeaderAlways;

    async fn serve(server: &Server, args: CaSignRequest) -> Result<String> {
        server.ca_settings()?;
        if !server.acl().is_primary() {
            return Err(Error::new("not the primary datacenter"));
        }
        server.resolve(&args.token).await?.check(Resource::Operator, Access::Write, "")?;
        let csr = Csr::from_pem(&args.csr).map_err(Error::new)?;
        let authority = active(server)?;
        let domain = trust_domain(&authority.config.cluster_id);
        if csr.names().uris() != [format!("spiffe://{domain}")] {
            return Err(Error::new(format!("the CSR of an intermediate must be for the trust domain {domain} alone")));
        }
        let settings = BuiltIn::read(&authority.config).map_err(Error::new)?;
        let now = chrono::Utc::now().timestamp();
        let signer = Signer::of(&authority.state, now).map_err(Error::new)?;
        let number = serial(server).await?;
        signer.sign_intermediate(&settings, &authority.config, csr.public(), number, now).map_err(Error::new)
    }
}

/// Makes sure of an intermediate certificate of the primary's root, and waits until those roots change. `seen` is the index of
/// the last ones.
///
/// # Errors
/// The primary datacenter cannot be asked, or refuses.
pub(in crate::server) async fn follow_primary(server: &Server, seen: &mut Index) -> Result<()> {
    let token = server.acl().tokens.replication();
    let wait = if *seen > 0 { WAIT } else { GoDuration::ZERO };
    let query = QueryOptions { min_query_index: *seen, max_query_time: wait, token, ..QueryOptions::default() };
    let roots = server.ask_primary::<ConnectCaRoots>(DcRequest { query, ..DcRequest::default() }).await?;
    let index = roots.meta.index;
    ensure(server, &roots).await?;
    *seen = if index < *seen { 0 } else { index.max(1) };
    Ok(())
}

/// The intermediate certificate in force is of this root, and in the first half of its life.
fn is_good(server: &Server, root: &CaRoot) -> bool {
    let now = chrono::Utc::now().timestamp();
    let Ok(authority) = active(server) else { return false };
    let same = authority.root.id == root.id && !authority.state.intermediate_cert.is_empty();
    same && Signer::of(&authority.state, now).is_ok_and(|signer| signer.is_young(now))
}

async fn ensure(server: &Server, primary: &IndexedCaRoots) -> Result<()> {
    let settings = server.ca_settings()?;
    let unready = || Error::new("the CA of the primary datacenter is not ready");
    let root = primary.roots.iter().find(|root| root.active).ok_or_else(unready)?;
    let cluster_id = primary.trust_domain.split('.').next().unwrap_or_default().to_owned();
    let stored = server.store().snapshot().ca_config();
    let config = match stored {
        Some(config) if config.cluster_id == cluster_id => CaConfiguration::clone(&config),
        _ => {
            let config = CaConfiguration { cluster_id, ..settings.first() };
            store(server, Some(config.clone()), None).await?;
            config
        }
    };
    if !is_good(server, root) {
        renew(server, &config, root).await?;
    }
    adopt(server, primary).await
}

/// Gets an intermediate certificate.
async fn renew(server: &Server, config: &CaConfiguration, root: &CaRoot) -> Result<()> {
    let settings = BuiltIn::read(config).map_err(Error::new)?;
    let (key, key_pem) = Key::generate().map_err(Error::new)?;
    let names = Request {
        uris: vec![format!("spiffe://{}", trust_domain(&config.cluster_id))],
        ..Request::new(Usage::Authority(Some(0)), 0, 0)
    };
    let csr = Csr::make(&key, &names).map_err(Error::new)?;
    let token = server.acl().tokens.replication();
    let request = CaSignRequest { csr, token, ..CaSignRequest::default() };
    let intermediate_cert = server.ask_primary::<ConnectCaSignIntermediate>(request).await?;
    let state = CaProviderState {
        id: state_id(&settings, false),
        private_key: key_pem,
        root_cert: root.root_cert.clone(),
        intermediate_cert,
        ..CaProviderState::default()
    };
    // a certificate of another key shows now
    Signer::of(&state, chrono::Utc::now().timestamp()).map_err(Error::new)?;
    keep(server, state).await?;
    tracing::info!(target: "agent.server.connect", "received new intermediate certificate from primary datacenter");
    Ok(())
}

/// Stores the primary's roots; the own intermediate certificate goes behind each leaf.
async fn adopt(server: &Server, primary: &IndexedCaRoots) -> Result<()> {
    let snapshot = server.store().snapshot();
    let states = snapshot.ca_states();
    let with_own = |root: &CaRoot| {
        let mut row = CaRoot { create_index: 0, modify_index: 0, ..root.clone() };
        let own = states.iter().filter(|state| row.active && state.root_cert == row.root_cert);
        let own = own.map(|state| state.intermediate_cert.clone()).filter(|cert| !cert.is_empty());
        let all: Vec<String> = row.intermediate_certs.take().into_iter().flatten().chain(own).collect();
        row.intermediate_certs = (!all.is_empty()).then_some(all);
        row
    };
    let wanted: Vec<CaRoot> = primary.roots.iter().map(|root| with_own(root)).collect();
    let (_, known) = snapshot.ca_roots(&mut WatchSet::none());
    let same =
        |a: &CaRoot, b: &CaRoot| (&a.id, a.active, &a.intermediate_certs) == (&b.id, b.active, &b.intermediate_certs);
    let kept = wanted.len() == known.len() && wanted.iter().all(|root| known.iter().any(|row| same(row, root)));
    if kept { Ok(()) } else { store(server, None, Some(wanted)).await }
}
