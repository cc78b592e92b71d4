//! Script checks with real processes.

use super::*;

fn shell(command: &str) -> serde_json::Value {
    json!({"ScriptArgs": ["/bin/sh", "-c", command]})
}

#[tokio::test]
async fn the_exit_code_is_the_status() {
    for (command, status, output) in [
        ("echo hi; echo err >&2", Passing, "hi\nerr\n"),
        ("echo w; exit 1", Warning, "w\n"),
        ("echo c; exit 2", Critical, "c\n"),
        ("echo s; kill -9 $$", Critical, "s\n"),
    ] {
        assert_eq!(first(shell(command)).await, result(status, output), "{command}");
    }
}

#[tokio::test]
async fn commands_that_cannot_start_say_why() {
    for (program, output) in [
        ("/nonexistent", "fork/exec /nonexistent: no such file or directory"),
        ("/tmp", "fork/exec /tmp: permission denied"),
        ("no-such-program", "exec: \"no-such-program\": executable file not found in $PATH"),
        ("", "exec: no command"),
    ] {
        assert_eq!(first(json!({"ScriptArgs": [program]})).await, result(Critical, output));
    }
}

#[tokio::test]
async fn only_the_end_of_the_output_is_kept() {
    let (status, output) = first(shell("seq 1 3000")).await;
    assert_eq!(status, Passing);
    let rest = output.strip_prefix("Captured 4096 of 13893 bytes\n...\n").expect("a prefix");
    assert_eq!(rest.len(), 4096);
    assert!(rest.ends_with("2999\n3000\n"));
    let mut short = shell("seq 1 9");
    short["OutputMaxSize"] = json!(4);
    assert_eq!(first(short).await.1, "Captured 4 of 18 bytes\n...\n8\n9\n");
}

/// The first process id in a text, when that process is gone or dead.
async fn until_dead(pid: &str) {
    let stat = format!("/proc/{pid}/stat");
    let alive = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
    let gone = async {
        while alive() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("the process ends");
}

#[tokio::test]
async fn a_timeout_kills_the_whole_group_even_if_it_ignores_sigterm() {
    let mut def = shell("trap '' TERM; sleep 1000 & echo $!; echo $$; wait; sleep 1000");
    def["Timeout"] = json!("300ms");
    let mut check = run(def);
    let (status, output) = check.next().await;
    assert_eq!(status, Critical);
    let pids = output.strip_prefix("Timed out (300ms) running check\n\n").expect(&output);
    for pid in pids.split_whitespace() {
        until_dead(pid).await;
    }
    assert_eq!(pids.split_whitespace().count(), 2);
    // Reported, reaped, and run again.
    assert_eq!(check.next().await.0, Critical);
}

#[tokio::test]
async fn a_timeout_without_output_is_one_line() {
    let mut def = shell("exec sleep 1000");
    def["Timeout"] = json!("50ms");
    assert_eq!(first(def).await, result(Critical, "Timed out (50ms) running check"));
}

#[tokio::test]
async fn a_stopped_check_leaves_nothing_behind() {
    let dir = tempfile::tempdir().expect("directory");
    let file = dir.path().join("pids");
    let check =
        run(shell(&format!("trap '' TERM; sleep 1000 & echo $! $$ > {0}.new; mv {0}.new {0}; wait", file.display())));
    let written = async {
        while !file.exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, written).await.expect("the script writes");
    let pids = std::fs::read_to_string(&file).expect("pids");
    drop(check);
    for pid in pids.split_whitespace() {
        until_dead(pid).await;
    }
}

#[tokio::test]
async fn permissions_depend_on_the_source() {
    let def: CheckType =
        serde_json::from_value(json!({"ScriptArgs": ["true"], "Interval": "10s"})).expect("a definition");
    let remote =
        "Scripts are disabled on this agent from remote calls; to enable, configure 'enable_script_checks' to true";
    let local = "Scripts are disabled on this agent; to enable, configure 'enable_script_checks' or \
                 'enable_local_script_checks' to true";
    for (all, locals, source, wanted) in [
        (false, false, CheckSource::Api, Some(remote)),
        (false, true, CheckSource::Api, Some(remote)),
        (true, false, CheckSource::Api, None),
        (false, false, CheckSource::Config, Some(local)),
        (false, true, CheckSource::Config, None),
        (true, false, CheckSource::Config, None),
    ] {
        let env = CheckEnv { enable_script_checks: all, enable_local_script_checks: locals, ..env() };
        let spec = CheckSpec { check_id: "x", def: &def, source, token: "" };
        let started = start(spec, &env, Arc::new(Channel(unbounded_channel().0)));
        assert_eq!(started.err().map(|error| error.text).as_deref(), wanted);
    }
}
