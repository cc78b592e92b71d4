//! `AutoEncrypt.Sign`: the first certificate of an agent, and whom it is to trust (`spec/acl-and-tls.md` 16).

use crate::rpc::method::{AutoEncryptSign, ConnectCaRoots, ConnectCaSign};
use crate::server::{Endpoint, Place, Server};
use crate::tls::x509::pem_text;
use crate::types::ca::{CaSignRequest, IndexedCaRoots, IssuedCert, SignedResponse};
use crate::types::requests::DcRequest;
use crate::types::{Error, Result};

/// A certificate with those whom its holder is to trust.
pub(super) struct Welcome {
    pub cert: IssuedCert,
    pub roots: IndexedCaRoots,
    /// PEM of the authorities that the servers are configured with.
    pub manual_roots: Vec<String>,
}

/// Has the leader sign, and tells of the authorities.
pub(super) async fn welcome(server: &Server, request: CaSignRequest) -> Result<Welcome> {
    let cert = server.call_anywhere::<ConnectCaSign>(request).await?;
    let roots = server.call_anywhere::<ConnectCaRoots>(DcRequest::default()).await?;
    let manual = server.config().tls.manual_roots();
    Ok(Welcome { cert, roots, manual_roots: manual.iter().map(|root| pem_text("CERTIFICATE", root)).collect() })
}

impl Endpoint for AutoEncryptSign {
    const PLACE: Place = Place::Here;

    async fn serve(server: &Server, args: CaSignRequest) -> Result<SignedResponse> {
        if !server.hands_out_certificates() {
            return Err(Error::new("AutoEncrypt.AllowTLS must be enabled in order to use this endpoint"));
        }
        let own = &server.config().datacenter;
        if args.datacenter != *own {
            return Err(Error::new(format!(
                "mismatched datacenter (client_dc='{}' server_dc='{own}'); check client has same datacenter set as servers",
                args.datacenter
            )));
        }
        let welcome = welcome(server, args).await?;
        Ok(SignedResponse {
            issued_cert: welcome.cert,
            connect_ca_roots: welcome.roots,
            manual_ca_roots: welcome.manual_roots,
            gossip_key: String::new(),
            verify_server_hostname: server.config().tls.verifies_names(),
        })
    }
}
