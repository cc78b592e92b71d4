//! Health checks that an agent runs: one file per kind, one small task per check (`spec/services-and-checks.md` 3-5).
//!
//! This room knows nothing of the agent: results leave through [`CheckSink`], aliased checks come in through
//! [`AliasSource`], everything else a check may need is in [`CheckEnv`].

mod kind;

pub use kind::{CheckKind, validate};

use crate::types::{CheckStatus, CheckType, Error, Index};
use futures::future::BoxFuture;
use std::sync::Arc;
use tokio::sync::watch;

/// Takes results. Called for every run, also when nothing changed; must not block.
pub trait CheckSink: Send + Sync + 'static {
    /// The check has this status and output now.
    fn update(&self, check_id: &str, status: CheckStatus, output: String);
}

/// What an alias check sees of the checks it follows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AliasView {
    /// Index of the answer, for the next blocking query; 0 for local views.
    pub index: Index,
    /// The aliased service is there (true when no service was asked for).
    pub service_exists: bool,
    /// Checks of the service and of its node; those of other services are ignored.
    pub checks: Vec<AliasedCheck>,
}

/// A check behind an alias.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AliasedCheck {
    /// Its name.
    pub name: String,
    /// Its service; empty for node checks.
    pub service_id: String,
    /// Its status.
    pub status: String,
    /// Its output.
    pub output: String,
}

/// Where alias checks look (`spec/services-and-checks.md` 4.2, alias).
pub trait AliasSource: Send + Sync + 'static {
    /// True when this is the agent's own node name.
    fn is_local_node(&self, node: &str) -> bool;
    /// The agent's own checks of a service id, and its node checks.
    fn local(&self, service_id: &str) -> AliasView;
    /// Changes whenever a local check or service does.
    fn local_changes(&self) -> watch::Receiver<u64>;
    /// Blocking query of a node's checks (stale allowed up to 15 s, wait 1 minute).
    fn remote<'a>(
        &'a self,
        node: &'a str,
        service_id: &'a str,
        token: &'a str,
        min_index: Index,
    ) -> BoxFuture<'a, Result<AliasView, Error>>;
}

/// Where a definition came from; decides whether it may run scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckSource {
    /// Configuration files.
    Config,
    /// The HTTP API.
    Api,
}

/// Agent-wide settings of checks; cheap to clone.
#[derive(Clone)]
pub struct CheckEnv {
    /// `enable_script_checks`.
    pub enable_script_checks: bool,
    /// `enable_local_script_checks`.
    pub enable_local_script_checks: bool,
    /// `check_output_max_size`, bytes.
    pub output_max_size: usize,
    /// `User-Agent` of HTTP checks.
    pub user_agent: Arc<str>,
    /// `DOCKER_HOST`; `None` is the default socket.
    pub docker_host: Option<Arc<str>>,
    /// Source of alias checks.
    pub alias: Arc<dyn AliasSource>,
}

impl CheckEnv {
    /// An environment with the reference's defaults; scripts are off.
    pub fn new(alias: Arc<dyn AliasSource>) -> CheckEnv {
        CheckEnv {
            enable_script_checks: false,
            enable_local_script_checks: false,
            output_max_size: DEFAULT_OUTPUT_MAX_SIZE,
            user_agent: "Consul Health Check".into(),
            docker_host: std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty()).map(Into::into),
            alias,
        }
    }
}

/// Output limit in bytes when nothing is configured.
pub const DEFAULT_OUTPUT_MAX_SIZE: usize = 4096;

/// What to run.
pub struct CheckSpec<'a> {
    /// Check id, unique on the agent.
    pub check_id: &'a str,
    /// The definition; checked with [`validate`] by [`start`].
    pub def: &'a CheckType,
    /// Where it came from.
    pub source: CheckSource,
    /// ACL token of the check or its service, else the default one (alias checks use it).
    pub token: &'a str,
}

/// A running check. Dropping it stops the check and kills what it started.
pub struct CheckHandle {
    kind: CheckKind,
}

impl CheckHandle {
    /// Kind of the check.
    pub fn kind(&self) -> CheckKind {
        self.kind
    }

    /// Sets the state of a TTL check, restarts its timer and tells the sink. Returns the output as it was stored (cut
    /// to the limit). Fails for other kinds.
    pub fn ttl_set(&self, status: CheckStatus, output: &str) -> Result<String, Error> {
        let _ = (status, output);
        todo!()
    }
}

/// Starts a check; needs a Tokio runtime.
///
/// Errors: an invalid definition (`Check is not valid: ...`), scripts that are not allowed for this source
/// (`spec/services-and-checks.md` 3.3), a kind this system does not have.
pub fn start(spec: CheckSpec<'_>, env: &CheckEnv, sink: Arc<dyn CheckSink>) -> Result<CheckHandle, Error> {
    let _ = (spec.check_id, spec.def, spec.source, spec.token, env, sink);
    todo!()
}
