//! The catalog behind an agent as a source of records.

use super::settings::Settings;
use super::source::{Endpoints, Source};
use crate::agent::Agent;
use crate::rpc::method::{
    CatalogListNodes, CatalogNodeServices, CatalogServiceNodes, HealthServiceNodes, PreparedQueryExecute,
};
use crate::types::prepared_query::{PreparedQueryExecuteRequest, PreparedQueryExecuteResponse};
use crate::types::requests::{DcRequest, IndexedCheckServiceNodes, NodeRequest, ReadRequest, ServiceRequest};
use crate::types::{Node, QueryOptions, QuerySource, Result};
use arc_swap::ArcSwap;
use std::net::IpAddr;
use std::sync::Arc;

/// Lookups through an agent; settings follow its reloads.
#[derive(Clone)]
pub struct AgentSource {
    agent: Agent,
    prepared: Arc<ArcSwap<Prepared>>,
}

/// Settings with the configuration they were made from.
struct Prepared {
    config: Arc<crate::config::RuntimeConfig>,
    settings: Arc<Settings>,
}

impl AgentSource {
    /// For this agent.
    pub fn new(agent: Agent) -> Self {
        let config = agent.config();
        let settings = Arc::new(Settings::from_config(&config));
        AgentSource { agent, prepared: Arc::new(ArcSwap::from_pointee(Prepared { config, settings })) }
    }

    fn options(&self, settings: &Settings) -> QueryOptions {
        QueryOptions {
            token: self.agent.dns_token(),
            allow_stale: settings.dns.allow_stale,
            max_stale_duration: settings.dns.max_stale,
            use_cache: settings.dns.use_cache,
            max_age: settings.dns.cache_max_age,
            ..QueryOptions::default()
        }
    }

    /// Reads through the agent's cache when that is configured (`dns_config.use_cache`).
    async fn read<M>(&self, args: M::Args) -> Result<Arc<M::Reply>>
    where
        M: crate::server::ReadEndpoint,
        M::Args: ReadRequest,
    {
        if args.options().use_cache {
            return self.agent.cached::<M>(args).await.map(|(value, _)| value.shared().body);
        }
        self.fresh_enough::<M>(args).await
    }

    /// Asks again without `stale` when the answer is older than allowed.
    async fn fresh_enough<M>(&self, mut args: M::Args) -> Result<Arc<M::Reply>>
    where
        M: crate::server::ReadEndpoint,
        M::Args: ReadRequest,
    {
        let answer = self.agent.call_shared::<M>(args.clone()).await?;
        let options = args.options_mut();
        let limit = options.max_stale_duration;
        if options.allow_stale && !limit.is_zero() && answer.meta.last_contact > limit {
            tracing::warn!(target: "agent.dns", "Query results too stale, re-requesting");
            options.allow_stale = false;
            return Ok(self.agent.call_shared::<M>(args).await?.body);
        }
        Ok(answer.body)
    }
}

impl Source for AgentSource {
    fn settings(&self) -> Arc<Settings> {
        let config = self.agent.config();
        let prepared = self.prepared.load();
        if Arc::ptr_eq(&prepared.config, &config) {
            return prepared.settings.clone();
        }
        let settings = Arc::new(Settings::from_config(&config));
        self.prepared.store(Arc::new(Prepared { config, settings: settings.clone() }));
        settings
    }

    async fn service(
        &self,
        datacenter: &str,
        name: &str,
        tag: Option<&str>,
        endpoints: Endpoints,
    ) -> Result<Arc<IndexedCheckServiceNodes>> {
        let args = ServiceRequest {
            datacenter: datacenter.to_owned(),
            service_name: name.to_owned(),
            service_tags: tag.map(str::to_owned).into_iter().collect(),
            tag_filter: tag.is_some(),
            connect: endpoints == Endpoints::Connect,
            ingress: endpoints == Endpoints::Ingress,
            query: self.options(&self.settings()),
            ..ServiceRequest::default()
        };
        self.read::<HealthServiceNodes>(args).await
    }

    async fn query(
        &self,
        datacenter: &str,
        name: &str,
        client: IpAddr,
    ) -> Result<Option<PreparedQueryExecuteResponse>> {
        let config = self.agent.config();
        let here = |node: &str, ip: String| QuerySource {
            datacenter: config.datacenter.clone(),
            node: node.to_owned(),
            ip,
            ..QuerySource::default()
        };
        let settings = self.settings();
        let mut args = PreparedQueryExecuteRequest {
            datacenter: datacenter.to_owned(),
            query_id_or_name: name.to_owned(),
            source: here("", client.to_canonical().to_string()),
            agent: here(&config.node_name, String::new()),
            query: self.options(&settings),
            ..PreparedQueryExecuteRequest::default()
        };
        let known = |answer: Result<PreparedQueryExecuteResponse>| match answer {
            Err(error) if error.text.contains("Query not found") => Ok(None),
            answer => answer.map(Some),
        };
        if args.query.use_cache {
            let found = self.agent.cached_call::<PreparedQueryExecute>(args).await;
            return known(found.map(|(value, _)| (*value.shared().body).clone()));
        }
        let found = known(self.agent.call::<PreparedQueryExecute>(args.clone()).await)?;
        let limit = settings.dns.max_stale;
        let too_old = |found: &PreparedQueryExecuteResponse| !limit.is_zero() && found.meta.last_contact > limit;
        if args.query.allow_stale && found.as_ref().is_some_and(too_old) {
            tracing::warn!(target: "agent.dns", "Query results too stale, re-requesting");
            args.query.allow_stale = false;
            return known(self.agent.call::<PreparedQueryExecute>(args).await);
        }
        Ok(found)
    }

    async fn node(&self, datacenter: &str, name: &str) -> Result<Option<Arc<Node>>> {
        let args = NodeRequest {
            datacenter: datacenter.to_owned(),
            node: name.to_owned(),
            query: self.options(&self.settings()),
            ..NodeRequest::default()
        };
        let reply = self.read::<CatalogNodeServices>(args).await?;
        Ok(reply.node_services.as_ref().and_then(|services| services.node.clone()))
    }

    async fn node_by_address(&self, address: IpAddr) -> Result<Option<Arc<Node>>> {
        let args = DcRequest { query: self.options(&self.settings()), ..DcRequest::default() };
        let reply = self.fresh_enough::<CatalogListNodes>(args).await?;
        Ok(reply.nodes.iter().find(|node| node.address.parse() == Ok(address)).cloned())
    }

    async fn service_by_address(&self, address: IpAddr) -> Result<Option<(String, String)>> {
        let args = ServiceRequest {
            service_address: address.to_string(),
            query: self.options(&self.settings()),
            ..ServiceRequest::default()
        };
        let reply = self.fresh_enough::<CatalogServiceNodes>(args).await?;
        let found = reply.service_nodes.iter().find(|row| row.service_address.parse() == Ok(address));
        Ok(found.map(|row| (row.service_name.clone(), row.datacenter.clone())))
    }
}
