//! `validate`: reads configuration files as an agent would and says whether it would start (`spec/cli.md` 28).

use super::agent::config_format;
use crate::cli::flags::{Flag, Matches};
use crate::cli::{Command, Context, Exit, Groups};
use crate::config::{self, Load};
use std::path::PathBuf;

/// Checks configuration files.
pub static COMMAND: Command = Command {
    path: &["validate"],
    synopsis: "Validate config files/directories",
    usage: "Usage: {program} validate [options] FILE_OR_DIRECTORY...

  Reads the given configuration files and directories the way an agent does and
  reports what would stop it from starting. Give the complete set of files:
  fragments that lack a required value are refused.

  The exit code is 0 for a valid configuration and 1 otherwise.",
    groups: Groups::NONE,
    flags: &[
        Flag::string("config-format", "Format of all files whatever their extension: 'hcl' or 'json'."),
        Flag::bool("quiet", "Print nothing when the configuration is valid."),
    ],
    flag_error: Some(""),
    run,
};

fn run(cx: &Context, matches: &Matches) -> Result<(), Exit> {
    let config_format =
        config_format(matches).map_err(|_| Exit::error("-config-format must be either 'hcl' or 'json".to_string()))?;
    if matches.args().is_empty() {
        return Err(Exit::error("Must specify at least one config file or directory".to_string()));
    }
    let files = matches.args().iter().map(PathBuf::from).collect();
    let loaded = config::load(&Load { config_format, files, ..Load::default() })
        .map_err(|error| Exit::error(format!("Config validation failed: {error}")))?;
    if !matches.flag("quiet") {
        for warning in &loaded.warnings {
            cx.error(warning);
        }
        cx.output("Configuration is valid!");
    }
    Ok(())
}
