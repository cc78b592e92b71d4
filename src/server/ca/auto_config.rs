//! `AutoConfig.InitialConfiguration`: an agent proves itself with a JSON web token and gets all that it needs
//! (`spec/acl-and-tls.md` 17).

use super::auto_encrypt::welcome;
use crate::acl::PERMISSION_DENIED;
use crate::auth::{MAX_CREDENTIAL, interpolate, jwt};
use crate::rpc::auto_config::{AclTokens, AutoConfigRequest, AutoConfigResponse, Config, Protobuf};
use crate::rpc::method::{AclTokenSet, AutoConfigInitialConfiguration};
use crate::server::{Endpoint, Place, Server};
use crate::tls::x509::Csr;
use crate::types::acl::{AclToken, AclTokenSetRequest, NodeIdentity, SERVER_MANAGEMENT};
use crate::types::ca::CaSignRequest;
use crate::types::spiffe::AgentId;
use crate::types::{Error, Result, go_quote};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;

/// Whom a server hands a configuration to, and what is in it.
pub struct AutoConfig {
    validator: jwt::Validator,
    /// All must hold.
    assertions: Vec<String>,
    /// What is the same for all agents.
    common: Config,
}

/// What assertions may name.
fn variables(node: &str, segment: &str, partition: &str) -> BTreeMap<String, String> {
    let partition = if partition.is_empty() { "default" } else { partition };
    let pairs = [("node", node), ("segment", segment), ("partition", partition)];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

impl AutoConfig {
    /// With these rules for tokens.
    ///
    /// # Errors
    /// Rules that cannot be used.
    pub fn new(tokens: jwt::JwtConfig, assertions: Vec<String>, common: Config) -> Result<AutoConfig> {
        let validator = jwt::Validator::of(tokens)
            .map_err(|why| Error::new(format!("auto_config.authorization.static has invalid configuration: {why}")))?;
        let (blank, example) = (validator.blank(), variables("node", "", ""));
        for assertion in &assertions {
            let filled = interpolate(assertion, &example).and_then(|filled| blank.fields.matches(&filled));
            filled.map_err(|why| {
                let shown = go_quote(assertion);
                Error::new(format!("auto_config.authorization.static.claim_assertion {shown} is invalid: {why}"))
            })?;
        }
        Ok(AutoConfig { validator, assertions, common })
    }

    /// Lets an agent pass whose token says that it is who it claims to be.
    async fn authorize(&self, request: &AutoConfigRequest) -> Result<()> {
        let denied = |why: &str| Error::with_status(403, format!("{PERMISSION_DENIED}: {why}"));
        if request.jwt.len() > MAX_CREDENTIAL {
            return Err(denied("Failed JWT authorization: the token is too long"));
        }
        let identity = self.validator.validate(&request.jwt).await;
        let identity = identity.map_err(|why| denied(&format!("Failed JWT authorization: {why}")))?;
        let variables = variables(&request.node, &request.segment, &request.partition);
        for assertion in &self.assertions {
            let held = interpolate(assertion, &variables).and_then(|filled| identity.fields.matches(&filled));
            if held != Ok(true) {
                return Err(denied("Failed JWT claim assertion"));
            }
        }
        Ok(())
    }
}

/// Refuses names that could say something else inside of an assertion.
fn check_names(request: &AutoConfigRequest) -> Result<()> {
    let bad = |text: &str| text.contains(|c: char| c.is_whitespace() || c.is_control() || "'\"`\\".contains(c));
    let fields = [("node", &request.node), ("segment", &request.segment), ("partition", &request.partition)];
    match fields.into_iter().find(|(_, value)| bad(value)) {
        Some((name, value)) => Err(Error::new(format!("Invalid request field. {name} = `{value}`"))),
        None if request.node.is_empty() => Err(Error::new("Invalid request field. node = ``")),
        None => Ok(()),
    }
}

/// Refuses a request for the certificate of another agent.
fn check_csr(request: &AutoConfigRequest) -> Result<()> {
    let csr = Csr::from_pem(&request.csr).map_err(|why| Error::new(format!("Failed to parse CSR: {why}")))?;
    let uris = csr.names().uris();
    let id = uris.first().ok_or_else(|| Error::new("CSR SAN contains an invalid number of URIs: 0"))?;
    let id = AgentId::parse(id).map_err(Error::new)?;
    if id.node != request.node {
        return Err(Error::new(format!(
            "Spiffe ID agent name ({}) of the certificate signing request is not for the correct node ({})",
            id.node, request.node
        )));
    }
    Ok(())
}

/// The secret by which servers act for themselves; empty while ACLs are off.
fn own_secret(server: &Server) -> String {
    let entry = server.store().snapshot().system_metadata(SERVER_MANAGEMENT);
    entry.filter(|_| server.acl().enabled).map(|entry| entry.value.clone()).unwrap_or_default()
}

/// A new token for an agent.
async fn token(server: &Server, node: &str) -> Result<String> {
    let datacenter = server.config().datacenter.clone();
    let acl_token = AclToken {
        description: format!("Auto Config Token for Node {}", go_quote(node)),
        local: true,
        node_identities: vec![NodeIdentity { node_name: node.to_owned(), datacenter: datacenter.clone() }],
        ..AclToken::default()
    };
    let request = AclTokenSetRequest { datacenter, acl_token, create: true, token: own_secret(server) };
    Ok(server.call_anywhere::<AclTokenSet>(request).await?.secret_id)
}

/// Where the servers of the datacenter gossip.
fn join_addresses(server: &Server) -> Vec<String> {
    let Some(pool) = &server.gossip().lan else { return Vec::new() };
    let members = pool.members();
    let servers = members.iter().filter(|member| member.is_alive() && member.tag("role") == "consul");
    servers.map(|member| member.socket().to_string()).collect()
}

impl Endpoint for AutoConfigInitialConfiguration {
    const PLACE: Place = Place::Here;

    async fn serve(server: &Server, args: Protobuf) -> Result<Protobuf> {
        let settings = server.config().auto_config.clone();
        let settings = settings.ok_or_else(|| Error::new("Auto Config is disabled"))?;
        let request: AutoConfigRequest = args.read().map_err(Error::new)?;
        let own = &server.config().datacenter;
        if !request.datacenter.is_empty() && request.datacenter != *own {
            let text = "invalid datacenter {} - agent auto configuration cannot target a remote datacenter";
            return Err(Error::new(text.replace("{}", &go_quote(&request.datacenter))));
        }
        check_names(&request)?;
        settings.authorize(&request).await?;
        if !request.csr.is_empty() {
            check_csr(&request)?;
        }
        tracing::info!(target: "agent.server.auto_config", "configuration handed out: node={}", request.node);
        respond(server, &settings, request).await.map(|response| Protobuf::of(&response))
    }
}

async fn respond(server: &Server, settings: &AutoConfig, request: AutoConfigRequest) -> Result<AutoConfigResponse> {
    let mut config = settings.common.clone();
    if let Some(acl) = config.acl.as_mut().filter(|acl| acl.enabled) {
        acl.tokens = Some(AclTokens { agent: token(server, &request.node).await?, ..AclTokens::default() });
    }
    if let Some(gossip) = &mut config.gossip {
        gossip.retry_join_lan = join_addresses(server);
        let key = server.gossip().lan.as_ref().and_then(|pool| pool.keys().into_iter().next());
        match (&mut gossip.encryption, key) {
            (Some(encryption), Some(key)) => encryption.key = STANDARD.encode(key),
            (encryption, _) => *encryption = None,
        }
    }
    config.node_name = request.node;
    config.segment_name = request.segment;
    let mut response = AutoConfigResponse { config: Some(config), ..AutoConfigResponse::default() };
    if !request.csr.is_empty() {
        let datacenter = server.config().datacenter.clone();
        let sign = CaSignRequest { datacenter, csr: request.csr, token: own_secret(server) };
        let welcome = welcome(server, sign).await?;
        response.ca_roots = Some((&welcome.roots).into());
        response.certificate = Some((&welcome.cert).into());
        response.extra_ca_certificates = welcome.manual_roots;
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assertions_are_checked_before_anybody_comes() {
        let tokens = || jwt::JwtConfig {
            jwks_url: "http://127.0.0.1:1/keys".into(),
            claim_mappings: BTreeMap::from([("node".to_owned(), "node".to_owned())]),
            ..jwt::JwtConfig::default()
        };
        let with = |assertion: &str| AutoConfig::new(tokens(), vec![assertion.to_owned()], Config::default());
        assert!(with("value.node == \"${node}\" and \"${partition}\" == \"${segment}\"").is_err());
        assert!(with("value.node == \"${node}\"").is_ok());
        for bad in ["value.other == \"${node}\" (", "value.node == \"${place}\"", "nope == 1"] {
            let error = with(bad).err().expect("refused").text;
            assert!(error.starts_with("auto_config.authorization.static.claim_assertion "), "{error}");
        }
        let error = AutoConfig::new(jwt::JwtConfig::default(), Vec::new(), Config::default()).err().expect("refused");
        assert!(error.text.starts_with("auto_config.authorization.static has invalid configuration: "), "{error}");
    }

    #[test]
    fn names_that_could_end_a_quotation_are_refused() {
        let node = |node: &str| check_names(&AutoConfigRequest { node: node.into(), ..AutoConfigRequest::default() });
        assert!(node("web-1").is_ok());
        for bad in ["", "a b", "a\" or \"a\" == \"a", "a'b", "a`b", "a\\", "a\nb"] {
            let error = node(bad).expect_err(bad).text;
            assert_eq!(error, format!("Invalid request field. node = `{bad}`"));
        }
    }
}
