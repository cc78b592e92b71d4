//! The table of commands. A command is one file with a `COMMAND`; it exists when it stands in [`ALL`].

pub mod acl;
pub mod agent;
pub mod catalog;
pub mod connect;
pub mod debug;
pub mod event;
pub mod exec;
pub mod force_leave;
pub mod generate;
pub mod info;
pub mod join;
pub mod keygen;
pub mod keyring;
pub mod kv;
pub mod leave;
pub mod lock;
pub mod login;
pub mod logout;
pub mod maint;
pub mod members;
pub mod monitor;
pub mod operator;
pub mod reload;
pub mod rtt;
pub mod services;
pub mod snapshot;
pub mod tls;
pub mod validate;
pub mod version;
pub mod watch;

use crate::cli::Command;
use crate::client::{Client, Params};

/// Every command, groups included; order does not matter.
pub static ALL: &[&Command] = &[
    &acl::COMMAND,
    &acl::auth_method::COMMAND,
    &acl::auth_method::create::COMMAND,
    &acl::auth_method::delete::COMMAND,
    &acl::auth_method::list::COMMAND,
    &acl::auth_method::read::COMMAND,
    &acl::auth_method::update::COMMAND,
    &acl::binding_rule::COMMAND,
    &acl::binding_rule::create::COMMAND,
    &acl::binding_rule::delete::COMMAND,
    &acl::binding_rule::list::COMMAND,
    &acl::binding_rule::read::COMMAND,
    &acl::binding_rule::update::COMMAND,
    &acl::bootstrap::COMMAND,
    &acl::policy::COMMAND,
    &acl::policy::create::COMMAND,
    &acl::policy::delete::COMMAND,
    &acl::policy::list::COMMAND,
    &acl::policy::read::COMMAND,
    &acl::policy::update::COMMAND,
    &acl::role::COMMAND,
    &acl::role::create::COMMAND,
    &acl::role::delete::COMMAND,
    &acl::role::list::COMMAND,
    &acl::role::read::COMMAND,
    &acl::role::update::COMMAND,
    &acl::set_agent_token::COMMAND,
    &acl::templated_policy::COMMAND,
    &acl::templated_policy::list::COMMAND,
    &acl::templated_policy::preview::COMMAND,
    &acl::templated_policy::read::COMMAND,
    &acl::token::COMMAND,
    &acl::token::clone::COMMAND,
    &acl::token::create::COMMAND,
    &acl::token::delete::COMMAND,
    &acl::token::list::COMMAND,
    &acl::token::read::COMMAND,
    &acl::token::update::COMMAND,
    &agent::COMMAND,
    &catalog::COMMAND,
    &catalog::datacenters::COMMAND,
    &catalog::nodes::COMMAND,
    &catalog::services::COMMAND,
    &connect::COMMAND,
    &connect::ca::COMMAND,
    &connect::ca::get_config::COMMAND,
    &connect::ca::set_config::COMMAND,
    &debug::COMMAND,
    &event::COMMAND,
    &exec::COMMAND,
    &force_leave::COMMAND,
    &info::COMMAND,
    &join::COMMAND,
    &keygen::COMMAND,
    &keyring::COMMAND,
    &kv::COMMAND,
    &kv::delete::COMMAND,
    &kv::export::COMMAND,
    &kv::get::COMMAND,
    &kv::import::COMMAND,
    &kv::put::COMMAND,
    &leave::COMMAND,
    &lock::COMMAND,
    &login::COMMAND,
    &logout::COMMAND,
    &maint::COMMAND,
    &members::COMMAND,
    &monitor::COMMAND,
    &operator::COMMAND,
    &operator::autopilot::COMMAND,
    &operator::autopilot::get_config::COMMAND,
    &operator::autopilot::set_config::COMMAND,
    &operator::autopilot::state::COMMAND,
    &operator::raft::COMMAND,
    &operator::raft::list_peers::COMMAND,
    &operator::raft::remove_peer::COMMAND,
    &operator::raft::transfer_leader::COMMAND,
    &operator::usage::COMMAND,
    &operator::usage::instances::COMMAND,
    &reload::COMMAND,
    &rtt::COMMAND,
    &validate::COMMAND,
    &services::COMMAND,
    &services::deregister::COMMAND,
    &services::register::COMMAND,
    &snapshot::COMMAND,
    &snapshot::decode::COMMAND,
    &snapshot::inspect::COMMAND,
    &snapshot::restore::COMMAND,
    &snapshot::save::COMMAND,
    &tls::COMMAND,
    &tls::ca::COMMAND,
    &tls::ca::CREATE,
    &tls::cert::COMMAND,
    &tls::cert::CREATE,
    &version::COMMAND,
    &watch::COMMAND,
];

/// Commands that work and are neither listed nor completed.
pub static HIDDEN: &[&Command] = &[&generate::COMMAND];

/// Name of the agent's node.
async fn node_name(client: &Client) -> Result<String, crate::client::Error> {
    let own: serde_json::Value = client.get("/v1/agent/self", Params::new()).await?;
    Ok(own["Config"]["NodeName"].as_str().unwrap_or_default().to_string())
}
