//! `ConnectCA.Roots`: whom to trust. Everybody may know.

use super::super::catalog::at;
use super::super::{ReadContext, ReadEndpoint};
use super::provider::trust_domain;
use crate::rpc::method::ConnectCaRoots;
use crate::types::Result;
use crate::types::ca::IndexedCaRoots;
use crate::types::requests::DcRequest;

impl ReadEndpoint for ConnectCaRoots {
    fn read(cx: &mut ReadContext<'_>, _args: &DcRequest) -> Result<IndexedCaRoots> {
        cx.server.ca_settings()?;
        let (index, roots) = cx.state.ca_roots(cx.watch);
        let active = roots.iter().find(|root| root.active);
        let domain = cx.state.ca_config().map(|config| trust_domain(&config.cluster_id));
        Ok(IndexedCaRoots {
            active_root_id: active.map(|root| root.id.clone()).unwrap_or_default(),
            trust_domain: active.and(domain).unwrap_or_default(),
            roots,
            meta: at(index),
        })
    }
}
