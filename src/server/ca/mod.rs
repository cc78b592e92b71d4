//! `ConnectCA.*`, `AutoEncrypt.Sign` and `AutoConfig.InitialConfiguration`: the certificate authority that the leader keeps, and the certificates that it signs for
//! agents (`spec/mesh.md` 4 to 6, `spec/acl-and-tls.md` 16, 17).
//!
//! Its key is in the replicated state and leaves it in snapshots only, to other servers. A secondary datacenter signs with an
//! intermediate certificate that the primary one gave it.

mod authority;
mod auto_config;
mod auto_encrypt;
mod configuration;
mod provider;
mod roots;
mod secondary;
mod settings;
mod sign;
mod trust;

pub(super) use authority::{ensure, prune};
pub(super) use secondary::follow_primary;
pub(super) use sign::Pace;
pub(super) use trust::follow;

pub use auto_config::AutoConfig;
pub use settings::CaSettings;

use super::Server;
use crate::types::{Error, Result};

/// The built-in provider.
const BUILT_IN: &str = "consul";

impl Server {
    /// The authority's settings.
    ///
    /// # Errors
    /// It is off.
    pub(super) fn ca_settings(&self) -> Result<&CaSettings> {
        let settings = self.config().connect.as_ref();
        settings.ok_or_else(|| Error::new("Connect must be enabled in order to use this endpoint"))
    }

    /// Certificates are handed out to agents that come without one.
    fn hands_out_certificates(&self) -> bool {
        self.config().auto_encrypt
    }
}
