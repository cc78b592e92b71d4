//! `ConnectCA.ConfigurationGet` and `ConnectCA.ConfigurationSet`: for operators.

use super::authority::reconfigure;
use crate::acl::{Access, Resource};
use crate::rpc::method::{ConnectCaConfigurationGet, ConnectCaConfigurationSet};
use crate::server::{Endpoint, Place, Server};
use crate::types::ca::{CaConfiguration, CaRequest};
use crate::types::requests::{DcRequest, Request};
use crate::types::{Error, Result};
use serde_json::Value;

/// Stands where a private key is.
const HIDDEN: &str = "hidden";

/// The setting that no answer shows.
const PRIVATE_KEY: &str = "PrivateKey";

impl Endpoint for ConnectCaConfigurationGet {
    async fn serve(server: &Server, args: DcRequest) -> Result<CaConfiguration> {
        server.ca_settings()?;
        server.resolve(args.token()).await?.check(Resource::Operator, Access::Write, "")?;
        let stored = server.store().snapshot().ca_config();
        let mut config = stored.map(|config| CaConfiguration::clone(&config)).unwrap_or_default();
        if let Some(key) = config.config.as_mut().and_then(|settings| settings.get_mut(PRIVATE_KEY))
            && key.as_str().is_some_and(|text| !text.is_empty())
        {
            *key = Value::from(HIDDEN);
        }
        Ok(config)
    }
}

impl Endpoint for ConnectCaConfigurationSet {
    const PLACE: Place = Place::LeaderAlways;

    async fn serve(server: &Server, args: CaRequest) -> Result<()> {
        server.ca_settings()?;
        server.resolve(&args.token).await?.check(Resource::Operator, Access::Write, "")?;
        if !server.acl().is_primary() {
            return Err(Error::new("not the primary datacenter"));
        }
        let mut config = args.config.ok_or_else(|| Error::bad_request("missing CA configuration"))?;
        let stored = server.store().snapshot().ca_config();
        let stored = stored.map(|stored| CaConfiguration::clone(&stored)).unwrap_or_default();
        if config.state.as_ref().is_some_and(|state| stored.state.as_ref() != Some(state)) {
            let text = "Provider State is read-only. It must be omitted or identical to the current value";
            return Err(Error::bad_request(text));
        }
        config.state.clone_from(&stored.state);
        config.cluster_id.clone_from(&stored.cluster_id);
        keep_hidden_key(&mut config, &stored);
        if config.provider == stored.provider && config.config == stored.config {
            return Ok(());
        }
        reconfigure(server, config).await
    }
}

/// Who writes back what was read means the key that was not shown.
fn keep_hidden_key(config: &mut CaConfiguration, stored: &CaConfiguration) {
    let known = stored.config.as_ref().and_then(|settings| settings.get(PRIVATE_KEY));
    if let Some(settings) = &mut config.config
        && settings.get(PRIVATE_KEY).is_some_and(|key| key == HIDDEN)
        && let Some(known) = known
    {
        settings.insert(PRIVATE_KEY.into(), known.clone());
    }
}
