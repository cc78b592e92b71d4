//! The built-in provider: roots, what signs, and cross-signing (`spec/mesh.md` 4.2, 4.3).

use super::settings::BuiltIn;
use crate::tls::pem;
use crate::tls::x509::{Issuer, Key, Parsed, Request, Usage, pem_text, sha1_id};
use crate::types::Timestamp;
use crate::types::ca::{CaConfiguration, CaProviderState, CaRoot};
use rand::Rng;

/// Seconds for which an old root vouches for a new one.
const CROSS_LIFE: i64 = 7 * 86_400;

/// Certificates begin a little early, for clocks that differ.
pub(super) const EARLY: i64 = 60;

/// Name of a root for humans.
const NAME: &str = "Consul CA Primary Cert";

/// A root with its key.
pub(super) struct Made {
    pub root: CaRoot,
    pub state: CaProviderState,
}

/// The trust domain of a cluster.
pub(super) fn trust_domain(cluster_id: &str) -> String {
    format!("{cluster_id}.consul")
}

/// Hash of the settings that decide which root it is; the reference finds its row by it.
pub(super) fn state_id(settings: &BuiltIn, primary: bool) -> String {
    let text = format!("{},{},{primary}", settings.private_key, settings.root_cert);
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

/// The common name of an authority: `<prefix>-<random>.consul.ca.<first part of the cluster id>.consul`.
fn common_name(prefix: &str, cluster_id: &str) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut random = rand::rng();
    let part: String = (0..8).map(|_| char::from(DIGITS[random.random_range(0..DIGITS.len())])).collect();
    format!("{prefix}-{part}.consul.ca.{}.consul", cluster_id.get(..8).unwrap_or(cluster_id))
}

/// Seconds of a life.
pub(super) fn seconds(life: crate::types::GoDuration) -> i64 {
    life.0 / 1_000_000_000
}

/// The first certificate of a text.
fn certificate(text: &str) -> Result<Vec<u8>, String> {
    let mut found = pem::certificates(text.as_bytes()).map_err(|_| "no PEM-encoded data found".to_owned())?;
    Ok(found.swap_remove(0).to_vec())
}

/// A root: the one that the settings bring, or a new one.
///
/// # Errors
/// A key or a certificate that cannot be used.
pub(super) fn make(settings: &BuiltIn, cluster_id: &str, serial: u64, now: i64) -> Result<Made, String> {
    let (key, key_pem) = match settings.private_key.as_str() {
        "" => Key::generate()?,
        text => (Key::from_pem(text.as_bytes())?, text.to_owned()),
    };
    let root_cert = match settings.root_cert.as_str() {
        "" => {
            let request = Request {
                common_name: common_name("pri", cluster_id),
                serial: serial.to_be_bytes().to_vec(),
                uris: vec![format!("spiffe://{}", trust_domain(cluster_id))],
                ..Request::new(Usage::Authority(None), now, now + seconds(settings.root_life))
            };
            pem_text("CERTIFICATE", &request.self_signed(&key)?)
        }
        text => text.to_owned(),
    };
    // a key of another certificate shows now
    Issuer::new(&certificate(&root_cert)?, key)?;
    let state = CaProviderState {
        id: state_id(settings, true),
        private_key: key_pem,
        root_cert: root_cert.clone(),
        ..CaProviderState::default()
    };
    Ok(Made { root: row(&root_cert, cluster_id)?, state })
}

/// The row of a root certificate, which becomes the active one.
fn row(root_cert: &str, cluster_id: &str) -> Result<CaRoot, String> {
    let der = certificate(root_cert)?;
    let parsed = Parsed::of(&der)?;
    let (private_key_type, private_key_bits) = parsed.key_kind().unwrap_or_default();
    let low = parsed.serial.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    Ok(CaRoot {
        id: sha1_id(&der),
        name: NAME.into(),
        serial_number: low,
        signing_key_id: parsed.key_id_text(),
        external_trust_domain: cluster_id.to_owned(),
        not_before: Timestamp::from_unix(parsed.not_before),
        not_after: Timestamp::from_unix(parsed.not_after),
        root_cert: root_cert.to_owned(),
        active: true,
        private_key_type: private_key_type.to_owned(),
        private_key_bits,
        ..CaRoot::default()
    })
}

/// What signs.
pub(super) struct Signer {
    issuer: Issuer,
    /// Life of its certificate, seconds since 1970.
    not_before: i64,
    not_after: i64,
}

impl Signer {
    /// The signer of an active root.
    ///
    /// # Errors
    /// A row that cannot be used, or one whose time is over.
    pub fn of(state: &CaProviderState, now: i64) -> Result<Signer, String> {
        let (what, text) = match state.intermediate_cert.as_str() {
            "" => ("root", &state.root_cert),
            _ => ("intermediate", &state.intermediate_cert),
        };
        let der = certificate(text)?;
        let parsed = Parsed::of(&der)?;
        let (not_before, not_after) = (parsed.not_before, parsed.not_after);
        if not_after <= now {
            let end = Timestamp::from_unix(not_after);
            return Err(format!("{what} expired: certificate expired, expiration date: {end}"));
        }
        let issuer = Issuer::new(&der, Key::from_pem(state.private_key.as_bytes())?)?;
        Ok(Signer { issuer, not_before, not_after })
    }

    /// The first half of its life is not over.
    pub fn is_young(&self, now: i64) -> bool {
        now - self.not_before < (self.not_after - self.not_before) / 2
    }

    /// Signs for a public key; PEM.
    ///
    /// # Errors
    /// A key that cannot sign.
    pub fn sign(&self, request: &mut Request, public: &[u8]) -> Result<String, String> {
        request.not_after = request.not_after.min(self.not_after);
        Ok(pem_text("CERTIFICATE", &self.issuer.issue(request, public)?))
    }

    /// A certificate with which those who trust this root trust the new one.
    ///
    /// # Errors
    /// A root that does not decode.
    pub fn cross_sign(&self, root: &CaRoot, serial: u64, now: i64) -> Result<String, String> {
        let der = certificate(&root.root_cert)?;
        let parsed = Parsed::of(&der)?;
        let mut request = Request {
            raw_subject: Some(parsed.subject.to_vec()),
            serial: serial.to_be_bytes().to_vec(),
            uris: parsed.uris().into_iter().map(str::to_owned).collect(),
            ..Request::new(Usage::Authority(None), now - EARLY, now + CROSS_LIFE)
        };
        self.sign(&mut request, parsed.public)
    }

    /// Signs the intermediate certificate of a secondary datacenter.
    ///
    /// # Errors
    /// A key that cannot sign.
    pub fn sign_intermediate(
        &self,
        settings: &BuiltIn,
        config: &CaConfiguration,
        public: &[u8],
        serial: u64,
        now: i64,
    ) -> Result<String, String> {
        let mut request = Request {
            common_name: common_name("sec", &config.cluster_id),
            serial: serial.to_be_bytes().to_vec(),
            uris: vec![format!("spiffe://{}", trust_domain(&config.cluster_id))],
            ..Request::new(Usage::Authority(Some(0)), now - EARLY, now - EARLY + seconds(settings.intermediate_life))
        };
        self.sign(&mut request, public)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::verify::proves_role;
    use std::sync::Arc;

    const CLUSTER: &str = "21626125-3ba0-baeb-7914-e8e3e5a0732a";

    fn settings() -> BuiltIn {
        let config = CaConfiguration { provider: "consul".into(), ..CaConfiguration::default() };
        BuiltIn::read(&config).expect("the defaults are good")
    }

    fn now() -> i64 {
        chrono::Utc::now().timestamp()
    }

    #[test]
    fn the_reference_finds_the_row_of_the_provider_by_its_id() {
        // the id in a recorded snapshot
        let id = "07:80:c8:de:f6:41:86:29:8f:9c:b8:17:d6:48:c2:d5:c5:5c:7f:0c:03:f7:cf:97:5a:a7:c1:68:aa:23:ae:81";
        assert_eq!(state_id(&settings(), true), id);
    }

    #[test]
    fn a_root_says_what_its_certificate_says() {
        let made = make(&settings(), CLUSTER, 9, now()).expect("a root");
        let der = certificate(&made.root.root_cert).expect("a certificate");
        let parsed = Parsed::of(&der).expect("a certificate");
        assert_eq!(parsed.uris(), [format!("spiffe://{CLUSTER}.consul")]);
        assert_eq!((made.root.serial_number, made.root.active), (9, true));
        assert_eq!((made.root.private_key_type.as_str(), made.root.private_key_bits), ("ec", 256));
        assert_eq!(made.root.signing_key_id.len(), 32 * 3 - 1);
        assert_eq!(made.root.not_after.since(made.root.not_before), settings().root_life);
        assert_eq!(made.state.root_cert, made.root.root_cert);
    }

    #[test]
    fn those_who_trust_the_old_root_trust_leaves_of_the_new_one_through_the_cross_signed_certificate() {
        let old = make(&settings(), CLUSTER, 1, now()).expect("a root");
        let new = make(&settings(), CLUSTER, 2, now()).expect("a root");
        let cross = Signer::of(&old.state, now()).and_then(|signer| signer.cross_sign(&new.root, 3, now()));
        let cross = cross.expect("a certificate");
        let (key, _) = Key::generate().expect("a key");
        let mut wanted = Request { dns: vec!["web".into()], ..Request::new(Usage::Mesh, now() - EARLY, now() + 3600) };
        let signer = Signer::of(&new.state, now()).expect("a signer");
        let leaf = signer.sign(&mut wanted, key.public()).expect("a leaf");
        let chain = pem::certificates(format!("{leaf}{cross}").as_bytes()).expect("two certificates");
        let trusting = |made: &Made| {
            Arc::new(pem::store(&pem::certificates(made.root.root_cert.as_bytes()).expect("a certificate")))
        };
        assert_eq!(proves_role(&chain, &trusting(&old), "web"), Ok(()));
        assert_eq!(proves_role(&chain[..1], &trusting(&new), "web"), Ok(()));
        assert!(proves_role(&chain[..1], &trusting(&old), "web").is_err());
    }

    #[test]
    fn a_key_that_the_operator_brings_needs_its_own_root() {
        let (one, other) = (make(&settings(), CLUSTER, 1, now()), make(&settings(), CLUSTER, 2, now()));
        let (one, other) = (one.expect("a root"), other.expect("a root"));
        let bring = |key: &Made, root: &Made| BuiltIn {
            private_key: key.state.private_key.clone(),
            root_cert: root.root.root_cert.clone(),
            ..settings()
        };
        let made = make(&bring(&one, &one), CLUSTER, 3, now()).expect("its own");
        assert_eq!(made.root.id, one.root.id);
        let wrong = make(&bring(&one, &other), CLUSTER, 3, now()).err();
        assert_eq!(wrong.as_deref(), Some("x509: provided PrivateKey doesn't match parent's PublicKey"));
    }

    #[test]
    fn an_authority_whose_time_is_over_signs_nothing() {
        let made = make(&settings(), CLUSTER, 1, 1_000_000_000).expect("a root");
        let error = Signer::of(&made.state, now()).err().expect("refused");
        assert_eq!(error, "root expired: certificate expired, expiration date: 2011-09-07T01:46:40Z");
    }
}
