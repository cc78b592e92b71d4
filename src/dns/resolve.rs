//! One question in, one reply out: dispatch by zone and lookup (`spec/dns.md` 2-7, 12).

use super::name::{self, Lookup, Question};
use super::records::{self, Endpoint};
use super::recursor;
use super::reply::Reply;
use super::settings::Settings;
use super::source::{Endpoints, Source};
use crate::telemetry::metrics::Sample;
use crate::types::{CheckServiceNode, Error, GoDuration, Node};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::{NS, PTR};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use rand::seq::SliceRandom;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

/// A question, parsed from the packet.
#[derive(Clone, Debug)]
pub struct Query {
    /// Name as asked.
    pub name: Name,
    /// Its text, without final dot, letters as asked.
    pub text: String,
    /// Record type.
    pub kind: RecordType,
    /// The client sent EDNS.
    pub edns: bool,
    /// Address of the client: its subnet if it told one, else where the packet came from.
    pub client: IpAddr,
}

/// What to do with a question.
#[derive(Debug)]
pub enum Outcome {
    /// An authoritative answer.
    Answer(Reply),
    /// Ask the recursors.
    Recurse,
    /// Nobody here answers for that name.
    Refused,
    /// Zone transfers are not offered.
    NotImplemented,
}

static DOMAIN_QUERY: Sample = Sample::new("dns.domain_query");
static PTR_QUERY: Sample = Sample::new("dns.ptr_query");

/// How many names a chain of aliases may have.
const MAX_ALIASES: u8 = 3;
/// Resolved records of a host name that an answer takes when the client sent no EDNS.
const MAX_RESOLVED: usize = 5;
/// Name servers in an answer.
const MAX_NAME_SERVERS: usize = 3;
/// The service that all servers register.
const SERVERS: &str = "consul";

/// Answers a question.
pub async fn answer<S: Source>(source: &S, query: &Query) -> Outcome {
    let settings = source.settings();
    let lookups = Lookups { source, settings: &settings, query, depth: 0 };
    let domains = [settings.domain.as_str(), settings.alt_domain.as_str()];
    let started = Instant::now();
    if let Some((left, domain)) = name::split_domain(&query.text, &domains) {
        let outcome = lookups.in_domain(left, domain).await;
        DOMAIN_QUERY.since(started);
        return outcome;
    }
    if name::split_domain(&query.text, &["arpa"]).is_some() {
        let outcome = lookups.reverse().await;
        PTR_QUERY.since(started);
        return outcome;
    }
    if settings.recursors.is_empty() { Outcome::Refused } else { Outcome::Recurse }
}

/// A question with all that is needed to answer it.
struct Lookups<'a, S> {
    source: &'a S,
    settings: &'a Arc<Settings>,
    query: &'a Query,
    depth: u8,
}

impl<S: Source> Lookups<'_, S> {
    async fn in_domain(&self, left: &str, domain: &str) -> Outcome {
        let reply = match self.query.kind {
            RecordType::SOA => self.start_of_authority(domain).await,
            RecordType::NS => self.name_servers(domain).await,
            RecordType::AXFR => return Outcome::NotImplemented,
            kind => match name::parse(left, kind == RecordType::SRV) {
                Some(question) => self.dispatch(question, domain).await,
                None => {
                    tracing::warn!(target: "agent.dns", qname = %self.query.text, "QName invalid");
                    self.absent(domain)
                }
            },
        };
        Outcome::Answer(reply)
    }

    async fn dispatch(&self, question: Question, domain: &str) -> Reply {
        if !question.peer.is_empty() {
            return self.absent(domain);
        }
        let datacenter = match question.datacenter.as_str() {
            "" => self.settings.datacenter.as_str(),
            named => named,
        };
        let service = |name: String, tag: Option<String>, endpoints| async move {
            self.service(datacenter, &name, tag.as_deref(), endpoints, domain).await
        };
        match question.lookup {
            Lookup::Service { name, tag } => service(name, tag, Endpoints::Plain).await,
            Lookup::Connect { name } => service(name, None, Endpoints::Connect).await,
            Lookup::Ingress { name } => service(name, None, Endpoints::Ingress).await,
            Lookup::Node { name } => self.node(datacenter, &name, domain).await,
            Lookup::Addr { hex } => self.hex_address(&hex, domain),
            Lookup::Virtual { .. } => Reply::default(),
            Lookup::Query { name } => self.prepared_query(datacenter, &name, domain).await,
        }
    }

    /// NXDOMAIN with the SOA.
    fn absent(&self, domain: &str) -> Reply {
        self.with_soa(Reply::code(ResponseCode::NXDomain), domain)
    }

    fn with_soa(&self, mut reply: Reply, domain: &str) -> Reply {
        let domain = if domain.len() == self.query.text.len() { &self.settings.domain } else { domain };
        reply.authorities.extend(records::soa(self.settings, domain));
        reply
    }

    /// Unknown datacenters look like unknown names; everything else is our failure.
    fn failed(&self, error: &Error, domain: &str) -> Reply {
        if error.text.contains("No path to datacenter") {
            return self.absent(domain);
        }
        tracing::error!(target: "agent.dns", error = %error, "rpc error");
        Reply::code(ResponseCode::ServFail)
    }

    // --- nodes -------------------------------------------------------------------------------------------------

    async fn node(&self, datacenter: &str, name: &str, domain: &str) -> Reply {
        use RecordType::{A, AAAA, ANY, TXT};
        if !matches!(self.query.kind, A | AAAA | ANY | TXT) {
            return Reply::default();
        }
        let node = match self.source.node(datacenter, name).await {
            Ok(Some(node)) => node,
            Ok(None) => return self.absent(domain),
            Err(error) => return self.failed(&error, domain),
        };
        let (owner, ttl) = (&self.query.name, self.settings.node_ttl());
        let mut reply = Reply::default();
        if self.query.kind != TXT {
            let wan = records::translate(self.settings, &node.datacenter);
            let address = records::node_address(&node, self.query.kind, wan);
            match address.parse::<IpAddr>() {
                Ok(ip) => reply.answers.extend(records::address(owner, ttl, ip, self.query.kind)),
                Err(_) if address.is_empty() => {}
                Err(_) => reply.answers = self.host(owner, ttl, address, None).await,
            }
        }
        match self.query.kind {
            TXT | ANY => reply.answers.extend(records::metadata(owner, ttl, &node)),
            _ if self.settings.dns.enable_additional_node_meta_txt => {
                reply.additionals = records::metadata(owner, ttl, &node);
            }
            _ => {}
        }
        reply
    }

    fn hex_address(&self, hex: &str, domain: &str) -> Reply {
        let Some(ip) = records::hex_address(hex) else { return self.absent(domain) };
        let left = &self.query.text[..self.query.text.len() - domain.len()].to_ascii_lowercase();
        let Some(owner) = records::name(&format!("{left}{domain}")) else { return self.absent(domain) };
        let Some(record) = records::address(&owner, self.settings.node_ttl(), ip, RecordType::ANY) else {
            return self.absent(domain);
        };
        let mut reply = Reply::default();
        let fits = self.query.kind == RecordType::ANY || self.query.kind == record.record_type();
        if fits {
            reply.answers.push(record)
        } else {
            reply.additionals.push(record)
        }
        reply
    }

    // --- services ----------------------------------------------------------------------------------------------

    async fn service(
        &self,
        datacenter: &str,
        name: &str,
        tag: Option<&str>,
        endpoints: Endpoints,
        domain: &str,
    ) -> Reply {
        let rows = match self.source.service(datacenter, name, tag, endpoints).await {
            Ok(rows) => rows,
            Err(error) => return self.failed(&error, domain),
        };
        let only_passing = self.settings.dns.only_passing;
        let mut rows: Vec<&CheckServiceNode> =
            rows.nodes.iter().filter(|row| records::healthy(row, only_passing)).collect();
        if rows.is_empty() {
            return self.absent(domain);
        }
        rows.shuffle(&mut rand::rng());
        self.instances(&rows, self.settings.dns.ttl_of(name), domain).await
    }

    /// The records of instances in their order; there is at least one.
    async fn instances(&self, rows: &[&CheckServiceNode], ttl: u32, domain: &str) -> Reply {
        let reply = match self.query.kind {
            RecordType::SRV => self.srv(rows, ttl, domain).await,
            _ => self.addresses(rows, ttl).await,
        };
        if reply.answers.is_empty() { self.with_soa(reply, domain) } else { reply }
    }

    /// What a prepared query finds, in its order (`spec/dns.md` 5).
    async fn prepared_query(&self, datacenter: &str, name: &str, domain: &str) -> Reply {
        let found = match self.source.query(datacenter, name, self.query.client).await {
            Ok(Some(found)) if !found.nodes.is_empty() => found,
            Ok(_) => return self.absent(domain),
            Err(error) => return self.failed(&error, domain),
        };
        let ttl = match found.dns.ttl.as_str() {
            "" => self.settings.dns.ttl_of(&found.service),
            text => text.parse::<GoDuration>().map(seconds).unwrap_or_else(|why| {
                tracing::warn!(target: "agent.dns", "Failed to parse TTL for prepared query, ignoring: ttl={text} error={why}");
                0
            }),
        };
        let rows: Vec<&CheckServiceNode> = found.nodes.iter().collect();
        Reply { for_subnet: true, ..self.instances(&rows, ttl, domain).await }
    }

    async fn addresses(&self, rows: &[&CheckServiceNode], ttl: u32) -> Reply {
        let (owner, kind) = (&self.query.name, self.query.kind);
        let limit = match self.settings.dns.a_record_limit {
            0 => usize::MAX,
            limit => limit,
        };
        let (mut reply, mut alias, mut used) = (Reply::default(), None, 0);
        for row in rows {
            if used == limit {
                break;
            }
            let wan = records::translate(self.settings, &row.node.datacenter);
            match records::endpoint(row, &self.query.text, kind, wan) {
                Some(Endpoint::Node(ip) | Endpoint::Ip(ip)) => {
                    let record = records::address(owner, ttl, ip, kind);
                    let fresh = record.filter(|record| !reply.answers.iter().any(|other| other.data == record.data));
                    if let Some(record) = fresh {
                        reply.answers.push(record);
                        used += 1;
                    }
                }
                Some(Endpoint::Host(host)) if alias.is_none() => alias = Some(host),
                _ => {}
            }
        }
        if let (true, Some(host)) = (reply.answers.is_empty(), alias) {
            reply.answers = self.host(owner, ttl, host, Some(ttl)).await;
        }
        reply
    }

    async fn srv(&self, rows: &[&CheckServiceNode], ttl: u32, domain: &str) -> Reply {
        let owner = &self.query.name;
        let mut reply = Reply::default();
        let mut seen = std::collections::HashSet::new();
        for row in rows {
            let datacenter = &row.node.datacenter;
            let wan = records::translate(self.settings, datacenter);
            let port = records::port(&row.service, wan);
            if !seen.insert((&row.node.node, &row.service.address, port)) {
                continue;
            }
            let Some(endpoint) = records::endpoint(row, &self.query.text, RecordType::SRV, wan) else { continue };
            let node_name = node_name(&row.node, domain);
            let target = match endpoint {
                Endpoint::Node(_) => node_name.clone(),
                Endpoint::Ip(ip) => records::hex_name(ip, datacenter, domain),
                Endpoint::Host(host) => records::name(host),
            };
            let Some(target) = target else {
                tracing::warn!(target: "agent.dns", node = %row.node.node, "no DNS name can be made for the instance");
                continue;
            };
            reply.answers.push(records::srv(owner, ttl, records::weight(row), port, target.clone()));
            match endpoint {
                Endpoint::Node(ip) | Endpoint::Ip(ip) => {
                    reply.additionals.extend(records::address(&target, ttl, ip, RecordType::SRV));
                }
                Endpoint::Host(host) => reply.additionals.extend(self.resolved(host, Some(ttl)).await),
            }
            if let (true, Some(owner)) = (self.settings.dns.enable_additional_node_meta_txt, node_name) {
                reply.additionals.extend(records::metadata(&owner, ttl, &row.node));
            }
        }
        reply
    }

    // --- host names --------------------------------------------------------------------------------------------

    /// CNAME to a host name and what it resolves to.
    async fn host(&self, owner: &Name, ttl: u32, host: &str, overwrite: Option<u32>) -> Vec<Record> {
        let Some(target) = records::name(host) else { return Vec::new() };
        let mut answers = vec![records::cname(owner, ttl, target)];
        answers.extend(self.resolved(host, overwrite).await);
        answers
    }

    /// CNAME, A and AAAA records of a host name: from our own data below our domains, else from the recursors.
    async fn resolved(&self, host: &str, overwrite: Option<u32>) -> Vec<Record> {
        if self.depth >= MAX_ALIASES {
            tracing::error!(
                target: "agent.dns",
                name = %host,
                "Infinite recursion detected for name, won't perform any CNAME resolution."
            );
            return Vec::new();
        }
        let text = host.trim_end_matches('.').to_owned();
        let Some(name) = records::name(&text) else { return Vec::new() };
        let domains = [self.settings.domain.as_str(), self.settings.alt_domain.as_str()];
        let mut found = match name::split_domain(&text, &domains) {
            Some((left, domain)) => {
                let query = Query { name, text: text.clone(), kind: RecordType::ANY, ..*self.query };
                let inner =
                    Lookups { source: self.source, settings: self.settings, query: &query, depth: self.depth + 1 };
                match Box::pin(inner.in_domain(left, domain)).await {
                    Outcome::Answer(reply) => reply.answers,
                    _ => Vec::new(),
                }
            }
            None => recursor::resolve(self.settings, &name).await,
        };
        found.retain(|record| matches!(record.record_type(), RecordType::A | RecordType::AAAA | RecordType::CNAME));
        if let Some(ttl) = overwrite {
            found.iter_mut().for_each(|record| record.ttl = ttl);
            if !self.query.edns {
                found.truncate(MAX_RESOLVED);
            }
        }
        found
    }

    // --- the zone itself ---------------------------------------------------------------------------------------

    async fn name_servers(&self, domain: &str) -> Reply {
        let (answers, additionals) = self.servers(domain).await;
        Reply { answers, additionals, ..Reply::default() }
    }

    async fn start_of_authority(&self, domain: &str) -> Reply {
        let (authorities, additionals) = self.servers(domain).await;
        let apex = domain.len() == self.query.text.len();
        let shown = if apex { self.settings.domain.as_str() } else { domain };
        let answers = records::soa(self.settings, shown).into_iter().collect();
        Reply { answers, authorities, additionals, ..Reply::default() }
    }

    /// NS records of up to three healthy servers, and their addresses.
    async fn servers(&self, domain: &str) -> (Vec<Record>, Vec<Record>) {
        let (mut names, mut glue) = (Vec::new(), Vec::new());
        let rows = self.source.service(&self.settings.datacenter, SERVERS, None, Endpoints::Plain).await;
        let (Ok(rows), Some(owner)) = (rows, records::name(domain)) else { return (names, glue) };
        let mut rows: Vec<_> = rows.nodes.iter().filter(|row| records::healthy(row, false)).collect();
        rows.shuffle(&mut rand::rng());
        let ttl = self.settings.node_ttl();
        for row in rows {
            if names.len() == MAX_NAME_SERVERS {
                break;
            }
            let plain = row.node.node.bytes().all(|letter| letter.is_ascii_alphanumeric() || letter == b'-');
            let target = node_name(&row.node, domain).filter(|_| plain).map(|name| name.to_lowercase());
            let Some(target) = target else {
                tracing::warn!(target: "agent.dns", node = %row.node.node, "Skipping invalid node for NS records");
                continue;
            };
            names.push(Record::from_rdata(owner.clone(), ttl, RData::NS(NS(target.clone()))));
            if let Ok(ip) = records::node_address(&row.node, RecordType::ANY, false).parse() {
                glue.extend(records::address(&target, ttl, ip, RecordType::NS));
            }
        }
        (names, glue)
    }

    // --- reverse -----------------------------------------------------------------------------------------------

    async fn reverse(&self) -> Outcome {
        let domain = self.settings.domain.as_str();
        let found = match reverse_address(&self.query.text) {
            Some(address) => self.pointer(address, domain).await,
            None => Ok(None),
        };
        let mut reply = match found {
            Ok(Some(target)) => {
                let record = Record::from_rdata(self.query.name.clone(), 0, RData::PTR(PTR(target)));
                Reply { answers: vec![record], ..Reply::default() }
            }
            Ok(None) if !self.settings.recursors.is_empty() => return Outcome::Recurse,
            Ok(None) => Reply::code(ResponseCode::NXDomain),
            Err(error) => return Outcome::Answer(self.failed(&error, domain)),
        };
        if reply.answers.is_empty() || self.query.kind == RecordType::SOA {
            reply.authorities.extend(records::soa(self.settings, domain));
        }
        Outcome::Answer(reply)
    }

    async fn pointer(&self, address: IpAddr, domain: &str) -> Result<Option<Name>, Error> {
        if let Some(node) = self.source.node_by_address(address).await? {
            return Ok(node_name(&node, domain));
        }
        let service = self.source.service_by_address(address).await?;
        Ok(service.and_then(|(name, datacenter)| records::name(&format!("{name}.service.{datacenter}.{domain}"))))
    }
}

/// A duration as a time to live.
fn seconds(duration: GoDuration) -> u32 {
    u32::try_from(duration.0 / 1_000_000_000).unwrap_or(0)
}

fn node_name(node: &Node, domain: &str) -> Option<Name> {
    records::name(&format!("{}.node.{}.{domain}", node.node, node.datacenter))
}

/// The address that a name below `in-addr.arpa` or `ip6.arpa` spells.
fn reverse_address(text: &str) -> Option<IpAddr> {
    let lower = text.to_ascii_lowercase();
    if let Some(digits) = lower.strip_suffix(".in-addr.arpa") {
        let octets: Vec<u8> = digits.rsplit('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
        return <[u8; 4]>::try_from(octets).ok().map(IpAddr::from);
    }
    let nibbles: Vec<u8> = lower
        .strip_suffix(".ip6.arpa")?
        .rsplit('.')
        .map(|digit| u8::from_str_radix(digit, 16).ok().filter(|_| digit.len() == 1))
        .collect::<Option<_>>()?;
    let octets: Vec<u8> = nibbles.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)).collect();
    (nibbles.len() == 32).then(|| <[u8; 16]>::try_from(octets).ok().map(IpAddr::from))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::prepared_query::{PreparedQueryExecuteResponse, QueryDns};
    use crate::types::requests::IndexedCheckServiceNodes;
    use crate::types::{HealthCheck, NodeService, Result};
    use std::collections::BTreeMap;

    /// A catalog in a table.
    #[derive(Clone, Default)]
    struct Table {
        settings: Arc<Settings>,
        rows: Arc<Vec<CheckServiceNode>>,
    }

    impl Source for Table {
        fn settings(&self) -> Arc<Settings> {
            self.settings.clone()
        }

        async fn service(
            &self,
            datacenter: &str,
            name: &str,
            tag: Option<&str>,
            _: Endpoints,
        ) -> Result<Arc<IndexedCheckServiceNodes>> {
            if datacenter != "dc1" {
                return Err(Error::new("No path to datacenter"));
            }
            let tagged = |row: &CheckServiceNode| {
                let tags = row.service.tags.iter().flatten();
                tag.is_none_or(|tag| tags.map(|own| own.to_lowercase()).any(|own| own == tag))
            };
            let nodes = self.rows.iter().filter(|row| row.service.service == name && tagged(row)).cloned().collect();
            Ok(Arc::new(IndexedCheckServiceNodes { nodes, ..Default::default() }))
        }

        async fn query(
            &self,
            datacenter: &str,
            name: &str,
            client: IpAddr,
        ) -> Result<Option<PreparedQueryExecuteResponse>> {
            let service = match name {
                "pq" => "web",
                "here" if client.to_string() == "10.7.7.0" => "six",
                "empty" | "here" => "nope",
                _ => return Ok(None),
            };
            let found = self.service(datacenter, service, None, Endpoints::Plain).await?;
            let dns = QueryDns { ttl: "10s".into() };
            Ok(Some(PreparedQueryExecuteResponse { nodes: found.nodes.clone(), dns, ..Default::default() }))
        }

        async fn node(&self, _: &str, name: &str) -> Result<Option<Arc<Node>>> {
            Ok(self.rows.iter().find(|row| row.node.node.eq_ignore_ascii_case(name)).map(|row| row.node.clone()))
        }

        async fn node_by_address(&self, address: IpAddr) -> Result<Option<Arc<Node>>> {
            Ok(self.rows.iter().find(|row| row.node.address.parse() == Ok(address)).map(|row| row.node.clone()))
        }

        async fn service_by_address(&self, address: IpAddr) -> Result<Option<(String, String)>> {
            let row = self.rows.iter().find(|row| row.service.address.parse() == Ok(address));
            Ok(row.map(|row| (row.service.service.clone(), row.node.datacenter.clone())))
        }
    }

    /// name, type, code, answers, authority records, additional records
    type Case = (&'static str, RecordType, ResponseCode, &'static [&'static str], usize, usize);

    /// node, node address, service, service address, port, tag, status of the only check
    type Row = (&'static str, &'static str, &'static str, &'static str, i64, &'static str, &'static str);

    const ROWS: &[Row] = &[
        ("vm", "127.0.0.1", "web", "", 8081, "v1", "passing"),
        ("vm", "127.0.0.1", "web", "10.1.2.3", 8080, "Primary", "passing"),
        ("vm", "127.0.0.1", "web", "10.9.9.9", 8082, "v1", "critical"),
        ("vm", "127.0.0.1", "six", "2001:db8::5", 443, "", "passing"),
        ("vm", "127.0.0.1", "ext", "www.example.com", 443, "", "passing"),
        ("vm", "127.0.0.1", "chain", "web.service.consul", 443, "", "passing"),
        ("vm", "127.0.0.1", "loop", "pool.service.consul", 443, "", "passing"),
        ("vm", "127.0.0.1", "pool", "loop.service.consul", 443, "", "passing"),
        ("vm", "127.0.0.1", "warm", "10.9.9.8", 1, "", "warning"),
        ("vm", "127.0.0.1", "consul", "", 8300, "", "passing"),
        ("name.with.dots", "10.0.0.9", "dotted", "", 80, "", "passing"),
    ];

    fn table() -> Table {
        let rows = ROWS.iter().enumerate().map(|(number, (node, address, name, own, port, tag, status))| {
            let node = Node {
                node: (*node).into(),
                address: (*address).into(),
                datacenter: "dc1".into(),
                meta: Some(BTreeMap::from([("k".to_owned(), "v".to_owned())])),
                ..Node::default()
            };
            let service = NodeService {
                id: format!("{name}-{number}"),
                service: (*name).into(),
                address: (*own).into(),
                port: *port,
                tags: Some(vec![(*tag).into()]),
                ..NodeService::default()
            };
            let check = HealthCheck { status: (*status).into(), ..HealthCheck::default() };
            CheckServiceNode { node: Arc::new(node), service: Arc::new(service), checks: vec![Arc::new(check)] }
        });
        let mut settings = Settings { domain: "consul".into(), datacenter: "dc1".into(), ..Settings::default() };
        settings.dns.enable_additional_node_meta_txt = true;
        Table { settings: Arc::new(settings), rows: Arc::new(rows.collect()) }
    }

    /// Code, sorted answers, number of authority and additional records.
    async fn ask(source: &Table, text: &str, kind: RecordType) -> (ResponseCode, Vec<String>, usize, usize) {
        let name = records::name(text).expect("a name");
        let client = IpAddr::from([10, 7, 7, 0]);
        let query = Query { name, text: text.to_owned(), kind, edns: true, client };
        match answer(source, &query).await {
            Outcome::Answer(reply) => {
                let mut answers: Vec<String> = reply.answers.iter().map(|record| record.data.to_string()).collect();
                answers.sort();
                (reply.code, answers, reply.authorities.len(), reply.additionals.len())
            }
            Outcome::Refused => (ResponseCode::Refused, Vec::new(), 0, 0),
            Outcome::NotImplemented => (ResponseCode::NotImp, Vec::new(), 0, 0),
            Outcome::Recurse => (ResponseCode::NoError, vec!["recurse".into()], 0, 0),
        }
    }

    #[tokio::test]
    async fn every_form_of_name_gets_its_answer() {
        use RecordType::{A, AAAA, ANY, AXFR, MX, NS, PTR, SOA, SRV, TXT};
        let (ok, nx) = (ResponseCode::NoError, ResponseCode::NXDomain);
        let cases: &[Case] = &[
            ("web.service.consul", A, ok, &["10.1.2.3", "127.0.0.1"], 0, 0),
            ("web.service.dc1.consul", ANY, ok, &["10.1.2.3", "127.0.0.1"], 0, 0),
            ("WEB.Service.Consul", A, ok, &["10.1.2.3", "127.0.0.1"], 0, 0),
            ("primary.web.service.consul", A, ok, &["10.1.2.3"], 0, 0),
            (
                "web.service.consul",
                SRV,
                ok,
                &["1 1 8080 0a010203.addr.dc1.consul.", "1 1 8081 vm.node.dc1.consul."],
                0,
                4,
            ),
            ("_web._v1.service.consul", SRV, ok, &["1 1 8081 vm.node.dc1.consul."], 0, 2),
            ("_web._tcp", SRV, ResponseCode::Refused, &[], 0, 0),
            ("web.service.consul", AAAA, ok, &[], 1, 0),
            ("web.service.consul", MX, ok, &[], 1, 0),
            ("six.service.consul", AAAA, ok, &["2001:db8::5"], 0, 0),
            ("ext.service.consul", A, ok, &["www.example.com."], 0, 0),
            ("ext.service.consul", SRV, ok, &["1 1 443 www.example.com."], 0, 1),
            ("chain.service.consul", A, ok, &["10.1.2.3", "127.0.0.1", "web.service.consul."], 0, 0),
            ("warm.service.consul", A, ok, &["10.9.9.8"], 0, 0),
            ("nope.service.consul", A, nx, &[], 1, 0),
            ("web.service.dc9.consul", A, nx, &[], 1, 0),
            ("vm.node.consul", A, ok, &["127.0.0.1"], 0, 1),
            ("vm.node.consul", TXT, ok, &["k=v"], 0, 0),
            ("vm.node.consul", ANY, ok, &["127.0.0.1", "k=v"], 0, 0),
            ("vm.node.consul", AAAA, ok, &[], 0, 1),
            ("vm.node.consul", SRV, ok, &[], 0, 0),
            ("name.with.dots.node.consul", A, ok, &["10.0.0.9"], 0, 1),
            ("nope.node.consul", A, nx, &[], 1, 0),
            ("0a010203.addr.dc1.consul", A, ok, &["10.1.2.3"], 0, 0),
            ("0a010203.addr.consul", AAAA, ok, &[], 0, 1),
            ("0a0102.addr.consul", A, nx, &[], 1, 0),
            ("3.2.1.10.in-addr.arpa", PTR, ok, &["web.service.dc1.consul."], 0, 0),
            ("1.0.0.127.in-addr.arpa", PTR, ok, &["vm.node.dc1.consul."], 0, 0),
            ("9.9.9.9.in-addr.arpa", PTR, nx, &[], 1, 0),
            ("consul", NS, ok, &["vm.node.dc1.consul."], 0, 1),
            ("consul", A, nx, &[], 1, 0),
            ("web.virtual.consul", A, ok, &[], 0, 0),
            ("any.query.consul", A, nx, &[], 1, 0),
            ("empty.query.consul", A, nx, &[], 1, 0),
            ("pq.query.dc9.consul", A, nx, &[], 1, 0),
            ("pq.query.consul", A, ok, &["10.1.2.3", "10.9.9.9", "127.0.0.1"], 0, 0),
            ("_pq._tcp.query.dc1.consul", MX, ok, &[], 1, 0),
            ("here.query.consul", AAAA, ok, &["2001:db8::5"], 0, 0),
            ("consul", AXFR, ResponseCode::NotImp, &[], 0, 0),
            ("example.org", A, ResponseCode::Refused, &[], 0, 0),
        ];
        let source = table();
        for (name, kind, code, answers, authorities, additionals) in cases {
            let got = ask(&source, name, *kind).await;
            let answers: Vec<String> = answers.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(got, (*code, answers, *authorities, *additionals), "{name} {kind}");
        }
        let (code, answers, servers, glue) = ask(&source, "consul", SOA).await;
        assert_eq!((code, answers.len(), servers, glue), (ok, 1, 1, 1));
    }

    #[tokio::test]
    async fn aliases_in_a_circle_end() {
        let (code, answers, ..) = ask(&table(), "loop.service.consul", RecordType::A).await;
        assert_eq!(code, ResponseCode::NoError);
        assert!(answers.len() <= 4, "{answers:?}");
    }

    #[tokio::test]
    async fn only_passing_drops_instances_in_warning() {
        let mut source = table();
        Arc::make_mut(&mut source.settings).dns.only_passing = true;
        let (code, ..) = ask(&source, "warm.service.consul", RecordType::A).await;
        assert_eq!(code, ResponseCode::NXDomain);
    }
}
