//! `exec` and `event`: commands and events that reach every agent of a cluster.

use crate::support::cluster::{cluster, cluster_with};
use crate::support::*;
use std::process::Output;

/// An agent that takes part in remote execution.
fn willing() -> TestAgent {
    dev().arg("-hcl=disable_remote_exec = false").start()
}

fn exec(agent: &TestAgent, args: &[&str], stdin: &[u8]) -> Output {
    agent.cli_with_stdin(&[&["exec", "-wait=1s"], args].concat(), stdin)
}

/// The lines of an output in a fixed order: nodes and keys come as they please.
fn sorted(output: &Output) -> Vec<String> {
    let mut lines: Vec<String> = stdout(output).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn output_and_exit_code_come_back() {
    let agent = willing();
    // Words, standard input, exit code, lines.
    type Case<'a> = (&'a [&'a str], &'a [u8], i32, &'a [&'a str]);
    let cases: [Case<'_>; 4] = [
        (
            &["echo out; echo err >&2; exit 3"],
            b"",
            2,
            &[
                "    node1:",
                "    node1: err",
                "    node1: out",
                "1 / 1 node(s) completed / acknowledged",
                "==> node1: finished with exit code 3",
            ],
        ),
        (
            &["-shell=false", "printf", "%s", "$HOME"],
            b"",
            0,
            &["    node1: $HOME", "1 / 1 node(s) completed / acknowledged", "==> node1: finished with exit code 0"],
        ),
        (
            &["-"],
            b"#!/bin/sh\nprintf script",
            0,
            &["    node1: script", "1 / 1 node(s) completed / acknowledged", "==> node1: finished with exit code 0"],
        ),
        (&["-node=^other$", "true"], b"", 0, &["0 / 0 node(s) completed / acknowledged"]),
    ];
    for (args, stdin, code, lines) in cases {
        let output = exec(&agent, args, stdin);
        assert_eq!(sorted(&output), lines, "{args:?} {}", stderr(&output));
        assert_eq!(output.status.code(), Some(code), "{args:?}");
    }
    assert_eq!(agent.get("/v1/kv/?keys").text(), "[]", "nothing is left behind");
    assert_eq!(agent.get("/v1/session/list").text(), "[]");
}

#[test]
fn every_step_is_told_on_demand() {
    let agent = willing();
    let text = stdout(&exec(&agent, &["-verbose", "true"], b""));
    let steps = [
        "Created remote execution session: ",
        "\nUploaded remote execution spec\nFired remote execution event: ",
        "\n==> node1: acknowledged\n",
        "\n==> node1: finished with exit code 0\n",
        "\n1 / 1 node(s) completed / acknowledged\nCompleted in ",
    ];
    for step in steps {
        assert!(text.contains(step), "{step:?} is missing in {text}");
    }
}

#[test]
fn agents_take_no_part_unless_they_are_told_to() {
    let agent = dev().start();
    let output = exec(&agent, &["echo no"], b"");
    assert_eq!(stdout(&output), "0 / 0 node(s) completed / acknowledged\n");
    assert!(agent.log().contains("ignoring remote exec event, disabled"));
}

#[test]
fn what_cannot_be_asked_is_refused_first() {
    let cases = [
        (&["exec"][..], "Must specify a command to execute\n\nUsage: tribune exec"),
        (&["exec", "-shell=false", "-"], "Cannot configure -shell=false when reading from stdin\n"),
        (&["exec", "-tag=x", "true"], "Cannot provide tag filter without service filter.\n"),
        (
            &["exec", "-node=(", "true"],
            "Failed to compile node filter regexp: error parsing regexp: missing closing ): `(`",
        ),
    ];
    for (args, error) in cases {
        let output = run_cli(BINARY, args, &[], b"");
        assert!(stderr(&output).starts_with(error), "{args:?}: {}", stderr(&output));
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn an_event_reaches_every_agent_and_a_watch_follows_it() {
    let cluster = cluster(3);
    let client = cluster.start_client("client");
    let fired = client.cli(&["event", "-name=deploy", "-node=client|s1", "payload"]);
    assert!(stdout(&fired).starts_with("Event ID: "), "{}", stderr(&fired));
    let payload = |agent: &TestAgent| agent.get("/v1/event/list?name=deploy").json()[0]["Payload"].clone();
    wait_until("the event to arrive", || payload(&client) == "cGF5bG9hZA==");
    let watched = client.cli(&["watch", "-type=event", "-name=deploy", "cat; kill $PPID"]);
    assert!(stdout(&watched).contains("\"Payload\":\"cGF5bG9hZA==\""), "{}", stdout(&watched));
}

#[test]
fn a_command_runs_on_servers_and_clients_of_a_cluster() {
    let cluster = cluster_with(3, |builder| builder.hcl("disable_remote_exec = false"));
    let mut client = cluster.client("client").hcl("disable_remote_exec = false").start();
    client.wait_ready();
    cluster.wait_alive(4);
    let output = exec(&client, &["echo $((6 * 7))"], b"");
    let lines = sorted(&output);
    assert_eq!(lines.iter().filter(|line| line.ends_with(": 42")).count(), 4, "{lines:?}");
    assert!(lines.contains(&"4 / 4 node(s) completed / acknowledged".to_owned()), "{lines:?}");
    assert_eq!(output.status.code(), Some(0));
}
