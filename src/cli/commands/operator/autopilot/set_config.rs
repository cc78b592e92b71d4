//! `operator autopilot set-config` (`spec/cli.md` 21.1).

use super::CONFIGURATION;
use crate::cli::connect::connect_saying;
use crate::cli::{Command, Context, Exit, Flag, Groups, Kind, Matches, OrExit};
use crate::client::{Body, Params};
use crate::types::operator::AutopilotConfig;

/// The command.
pub static COMMAND: Command = Command {
    path: &["operator", "autopilot", "set-config"],
    synopsis: "Modify the current Autopilot configuration",
    usage: "Usage: {program} operator autopilot set-config [options]

  Changes the autopilot configuration; what is not given stays as it is.",
    groups: Groups::CS,
    flags: &[
        Flag::new(
            "cleanup-dead-servers",
            Kind::BoolValue,
            "Whether failed servers are removed when a new one joins; `true|false`.",
        ),
        Flag::new("disable-upgrade-migration", Kind::BoolValue, "Enterprise, stored only; `true|false`."),
        Flag::new(
            "last-contact-threshold",
            Kind::DurationValue,
            "Longest time without contact to the leader before a server counts as unhealthy, such as `200ms`.",
        ),
        Flag::new(
            "max-trailing-logs",
            Kind::UintValue,
            "Most log entries that a healthy server may be behind the leader.",
        ),
        Flag::new("min-quorum", Kind::UintValue, "Number of voters below which nothing is removed."),
        Flag::new("redundancy-zone-tag", Kind::StringValue, "Enterprise, stored only."),
        Flag::new(
            "server-stabilization-time",
            Kind::DurationValue,
            "Time that a new server must be healthy before it votes, such as `10s`.",
        ),
        Flag::new("upgrade-version-tag", Kind::StringValue, "Enterprise, stored only."),
    ],
    flag_error: Some("Failed to parse args: "),
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let client = connect_saying(cx, m, "Error initializing client")?;
    let mut config: AutopilotConfig =
        cx.block_on(client.get(CONFIGURATION, Params::new())).or_exit("Error querying Autopilot configuration")?;
    overlay(&mut config, m);
    let params = Params::new().with("cas", config.modify_index);
    let answer = cx
        .block_on(client.put(CONFIGURATION, params, Some(Body::json(&config))))
        .or_exit("Error setting Autopilot configuration")?;
    if !String::from_utf8_lossy(&answer).contains("true") {
        cx.output("Configuration could not be atomically updated, please try again");
        return Err(Exit::code(1));
    }
    cx.output("Configuration updated!");
    Ok(())
}

/// Puts the given flags over the configuration.
fn overlay(config: &mut AutopilotConfig, m: &Matches) {
    let booleans = [
        ("cleanup-dead-servers", &mut config.cleanup_dead_servers),
        ("disable-upgrade-migration", &mut config.disable_upgrade_migration),
    ];
    booleans.into_iter().filter(|(name, _)| m.is_set(name)).for_each(|(name, field)| *field = m.flag(name));
    let numbers = [("max-trailing-logs", &mut config.max_trailing_logs), ("min-quorum", &mut config.min_quorum)];
    numbers.into_iter().filter(|(name, _)| m.is_set(name)).for_each(|(name, field)| *field = m.uint(name));
    let durations = [
        ("last-contact-threshold", &mut config.last_contact_threshold),
        ("server-stabilization-time", &mut config.server_stabilization_time),
    ];
    durations.into_iter().filter(|(name, _)| m.is_set(name)).for_each(|(name, field)| *field = m.duration(name));
    let texts = [
        ("redundancy-zone-tag", &mut config.redundancy_zone_tag),
        ("upgrade-version-tag", &mut config.upgrade_version_tag),
    ];
    texts.into_iter().filter(|(name, _)| m.is_set(name)).for_each(|(name, field)| *field = m.text(name).to_string());
}
