//! What the authority is told by configuration files and operators (`spec/mesh.md` 4.1).

use super::BUILT_IN;
use crate::types::GoDuration;
use crate::types::ca::CaConfiguration;
use crate::types::secret::hidden;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The names of settings in files and in the API.
const NAMES: [(&str, &str); 17] = [
    ("address", "Address"),
    ("csr_max_concurrent", "CSRMaxConcurrent"),
    ("csr_max_per_second", "CSRMaxPerSecond"),
    ("delete_on_exit", "DeleteOnExit"),
    ("existing_arn", "ExistingARN"),
    ("intermediate_cert_ttl", "IntermediateCertTTL"),
    ("intermediate_pki_path", "IntermediatePKIPath"),
    ("leaf_cert_ttl", "LeafCertTTL"),
    ("private_key", "PrivateKey"),
    ("private_key_bits", "PrivateKeyBits"),
    ("private_key_type", "PrivateKeyType"),
    ("root_cert", "RootCert"),
    ("root_cert_ttl", "RootCertTTL"),
    ("root_pki_path", "RootPKIPath"),
    ("rotation_period", "RotationPeriod"),
    ("skip_validate", "SkipValidate"),
    ("token", "Token"),
];

/// Lives of certificates where nothing is said.
const LIVES: [(&str, &str); 3] = [("LeafCertTTL", "72h"), ("IntermediateCertTTL", "8760h"), ("RootCertTTL", "87600h")];

/// Signed requests per second where nothing is said.
const PER_SECOND: f64 = 50.0;

const HOUR: GoDuration = GoDuration::secs(3600);
const YEAR: GoDuration = GoDuration::secs(8760 * 3600);

/// The `connect` block: what a new authority begins with.
#[derive(Clone, derive_more::Debug)]
pub struct CaSettings {
    /// `ca_provider`
    pub provider: String,
    /// `ca_config`, with the names of the API; a private key may be among them.
    #[debug("{}", hidden(config))]
    config: BTreeMap<String, Value>,
}

impl CaSettings {
    /// The settings of a configuration file.
    pub fn of(connect: &Map<String, Value>) -> CaSettings {
        let provider = connect.get("ca_provider").and_then(Value::as_str).filter(|name| !name.is_empty());
        let named = |key: &String| {
            let known = NAMES.iter().find(|(file, api)| file == key || api == key);
            known.map_or_else(|| key.clone(), |(_, api)| (*api).to_owned())
        };
        let mut config: BTreeMap<String, Value> =
            LIVES.iter().map(|(key, life)| ((*key).to_owned(), Value::from(*life))).collect();
        let given = connect.get("ca_config").and_then(Value::as_object).into_iter().flatten();
        config.extend(given.map(|(key, value)| (named(key), value.clone())));
        CaSettings { provider: provider.unwrap_or(BUILT_IN).to_owned(), config }
    }

    /// The configuration of a new cluster.
    pub(super) fn first(&self) -> CaConfiguration {
        CaConfiguration {
            cluster_id: uuid::Uuid::new_v4().to_string(),
            provider: self.provider.clone(),
            config: Some(self.config.clone()),
            ..CaConfiguration::default()
        }
    }
}

/// The settings of the built-in provider, read and checked.
#[derive(Clone, derive_more::Debug, PartialEq)]
pub(super) struct BuiltIn {
    pub leaf_life: GoDuration,
    pub intermediate_life: GoDuration,
    pub root_life: GoDuration,
    /// Signed requests per second; 0 for no limit.
    pub per_second: f64,
    /// PEM of a key that the operator brought.
    #[debug("{}", hidden(private_key))]
    pub private_key: String,
    /// PEM of the root that belongs to it.
    pub root_cert: String,
}

/// Reads values by their names.
struct Reader<'a>(&'a BTreeMap<String, Value>);

impl Reader<'_> {
    fn text(&self, key: &str) -> String {
        match self.0.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        }
    }

    fn flag(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|value| value.as_bool().unwrap_or(value == "true"))
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.0.get(key).and_then(|value| value.as_f64().or_else(|| value.as_str()?.parse().ok()))
    }

    /// A duration as text, or as a number of nanoseconds.
    fn life(&self, key: &str) -> Result<GoDuration, String> {
        match self.0.get(key) {
            Some(Value::Number(nanos)) => Ok(GoDuration(nanos.as_f64().unwrap_or(0.0) as i64)),
            Some(Value::String(text)) => {
                text.parse().map_err(|error: String| format!("error decoding config: {error}"))
            }
            _ => {
                let known = LIVES.iter().find(|(name, _)| *name == key).map_or("0s", |(_, life)| *life);
                known.parse()
            }
        }
    }
}

impl BuiltIn {
    /// Reads the settings.
    ///
    /// # Errors
    /// Another provider, a value that does not fit, or lives that do not fit each other.
    pub fn read(config: &CaConfiguration) -> Result<BuiltIn, String> {
        match config.provider.as_str() {
            BUILT_IN => {}
            "vault" | "aws-pca" => {
                return Err(format!("CA provider {:?} is not supported, only {BUILT_IN:?} is", config.provider));
            }
            other => return Err(format!("could not initialize provider: unknown CA provider {other:?}")),
        }
        let empty = BTreeMap::new();
        let reader = Reader(config.config.as_ref().unwrap_or(&empty));
        let read = BuiltIn {
            leaf_life: reader.life("LeafCertTTL")?,
            intermediate_life: reader.life("IntermediateCertTTL")?,
            root_life: reader.life("RootCertTTL")?,
            per_second: reader.number("CSRMaxPerSecond").unwrap_or(PER_SECOND),
            private_key: reader.text("PrivateKey"),
            root_cert: reader.text("RootCert"),
        };
        if !reader.flag("SkipValidate") {
            read.check_lives()?;
        }
        read.check_key(&reader)?;
        Ok(read)
    }

    fn check_lives(&self) -> Result<(), String> {
        let (leaf, intermediate, root) = (self.leaf_life, self.intermediate_life, self.root_life);
        let thrice = GoDuration(leaf.0.saturating_mul(3));
        if leaf < HOUR {
            return Err(format!("leaf cert TTL must be greater or equal than {HOUR}"));
        }
        if leaf > YEAR {
            return Err(format!("leaf cert TTL must be less than {YEAR}"));
        }
        if intermediate < GoDuration::secs(3 * 3600) {
            return Err("Intermediate Cert TTL must be greater or equal than 3h".into());
        }
        if intermediate < thrice {
            return Err(format!("Intermediate Cert TTL must be greater or equal than 3 * LeafCertTTL (>={thrice})."));
        }
        if root < intermediate {
            return Err(format!(
                "root cert TTL is set and is not greater than intermediate cert ttl. root cert ttl: {root}, \
                 intermediate cert ttl: {intermediate}"
            ));
        }
        Ok(())
    }

    fn check_key(&self, reader: &Reader<'_>) -> Result<(), String> {
        let (kind, bits) = (reader.text("PrivateKeyType"), reader.number("PrivateKeyBits").unwrap_or(0.0));
        match kind.as_str() {
            "" | "ec" | "rsa" => {}
            _ => return Err("private key type must be either 'ec' or 'rsa'".into()),
        }
        if kind == "rsa" && ![0.0, 2048.0, 4096.0].contains(&bits) {
            return Err("RSA key length must be 2048 or 4096 bits".into());
        }
        if kind != "rsa" && ![0.0, 224.0, 256.0, 384.0, 521.0].contains(&bits) {
            return Err("EC key length must be one of (224, 256, 384, 521) bits".into());
        }
        if self.private_key.is_empty() && !self.root_cert.is_empty() {
            return Err("must provide a private key when providing a root cert".into());
        }
        if self.private_key.is_empty() && (kind == "rsa" || ![0.0, 256.0].contains(&bits)) {
            return Err("keys are made with 256 bits of type 'ec'; bring others as PrivateKey".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn configured(config: Value) -> CaConfiguration {
        let config = config.as_object().map(|map| map.clone().into_iter().collect());
        CaConfiguration { provider: BUILT_IN.into(), config, ..CaConfiguration::default() }
    }

    #[test]
    fn files_and_the_api_name_the_same_settings() {
        let connect =
            json!({ "enabled": true, "ca_config": { "leaf_cert_ttl": "2h", "PrivateKeyType": "ec", "other": 1 } });
        let first = CaSettings::of(connect.as_object().expect("an object")).first();
        let config = serde_json::to_value(&first.config).expect("JSON");
        let expected = json!({ "IntermediateCertTTL": "8760h", "LeafCertTTL": "2h", "PrivateKeyType": "ec",
                               "RootCertTTL": "87600h", "other": 1 });
        assert_eq!((first.provider.as_str(), config), (BUILT_IN, expected));
        assert_eq!(first.cluster_id.len(), 36);
    }

    #[test]
    fn nothing_said_is_what_the_reference_does() {
        let read = BuiltIn::read(&configured(json!({}))).expect("good");
        assert_eq!((read.leaf_life, read.per_second), (GoDuration::secs(72 * 3600), 50.0));
        assert_eq!((read.intermediate_life, read.root_life), (YEAR, GoDuration::secs(87600 * 3600)));
    }

    #[test]
    fn settings_that_do_not_fit_are_refused() {
        let cases = [
            (json!({ "LeafCertTTL": "1m" }), "leaf cert TTL must be greater or equal than 1h0m0s"),
            (json!({ "LeafCertTTL": "8761h" }), "leaf cert TTL must be less than 8760h0m0s"),
            (
                json!({ "IntermediateCertTTL": "100h" }),
                "Intermediate Cert TTL must be greater or equal than 3 * LeafCertTTL (>=216h0m0s).",
            ),
            (json!({ "IntermediateCertTTL": 1 }), "Intermediate Cert TTL must be greater or equal than 3h"),
            (
                json!({ "RootCertTTL": "300h" }),
                "root cert TTL is set and is not greater than intermediate cert ttl. root cert ttl: 300h0m0s, \
                 intermediate cert ttl: 8760h0m0s",
            ),
            (json!({ "PrivateKeyType": "dsa" }), "private key type must be either 'ec' or 'rsa'"),
            (json!({ "PrivateKeyBits": 255 }), "EC key length must be one of (224, 256, 384, 521) bits"),
            (json!({ "RootCert": "x" }), "must provide a private key when providing a root cert"),
        ];
        for (config, text) in cases {
            assert_eq!(BuiltIn::read(&configured(config)), Err(text.to_owned()));
        }
        assert!(BuiltIn::read(&configured(json!({ "LeafCertTTL": "1m", "SkipValidate": true }))).is_ok());
        let vault = CaConfiguration { provider: "vault".into(), ..CaConfiguration::default() };
        assert!(BuiltIn::read(&vault).is_err_and(|text| text.contains("not supported")));
    }
}
