//! The daemon as a whole: banner, signals, exit codes, what is left on disk.

use crate::support::*;
use nix::sys::signal::Signal::{self, SIGHUP, SIGINT, SIGTERM};
use std::fs;

#[test]
fn an_unknown_command_prints_the_help_on_stderr_and_exits_127() {
    let output = run_cli(BINARY, &["nosuch"], &[], b"");
    assert_eq!(output.status.code(), Some(127));
    assert!(stdout(&output).is_empty());
    assert!(stderr(&output).contains("Usage:"));
}

#[test]
fn the_banner_tells_who_starts_where() {
    let agent = server().arg("-datacenter=beijing-c").start();
    let log = agent.log();
    assert_eq!(log.lines().next(), Some("==> Starting Tribune agent..."), "{log}");
    let address = &agent.address;
    let expected = [
        "             Node name: 'node1'\n".to_string(),
        "            Datacenter: 'beijing-c' (Segment: '<all>')\n".to_string(),
        "                Server: true (Bootstrap: true)\n".to_string(),
        format!("           Client Addr: [{address}] (HTTP: 8500, HTTPS: -1, "),
        format!("          Cluster Addr: {address} (LAN: 8301, WAN: 8302)\n"),
        "\n==> Log data will now stream in as it occurs:\n\n".to_string(),
        " [INFO]  agent: Consul agent running!\n".to_string(),
    ];
    let mut from = 0;
    for text in expected {
        from += log[from..].find(&text).unwrap_or_else(|| panic!("{text:?} after byte {from} of:\n{log}"));
    }
}

#[test]
fn signals_end_an_agent_with_the_codes_that_scripts_expect() {
    let cases: [(&str, Signal, i32, &str); 4] = [
        ("", SIGINT, 1, "Graceful shutdown disabled. Exiting"),
        ("", SIGTERM, 1, "Graceful shutdown disabled. Exiting"),
        ("leave_on_terminate = true", SIGTERM, 0, "Graceful exit completed"),
        ("skip_leave_on_interrupt = false", SIGINT, 0, "Graceful exit completed"),
    ];
    for (hcl, signal, code, text) in cases {
        let mut agent = server().arg(format!("-hcl={hcl}")).start();
        agent.put_ok("/v1/kv/kept", "value");
        agent.signal(signal);
        assert_eq!(agent.wait_exit(), Some(code), "{hcl} {signal}: {}", agent.log());
        let log = agent.log();
        let name = if signal == SIGINT { "interrupt" } else { "terminated" };
        for text in [format!("agent: Caught: signal={name}"), text.to_string(), "agent: shutdown complete".to_string()]
        {
            assert!(log.contains(&text), "{hcl} {signal}: no {text:?} in {log}");
        }
        assert!(log.ends_with(&format!("[INFO]  agent: Exit code: code={code}\n")), "{hcl} {signal}: {log}");
        agent.restart();
        assert_eq!(agent.get("/v1/kv/kept?raw").text(), "value", "{hcl} {signal}");
    }
}

#[test]
fn a_hangup_reads_the_configuration_again_and_a_bad_one_changes_nothing() {
    let agent = server().file("web.hcl", "service { name = \"one\" }").start();
    let path = agent.dir.join("config/web.hcl");
    let services = || agent.get("/v1/agent/services").json();
    fs::write(&path, "service { name = \"two\"").expect("written");
    agent.signal(SIGHUP);
    wait_until("the refusal", || agent.log().contains("Reload config failed"));
    assert!(services().get("one").is_some());
    fs::write(&path, "service { name = \"two\" }").expect("written");
    agent.signal(SIGHUP);
    // what is new comes before what is no longer wanted goes
    wait_until("the new service alone", || services().get("two").is_some() && services().get("one").is_none());
}

#[test]
fn the_pid_file_lives_as_long_as_the_agent() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("pid");
    let mut agent = dev().arg(format!("-pid-file={}", path.display())).start();
    assert_eq!(fs::read_to_string(&path).expect("a pid file"), agent.child.id().to_string());
    let output = agent.cli(&["leave"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(agent.wait_exit(), Some(0), "{}", agent.log());
    assert!(!path.exists());
}
