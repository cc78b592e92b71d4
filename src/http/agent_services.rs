//! `/v1/agent/service*` and the health of local services (`spec/http-api.md` 1.9, 3.4).

mod view;

use self::view::{HealthView, ServiceView};
use super::agent::enable;
use super::agent_checks::complete;
use super::answer::{Answer, PLAIN};
use super::call::{Call, REASON};
use super::decode::bodies::SERVICE_REGISTER;
use super::decode::shape::Kind;
use super::routes::{FILTER, NS, READ, routes};
use crate::acl::{Access, Authorizer, Resource};
use crate::agent::local::content_hash;
use crate::agent::{ServiceRegistration, Source, checks};
use crate::filter::Filter;
use crate::types::service::{ConnectProxyConfig, ServiceAddresses, ServiceConnect};
use crate::types::{
    CheckStatus, CheckType, Error, GoDuration, HealthCheck, Locality, NodeService, Result, StringMap, Weights, validate,
};
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{ACCEPT, HeaderName};
use rand::Rng;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

routes! {
    "/v1/agent/services" "GET" services, READ | FILTER | NS;
    "/v1/agent/service/" "GET" service, READ | NS;
    "/v1/agent/service/register" "PUT" register, NS;
    "/v1/agent/service/deregister/" "PUT" deregister, NS;
    "/v1/agent/service/maintenance/" "PUT" maintenance, NS;
    "/v1/agent/health/service/id/" "GET" health_by_id, NS;
    "/v1/agent/health/service/name/" "GET" health_by_name, NS;
}

static CONTENT_HASH: HeaderName = HeaderName::from_static("x-consul-contenthash");

/// Wait of a hash query that names none.
const DEFAULT_WAIT: Duration = Duration::from_secs(300);
/// Longest wait of a hash query.
const MAX_WAIT: Duration = Duration::from_secs(600);
/// The wait is lengthened by up to this fraction, so that many watchers do not come back at once.
const JITTER_FRACTION: u32 = 16;

fn may_read(who: &Authorizer, service: &str) -> bool {
    who.allows(Resource::Service, Access::Read, service)
}

async fn services(call: &mut Call<'_>) -> Result<Answer> {
    let who = call.authorizer().await?;
    let mut services = call.agent.local().services();
    let all = services.len();
    services.retain(|_, service| may_read(&who, &service.service));
    call.set_filtered(services.len() != all);
    let filter = Filter::<NodeService>::parse(&call.options.filter)?;
    let datacenter = call.settings.datacenter.as_str();
    let shown: BTreeMap<&str, ServiceView<'_>> = services
        .iter()
        .filter(|(_, service)| filter.matches(service))
        .map(|(id, service)| (id.as_str(), ServiceView::new(service, datacenter, "")))
        .collect();
    call.json(&shown)
}

async fn service(call: &mut Call<'_>) -> Result<Answer> {
    let who = call.authorizer().await?;
    let local = call.agent.local();
    let known = call.params.text("hash");
    let given = call.options.max_query_time;
    let deadline = (!known.is_empty()).then(|| tokio::time::Instant::now() + wait_of(given));
    let mut changes = local.subscribe();
    loop {
        changes.borrow_and_update();
        let unknown = || Error::not_found(format!("unknown service ID: {}", call.rest));
        let service = local.service(call.rest).ok_or_else(unknown)?;
        who.check(Resource::Service, Access::Read, &service.service)?;
        let hash = content_hash(&service);
        let late = match deadline {
            Some(deadline) if hash == known => tokio::time::timeout_at(deadline, changes.changed()).await.is_err(),
            _ => true,
        };
        if late {
            call.set_header(&CONTENT_HASH, &hash);
            return call.json(&ServiceView::new(&service, &call.settings.datacenter, &hash));
        }
    }
}

/// The wait of a query: default, cap, jitter.
fn wait_of(given: GoDuration) -> Duration {
    let wait = if given.0 <= 0 { DEFAULT_WAIT } else { given.to_std().min(MAX_WAIT) };
    wait + wait.mul_f64(rand::rng().random_range(0.0..1.0) / f64::from(JITTER_FRACTION))
}

/// A body of `register`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Definition {
    kind: String,
    #[serde(rename = "ID")]
    id: String,
    name: String,
    tags: Option<Vec<String>>,
    address: String,
    tagged_addresses: ServiceAddresses,
    meta: StringMap,
    port: i64,
    socket_path: String,
    check: Option<CheckType>,
    checks: Vec<CheckType>,
    weights: Option<Weights>,
    token: String,
    enable_tag_override: bool,
    locality: Option<Locality>,
    proxy: ConnectProxyConfig,
    connect: ServiceConnect,
}

impl Definition {
    /// The instance and its checks.
    fn split(self) -> (NodeService, Vec<CheckType>, String) {
        let checks = self.check.into_iter().chain(self.checks).collect();
        let mut service = NodeService {
            kind: self.kind,
            id: if self.id.is_empty() { self.name.clone() } else { self.id },
            service: self.name,
            tags: self.tags,
            address: self.address,
            tagged_addresses: self.tagged_addresses,
            meta: self.meta,
            port: self.port,
            socket_path: self.socket_path,
            weights: self.weights,
            enable_tag_override: self.enable_tag_override,
            locality: self.locality,
            proxy: self.proxy,
            connect: self.connect,
            ..NodeService::default()
        };
        for upstream in &mut service.proxy.upstreams {
            if upstream.destination_type.is_empty() {
                "service".clone_into(&mut upstream.destination_type);
            }
        }
        (service, checks, self.token)
    }
}

async fn register(call: &mut Call<'_>) -> Result<Answer> {
    let definition = call.decode(&Kind::Object(&SERVICE_REGISTER)).await?;
    let (service, checks, token) = checked(definition)?;
    call.agent.check_service_register(&call.authorizer().await?, &service)?;
    let replace = call.params.get("replace-existing-checks");
    let registration = ServiceRegistration {
        service,
        checks,
        token: if token.is_empty() { call.token() } else { token },
        source: Source::Remote,
        replace_existing_checks: replace.is_some_and(|value| value.is_empty() || value == "true"),
    };
    call.agent.register_service(registration).await?;
    Ok(Answer::done())
}

/// A definition in its parts, unless it is refused.
pub(super) fn checked(definition: Definition) -> Result<(NodeService, Vec<CheckType>, String)> {
    let (service, mut checks, token) = definition.split();
    refuse_invalid(&service)?;
    for check in &mut checks {
        complete(check);
    }
    refuse_invalid_checks(&checks, "check")?;
    refuse_invalid_sidecar(&service)?;
    Ok((service, checks, token))
}

/// Refuses a bad definition, in the reference's order.
fn refuse_invalid(service: &NodeService) -> Result<()> {
    let refuse = |text: String| Err(Error::bad_request(text));
    if service.service.is_empty() {
        return refuse("Missing service name".into());
    }
    if validate::is_any_address(&service.address) {
        return refuse("Invalid service address".into());
    }
    if let Some(reason) = service.weights.as_ref().and_then(validate::weights_error) {
        return refuse(format!("Invalid Weights: {reason}"));
    }
    let empty = BTreeMap::new();
    let meta = service.meta.as_ref().unwrap_or(&empty);
    if let Some(reason) = validate::service_meta_error(&service.kind, meta) {
        return refuse(format!("Invalid Service Meta: {reason}"));
    }
    match validate::error_list(&validate::service_errors(service)) {
        Some(list) => refuse(format!("Validation failed: {list}")),
        None => Ok(()),
    }
}

/// Refuses bad checks; `what` names them.
fn refuse_invalid_checks(definitions: &[CheckType], what: &str) -> Result<()> {
    for definition in definitions {
        let invalid = |reason| Error::bad_request(format!("Invalid {what}: {reason}"));
        checks::validate(definition).map_err(invalid)?;
    }
    let unknown = |check: &&CheckType| !check.status.is_empty() && CheckStatus::parse(&check.status).is_none();
    if definitions.iter().any(|check| unknown(&check)) {
        return Err(Error::bad_request("Status for checks must 'passing', 'warning', 'critical'"));
    }
    Ok(())
}

/// The nested definition has the shape of the outer one, which decoding made sure of.
fn refuse_invalid_sidecar(service: &NodeService) -> Result<()> {
    let Some(nested) = &service.connect.sidecar_service else { return Ok(()) };
    let invalid = |reason: String| Error::bad_request(format!("Invalid SidecarService: {reason}"));
    let sidecar: Definition = serde_json::from_value((**nested).clone()).map_err(|error| invalid(error.to_string()))?;
    let (service, checks, _) = sidecar.split();
    if let Some(reason) = service.weights.as_ref().and_then(validate::weights_error) {
        return Err(invalid(format!("Invalid Weights: {reason}")));
    }
    refuse_invalid_checks(&checks, "check in sidecar_service")
}

async fn deregister(call: &mut Call<'_>) -> Result<Answer> {
    call.agent.check_service_update(&call.authorizer().await?, call.rest)?;
    call.agent.deregister_service(call.rest).await?;
    Ok(Answer::done())
}

async fn maintenance(call: &mut Call<'_>) -> Result<Answer> {
    let id = call.argument("Missing service ID")?;
    let enable = enable(call)?;
    call.agent.check_service_update(&call.authorizer().await?, id)?;
    call.agent.set_service_maintenance(id, enable, call.params.text("reason"), &call.token()).await?;
    Ok(Answer::done())
}

/// Health of a service over all its checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Health {
    Passing,
    Warning,
    Critical,
    Maintenance,
}

impl Health {
    fn of(checks: &[std::sync::Arc<HealthCheck>]) -> Health {
        let each = checks.iter().map(|check| match check.known_status() {
            _ if check.check_id == "_node_maintenance" => Health::Maintenance,
            _ if check.check_id.starts_with("_service_maintenance:") => Health::Maintenance,
            Some(CheckStatus::Passing) => Health::Passing,
            Some(CheckStatus::Warning) => Health::Warning,
            _ => Health::Critical,
        });
        each.max().unwrap_or(Health::Passing)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Health::Passing => "passing",
            Health::Warning => "warning",
            Health::Critical => "critical",
            Health::Maintenance => "maintenance",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Health::Passing => StatusCode::OK,
            Health::Warning => StatusCode::TOO_MANY_REQUESTS,
            Health::Critical | Health::Maintenance => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

fn wants_text(call: &Call<'_>) -> bool {
    let accept = call.parts.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    call.params.text("format") == "text" || accept.starts_with("text/plain")
}

/// The answer of a health endpoint: `text` or the JSON, with `text` as reason.
fn health_answer<T: serde::Serialize>(
    call: &mut Call<'_>,
    status: StatusCode,
    text: &str,
    document: &T,
) -> Result<Answer> {
    call.set_header(&REASON, text);
    if wants_text(call) {
        let body = Bytes::copy_from_slice(text.as_bytes());
        return Ok(Answer { content_type: Some(PLAIN), ..Answer::encoded(body) }.with_status(status));
    }
    Ok(call.json(document)?.with_status(status))
}

async fn health_by_id(call: &mut Call<'_>) -> Result<Answer> {
    if call.rest.is_empty() {
        return Err(Error::new("Missing serviceID"));
    }
    let who = call.authorizer().await?;
    let local = call.agent.local();
    let Some(service) = local.service(call.rest) else {
        let text = format!("ServiceId {} not found", call.rest);
        return health_answer(call, StatusCode::NOT_FOUND, &text, &HealthView::unknown());
    };
    who.check(Resource::Service, Access::Read, &service.service)?;
    let checks = local.health_of(call.rest);
    let health = Health::of(&checks);
    let datacenter = &call.settings.datacenter;
    let document = HealthView::new(health.as_str(), ServiceView::new(&service, datacenter, ""), &checks);
    health_answer(call, health.status(), health.as_str(), &document)
}

async fn health_by_name(call: &mut Call<'_>) -> Result<Answer> {
    if call.rest.is_empty() {
        return Err(Error::new("Missing service Name"));
    }
    call.require(Resource::Service, Access::Read, call.rest).await?;
    let local = call.agent.local();
    let services = local.services();
    let rows: Vec<_> = services
        .values()
        .filter(|service| service.service == call.rest)
        .map(|service| (service, local.health_of(&service.id)))
        .collect();
    let Some(worst) = rows.iter().map(|(_, checks)| Health::of(checks)).max() else {
        let text = format!("ServiceName {} Not Found", call.rest);
        return health_answer(call, StatusCode::NOT_FOUND, &text, &[(); 0]);
    };
    let datacenter = &call.settings.datacenter;
    let documents: Vec<HealthView<'_>> = rows
        .iter()
        .map(|(service, checks)| {
            HealthView::new(Health::of(checks).as_str(), ServiceView::new(service, datacenter, ""), checks)
        })
        .collect();
    health_answer(call, worst.status(), worst.as_str(), &documents)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn check(id: &str, status: &str) -> Arc<HealthCheck> {
        Arc::new(HealthCheck { check_id: id.into(), status: status.into(), ..HealthCheck::default() })
    }

    #[test]
    fn maintenance_is_worse_than_critical_and_no_checks_are_passing() {
        let cases: [(&[(&str, &str)], Health); 5] = [
            (&[], Health::Passing),
            (&[("a", "passing"), ("b", "warning")], Health::Warning),
            (&[("a", "critical"), ("b", "warning")], Health::Critical),
            (&[("a", "critical"), ("_node_maintenance", "critical")], Health::Maintenance),
            (&[("_service_maintenance:web", "critical")], Health::Maintenance),
        ];
        for (checks, expected) in cases {
            let checks: Vec<_> = checks.iter().map(|(id, status)| check(id, status)).collect();
            assert_eq!(Health::of(&checks), expected);
        }
    }

    #[test]
    fn definitions_are_refused_in_the_references_order() {
        let service = |change: fn(&mut NodeService)| {
            let mut service = NodeService { service: "web".into(), ..NodeService::default() };
            change(&mut service);
            refuse_invalid(&service).map_err(|error| error.text)
        };
        assert_eq!(service(|_| {}), Ok(()));
        assert_eq!(service(|service| service.service.clear()), Err("Missing service name".into()));
        assert_eq!(service(|service| service.address = "0.0.0.0".into()), Err("Invalid service address".into()));
        let weights = Some(Weights { passing: 0, warning: 1 });
        let mut bad = NodeService { service: "web".into(), weights, ..NodeService::default() };
        let text = |service: &NodeService| refuse_invalid(service).expect_err("invalid").text;
        assert_eq!(text(&bad), "Invalid Weights: Passing must be greater than 0");
        bad.weights = None;
        bad.kind = "connect-proxy".into();
        assert!(text(&bad).starts_with("Validation failed: 2 errors occurred:\n\t* Proxy.DestinationServiceName"));
    }
}
