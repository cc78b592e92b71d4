//! From the flags of a command to a client of the agent.

use crate::cli::{Context, Exit, Matches};
use crate::client::{Client, Overrides, Params, Settings};

/// The client that most commands use; a bad address, token or CA file reads `Error connecting to Consul agent: ...`.
///
/// # Errors
/// The settings make no client (`spec/cli.md` 7.1).
pub fn connect(cx: &Context, m: &Matches) -> Result<Client, Exit> {
    connect_saying(cx, m, "Error connecting to Consul agent")
}

/// [`connect`] with another beginning of the error text.
///
/// # Errors
/// As [`connect`].
pub fn connect_saying(cx: &Context, m: &Matches, failure: &str) -> Result<Client, Exit> {
    settings(cx, m).and_then(Client::new).map_err(|error| Exit::error(format!("{failure}: {error}")))
}

/// Address, token, TLS and tenancy from flags and environment; tells of unreadable variables on stderr.
///
/// # Errors
/// An unknown address scheme or an unreadable token file.
pub fn settings(cx: &Context, m: &Matches) -> Result<Settings, String> {
    let settings = Settings::resolve(overrides(m), &|name| std::env::var(name).ok())?;
    // The reference reads its defaults twice, and so warns twice.
    for warning in settings.warnings.iter().flat_map(|warning| [warning, warning]) {
        let time = chrono::Local::now().format("%Y-%m-%dT%H:%M:%S%.3f%z");
        cx.error(format!("{time} [WARN]  consul-api: {warning}"));
    }
    Ok(settings)
}

/// What the flags say about the agent and who asks.
pub fn overrides(m: &Matches) -> Overrides {
    let given = |name: &str| m.given(name).map(str::to_string);
    Overrides {
        http_addr: given("http-addr"),
        token: given("token"),
        token_file: given("token-file"),
        ca_file: given("ca-file"),
        ca_path: given("ca-path"),
        client_cert: given("client-cert"),
        client_key: given("client-key"),
        tls_server_name: given("tls-server-name"),
        datacenter: given("datacenter"),
        namespace: given("namespace"),
        partition: given("partition"),
    }
}

/// Parameters of a read that honours `-stale`.
pub fn read_params(m: &Matches) -> Params {
    Params::new().with_if(m.flag("stale"), "stale", "")
}
