//! `ConnectCA.Sign`: certificates of agents (`spec/mesh.md` 4.4).

use super::authority::active;
use super::provider::{EARLY, Signer, seconds, trust_domain};
use super::settings::BuiltIn;
use crate::acl::{Access, Resource};
use crate::rpc::Bucket;
use crate::rpc::method::ConnectCaSign;
use crate::server::{Endpoint, Place, Server};
use crate::state::{Command, Outcome};
use crate::telemetry::limits;
use crate::tls::x509::{Csr, Parsed, Request, Usage};
use crate::types::ca::{CaLeafRequest, CaSignRequest, IssuedCert};
use crate::types::spiffe::AgentId;
use crate::types::{Error, Result, Timestamp};
use parking_lot::Mutex;
use std::net::IpAddr;
use std::time::Instant;

/// Most names in a certificate.
const MAX_NAMES: usize = 64;

/// How many requests have been signed of late.
#[derive(Default)]
pub struct Pace(Mutex<Option<Bucket>>);

impl Pace {
    /// Lets one request pass; so many per second may, and as many at once. 0 lets all pass.
    fn pass(&self, per_second: f64, now: Instant) -> bool {
        if per_second <= 0.0 {
            return true;
        }
        let burst = per_second.max(1.0);
        self.0.lock().get_or_insert_with(|| Bucket::full(burst, now)).pass(per_second, burst, now)
    }
}

/// Names of a request that may stand in an agent's certificate.
struct Wanted {
    id: AgentId,
    dns: Vec<String>,
    ips: Vec<IpAddr>,
}

/// A name that only servers carry: `server.<dc>.<domain>` and what is below it.
fn is_server_name(name: &str, server: &str) -> bool {
    let name = name.trim_end_matches('.').to_lowercase();
    name == server || name.ends_with(&format!(".{server}")) || name.starts_with('*')
}

impl Wanted {
    fn of(server: &Server, csr: &Csr) -> Result<Wanted> {
        let names = csr.names();
        let uris = names.uris();
        let [uri] = uris[..] else {
            return Err(Error::new(format!("CSR SAN contains an invalid number of URIs: {}", uris.len())));
        };
        if !names.emails().is_empty() {
            return Err(Error::new("CSR SAN does not allow specifying email addresses"));
        }
        let id = AgentId::parse(uri).map_err(Error::new)?;
        let own = &server.config().datacenter;
        if id.datacenter != *own {
            let text = format!("SPIFFE ID in CSR from a different datacenter: {}, we are {own}", id.datacenter);
            return Err(Error::new(text));
        }
        let dns: Vec<String> = names.dns().into_iter().map(str::to_owned).collect();
        let ips = names.ips();
        if dns.len() + ips.len() > MAX_NAMES {
            return Err(Error::new(format!("CSR SAN contains more than {MAX_NAMES} names")));
        }
        let servers = server.config().tls.server_name(own).to_lowercase();
        match dns.iter().find(|name| is_server_name(name, &servers)) {
            Some(name) => Err(Error::new(format!("CSR SAN contains a name that only servers have: {name}"))),
            None => Ok(Wanted { id, dns, ips }),
        }
    }
}

impl Endpoint for ConnectCaSign {
    const PLACE: Place = Place::LeaderAlways;

    async fn serve(server: &Server, args: CaSignRequest) -> Result<IssuedCert> {
        server.ca_settings()?;
        let csr = Csr::from_pem(&args.csr).map_err(Error::new)?;
        let wanted = Wanted::of(server, &csr)?;
        server.resolve(&args.token).await?.check(Resource::Node, Access::Write, &wanted.id.node)?;
        issue(server, &csr, wanted).await
    }
}

/// Signs what was found to be right.
async fn issue(server: &Server, csr: &Csr, wanted: Wanted) -> Result<IssuedCert> {
    let authority = active(server)?;
    let settings = BuiltIn::read(&authority.config).map_err(Error::new)?;
    if !server.inner.ca_pace.pass(settings.per_second, Instant::now()) {
        limits::CA_SIGNING.exceeded();
        return Err(Error::with_status(429, "Rate limit reached, try again later"));
    }
    let now = chrono::Utc::now().timestamp();
    let signer = Signer::of(&authority.state, now).map_err(Error::new)?;
    let serial = match server.apply(Command::CaLeaf(CaLeafRequest::default()), "").await? {
        Outcome::Number(serial) => serial,
        other => return Err(Error::new(format!("unexpected answer to a signing request: {other:?}"))),
    };
    let host = trust_domain(&authority.config.cluster_id);
    let uri = AgentId { host, ..wanted.id.clone() }.uri();
    let mut request = Request {
        serial: serial.to_be_bytes().to_vec(),
        dns: wanted.dns,
        ips: wanted.ips,
        uris: vec![uri.clone()],
        ..Request::new(Usage::Mesh, now - EARLY, now - EARLY + seconds(settings.leaf_life))
    };
    let mut cert_pem = signer.sign(&mut request, csr.public()).map_err(Error::new)?;
    for below in authority.root.intermediate_certs.iter().flatten() {
        cert_pem.push_str(below);
    }
    let index = server.store().snapshot().ca_leaf_index();
    Ok(IssuedCert {
        serial_number: Parsed::serial_of(&request.serial),
        cert_pem,
        agent: wanted.id.node,
        agent_uri: uri,
        valid_after: Timestamp::from_unix(request.not_before),
        valid_before: Timestamp::from_unix(request.not_after),
        create_index: index,
        modify_index: index,
        ..IssuedCert::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn names_of_servers_are_told_from_others() {
        for name in ["server.dc1.consul", "SERVER.dc1.consul.", "s1.server.dc1.consul", "*.dc1.consul"] {
            assert!(is_server_name(name, "server.dc1.consul"), "{name}");
        }
        for name in ["localhost", "client.dc1.consul", "server.dc1.consul.example", "myserver.dc1.consul"] {
            assert!(!is_server_name(name, "server.dc1.consul"), "{name}");
        }
    }

    #[test]
    fn only_so_many_requests_pass_in_a_second() {
        let (pace, now) = (Pace::default(), Instant::now());
        assert_eq!((0..5).filter(|_| pace.pass(2.0, now)).count(), 2);
        assert!(pace.pass(2.0, now + Duration::from_secs(1)));
        assert_eq!((0..5).filter(|_| pace.pass(0.0, now)).count(), 5);
    }
}
