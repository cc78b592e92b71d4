//! Starts real agents, talks to them over plain sockets, waits on conditions, and ends what it started.

#![allow(dead_code)]

pub mod cluster;
pub mod jwt;
pub mod network;
pub mod page;
pub mod secrets;
pub mod tls;
pub mod traffic;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long a condition may take before a test gives up. Generous: it bounds failures, not successes.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Path of the binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_tribune");

/// The binary that cluster tests start: `TRIBUNE_UNDER_TEST`, so that they can be proven on the reference, or [`BINARY`].
pub fn under_test() -> String {
    std::env::var("TRIBUNE_UNDER_TEST").ok().filter(|path| !path.is_empty()).unwrap_or_else(|| BINARY.to_owned())
}

/// Whether the binary under test is not ours: what only versions after 1.8 have is left out then.
pub fn testing_reference() -> bool {
    under_test() != BINARY
}

/// Path of a real Consul, when the environment names one.
pub fn reference_binary() -> Option<String> {
    std::env::var("CONSUL_BIN").ok().filter(|path| !path.is_empty())
}

/// Path of a real Serf, when the environment names one.
pub fn serf_binary() -> Option<String> {
    std::env::var("SERF_BIN").ok().filter(|path| !path.is_empty())
}

/// A loopback address that no other agent of this machine uses.
pub fn own_address() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let pid = std::process::id();
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let (high, low) = (number / 250, number % 250 + 1);
        let address = format!("127.{}.{}.{}", 16 + (pid / 256 + high * 7) % 200, pid % 256, low);
        if std::net::TcpListener::bind((address.as_str(), 8500)).is_ok() {
            return address;
        }
    }
}

/// Waits until `condition` gives a value; panics with `what` after [`PATIENCE`].
#[track_caller]
pub fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(start.elapsed() < PATIENCE, "gave up waiting for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until `condition` holds.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, || condition().then_some(()));
}

/// An HTTP answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Headers by lower-case name; the last value wins.
    pub headers: BTreeMap<String, String>,
    /// Body bytes.
    pub body: Vec<u8>,
}

impl Response {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text()))
    }

    /// A header, by lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// `X-Consul-Index`.
    #[track_caller]
    pub fn index(&self) -> u64 {
        self.header("x-consul-index").and_then(|text| text.parse().ok()).expect("the answer has an index")
    }
}

/// A request over a fresh connection.
pub fn request(
    address: &str,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<Response> {
    request_within(Duration::from_secs(60), address, method, target, headers, body)
}

/// A request over a fresh connection that gives up when nothing comes for `patience`.
pub fn request_within(
    patience: Duration,
    address: &str,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<Response> {
    secrets::note_request(target, headers, body);
    let target_address = address.parse().map_err(|_| std::io::Error::from(std::io::ErrorKind::InvalidInput))?;
    let mut stream = TcpStream::connect_timeout(&target_address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() || method == "PUT" || method == "POST" {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let answer = read_response(&mut BufReader::new(stream), method == "HEAD")?;
    if target.starts_with("/v1/acl/") {
        secrets::note_body(target, &answer.body);
    }
    Ok(answer)
}

/// Reads one answer from a connection.
pub fn read_response(reader: &mut impl BufRead, no_body: bool) -> std::io::Result<Response> {
    let broken = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_owned());
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(|| broken("no status line"))?;
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut body = Vec::new();
    if no_body {
        return Ok(Response { status, headers, body });
    }
    if headers.get("transfer-encoding").is_some_and(|value| value == "chunked") {
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            let size = usize::from_str_radix(line.trim(), 16).map_err(|_| broken("bad chunk size"))?;
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk)?;
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = headers.get("content-length") {
        body.resize(length.parse().map_err(|_| broken("bad content length"))?, 0);
        reader.read_exact(&mut body)?;
    } else {
        reader.read_to_end(&mut body)?;
    }
    Ok(Response { status, headers, body })
}

/// What to start.
#[derive(Clone)]
pub struct AgentBuilder {
    binary: String,
    name: String,
    args: Vec<String>,
    env: Vec<(String, String)>,
    files: Vec<(String, String)>,
    kind: Kind,
    dir: Option<PathBuf>,
    address: String,
    namespace: Option<u32>,
    wait: bool,
    token: String,
}

/// What an agent is, which decides its arguments and when it is ready.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// `-dev`; ready when it leads and knows itself.
    Dev,
    /// A cluster of one; ready when it leads and knows itself.
    Single,
    /// Server of a cluster or client agent; ready when HTTP answers.
    Member,
}

/// A running agent; killed when dropped.
pub struct TestAgent {
    /// The process.
    pub child: Child,
    /// Its node name.
    pub name: String,
    /// Its loopback address.
    pub address: String,
    /// Folder with `data`, `config` and `log`.
    pub dir: PathBuf,
    binary: String,
    args: Vec<String>,
    env: Vec<(String, String)>,
    kind: Kind,
    namespace: Option<u32>,
    token: String,
    _temp: Option<tempfile::TempDir>,
}

/// Secret of the first token of agents that were made with [`AgentBuilder::acl`].
pub const MANAGEMENT: &str = "6f2e9c1d-8b47-4a53-9c60-d1e7a2b3c4d5";

/// Access control of a test. The old name of the first token is known to all versions.
const ACL: &str = r#"
acl {
  enabled = true
  default_policy = "deny"
  tokens {
    master = "6f2e9c1d-8b47-4a53-9c60-d1e7a2b3c4d5"
    agent = "6f2e9c1d-8b47-4a53-9c60-d1e7a2b3c4d5"
  }
}
"#;

/// A development agent (in memory) of the binary under test.
pub fn dev() -> AgentBuilder {
    AgentBuilder::new(&under_test(), true)
}

/// A single server with a data directory.
pub fn server() -> AgentBuilder {
    AgentBuilder::new(&under_test(), false)
}

impl AgentBuilder {
    /// With any binary that takes this command line.
    pub fn new(binary: &str, dev: bool) -> Self {
        Self::of_kind(binary, "node1", if dev { Kind::Dev } else { Kind::Single })
    }

    /// A member of a cluster, server or client as its arguments and files say.
    pub fn member(binary: &str, name: &str) -> Self {
        Self::of_kind(binary, name, Kind::Member)
    }

    fn of_kind(binary: &str, name: &str, kind: Kind) -> Self {
        AgentBuilder {
            binary: binary.to_owned(),
            name: name.to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            files: Vec::new(),
            kind,
            dir: None,
            address: own_address(),
            namespace: None,
            wait: true,
            token: String::new(),
        }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Switches access control on, with everything refused that no rule allows. The requests of the test carry
    /// [`MANAGEMENT`], and so do the agent's own.
    pub fn acl(mut self) -> Self {
        MANAGEMENT.clone_into(&mut self.token);
        self.file("acl.hcl", ACL)
    }

    /// Adds a file to the configuration directory.
    pub fn file(mut self, name: &str, content: &str) -> Self {
        self.files.push((name.to_owned(), content.to_owned()));
        self
    }

    /// Uses an existing folder (for restarts with other options).
    pub fn dir(mut self, dir: &Path) -> Self {
        self.dir = Some(dir.to_owned());
        self
    }

    /// Uses this address.
    pub fn address(mut self, address: &str) -> Self {
        self.address = address.to_owned();
        self
    }

    /// Runs in the network namespace of this process (see [`network`]).
    pub fn namespace(mut self, holder: u32) -> Self {
        self.namespace = Some(holder);
        self
    }

    /// The name that it will have.
    pub fn planned_name(&self) -> &str {
        &self.name
    }

    /// The address that it will have.
    pub fn planned_address(&self) -> &str {
        &self.address
    }

    /// Does not wait for readiness (for starts that should fail).
    pub fn no_wait(mut self) -> Self {
        self.wait = false;
        self
    }

    /// Starts it and waits until it leads and knows itself.
    #[track_caller]
    pub fn start(self) -> TestAgent {
        let temp = self.dir.is_none().then(|| tempfile::tempdir().expect("a temporary folder"));
        let dir = self.dir.unwrap_or_else(|| temp.as_ref().expect("made above").path().to_owned());
        fs::create_dir_all(dir.join("config")).expect("config folder");
        for (name, content) in &self.files {
            secrets::note_config(content);
            fs::write(dir.join("config").join(name), content).expect("config file");
        }
        self.args.iter().for_each(|arg| secrets::note_config(arg.strip_prefix("-hcl=").unwrap_or(arg)));
        let mut args = vec![
            "agent".to_owned(),
            format!("-bind={}", self.address),
            format!("-client={}", self.address),
            format!("-node={}", self.name),
            "-log-level=debug".to_owned(),
            format!("-config-dir={}", dir.join("config").display()),
        ];
        match self.kind {
            Kind::Dev => args.push("-dev".to_owned()),
            Kind::Member => args.push(format!("-data-dir={}", dir.join("data").display())),
            Kind::Single => args.extend([
                "-server".to_owned(),
                "-bootstrap-expect=1".to_owned(),
                "-hcl=performance { raft_multiplier = 1 }".to_owned(),
                format!("-data-dir={}", dir.join("data").display()),
            ]),
        }
        args.extend(self.args);
        let child = spawn(&self.binary, &args, &self.env, &dir, self.namespace);
        let mut agent = TestAgent {
            child,
            name: self.name,
            address: self.address,
            dir,
            binary: self.binary,
            args,
            env: self.env,
            kind: self.kind,
            namespace: self.namespace,
            token: self.token,
            _temp: temp,
        };
        if self.wait {
            agent.wait_ready();
        }
        agent
    }
}

fn spawn(binary: &str, args: &[String], env: &[(String, String)], dir: &Path, namespace: Option<u32>) -> Child {
    let log = File::options().create(true).append(true).open(dir.join("log")).expect("log file");
    let mut command = match namespace {
        // replaces itself by the binary, so the process is the agent
        Some(holder) => {
            let mut command = Command::new("nsenter");
            command.arg(format!("--net=/proc/{holder}/ns/net")).arg(binary);
            command
        }
        None => Command::new(binary),
    };
    command
        .args(args)
        .env_remove("CONSUL_HTTP_ADDR")
        .env_remove("NOTIFY_SOCKET")
        .envs(env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("log handle"))
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {binary}: {error}"))
}

impl TestAgent {
    /// `address:8500`.
    pub fn http_address(&self) -> String {
        format!("{}:8500", self.address)
    }

    /// `address:8600`.
    pub fn dns_address(&self) -> String {
        format!("{}:8600", self.address)
    }

    /// The log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    /// Waits until the agent leads and its node is in the catalog; a member of a cluster until HTTP answers.
    #[track_caller]
    pub fn wait_ready(&mut self) {
        let start = Instant::now();
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("the agent ended with {status}:\n{}", self.log());
            }
            let address = self.http_address();
            let ready = if self.kind == Kind::Member {
                request(&address, "GET", "/v1/agent/self", &self.token_header(), &[])
                    .is_ok_and(|answer| answer.status == 200)
            } else {
                let known = request(&address, "GET", "/v1/catalog/node/node1", &self.token_header(), &[]);
                known.is_ok_and(|answer| answer.text().contains("\"consul\"") && answer.text().contains("\"lan\""))
            };
            if ready {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "the agent did not become ready:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The header of the test's own token, if there is one.
    fn token_header(&self) -> Vec<(&'static str, &str)> {
        if self.token.is_empty() { Vec::new() } else { vec![("X-Consul-Token", &self.token)] }
    }

    /// From now on requests and commands of the test carry this token.
    pub fn use_token(&mut self, secret: &str) {
        secrets::note(secret);
        secret.clone_into(&mut self.token);
    }

    /// A request, with the test's own token if there is one.
    #[track_caller]
    pub fn send(&self, method: &str, target: &str, body: impl AsRef<[u8]>) -> Response {
        self.send_with(method, target, &self.token_header(), body)
    }

    /// A request with this token; with none when it is empty.
    #[track_caller]
    pub fn send_as(&self, token: &str, method: &str, target: &str, body: impl AsRef<[u8]>) -> Response {
        let headers = [("X-Consul-Token", token)];
        self.send_with(method, target, if token.is_empty() { &[] } else { &headers }, body)
    }

    /// A new token with these rules: accessor and secret.
    #[track_caller]
    pub fn token(&self, rules: &str) -> (String, String) {
        let name = format!("test-{:x}", rand::random::<u64>());
        let policy = serde_json::json!({ "Name": name, "Rules": rules }).to_string();
        self.put_ok("/v1/acl/policy", policy);
        let token = serde_json::json!({ "Policies": [{ "Name": name }] }).to_string();
        let token = self.put_ok("/v1/acl/token", token).json();
        let field = |name: &str| token[name].as_str().unwrap_or_else(|| panic!("no {name}: {token}")).to_owned();
        (field("AccessorID"), field("SecretID"))
    }

    /// A request with headers.
    #[track_caller]
    pub fn send_with(&self, method: &str, target: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Response {
        request(&self.http_address(), method, target, headers, body.as_ref())
            .unwrap_or_else(|error| panic!("{method} {target}: {error}\n{}", self.log()))
    }

    /// GET.
    #[track_caller]
    pub fn get(&self, target: &str) -> Response {
        self.send("GET", target, "")
    }

    /// PUT.
    #[track_caller]
    pub fn put(&self, target: &str, body: impl AsRef<[u8]>) -> Response {
        self.send("PUT", target, body)
    }

    /// PUT that must answer 200.
    #[track_caller]
    pub fn put_ok(&self, target: &str, body: impl AsRef<[u8]>) -> Response {
        let answer = self.put(target, body);
        assert_eq!(answer.status, 200, "PUT {target}: {}", answer.text());
        answer
    }

    /// DELETE.
    #[track_caller]
    pub fn delete(&self, target: &str) -> Response {
        self.send("DELETE", target, "")
    }

    /// Runs a command of the command line against this agent.
    #[track_caller]
    pub fn cli(&self, args: &[&str]) -> Output {
        self.cli_with_stdin(args, b"")
    }

    /// Runs a command with standard input.
    #[track_caller]
    pub fn cli_with_stdin(&self, args: &[&str], stdin: &[u8]) -> Output {
        let mut env = vec![("CONSUL_HTTP_ADDR", self.http_address())];
        if !self.token.is_empty() {
            env.push(("CONSUL_HTTP_TOKEN", self.token.clone()));
        }
        let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        run_cli(&self.binary, args, &env, stdin)
    }

    /// Kills it as a crash would (SIGKILL).
    pub fn kill(&mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process ends");
    }

    /// Sends a signal.
    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(self.child.id() as i32);
        nix::sys::signal::kill(pid, signal).expect("the process can be signalled");
    }

    /// Waits for the end and returns the exit code.
    #[track_caller]
    pub fn wait_exit(&mut self) -> Option<i32> {
        wait_for("the agent to end", || self.child.try_wait().expect("the process can be watched")).code()
    }

    /// Starts the same command line again on the same folder.
    #[track_caller]
    pub fn restart(&mut self) {
        self.restart_no_wait();
        self.wait_ready();
    }

    /// Starts the same command line again without waiting for readiness.
    pub fn restart_no_wait(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.child = spawn(&self.binary, &self.args, &self.env, &self.dir, self.namespace);
    }

    /// Changes the command line of the next restart.
    pub fn edit_args(&mut self, edit: impl FnOnce(&mut Vec<String>)) {
        edit(&mut self.args);
    }

    /// Changes the binary of the next restart.
    pub fn use_binary(&mut self, binary: &str) {
        binary.clone_into(&mut self.binary);
    }

    /// Moves to another address at the next restart.
    pub fn move_to(&mut self, address: &str) {
        self.address = address.to_owned();
        for arg in &mut self.args {
            for flag in ["-bind=", "-client="] {
                if arg.starts_with(flag) {
                    *arg = format!("{flag}{address}");
                }
            }
        }
    }

    /// Writes a file of the configuration directory.
    pub fn write_config(&self, name: &str, content: &str) {
        secrets::note_config(content);
        fs::write(self.dir.join("config").join(name), content).expect("config file");
    }

    /// One DNS question over UDP, the answer's bytes.
    #[track_caller]
    pub fn dns_udp(&self, packet: &[u8]) -> Option<Vec<u8>> {
        let socket = UdpSocket::bind((self.address.as_str(), 0)).expect("a client socket");
        socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout can be set");
        socket.send_to(packet, self.dns_address()).expect("the question goes out");
        let mut buffer = vec![0; 65_535];
        let length = socket.recv(&mut buffer).ok()?;
        buffer.truncate(length);
        Some(buffer)
    }
}

impl Drop for TestAgent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !std::thread::panicking() && self.binary == BINARY {
            let found = secrets::found_in_logs(&self.dir);
            assert!(found.is_empty(), "secrets in the log of {} at {}: {found:#?}", self.name, self.address);
            return;
        }
        if std::thread::panicking() {
            let log = self.log();
            // polling fills a log with its own requests and with their one answer
            let but_numbers = |line: &str| line.replace(|letter: char| letter.is_ascii_digit(), "");
            let mut telling: Vec<&str> = log.lines().filter(|line| !line.contains("Request finished")).collect();
            telling.dedup_by_key(|line| but_numbers(line));
            let tail: Vec<&str> = telling.into_iter().rev().take(80).collect();
            eprintln!("--- log of {} at {} ---", self.name, self.address);
            for line in tail.iter().rev() {
                eprintln!("{line}");
            }
        }
    }
}

/// Runs the command line with an environment of its own.
#[track_caller]
pub fn run_cli(binary: &str, args: &[&str], env: &[(&str, &str)], stdin: &[u8]) -> Output {
    let mut command = Command::new(binary);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CONSUL_") || name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    // No test asks the machine that it runs on who it is.
    command.env("AWS_EC2_METADATA_DISABLED", "true").envs(env.iter().copied());
    let mut child = command.spawn().expect("the command starts");
    child.stdin.take().expect("piped").write_all(stdin).ok();
    let output = child.wait_with_output().expect("the command ends");
    secrets::note_command(args, env, &output.stdout);
    output
}

/// Standard output as text.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
