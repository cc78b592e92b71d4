//! What the settings and the files come to: the configurations of each port, made together and swapped together.

use super::clients::{Clients, Roots};
use super::settings::{Settings, TlsProtocol, provider_with, versions};
use super::verify::Lenient;
use super::x509::Parsed;
use super::{Certificate, Identity, pem, text};
use rustls::crypto::ring::Ticketer;
use rustls::pki_types::ServerName;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::net::IpAddr;
use std::sync::Arc;

/// Protocols of the HTTPS port.
const HTTP: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// What the servers gave to an agent that asked them (`auto_encrypt`, `auto_config`), or what a server that hands out
/// certificates knows of itself.
#[derive(Clone, Default)]
pub struct Auto {
    /// Certificate that the servers signed.
    pub identity: Option<Identity>,
    /// Roots of the built-in authority.
    pub connect_roots: Vec<Certificate>,
    /// Authorities that the servers are configured with.
    pub manual_roots: Vec<Certificate>,
    /// The servers' names are to be checked.
    pub verify_server_hostname: bool,
}

/// How one port accepts connections.
#[derive(Clone)]
pub struct Incoming {
    /// TLS as configured; none without a certificate.
    pub tls: Option<Arc<ServerConfig>>,
    /// Connections must be TLS with a client certificate.
    pub verify: bool,
}

/// The server port.
pub(super) struct InternalRpc {
    pub incoming: Incoming,
    /// TLS that asks for no client certificate, for those who come to get one.
    pub joining: Option<Arc<ServerConfig>>,
    /// TLS with a protocol name instead of a type byte; only with an authority.
    pub native: Option<Arc<ServerConfig>>,
    /// How servers are dialed by an agent that asks for its first certificate; none if it asks for none.
    pub asking: Option<Arc<ClientConfig>>,
    /// Nothing is known by which such a server could be believed.
    pub asking_blindly: bool,
    /// How others are dialed; none for plain.
    pub outgoing: Option<Arc<ClientConfig>>,
    /// The name of those who are dialed is checked.
    pub verify_name: bool,
    /// Authorities whose certificates may prove the role of a server.
    pub role_roots: Arc<RootCertStore>,
    /// Servers must prove their role to others.
    pub verify_role: bool,
    /// PEM of the authorities that were configured.
    pub manual: Vec<Certificate>,
}

/// All ports.
pub(super) struct Ports {
    pub settings: Settings,
    pub internal_rpc: InternalRpc,
    pub https: Incoming,
    pub grpc: Incoming,
    /// Clients of checks, with `enable_agent_tls_for_checks`.
    pub checks: Option<Clients>,
    /// The certificate of the server port.
    pub identity: Option<Identity>,
    /// When the first of the certificates in use ends, seconds since 1970.
    pub end: Option<i64>,
}

/// When a certificate ends, seconds since 1970.
fn end_of(identity: &Identity) -> Option<i64> {
    Some(Parsed::of(identity.cert.first()?).ok()?.not_after)
}

/// Files of one block, read.
struct Material {
    authorities: Vec<Certificate>,
    identity: Option<Identity>,
}

impl Material {
    fn load(block: &TlsProtocol) -> Result<Material, String> {
        let authorities = pem::authorities(&block.ca_file, &block.ca_path)?;
        let identity = match (block.cert_file.as_str(), block.key_file.as_str()) {
            ("", _) | (_, "") => None,
            (cert, key) => {
                Some(pem::identity(cert, key).map_err(|error| format!("Failed to load cert/key pair: {error}"))?)
            }
        };
        Ok(Material { authorities, identity })
    }

    /// The rules between switches and files (`spec/acl-and-tls.md` 14.1).
    fn check(&self, block: &TlsProtocol, settings: &Settings) -> Result<(), String> {
        let no_authority = self.authorities.is_empty() && !settings.auto;
        if block.verify_outgoing && no_authority {
            return Err("VerifyOutgoing set but no CA certificates were provided".into());
        }
        if block.verify_incoming && no_authority {
            return Err("VerifyIncoming set but no CA certificates were provided".into());
        }
        if block.verify_incoming && self.identity.is_none() && !settings.auto {
            return Err("VerifyIncoming requires either a Cert and Key pair in the configuration file, or \
                 auto_encrypt/auto_config be enabled"
                .into());
        }
        Ok(())
    }
}

impl Ports {
    /// Reads the files and makes everything.
    ///
    /// # Errors
    /// What is wrong with the files or the switches.
    pub fn build(settings: Settings, auto: &Auto) -> Result<Ports, String> {
        let tls = &settings.tls;
        let load = |block: &TlsProtocol| {
            let material = Material::load(block)?;
            material.check(block, &settings).map(|()| material)
        };
        let (rpc, https, grpc) = (load(&tls.internal_rpc)?, load(&tls.https)?, load(&tls.grpc)?);
        let own = |material: &Material| material.identity.clone().or_else(|| auto.identity.clone());
        let grpc_identity = match tls.grpc.use_auto_cert {
            true => auto.identity.clone().or_else(|| grpc.identity.clone()),
            false => grpc.identity.clone(),
        };
        let used = [own(&rpc), own(&https), grpc_identity.clone()];
        let end = used.iter().flatten().filter_map(end_of).min();
        let checks = tls.enable_agent_tls_for_checks.then(|| {
            let roots = trusted(&rpc.authorities, auto, true);
            let roots = if roots.is_empty() { Roots::System } else { Roots::Given(roots) };
            Clients::new(roots, own(&rpc))
                .speaking(&tls.internal_rpc.tls_min_version, &tls.internal_rpc.tls_cipher_suites)
        });
        Ok(Ports {
            https: Incoming {
                tls: listener(&tls.https, own(&https), Ask::of(&tls.https, &https.authorities, auto), &HTTP, true)?,
                verify: tls.https.verify_incoming,
            },
            grpc: Incoming {
                tls: listener(&tls.grpc, grpc_identity, Ask::of(&tls.grpc, &grpc.authorities, auto), &[b"h2"], true)?,
                verify: tls.grpc.verify_incoming,
            },
            identity: own(&rpc),
            end,
            internal_rpc: internal_rpc(&settings, rpc, auto)?,
            checks,
            settings,
        })
    }

    /// The name by which a server is expected.
    pub fn expected_name(&self, datacenter: &str, address: IpAddr) -> ServerName<'static> {
        let by_address = || ServerName::IpAddress(address.into());
        if !self.internal_rpc.verify_name {
            return by_address();
        }
        let own = &self.settings.datacenter;
        let datacenter = if datacenter.is_empty() { own } else { datacenter };
        // a datacenter whose name no certificate can carry is expected under a name that none has
        ServerName::try_from(self.settings.server_name(datacenter)).unwrap_or_else(|_| by_address())
    }
}

/// Names of protocols on native TLS (`spec/rpc.md` 2), with their type bytes.
const NATIVE: [(&str, u8); 4] =
    [("consul/rpc-single", 0), ("consul/rpc-multi", 4), ("consul/rpc-snapshot", 5), ("consul/rpc-grpc", 8)];

/// The type byte that a protocol name on native TLS stands for.
pub fn native_kind(protocol: &[u8]) -> Option<u8> {
    NATIVE.iter().find(|(name, _)| name.as_bytes() == protocol).map(|(_, kind)| *kind)
}

fn internal_rpc(settings: &Settings, material: Material, auto: &Auto) -> Result<InternalRpc, String> {
    let block = &settings.tls.internal_rpc;
    let identity = material.identity.clone().or_else(|| auto.identity.clone());
    let verify_name = block.verify_server_hostname || auto.verify_server_hostname;
    let role_roots = trusted(&material.authorities, auto, false);
    let trusted = trusted(&material.authorities, auto, true);
    // the built-in authority signs for agents, which must not pass for servers
    let servers = if role_roots.is_empty() { &trusted } else { &role_roots };
    let dials_tls = block.verify_outgoing || (settings.auto && !trusted.is_empty());
    let ask = Ask::of(block, &material.authorities, auto);
    let native = match trusted.is_empty() {
        true => None,
        false => {
            let names = NATIVE.map(|(name, _)| name.as_bytes());
            listener(block, identity.clone(), Ask::For(trusted.clone()), &names, false)?
        }
    };
    let joining = match settings.allows_auto {
        true => listener(block, identity.clone(), Ask::Nothing, &[], false)?,
        false => None,
    };
    let asking = match settings.auto {
        true if role_roots.is_empty() => Some(dialer(block, Demand::Nothing, None)?),
        true => Some(dialer(block, Demand::of(&role_roots, verify_name), None)?),
        false => None,
    };
    Ok(InternalRpc {
        asking,
        asking_blindly: settings.auto && role_roots.is_empty(),
        incoming: Incoming { tls: listener(block, identity.clone(), ask, &[], false)?, verify: block.verify_incoming },
        joining,
        native,
        outgoing: if dials_tls { Some(dialer(block, Demand::of(servers, verify_name), identity)?) } else { None },
        verify_name,
        role_roots,
        verify_role: block.verify_incoming && block.verify_server_hostname,
        manual: material.authorities,
    })
}

/// The authorities that were configured or that servers told of; with the built-in ones if wanted.
fn trusted(configured: &[Certificate], auto: &Auto, with_connect: bool) -> Arc<RootCertStore> {
    let mut store = pem::store(configured);
    store.add_parsable_certificates(auto.manual_roots.iter().cloned());
    if with_connect {
        store.add_parsable_certificates(auto.connect_roots.iter().cloned());
    }
    Arc::new(store)
}

/// Whom a listener asks for a certificate.
enum Ask {
    /// Nobody.
    Nothing,
    /// Everybody; it must lead to one of these.
    For(Arc<RootCertStore>),
}

impl Ask {
    fn of(block: &TlsProtocol, configured: &[Certificate], auto: &Auto) -> Ask {
        match block.verify_incoming {
            true => Ask::For(trusted(configured, auto, true)),
            false => Ask::Nothing,
        }
    }
}

/// The configuration of a listener; none without a certificate. `resume` lets clients continue earlier sessions, with keys
/// that live as long as this configuration: after a reload everybody is verified anew.
fn listener(
    block: &TlsProtocol,
    identity: Option<Identity>,
    ask: Ask,
    protocols: &[&[u8]],
    resume: bool,
) -> Result<Option<Arc<ServerConfig>>, String> {
    let Some(identity) = identity else { return Ok(None) };
    let said = |error: rustls::Error| text::error_text(&error, "");
    let provider = provider_with(&block.tls_cipher_suites);
    let verifier: Arc<dyn ClientCertVerifier> = match ask {
        Ask::Nothing => WebPkiClientVerifier::no_client_auth(),
        // no roots yet: nobody can be let in, and the agent waits for them
        Ask::For(roots) if roots.is_empty() => return Ok(None),
        Ask::For(roots) => WebPkiClientVerifier::builder_with_provider(roots, provider.clone())
            .build()
            .map_err(|error| error.to_string())?,
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions(&block.tls_min_version))
        .map_err(said)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(identity)));
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    if resume {
        config.ticketer = Ticketer::new().map_err(said)?;
    } else {
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(Some(Arc::new(config)))
}

/// What a server that is dialed must prove.
enum Demand {
    /// Its name, by a certificate that leads to one of these.
    Name(Arc<RootCertStore>),
    /// That its certificate leads to one of these.
    Chain(Arc<RootCertStore>),
    /// Nothing: the first question of an agent that knows no authority.
    Nothing,
}

impl Demand {
    fn of(roots: &Arc<RootCertStore>, name: bool) -> Demand {
        if name { Demand::Name(roots.clone()) } else { Demand::Chain(roots.clone()) }
    }
}

/// The configuration for dialing servers.
fn dialer(block: &TlsProtocol, demand: Demand, identity: Option<Identity>) -> Result<Arc<ClientConfig>, String> {
    let verify_name = matches!(demand, Demand::Name(_));
    let builder = ClientConfig::builder_with_provider(provider_with(&block.tls_cipher_suites))
        .with_protocol_versions(versions(&block.tls_min_version))
        .map_err(|error| text::error_text(&error, ""))?;
    let builder = match demand {
        Demand::Name(roots) => builder.with_root_certificates(roots),
        Demand::Chain(roots) => builder.dangerous().with_custom_certificate_verifier(Lenient::chain(roots)),
        Demand::Nothing => builder.dangerous().with_custom_certificate_verifier(Lenient::anything()),
    };
    let mut config = match identity {
        Some(identity) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity))),
        None => builder.with_no_client_auth(),
    };
    config.enable_sni = verify_name;
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}
