//! `tls ca`: an authority (`spec/acl-and-tls.md` 15.1).

use super::{end, exists, save};
use crate::cli::flags::Kind;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches};
use crate::tls::x509::{Key, Request, Usage, pem_text};

/// The group.
pub static COMMAND: Command = Command::group(
    &["tls", "ca"],
    "Helpers for CAs",
    "Usage: {program} tls ca <subcommand> [options]

  Makes the authority that signs the certificates of a cluster.",
);

/// `tls ca create`.
pub static CREATE: Command = Command {
    path: &["tls", "ca", "create"],
    synopsis: "Create a new Consul CA",
    usage: "Usage: {program} tls ca create [options]

  Makes a new authority in the working directory: its certificate, which every
  agent needs, and its key, which signs certificates and must be kept safe.

      $ {program} tls ca create
      ==> Saved consul-agent-ca.pem
      ==> Saved consul-agent-ca-key.pem",
    groups: Groups::NONE,
    flags: &[
        Flag::new(
            "additional-name-constraint",
            Kind::List,
            "Domain below which the authority may sign, beside localhost and -domain; with -name-constraint, may be repeated.",
        ),
        Flag::string("cluster-id", "Id of the cluster; the certificate carries it as a SPIFFE id."),
        Flag::string("common-name", "Common name of the authority; `Consul Agent CA` and its number by default."),
        Flag { default: "1825", ..Flag::int("days", "Days for which the authority is valid.") },
        Flag { default: "consul", ..Flag::string("domain", "DNS domain of the cluster; file names begin with it.") },
        Flag::bool(
            "name-constraint",
            "Let the authority sign only for -domain, localhost and what -additional-name-constraint names. This cannot be changed later.",
        ),
    ],
    flag_error: Some("Failed to parse args: "),
    run,
};

/// The bytes of a serial number as a decimal number.
fn decimal(bytes: &[u8]) -> String {
    let mut digits = vec![0u8];
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            let value = u32::from(*digit) * 256 + carry;
            *digit = (value % 10) as u8;
            carry = value / 10;
        }
        while carry > 0 {
            digits.push((carry % 10) as u8);
            carry /= 10;
        }
    }
    digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect()
}

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let domain = m.text("domain");
    let (cert_file, key_file) = (format!("{domain}-agent-ca.pem"), format!("{domain}-agent-ca-key.pem"));
    for path in [&cert_file, &key_file] {
        if exists(path) {
            return Err(Exit::error(format!("{path} already exists.")));
        }
    }
    if m.int("days") < 1 {
        return Err(Exit::error("-days must be at least 1"));
    }
    let now = chrono::Utc::now().timestamp();
    let mut request = Request::new(Usage::Authority(None), now, end(now, m.int("days"))?);
    request.organization = "Tribune".into();
    request.common_name = match m.text("common-name") {
        "" => format!("Consul Agent CA {}", decimal(&request.serial)),
        name => name.to_owned(),
    };
    if m.flag("name-constraint") {
        request.permitted = m.list("additional-name-constraint").to_vec();
        request.permitted.extend([domain.to_owned(), "localhost".to_owned()]);
    }
    if !m.text("cluster-id").is_empty() {
        request.uris = vec![format!("spiffe://{}.{domain}", m.text("cluster-id"))];
    }
    let (key, key_pem) = Key::generate().map_err(Exit::error)?;
    let certificate = request.self_signed(&key).map_err(Exit::error)?;
    save(cx, &cert_file, &pem_text("CERTIFICATE", &certificate), 0o644)?;
    save(cx, &key_file, &key_pem, 0o600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_shown_in_decimal() {
        assert_eq!(decimal(&[0]), "0");
        assert_eq!(decimal(&[1, 0]), "256");
        let number = 0x73da_3132_7288_cf79_f838_7d80_c66f_f014_u128;
        assert_eq!(decimal(&number.to_be_bytes()), number.to_string());
    }
}
