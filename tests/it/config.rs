//! Configuration as a whole: what `validate` and `agent` accept and refuse, with the words and the place that a user sees.

use crate::support::*;
use std::fs;
use std::path::Path;
use std::process::Output;

/// The sample of the documentation, with the addresses that its users have.
const SAMPLE: &str = r#"
node_name = "192.168.1.164"
server = true
bootstrap = true
ui_config { enabled = true }
datacenter = "beijing-c"
data_dir = "/data01/consul"
log_level = "INFO"
log_file = "/opt/soft/consul/log/"
addresses { http = "0.0.0.0" }
client_addr = "0.0.0.0"
bind_addr = "192.168.1.164"
connect { enabled = true }
leave_on_terminate = true
"#;

/// Writes one file and validates it; paths in the output are reduced to the file's name.
fn validate(name: &str, text: &str) -> (Option<i32>, String, String) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join(name);
    fs::write(&path, text).expect("written");
    let output = run_cli(BINARY, &["validate", &path.display().to_string()], &[], b"");
    let short = |text: String| text.replace(&format!("{}/", dir.path().display()), "");
    (output.status.code(), short(stdout(&output)), short(stderr(&output)))
}

/// Starts an agent that should refuse to run.
fn refused(args: &[&str]) -> Output {
    let mut words = vec!["agent"];
    words.extend(args);
    run_cli(BINARY, &words, &[], b"")
}

#[test]
fn the_sample_file_validates_with_its_warnings() {
    let (code, out, err) = validate("consul.hcl", SAMPLE);
    assert_eq!((code, out.as_str()), (Some(0), "Configuration is valid!\n"));
    assert_eq!(
        err,
        "Node name \"192.168.1.164\" will not be discoverable via DNS due to invalid characters. Valid characters include all \
         alpha-numerics and dashes.\nbootstrap = true: do not enable unless necessary\n"
    );
}

#[test]
fn the_sample_file_runs_with_loopback_addresses() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let place = |name: &str| dir.path().join(name).display().to_string();
    let address = own_address();
    let text = SAMPLE
        .replace("192.168.1.164\"\nserver", "node1\"\nserver")
        .replace("192.168.1.164", &address)
        .replace("0.0.0.0", &address)
        .replace("/data01/consul", &place("data"))
        .replace("/opt/soft/consul/log/", &format!("{}/", place("logs")));
    fs::create_dir(dir.path().join("logs")).expect("a folder");
    let agent = AgentBuilder::new(BINARY, true)
        .address(&address)
        .file("consul.hcl", &text)
        .file("web.json", r#"{"services": [{"name": "web", "port": 80}]}"#)
        .start();
    let own = agent.get("/v1/agent/self").json();
    assert_eq!(own["Config"]["Datacenter"], "beijing-c");
    assert_eq!(own["Config"]["NodeName"], "node1");
    wait_until("the service of the file", || agent.get("/v1/catalog/service/web").text().contains("\"web\""));
    wait_until("the log file", || Path::new(&place("logs/consul.log")).exists());
}

#[test]
fn bad_files_are_refused_by_name_place_and_reason() {
    let dir = "data_dir = \"/nowhere/tribune\"\nbind_addr = \"127.0.0.1\"\n";
    let cases = [
        (
            "a.hcl",
            "server = true\nports {\n  http = = 1\n}\n",
            "failed to parse a.hcl: At 3:10: Unknown token: 3:10 ASSIGN =",
        ),
        ("a.hcl", "x = \"never closed\n", "failed to parse a.hcl: At 1:18: literal not terminated"),
        (
            "a.json",
            "{\n  \"server\": true,\n}\n",
            "failed to parse a.json: invalid character '}' looking for beginning of object key string (at 3:1)",
        ),
        (
            "a.json",
            "[1]",
            "failed to parse a.json: json: cannot unmarshal array into Go value of type map[string]interface {}",
        ),
        (
            "a.hcl",
            "nosuchkey = 1\nports { zz = 1 }",
            "failed to parse a.hcl: 2 errors occurred:\n\t* invalid config key ports.zz\n\t* invalid config key nosuchkey\n\n",
        ),
        (
            "a.hcl",
            "server = \"yes\"",
            "failed to parse a.hcl: 1 error(s) decoding:\n\n* 'server' expected type 'bool', got unconvertible type 'string'",
        ),
        ("a.hcl", "server = true", "data_dir cannot be empty"),
    ];
    for (name, text, reason) in cases {
        let expected = (Some(1), String::new(), format!("Config validation failed: {reason}\n"));
        assert_eq!(validate(name, text), expected, "{text}");
    }
    let values = [
        (
            "check_update_interval = \"abc\"",
            "1 error occurred:\n\t* check_update_interval: invalid duration: \"abc\": time: invalid duration \"abc\"\n\n",
        ),
        ("ports { http = 70000 }", "1 error occurred:\n\t* ports.http: invalid port: 70000\n\n"),
        ("client_addr = \"nowhere\"", "1 error occurred:\n\t* client_addr: invalid ip address: nowhere\n\n"),
        ("bootstrap = true", "'bootstrap = true' requires 'server = true'"),
        ("recursors = [\"0.0.0.0\"]", "DNS recursor address cannot be 0.0.0.0, :: or [::]"),
        ("ports { dns = 8500 }", "HTTP address 127.0.0.1:8500 already configured for DNS"),
        (
            "service { name = \"a\" check { ttl = \"1s\" interval = \"1s\" } }",
            "service \"a\": check \"\": Interval and TTL cannot both be specified",
        ),
    ];
    for (text, reason) in values {
        let expected = (Some(1), String::new(), format!("Config validation failed: {reason}\n"));
        assert_eq!(validate("a.hcl", &format!("{dir}{text}")), expected, "{text}");
    }
}

#[test]
fn validate_reads_directories_and_knows_its_flags() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().display().to_string();
    fs::write(dir.path().join("a.json"), "{\"data_dir\": \"/nowhere/tribune\"}").expect("written");
    fs::write(dir.path().join("b.hcl"), "bind_addr = \"127.0.0.1\"").expect("written");
    fs::write(dir.path().join("c.txt"), "bogus = true").expect("written");
    fs::write(dir.path().join("d.env"), "NOT=read").expect("written");
    let run = |args: &[&str]| {
        let output = run_cli(BINARY, args, &[], b"");
        (output.status.code(), stdout(&output), stderr(&output))
    };
    let skipped =
        format!("skipping file {path}/c.txt, extension must be .hcl or .json, or config format must be set\n");
    assert_eq!(run(&["validate", &path]), (Some(0), "Configuration is valid!\n".to_string(), skipped));
    assert_eq!(run(&["validate", "-quiet", &path]), (Some(0), String::new(), String::new()));
    let forced = format!(
        "Config validation failed: failed to parse {path}/c.txt: 1 error occurred:\n\t* invalid config key bogus\n\n\n"
    );
    assert_eq!(run(&["validate", "-config-format=hcl", &path]), (Some(1), String::new(), forced));
    let none = (Some(1), String::new(), "Must specify at least one config file or directory\n".to_string());
    assert_eq!(run(&["validate"]), none);
    let format = (Some(1), String::new(), "-config-format must be either 'hcl' or 'json\n".to_string());
    assert_eq!(run(&["validate", "-config-format=x", &path]), format);
    let (code, _, err) = run(&["validate", "-bogus", &path]);
    assert_eq!(code, Some(1));
    assert!(err.starts_with("flag provided but not defined: -bogus\nUsage:\n"), "{err}");
    let missing = "Config validation failed: config: Open failed on /nowhere/x.hcl. open /nowhere/x.hcl: no such file or directory\n";
    assert_eq!(run(&["validate", "/nowhere/x.hcl"]), (Some(1), String::new(), missing.to_string()));
}

#[test]
fn an_agent_that_cannot_start_says_why_and_ends_with_1() {
    let cases: [(&[&str], &str); 9] = [
        (&["-bind=127.0.0.1"], "==> data_dir cannot be empty\n"),
        (&["-dev", "-bind=nowhere"], "==> bind_addr cannot be empty\n"),
        (&["-dev", "-bootstrap-expect=3"], "==> 'bootstrap_expect > 0' not allowed in dev mode\n"),
        (&["-dev", "-encrypt=abc"], "==> encrypt has invalid key: illegal base64 data at input byte 0\n"),
        (
            &["-dev", "-hcl", "bogus = 1"],
            "==> failed to parse flags-0.hcl: 1 error occurred:\n\t* invalid config key bogus\n\n\n",
        ),
        (
            &["-dev", "-config-file=/nowhere/x.hcl"],
            "==> config: Open failed on /nowhere/x.hcl. open /nowhere/x.hcl: no such file or directory\n",
        ),
        (&["-dev", "-config-format=x"], "==> config: -config-format must be either 'hcl' or 'json'\n"),
        (
            &["-dev", "-log-level=loud"],
            "==> Invalid log level: loud. Valid log levels are: [TRACE DEBUG INFO WARN ERR ERROR]\n",
        ),
        (&["-dev", "extra"], "==> Unexpected extra arguments: [extra]\n"),
    ];
    for (args, text) in cases {
        let output = refused(args);
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(1), text), "{args:?}");
    }
    let output = refused(&["-dev", "-bogus"]);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(text.starts_with("flag provided but not defined: -bogus\n"), "{text}");
    assert!(text.ends_with("==> error parsing flags: flag provided but not defined: -bogus\n"), "{text}");
}

#[test]
fn a_port_in_use_is_named() {
    let first = dev().start();
    let mut second = dev().address(&first.address).no_wait().start();
    assert_eq!(second.wait_exit(), Some(1), "{}", second.log());
    let log = second.log();
    assert!(log.contains("address already in use"), "{log}");
    assert!(log.contains(&first.address), "{log}");
    assert_eq!(first.get("/v1/status/leader").status, 200);
}

#[test]
fn one_data_directory_serves_one_agent() {
    let first = server().start();
    let mut second = server().dir(&first.dir).no_wait().start();
    assert_eq!(second.wait_exit(), Some(1), "{}", first.log());
    let data = first.dir.join("data").display().to_string();
    assert!(first.log().contains(&data), "the directory is named: {}", first.log());
    first.put_ok("/v1/kv/still", "here");
}

#[test]
fn a_data_directory_that_cannot_be_used_is_named() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("file");
    fs::write(&file, "").expect("written");
    let start =
        |path: &str| refused(&["-server", "-bootstrap-expect=1", "-bind=127.0.0.1", &format!("-data-dir={path}")]);
    let file = file.display().to_string();
    let output = start(&file);
    assert_eq!(
        (output.status.code(), stderr(&output)),
        (Some(1), format!("==> data_dir {file:?} is not a directory\n"))
    );
    for path in [format!("{file}/data"), "/proc/tribune/data".to_string()] {
        let output = start(&path);
        let text = stdout(&output) + &stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(&path), "{text}");
    }
}

#[test]
fn a_reload_with_a_bad_file_changes_nothing() {
    let agent = dev().file("a.hcl", "service { name = \"one\" }").start();
    let path = agent.dir.join("config/a.hcl");
    fs::write(&path, "service { name = \"two\" } bogus = 1").expect("written");
    let answer = agent.put("/v1/agent/reload", "");
    assert_eq!(answer.status, 500, "{}", answer.text());
    assert!(answer.text().contains("invalid config key bogus"), "{}", answer.text());
    assert!(agent.get("/v1/agent/services").json().get("one").is_some());
    fs::write(&path, "service { name = \"two\" }").expect("written");
    agent.put_ok("/v1/agent/reload", "");
    let services = agent.get("/v1/agent/services").json();
    assert!(services.get("two").is_some() && services.get("one").is_none(), "{services}");
}
