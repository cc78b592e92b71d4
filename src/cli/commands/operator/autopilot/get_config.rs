//! `operator autopilot get-config` (`spec/cli.md` 21.1).

use super::CONFIGURATION;
use crate::cli::connect::{connect_saying, read_params};
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit};
use crate::types::operator::AutopilotConfig;

/// The command.
pub static COMMAND: Command = Command {
    path: &["operator", "autopilot", "get-config"],
    synopsis: "Display the current Autopilot configuration",
    usage: "Usage: {program} operator autopilot get-config [options]

  Prints the autopilot configuration.",
    groups: Groups::CS,
    flags: &[],
    flag_error: Some("Failed to parse args: "),
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let client = connect_saying(cx, m, "Error initializing client")?;
    let config: AutopilotConfig =
        cx.block_on(client.get(CONFIGURATION, read_params(m))).or_exit("Error querying Autopilot configuration")?;
    cx.output(format!("CleanupDeadServers = {}", config.cleanup_dead_servers));
    cx.output(format!("LastContactThreshold = {}", config.last_contact_threshold));
    cx.output(format!("MaxTrailingLogs = {}", config.max_trailing_logs));
    cx.output(format!("MinQuorum = {}", config.min_quorum));
    cx.output(format!("ServerStabilizationTime = {}", config.server_stabilization_time));
    cx.output(format!("RedundancyZoneTag = {:?}", config.redundancy_zone_tag));
    cx.output(format!("DisableUpgradeMigration = {}", config.disable_upgrade_migration));
    cx.output(format!("UpgradeVersionTag = {:?}", config.upgrade_version_tag));
    Ok(())
}
