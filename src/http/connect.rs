//! `/v1/connect/ca` and the agent's view of it (`spec/mesh.md` 6, 7).

use super::answer::Answer;
use super::call::Call;
use super::decode::bodies::CA_CONFIGURATION;
use super::decode::shape::Kind;
use super::encodings::encodings;
use super::params::parse_bool;
use super::routes::{READ, routes};
use crate::rpc::method::{ConnectCaConfigurationGet, ConnectCaConfigurationSet, ConnectCaRoots};
use crate::types::ca::{CaConfiguration, CaOp, CaProviderConfig, CaRequest, CaRoot, IndexedCaRoots};
use crate::types::requests::DcRequest;
use crate::types::{Error, Index, Result, StringMap, Timestamp};
use bytes::Bytes;
use hyper::header::HeaderValue;
use serde::Serialize;

routes! {
    "/v1/connect/ca/roots" "GET" roots, READ;
    "/v1/connect/ca/configuration" "GET,PUT" configuration, READ;
    "/v1/agent/connect/ca/roots" "GET" agent_roots, READ;
}

/// Content type of certificates.
const PEM: HeaderValue = HeaderValue::from_static("application/pem-certificate-chain");

encodings! {
    ROOTS: IndexedCaRoots, reply => RootsView::of(reply);
}

/// A root without what only servers know.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RootView<'a> {
    #[serde(rename = "ID")]
    id: &'a str,
    name: &'a str,
    serial_number: u64,
    #[serde(rename = "SigningKeyID")]
    signing_key_id: &'a str,
    external_trust_domain: &'a str,
    not_before: Timestamp,
    not_after: Timestamp,
    root_cert: &'a str,
    intermediate_certs: &'a Option<Vec<String>>,
    active: bool,
    private_key_type: &'a str,
    private_key_bits: i64,
    create_index: Index,
    modify_index: Index,
}

impl<'a> RootView<'a> {
    fn of(root: &'a CaRoot) -> RootView<'a> {
        RootView {
            id: &root.id,
            name: &root.name,
            serial_number: root.serial_number,
            signing_key_id: &root.signing_key_id,
            external_trust_domain: &root.external_trust_domain,
            not_before: root.not_before,
            not_after: root.not_after,
            root_cert: &root.root_cert,
            intermediate_certs: &root.intermediate_certs,
            active: root.active,
            private_key_type: &root.private_key_type,
            private_key_bits: root.private_key_bits,
            create_index: root.create_index,
            modify_index: root.modify_index,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RootsView<'a> {
    #[serde(rename = "ActiveRootID")]
    active_root_id: &'a str,
    trust_domain: &'a str,
    roots: Vec<RootView<'a>>,
}

impl<'a> RootsView<'a> {
    fn of(reply: &'a IndexedCaRoots) -> RootsView<'a> {
        RootsView {
            active_root_id: &reply.active_root_id,
            trust_domain: &reply.trust_domain,
            roots: reply.roots.iter().map(|root| RootView::of(root)).collect(),
        }
    }
}

/// The configuration; the cluster id is not shown.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ConfigurationView<'a> {
    provider: &'a str,
    config: &'a CaProviderConfig,
    state: &'a StringMap,
    force_without_cross_signing: bool,
    create_index: Index,
    modify_index: Index,
}

fn request(call: &Call<'_>) -> DcRequest {
    DcRequest { datacenter: call.datacenter(), query: call.read_options(), ..DcRequest::default() }
}

/// All certificates of the roots, one behind the other.
fn chain(reply: &IndexedCaRoots) -> String {
    let below = |root: &CaRoot| root.intermediate_certs.iter().flatten().cloned().collect::<String>();
    reply.roots.iter().map(|root| root.root_cert.clone() + &below(root)).collect()
}

async fn roots(call: &mut Call<'_>) -> Result<Answer> {
    let pem = match call.params.get("pem") {
        None => false,
        Some(text) => {
            parse_bool(text).ok_or_else(|| Error::bad_request("The 'pem' query parameter must be a boolean value"))?
        }
    };
    if pem {
        let reply = call.agent.call::<ConnectCaRoots>(request(call)).await?;
        return Ok(Answer { content_type: Some(PEM), ..Answer::encoded(Bytes::from(chain(&reply))) });
    }
    let found = call.fetch::<ConnectCaRoots>(request(call), &ROOTS).await?;
    Ok(Answer::encoded(found.body))
}

/// The roots as the agent knows them: always from its cache.
async fn agent_roots(call: &mut Call<'_>) -> Result<Answer> {
    let (value, hit) = call.agent.cached::<ConnectCaRoots>(request(call)).await?;
    call.set_cache(hit);
    let encoded = value.encoded(ROOTS.form(call.style, call.gzip))?;
    call.set_meta(&encoded.meta);
    Ok(Answer::encoded(encoded.body))
}

async fn configuration(call: &mut Call<'_>) -> Result<Answer> {
    if call.method() == "GET" {
        let config = call.agent.call::<ConnectCaConfigurationGet>(request(call)).await?;
        return call.json(&ConfigurationView {
            provider: &config.provider,
            config: &config.config,
            state: &config.state,
            force_without_cross_signing: config.force_without_cross_signing,
            create_index: config.create_index,
            modify_index: config.modify_index,
        });
    }
    let config: CaConfiguration = call.decode(&Kind::Object(&CA_CONFIGURATION)).await?;
    let request = CaRequest {
        op: CaOp::SetConfig,
        datacenter: call.datacenter(),
        config: Some(config),
        token: call.token(),
        ..CaRequest::default()
    };
    call.agent.call::<ConnectCaConfigurationSet>(request).await?;
    Ok(Answer::done())
}
