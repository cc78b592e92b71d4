//! `tls cert`: certificates of agents and users (`spec/acl-and-tls.md` 15.2).

use super::{end, exists, save};
use crate::cli::flags::Kind;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::os_text;
use crate::tls::x509::{Issuer, Key, Request, Usage, pem_text};
use crate::tls::{Certificate, pem, verify};
use rustls::pki_types::pem::SectionKind;
use std::net::IpAddr;

/// Numbers that file names get.
const LAST_NUMBER: u32 = 10_000;

/// The group.
pub static COMMAND: Command = Command::group(
    &["tls", "cert"],
    "Helpers for certificates",
    "Usage: {program} tls cert <subcommand> [options]

  Makes certificates that an authority of `tls ca create` signs.",
);

/// `tls cert create`.
pub static CREATE: Command = Command {
    path: &["tls", "cert", "create"],
    synopsis: "Create a new certificate",
    usage: "Usage: {program} tls cert create (-server | -client | -cli) [options]

  Makes a certificate and its key in the working directory. A server's may act
  as a server of its datacenter and belongs on servers only; a client agent's
  may not; one for the command line authenticates a user.

      $ {program} tls cert create -server
      ==> WARNING: Server Certificates grants authority to become a
          server and access all state in the cluster including root keys
          and all ACL tokens. Do not distribute them to production hosts
          that are not server nodes. Store them as securely as CA keys.
      ==> Using consul-agent-ca.pem and consul-agent-ca-key.pem
      ==> Saved dc1-server-consul-0.pem
      ==> Saved dc1-server-consul-0-key.pem",
    groups: Groups::NONE,
    flags: &[
        Flag::new("additional-dnsname", Kind::List, "DNS name that the certificate also carries; may be repeated."),
        Flag::new("additional-ipaddress", Kind::List, "Address that the certificate also carries; may be repeated."),
        Flag { default: "#DOMAIN#-agent-ca.pem", ..Flag::string("ca", "Certificate of the authority.") },
        Flag::bool("cli", "A certificate for users of the command line."),
        Flag::bool("client", "A certificate for a client agent."),
        Flag { default: "365", ..Flag::int("days", "Days for which the certificate is valid.") },
        Flag { default: "dc1", ..Flag::string("dc", "Datacenter of the agent.") },
        Flag { default: "consul", ..Flag::string("domain", "DNS domain of the cluster.") },
        Flag { default: "#DOMAIN#-agent-ca-key.pem", ..Flag::string("key", "Key of the authority.") },
        Flag::string("node", "Name of the server's node: the certificate also carries <node>.server.<dc>.<domain>."),
        Flag::bool("server", "A certificate for a server."),
    ],
    flag_error: Some("Failed to parse args: "),
    run,
};

const WARNING: &str = "==> WARNING: Server Certificates grants authority to become a
    server and access all state in the cluster including root keys
    and all ACL tokens. Do not distribute them to production hosts
    that are not server nodes. Store them as securely as CA keys.";

/// What a certificate is for: the word in names and what it may be used for.
fn kind(m: &Matches) -> Result<(&'static str, Usage), Exit> {
    match (m.flag("server"), m.flag("client"), m.flag("cli")) {
        (true, false, false) => Ok(("server", Usage::Server)),
        (false, true, false) => Ok(("client", Usage::Client)),
        (false, false, true) => Ok(("cli", Usage::Unspecified)),
        _ => Err(Exit::error("Please provide either -server, -client, or -cli")),
    }
}

/// The names that a certificate carries.
fn name(request: &mut Request, m: &Matches, kind: &str) -> Result<(), Exit> {
    let (dc, domain) = (m.text("dc"), m.text("domain"));
    request.common_name = format!("{kind}.{dc}.{domain}");
    if kind != "cli" {
        request.dns = m.list("additional-dnsname").to_vec();
    }
    if !m.text("node").is_empty() {
        request.dns.push(format!("{}.server.{dc}.{domain}", m.text("node")));
    }
    request.dns.extend([request.common_name.clone(), "localhost".to_owned()]);
    for text in m.list("additional-ipaddress") {
        let ip = text.parse().map_err(|_| Exit::error(format!("-additional-ipaddress: {text:?} is no IP address")))?;
        request.ips.push(ip);
    }
    if kind != "cli" {
        request.ips.push(IpAddr::from([127, 0, 0, 1]));
    }
    Ok(())
}

/// The first certificate of a PEM text.
fn first_certificate(text: &[u8]) -> Result<Certificate, String> {
    match rustls::pki_types::pem::from_buf(&mut &text[..]) {
        Ok(Some((SectionKind::Certificate, der))) => Ok(der.into()),
        Ok(Some(_)) => Err("first PEM-block should be CERTIFICATE type".into()),
        _ => Err("no PEM-encoded data found".into()),
    }
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("open {path}: {}", os_text(&error)))
}

/// File names of the first number that no file has.
fn free_names(prefix: &str) -> Result<(String, String), Exit> {
    (0..=LAST_NUMBER)
        .map(|number| (format!("{prefix}-{number}.pem"), format!("{prefix}-{number}-key.pem")))
        .find(|(cert, key)| !exists(cert) && !exists(key))
        .ok_or_else(|| Exit::error("Could not find a filename that doesn't already exist"))
}

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    for flag in ["ca", "key"] {
        if m.text(flag).is_empty() {
            return Err(Exit::error(format!("Please provide the {flag}")));
        }
    }
    let (word, usage) = kind(m)?;
    if !m.text("node").is_empty() && word != "server" {
        return Err(Exit::error("-node requires -server"));
    }
    let (dc, domain) = (m.text("dc"), m.text("domain"));
    let now = chrono::Utc::now().timestamp();
    let mut request = Request::new(usage, now, end(now, m.int("days"))?);
    name(&mut request, m, word)?;
    let (cert_file, key_file) = free_names(&format!("{dc}-{word}-{domain}"))?;
    let (ca_file, ca_key_file) = (m.text("ca").replace("#DOMAIN#", domain), m.text("key").replace("#DOMAIN#", domain));
    let ca = read(&ca_file).or_exit("Error reading CA")?;
    let ca_key = read(&ca_key_file).or_exit("Error reading CA key")?;
    if word == "server" {
        cx.output(WARNING);
    }
    cx.output(format!("==> Using {ca_file} and {ca_key_file}"));
    let ca = first_certificate(&ca).map_err(Exit::error)?;
    let issuer = Issuer::new(&ca, Key::from_pem(&ca_key).map_err(Exit::error)?).map_err(Exit::error)?;
    let (key, key_pem) = Key::generate().map_err(Exit::error)?;
    let certificate = issuer.issue(&request, key.public()).map_err(Exit::error)?;
    let roots = pem::store(std::slice::from_ref(&ca));
    verify::serves_as(&Certificate::from(certificate.clone()), &roots, &request.common_name).map_err(Exit::error)?;
    save(cx, &cert_file, &pem_text("CERTIFICATE", &certificate), 0o644)?;
    save(cx, &key_file, &key_pem, 0o600)
}
