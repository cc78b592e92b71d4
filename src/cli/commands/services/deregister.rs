//! `services deregister` (`spec/cli.md` 24).

use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::Params;

/// The command.
pub static COMMAND: Command = Command {
    path: &["services", "deregister"],
    synopsis: "Deregister services with the local agent",
    usage: "Usage: {program} services deregister [options] [FILE...]

  Removes the services of files in the format of the agent's configuration,
  or the one with an id, from the agent.

      $ {program} services deregister -id=web
      $ {program} services deregister web.hcl db.json",
    groups: Groups::CSN,
    flags: &[Flag::string("id", "Id of the service to remove.")],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let id = m.text("id");
    if m.args().is_empty() && id.is_empty() {
        return Err(Exit::error("Service deregistration requires at least one argument or -id."));
    }
    if !m.args().is_empty() && !id.is_empty() {
        return Err(Exit::error("Service deregistration requires arguments or -id, not both."));
    }
    let targets: Vec<(String, String)> = if id.is_empty() {
        let services = super::from_files(m.args())?.into_iter().map(|definition| definition.service);
        services.map(|s| if s.id.is_empty() { (s.service.clone(), s.service) } else { (s.id, s.service) }).collect()
    } else {
        vec![(id.to_string(), String::new())]
    };
    let client = connect(cx, m)?;
    for (id, name) in targets {
        let path = format!("/v1/agent/service/deregister/{id}");
        cx.block_on(client.put(&path, Params::new(), None))
            .or_exit(&format!("Error deregistering service {name:?}"))?;
        cx.output(format!("Deregistered service: {id}"));
    }
    Ok(())
}
