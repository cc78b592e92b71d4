//! Authorities and certificates made by another library than the one under test, and a blocking TLS client.

use super::{Response, read_response};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme, StreamOwned};
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What a certificate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Valid now.
    Valid,
    /// Ended long ago.
    Expired,
    /// Begins much later.
    Future,
}

/// An authority with a folder for what it makes.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

/// Files of a certificate and its key.
#[derive(Clone, Debug)]
pub struct Files {
    /// Certificate.
    pub cert: String,
    /// Key.
    pub key: String,
}

impl Files {
    /// Puts another certificate into these files.
    pub fn replace_by(&self, other: &Files) {
        std::fs::copy(&other.cert, &self.cert).expect("the certificate is copied");
        std::fs::copy(&other.key, &self.key).expect("the key is copied");
    }

    /// The certificate.
    pub fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(&self.cert).expect("a certificate")
    }
}

impl Authority {
    /// A new authority.
    pub fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).expect("a file");
        Authority { issuer, folder }
    }

    /// The file of its certificate.
    pub fn file(&self) -> String {
        self.folder.path().join("ca.pem").to_string_lossy().into_owned()
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A certificate with these names, for clients and servers.
    pub fn make(&self, file: &str, names: &[&str], life: Life) -> Files {
        let purposes = [ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        self.make_for(file, names, life, &purposes)
    }

    /// A certificate for certain purposes.
    pub fn make_for(&self, file: &str, names: &[&str], life: Life, purposes: &[ExtendedKeyUsagePurpose]) -> Files {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.distinguished_name.push(DnType::CommonName, file);
        params.extended_key_usages = purposes.to_vec();
        params.use_authority_key_identifier_extension = true;
        match life {
            Life::Valid => {}
            Life::Expired => {
                params.not_before = date_time_ymd(2019, 1, 1);
                params.not_after = date_time_ymd(2020, 1, 1);
            }
            Life::Future => {
                params.not_before = date_time_ymd(2090, 1, 1);
                params.not_after = date_time_ymd(2091, 1, 1);
            }
        }
        let key = KeyPair::generate().expect("a key");
        let made = params.signed_by(&key, &self.issuer).expect("a certificate");
        let path = |end: &str| self.folder.path().join(format!("{file}{end}")).to_string_lossy().into_owned();
        let files = Files { cert: path(".pem"), key: path("-key.pem") };
        std::fs::write(&files.cert, made.pem()).expect("a file");
        std::fs::write(&files.key, key.serialize_pem()).expect("a file");
        files
    }

    /// A TLS client that trusts this authority.
    pub fn client(&self, identity: Option<&Files>) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).expect("an authority");
        finish(client_builder().with_root_certificates(roots), identity)
    }
}

fn client_builder() -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
}

fn finish(
    builder: rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>,
    identity: Option<&Files>,
) -> Arc<ClientConfig> {
    Arc::new(match identity {
        Some(files) => {
            let key = PrivateKeyDer::from_pem_file(&files.key).expect("a key");
            builder.with_client_auth_cert(vec![files.der()], key).expect("a client")
        }
        None => builder.with_no_client_auth(),
    })
}

/// A TLS client that trusts the authorities of a file.
pub fn trusting_client(ca: &Path, identity: &Files) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).expect("a file of authorities") {
        roots.add(certificate.expect("a certificate")).expect("an authority");
    }
    finish(client_builder().with_root_certificates(roots), Some(identity))
}

/// A TLS client that takes any server.
pub fn careless_client(identity: Option<&Files>) -> Arc<ClientConfig> {
    finish(client_builder().dangerous().with_custom_certificate_verifier(Arc::new(Careless)), identity)
}

#[derive(Debug)]
struct Careless;

impl ServerCertVerifier for Careless {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// A TLS connection.
pub struct Tls(BufReader<StreamOwned<ClientConnection, TcpStream>>);

impl Tls {
    /// Connects and shakes hands; whether the server takes the client's certificate may show only later.
    pub fn connect(config: &Arc<ClientConfig>, address: &str, name: &str, before: &[u8]) -> std::io::Result<Tls> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.write_all(before)?;
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let mut connection = ClientConnection::new(config.clone(), name).expect("a client");
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
        Ok(Tls(BufReader::new(StreamOwned::new(connection, stream))))
    }

    /// The state of TLS.
    pub fn state(&self) -> &ClientConnection {
        &self.0.get_ref().conn
    }

    /// The server's certificate.
    pub fn server_certificate(&self) -> CertificateDer<'static> {
        self.state().peer_certificates().expect("shaken")[0].clone().into_owned()
    }

    /// Writes.
    pub fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.get_mut().write_all(bytes)?;
        self.0.get_mut().flush()
    }

    /// Reads what comes next; 0 bytes at the end.
    pub fn receive(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(into)
    }

    /// GET over HTTP/1.1, keeping the connection.
    pub fn get(&mut self, target: &str) -> std::io::Result<Response> {
        self.request("GET", target, &[], b"")
    }

    /// A request over HTTP/1.1, keeping the connection.
    pub fn request(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> std::io::Result<Response> {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        self.send(format!("{head}\r\n").as_bytes())?;
        self.send(body)?;
        read_response(&mut self.0, false)
    }
}
