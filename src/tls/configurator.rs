//! The configurations in force, and how they change.

use super::clients::Alpn;
use super::ports::{Auto, Incoming, Ports};
use super::settings::Settings;
use super::{Certificate, Identity, verify};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use std::net::IpAddr;
use std::sync::Arc;

/// Holds the configurations of all ports. Whoever accepts or dials asks anew each time, so a reload reaches every new
/// connection and no open one.
pub struct Configurator {
    ports: ArcSwap<Ports>,
    /// What came from servers; the lock also serializes changes.
    auto: Mutex<Auto>,
}

/// A change that was checked and is not in force yet.
pub struct Prepared(Ports);

impl Configurator {
    /// Reads the files of these settings.
    ///
    /// # Errors
    /// What is wrong with the files or the switches, in the reference's words.
    pub fn new(settings: Settings) -> Result<Configurator, String> {
        let auto = Auto::default();
        let ports = Ports::build(settings, &auto)?;
        Ok(Configurator { ports: ArcSwap::from_pointee(ports), auto: Mutex::new(auto) })
    }

    /// No TLS anywhere.
    pub fn plain() -> Configurator {
        Configurator::new(Settings::default()).expect("no files are read without settings")
    }

    /// Reads the files of changed settings; [`Configurator::apply`] brings them into force.
    ///
    /// # Errors
    /// As [`Configurator::new`]; what is in force stays.
    pub fn prepare(&self, settings: Settings) -> Result<Prepared, String> {
        Ports::build(settings, &self.auto.lock()).map(Prepared)
    }

    /// Brings a change into force.
    pub fn apply(&self, change: Prepared) {
        self.ports.store(Arc::new(change.0));
    }

    /// Changes what came from servers.
    ///
    /// # Errors
    /// As [`Configurator::new`]; what is in force stays.
    pub fn update_auto(&self, change: impl FnOnce(&mut Auto)) -> Result<(), String> {
        let mut auto = self.auto.lock();
        let mut next = auto.clone();
        change(&mut next);
        let ports = Ports::build(self.ports.load().settings.clone(), &next)?;
        self.ports.store(Arc::new(ports));
        *auto = next;
        Ok(())
    }

    /// How HTTPS connections are accepted.
    pub fn https(&self) -> Incoming {
        self.ports.load().https.clone()
    }

    /// How gRPC connections with TLS are accepted.
    pub fn grpc(&self) -> Incoming {
        self.ports.load().grpc.clone()
    }

    /// How connections of the server port are accepted that ask for TLS by a byte, and whether others are.
    pub fn internal_rpc(&self) -> Incoming {
        self.ports.load().internal_rpc.incoming.clone()
    }

    /// TLS for those who come to get a certificate.
    pub fn joining(&self) -> Option<Arc<ServerConfig>> {
        self.ports.load().internal_rpc.joining.clone()
    }

    /// TLS of the server port without type bytes.
    pub fn native(&self) -> Option<Arc<ServerConfig>> {
        self.ports.load().internal_rpc.native.clone()
    }

    /// How a server of a datacenter (own if empty) at an address is dialed, and the name that is expected; none for plain.
    pub fn outgoing(&self, datacenter: &str, address: IpAddr) -> Option<(Arc<ClientConfig>, ServerName<'static>)> {
        let ports = self.ports.load();
        let config = ports.internal_rpc.outgoing.clone()?;
        Some((config, ports.expected_name(datacenter, address)))
    }

    /// How a server of the own datacenter at an address is asked for a first certificate; none for an agent that asks for none.
    pub fn asking(&self, address: IpAddr) -> Option<(Arc<ClientConfig>, ServerName<'static>)> {
        let ports = self.ports.load();
        let config = ports.internal_rpc.asking.clone()?;
        Some((config, ports.expected_name("", address)))
    }

    /// A server that is asked for a first certificate cannot prove who it is: no authority is known.
    pub fn asks_blindly(&self) -> bool {
        self.ports.load().internal_rpc.asking_blindly
    }

    /// The name that a server of a datacenter carries.
    pub fn server_name(&self, datacenter: &str) -> String {
        self.ports.load().settings.server_name(datacenter)
    }

    /// Whether a client may do what only servers may. Without `verify_incoming` and `verify_server_hostname` everybody may, but
    /// for those whose certificate servers signed.
    ///
    /// # Errors
    /// The text of the refusal (`spec/acl-and-tls.md` 14.3).
    pub fn authorize_server(&self, chain: &[Certificate]) -> Result<(), String> {
        let ports = self.ports.load();
        let rpc = &ports.internal_rpc;
        let name = ports.settings.server_name(&ports.settings.datacenter);
        let proven = match (rpc.verify_role, ports.settings.allows_auto && rpc.incoming.verify) {
            (true, _) => verify::proves_role(chain, &rpc.role_roots, &name),
            (false, true) => verify::leads_to(chain, &rpc.role_roots, &name).map(drop),
            (false, false) => Ok(()),
        };
        proven.map_err(|error| {
            format!(
                "AuthorizeServerConn failed certificate validation for certificate with a SAN.DNSName of {name}: {error}"
            )
        })
    }

    /// The configuration for a check and the name that it expects when it names none; none without
    /// `enable_agent_tls_for_checks`.
    pub fn for_check(&self, skip_verify: bool, alpn: Alpn) -> Option<Result<(Arc<ClientConfig>, String), String>> {
        let ports = self.ports.load();
        let clients = ports.checks.as_ref()?;
        let name = match ports.settings.tls.server_name.as_str() {
            "" => ports.settings.node_name.clone(),
            name => name.to_owned(),
        };
        Some(clients.get(skip_verify, alpn).map(|config| (config, name)))
    }

    /// The certificate of the server port.
    pub fn identity(&self) -> Option<Identity> {
        self.ports.load().identity.clone()
    }

    /// When the first of the certificates in use ends, seconds since 1970; none without a certificate.
    pub fn certificate_end(&self) -> Option<i64> {
        self.ports.load().end
    }

    /// The authorities that were configured for the server port.
    pub fn manual_roots(&self) -> Vec<Certificate> {
        self.ports.load().internal_rpc.manual.clone()
    }

    /// The authorities that servers told of.
    pub fn told_roots(&self) -> Vec<Certificate> {
        self.auto.lock().manual_roots.clone()
    }

    /// The names of servers are checked.
    pub fn verifies_names(&self) -> bool {
        self.ports.load().internal_rpc.verify_name
    }
}
