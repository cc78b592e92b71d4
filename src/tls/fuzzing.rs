//! Certificates and requests for them, for `crate::fuzzing`.

use super::x509::{Csr, Names, Parsed};

fn names(names: Names<'_>) {
    let count = names.dns().len() + names.uris().len() + names.emails().len() + names.ips().len();
    assert!(count <= 1 << 20, "more names than there are bytes");
}

/// Reads a request for a certificate (`pem`, `der`) or a certificate (`certificate`), whichever the name says.
pub fn read(what: &str, data: &[u8]) {
    match what {
        "pem" => {
            let Ok(text) = std::str::from_utf8(data) else { return };
            if let Ok(csr) = Csr::from_pem(text) {
                names(csr.names());
            }
        }
        "der" => {
            if let Ok(csr) = Csr::from_der(data) {
                assert!(csr.public().len() <= data.len(), "more than there is");
                names(csr.names());
            }
        }
        "certificate" => {
            if let Ok(parsed) = Parsed::of(data) {
                let _ = (parsed.key_kind(), parsed.serial_text(), parsed.key_id_text());
                assert!(parsed.dns().len() + parsed.uris().len() <= data.len(), "more names than there are bytes");
            }
        }
        _ => {}
    }
}
