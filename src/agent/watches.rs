//! Watches of the configuration (`spec/semantics.md` 21.3). They ask this agent over its own HTTP listener, with the plans
//! and handlers of the command line, so that both see the same data in the same form.

use super::Agent;
use crate::client::watch::{Handler, Output, Plan};
use crate::client::{Client, Settings};
use crate::config::{ListenAddr, RuntimeConfig};
use crate::types::{Error, Result};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::ControlFlow;
use tokio::sync::oneshot;

/// The address under which this process reaches a listener.
fn reachable(listener: &ListenAddr, scheme: &str) -> String {
    match listener {
        ListenAddr::Unix(path) => format!("unix://{}", path.display()),
        ListenAddr::Ip(address) => {
            let ip = match address.ip() {
                IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
                IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
                ip => ip,
            };
            format!("{scheme}://{}", SocketAddr::new(ip, address.port()))
        }
    }
}

/// The plans and handlers of a configuration.
fn parse(config: &RuntimeConfig, default_token: &str) -> Result<Vec<(Plan, Handler)>> {
    let watches = config.watches.iter().map(|params| {
        let mut plan = Plan::parse(params).map_err(Error::new)?;
        if plan.kind.starts_with("connect_") {
            return Err(Error::new(format!("Watch type {} is not allowed in agent config", plan.kind)));
        }
        if plan.token.is_empty() {
            default_token.clone_into(&mut plan.token);
        }
        Ok((plan, Handler::parse(params).map_err(Error::new)?))
    });
    watches.collect()
}

impl Agent {
    /// Ends the watches that run and starts those of the configuration.
    ///
    /// # Errors
    /// A watch that is not valid, or that there is no listener to ask.
    pub(super) fn restart_watches(&self, config: &RuntimeConfig) -> Result<()> {
        let plans = parse(config, &self.tokens().default())?;
        *self.inner.watches.lock() = None;
        if plans.is_empty() {
            return Ok(());
        }
        let http = config.http_addrs.first().map(|listener| reachable(listener, "http"));
        let address = http.or_else(|| config.https_addrs.first().map(|listener| reachable(listener, "https")));
        let address = address.ok_or_else(|| Error::new("watch plans require an HTTP or HTTPS endpoint"))?;
        let mut settings = Settings::for_address(&address).map_err(Error::new)?;
        if address.starts_with("https:") {
            // the agent asks itself: it shows the port's own certificate and knows who answers
            let block = &config.tls.https;
            settings.insecure = true;
            settings.client_cert.clone_from(&block.cert_file);
            settings.client_key.clone_from(&block.key_file);
        }
        let (stop, stopped) = oneshot::channel();
        // a thread of their own, so that handlers never take the time of requests
        std::thread::Builder::new().name("watches".into()).spawn(move || run_all(&plans, &settings, stopped))?;
        *self.inner.watches.lock() = Some(stop);
        Ok(())
    }
}

/// Runs watches until the other end of `stopped` is dropped.
fn run_all(plans: &[(Plan, Handler)], settings: &Settings, stopped: oneshot::Receiver<()>) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return tracing::error!(target: "agent", error = %error, "Failed to start watches"),
    };
    runtime.block_on(async {
        let watches = plans.iter().map(|(plan, handler)| follow(settings, plan, handler));
        tokio::select! {
            _ = futures::future::join_all(watches) => {}
            _ = stopped => {}
        }
    });
}

/// Runs one watch for ever; what its handler prints goes to the log.
async fn follow(settings: &Settings, plan: &Plan, handler: &Handler) {
    let client = match Client::new(Settings { token: plan.token.clone(), ..settings.clone() }) {
        Ok(client) => client,
        Err(error) => return tracing::error!(target: "agent", error, "Failed to start a watch"),
    };
    let kind = plan.kind.as_str();
    let tell = async |index: u64, data: &serde_json::Value| -> ControlFlow<Infallible> {
        match handler.run(index, data, Output::Tail).await {
            Ok(output) => tracing::debug!(target: "agent", watch = kind, output, "watch handler output"),
            Err(error) => tracing::error!(target: "agent", watch = kind, error, "Failed to run watch handler"),
        }
        ControlFlow::Continue(())
    };
    let failed = |text: &str| tracing::error!(target: "agent", "{text}");
    let never: Infallible = plan.run(&client, tell, failed).await;
    match never {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, Value, json};

    fn config(watch: Value) -> RuntimeConfig {
        let params: Map<String, Value> = serde_json::from_value(watch).expect("an object");
        RuntimeConfig { watches: vec![params], ..RuntimeConfig::default() }
    }

    #[test]
    fn a_watch_without_a_token_uses_the_default_one() {
        let plans = parse(&config(json!({"type": "key", "key": "a", "args": ["true"]})), "default").expect("valid");
        assert_eq!(plans[0].0.token, "default");
    }

    #[test]
    fn what_is_wrong_with_a_watch_is_said() {
        let cases = [
            (json!({"type": "key", "key": "a"}), "Must define a watch handler"),
            (
                json!({"type": "connect_roots", "args": ["true"]}),
                "Watch type connect_roots is not allowed in agent config",
            ),
            (json!({"type": "nodes", "args": ["true"], "handler": "true"}), "Only one watch handler allowed"),
        ];
        for (watch, expected) in cases {
            assert_eq!(parse(&config(watch), "").expect_err("not valid").text, expected);
        }
    }

    #[test]
    fn a_listener_on_all_addresses_is_asked_on_loopback() {
        let listener = |text: &str| ListenAddr::Ip(text.parse().expect("an address"));
        assert_eq!(reachable(&listener("0.0.0.0:8500"), "http"), "http://127.0.0.1:8500");
        assert_eq!(reachable(&listener("[::]:8501"), "https"), "https://[::1]:8501");
        assert_eq!(reachable(&ListenAddr::Unix("/run/x".into()), "http"), "unix:///run/x");
    }
}
