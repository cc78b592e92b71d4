//! `version`: what this binary is compatible with (`spec/cli.md` 28).

use crate::cli::output::json;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches};
use crate::types::version::{BUILD_DATE, COMPATIBLE, OWN, PROTOCOL, PROTOCOL_RANGE, REVISION};
use serde_json::json;

/// The command.
pub static COMMAND: Command = Command {
    path: &["version"],
    synopsis: "Prints the Consul version",
    usage: "Usage: {program} version [options]

  Prints the version of the API that this binary is compatible with, its own
  revision and the protocols that it speaks.",
    groups: Groups::NONE,
    flags: &[Flag::string("format", "Output format: {pretty|json}.").default("pretty")],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let (min, max) = PROTOCOL_RANGE;
    match m.text("format") {
        "pretty" | "" => cx.output(format!(
            "Tribune v{OWN}, compatible with Consul v{COMPATIBLE}\nRevision {REVISION}\nBuild Date {BUILD_DATE}\nProtocol {PROTOCOL} spoken by default, \
             understands {min} to {max} (agent will automatically use protocol >2 when speaking to compatible agents)\n"
        )),
        "json" => cx.output(json(
            &json!({
                "Version": COMPATIBLE,
                "Revision": REVISION,
                "Prerelease": "",
                "BuildDate": BUILD_DATE,
                "RPC": {"Default": PROTOCOL, "Min": min, "Max": max},
            }),
            "   ",
        )),
        other => return Err(Exit::error(format!("Unknown format: {other}"))),
    }
    Ok(())
}
