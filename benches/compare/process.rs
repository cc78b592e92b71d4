//! The servers under comparison: start, readiness, memory and CPU as the kernel accounts them.

use rustls::{ClientConfig, RootCertStore};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A server process with a data directory of its own; ended when dropped.
pub struct Server {
    /// Name in the table.
    pub name: String,
    /// Its loopback address.
    pub address: String,
    /// `ip:port` of HTTP.
    pub http: String,
    /// `ip:port` of HTTPS.
    pub https: String,
    /// A TLS client that trusts it.
    pub tls: Arc<ClientConfig>,
    /// `ip:port` of DNS.
    pub dns: String,
    /// Time from the start of the process to the first acknowledged write.
    pub first_write: Duration,
    binary: String,
    command: Vec<String>,
    child: Child,
    dir: PathBuf,
    /// Secret of the requests of [`Server::call`].
    token: &'static str,
}

/// Servers whose name ends with this run with access control.
const WITH_ACL: &str = "+acl";

/// Configuration that both get: quick elections, room for 5,000 watchers.
const CONFIG: &str = r#"
performance { raft_multiplier = 1 }
retry_interval = "200ms"
limits { http_max_conns_per_client = 8000 rpc_max_conns_per_client = 8000 }
disable_update_check = true
"#;

/// What a server with access control gets besides: everything is refused that no rule allows. The old name of the first token
/// is known to all versions.
const ACL: &str = r#"
acl { enabled = true default_policy = "deny" tokens { master = "SECRET" } }
"#;

/// The first token of a server with access control.
const MANAGEMENT: &str = "5a1f8c53-0c1d-4b0b-9d7e-3e1f0c2b7a11";

/// What the requests of the load may do there: enough, and not everything, so that every row is looked at.
const RULES: &str = r#"key_prefix "" { policy = "write" } key "not/this" { policy = "deny" }
service_prefix "" { policy = "write" } service "not-this" { policy = "deny" }
node_prefix "" { policy = "write" } node "not-this" { policy = "deny" }
agent_prefix "" { policy = "read" } session_prefix "" { policy = "write" }"#;

/// Makes a certificate for HTTPS with its configuration; the client that trusts it. Both servers know the old keys.
fn certificate(dir: &Path) -> Result<Arc<ClientConfig>, Box<dyn std::error::Error>> {
    let made = rcgen::generate_simple_self_signed(vec!["bench".to_owned()])?;
    let (cert, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    fs::write(&cert, made.cert.pem())?;
    fs::write(&key, made.signing_key.serialize_pem())?;
    let text = format!(
        "ports {{ https = 8501 }}\ncert_file = {:?}\nkey_file = {:?}\n",
        cert.display().to_string(),
        key.display().to_string()
    );
    fs::write(dir.join("config/tls.hcl"), text)?;
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

fn run(binary: &str, command: &[String], dir: &Path) -> Result<Child, String> {
    let log = fs::File::options().create(true).append(true).open(dir.join("log")).map_err(|error| error.to_string())?;
    Command::new(binary)
        .args(command)
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(|error| error.to_string())?)
        .stderr(log)
        .spawn()
        .map_err(|error| format!("cannot start {binary}: {error}"))
}

impl Server {
    /// Starts `binary` as a cluster of one on its own loopback address and waits for the first write.
    pub fn start(name: &str, binary: &str, number: usize) -> Result<Server, String> {
        let address = format!("127.{}.{}.{}", 220, std::process::id() % 250, number + 1);
        let mut server = Server::spawn(name, binary, &address, &["-server", "-bootstrap-expect=1"])?;
        server.first_write = server.wait_write()?;
        if !server.token.is_empty() {
            server.grant()?;
        }
        Ok(server)
    }

    /// Gives requests without a token a token with the rules of the load.
    fn grant(&self) -> Result<(), String> {
        let field = |body: &[u8], name: &str| {
            let document: serde_json::Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
            document[name].as_str().map(str::to_owned).ok_or_else(|| format!("there is no {name}"))
        };
        let policy = serde_json::json!({ "Name": "load", "Rules": RULES }).to_string();
        self.must("PUT", "/v1/acl/policy", policy.as_bytes())?;
        let token = self.must("PUT", "/v1/acl/token", br#"{"Policies":[{"Name":"load"}]}"#)?;
        let secret = serde_json::json!({ "Token": field(&token, "SecretID")? }).to_string();
        self.must("PUT", "/v1/agent/token/default", secret.as_bytes()).map(drop)
    }

    /// Starts an agent on an address without waiting for anything.
    pub fn spawn(name: &str, binary: &str, address: &str, args: &[&str]) -> Result<Server, String> {
        let dir = std::env::temp_dir().join(format!("compare-{address}"));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("config")).map_err(|error| error.to_string())?;
        fs::write(dir.join("config/compare.hcl"), CONFIG).map_err(|error| error.to_string())?;
        let token = if name.ends_with(WITH_ACL) { MANAGEMENT } else { "" };
        if !token.is_empty() {
            let text = ACL.replace("SECRET", token);
            fs::write(dir.join("config/acl.hcl"), text).map_err(|error| error.to_string())?;
        }
        let tls = certificate(&dir).map_err(|error| error.to_string())?;
        let mut command: Vec<String> =
            ["agent", "-log-level=warn"].iter().chain(args).map(|s| (*s).to_owned()).collect();
        command.push(format!("-node=bench-{}", address.replace('.', "-")));
        command.push(format!("-data-dir={}", dir.join("data").display()));
        command.push(format!("-config-dir={}", dir.join("config").display()));
        command.push(format!("-bind={address}"));
        command.push(format!("-client={address}"));
        let child = run(binary, &command, &dir)?;
        Ok(Server {
            name: name.to_owned(),
            address: address.to_owned(),
            http: format!("{address}:8500"),
            https: format!("{address}:8501"),
            tls,
            dns: format!("{address}:8600"),
            first_write: Duration::ZERO,
            binary: binary.to_owned(),
            command,
            child,
            dir,
            token,
        })
    }

    /// Waits until a write is acknowledged; how long that took.
    pub fn wait_write(&mut self) -> Result<Duration, String> {
        let started = Instant::now();
        while self.call("PUT", "/v1/kv/first", b"1").is_none_or(|(status, body)| status != 200 || body != b"true") {
            if let Ok(Some(status)) = self.child.try_wait() {
                let log = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
                return Err(format!("{} ended with {status}:\n{log}", self.binary));
            }
            if started.elapsed() > Duration::from_secs(60) {
                return Err(format!("{} took no write within 60 s", self.binary));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(started.elapsed())
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again with what it had.
    pub fn restart(&mut self) -> Result<(), String> {
        self.kill();
        self.child = run(&self.binary, &self.command, &self.dir)?;
        Ok(())
    }

    /// One plain request; `None` when the connection fails.
    pub fn call(&self, method: &str, target: &str, body: &[u8]) -> Option<(u16, Vec<u8>)> {
        let mut stream = TcpStream::connect(&self.http).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(120))).ok()?;
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n{}Content-Length: {}\r\n\r\n",
            if self.token.is_empty() { String::new() } else { format!("X-Consul-Token: {}\r\n", self.token) },
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let split = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
        let status = std::str::from_utf8(answer.get(9..12)?).ok()?.parse().ok()?;
        Some((status, answer[split + 4..].to_vec()))
    }

    /// A request that must answer 200.
    pub fn must(&self, method: &str, target: &str, body: &[u8]) -> Result<Vec<u8>, String> {
        match self.call(method, target, body) {
            Some((200, body)) => Ok(body),
            Some((status, body)) => {
                Err(format!("{}: {method} {target}: {status} {}", self.name, String::from_utf8_lossy(&body)))
            }
            None => Err(format!("{}: {method} {target}: no answer", self.name)),
        }
    }

    /// Resident memory, MiB.
    pub fn rss_mib(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.trim().trim_end_matches(" kB").trim().parse::<f64>().ok());
        kib.unwrap_or(0.0) / 1024.0
    }

    /// CPU time used so far, user and system, seconds.
    pub fn cpu_seconds(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let after_name = stat.rsplit_once(") ").map(|(_, rest)| rest).unwrap_or_default();
        let fields: Vec<&str> = after_name.split(' ').collect();
        let ticks = |position: usize| fields.get(position).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
        (ticks(11) + ticks(12)) / 100.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}
