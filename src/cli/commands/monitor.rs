//! `monitor`: the agent's log as it grows (`spec/cli.md` 20).

use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches};
use crate::client::{Client, Error, Method, Params};

/// The command.
pub static COMMAND: Command = Command {
    path: &["monitor"],
    synopsis: "Stream logs from a Consul agent",
    usage: "Usage: {program} monitor [options]

  Prints the log lines of the agent as they are written, down to the level
  asked for, whatever level the agent itself logs at. Ends on interrupt.",
    groups: Groups::C,
    flags: &[
        Flag::bool("log-json", "Print the lines as JSON."),
        Flag::string("log-level", "Lowest level to print.").default("INFO"),
    ],
    flag_error: None,
    run,
};

/// How the stream ended.
enum End {
    Signal,
    Remote,
}

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let client = connect(cx, m)?;
    let json = m.flag("log-json");
    let params = Params::new().with("loglevel", m.text("log-level")).with_if(json, "logjson", true);
    let end = cx.block_on(async {
        tokio::select! {
            ended = stream(cx, &client, params) => ended.map(|()| End::Remote),
            () = crate::cli::interrupted() => Ok(End::Signal),
        }
    });
    match end {
        Ok(End::Signal) => Ok(()),
        Ok(End::Remote) => {
            cx.output(
                "\nRemote side ended the monitor! This usually means that the\nremote side has exited or crashed.",
            );
            Err(Exit::code(1))
        }
        Err(error) => {
            let what = if json { "JSON monitor" } else { "monitor" };
            Err(Exit::error(format!("Error starting {what}: {error}")))
        }
    }
}

async fn stream(cx: &Context, client: &Client, params: Params) -> Result<(), Error> {
    let mut response = client.open(Method::GET, "/v1/agent/monitor", params, None).await?;
    if response.status() != 200 {
        let code = response.status().as_u16();
        let body = response.text().await.unwrap_or_default().trim().to_string();
        return Err(Error::Status { code, body });
    }
    while let Ok(Some(chunk)) = response.chunk().await {
        cx.write(&chunk);
    }
    Ok(())
}
