//! Docker checks: a command inside a container, through the engine's API (`spec/services-and-checks.md` 4, docker).

use super::dial::errno_text;
use super::output::Tail;
use super::runner::{Outcome, Probe};
use crate::types::{CheckStatus, GoDuration};
use bytes::{Buf, Bytes, BytesMut};
use futures::future::BoxFuture;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// Where the engine listens when `DOCKER_HOST` does not say.
const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";

/// Longest JSON answer of the engine.
const MAX_ANSWER: usize = 1 << 20;

/// A command in a container.
pub struct Docker {
    /// Container id or name.
    pub container: String,
    /// Program and arguments.
    pub args: Vec<String>,
    /// The engine.
    pub engine: Engine,
    /// Time limit of a run.
    pub timeout: Duration,
    /// Output limit, bytes.
    pub output_max_size: usize,
}

impl Probe for Docker {
    fn run<'a>(&'a self, report: &'a mut (dyn FnMut(Outcome) + Send)) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            report(match tokio::time::timeout(self.timeout, self.check()).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(error)) => Outcome::critical(error),
                Err(_) => Outcome::critical(format!("Timed out ({}) running check", GoDuration::from(self.timeout))),
            });
        })
    }
}

impl Docker {
    async fn check(&self) -> Result<Outcome, String> {
        let exec = self.create().await?;
        let output = self.start(&exec).await?;
        Ok(match self.inspect(&exec).await? {
            0 => Outcome::new(CheckStatus::Passing, output),
            1 => Outcome::new(CheckStatus::Warning, output),
            _ => Outcome::critical(output),
        })
    }

    async fn create(&self) -> Result<String, String> {
        let container = &self.container;
        let failed = |error: String| format!("create exec failed for container {container}: {error}");
        let body = json!({
            "AttachStdin": false, "AttachStdout": true, "AttachStderr": true, "Tty": false, "Cmd": self.args,
        });
        let answer =
            self.engine.call("POST", &format!("/containers/{container}/exec"), Some(&body)).await.map_err(failed)?;
        let status = answer.status();
        let text = read_text(answer).await.map_err(failed)?;
        match status {
            StatusCode::CREATED => {
                let value: Value = serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
                let id = value.get("Id").and_then(Value::as_str);
                id.map(str::to_owned).ok_or_else(|| failed("the answer has no Id".to_owned()))
            }
            StatusCode::NOT_FOUND => Err(format!("create exec failed for unknown container {container}")),
            StatusCode::CONFLICT => Err(format!("create exec failed since container {container} is paused or stopped")),
            code => Err(format!("create exec failed for container {container} with status {}: {text}", code.as_u16())),
        }
    }

    async fn start(&self, exec: &str) -> Result<String, String> {
        let container = &self.container;
        let failed = |error: String| format!("start exec failed for container {container}: {error}");
        let body = json!({"Detach": false, "Tty": false});
        let answer = self.engine.call("POST", &format!("/exec/{exec}/start"), Some(&body)).await.map_err(failed)?;
        match answer.status() {
            StatusCode::OK => {
                let mut output =
                    Output { tail: Tail::new(self.output_max_size), pending: BytesMut::new(), framed: None };
                let mut body = answer.into_body();
                while let Some(frame) = body.frame().await {
                    let frame = frame.map_err(|error| failed(error.to_string()))?;
                    if let Ok(data) = frame.into_data() {
                        output.write(&data);
                    }
                }
                Ok(output.finish())
            }
            StatusCode::NOT_FOUND => Err(failed(format!("invalid exec id {exec}"))),
            StatusCode::CONFLICT => Err(format!("start exec failed since container {container} is paused or stopped")),
            code => {
                let text = read_text(answer).await.map_err(failed)?;
                Err(format!("start exec failed for container {container} with status {}: {text}", code.as_u16()))
            }
        }
    }

    async fn inspect(&self, exec: &str) -> Result<i64, String> {
        let container = &self.container;
        let failed = |error: String| format!("inspect exec failed for container {container}: {error}");
        let answer = self.engine.call("GET", &format!("/exec/{exec}/json"), None).await.map_err(failed)?;
        let status = answer.status();
        let text = read_text(answer).await.map_err(failed)?;
        match status {
            StatusCode::OK => {
                let value: Value = serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
                value
                    .get("ExitCode")
                    .and_then(Value::as_i64)
                    .ok_or_else(|| failed("the answer has no ExitCode".to_owned()))
            }
            StatusCode::NOT_FOUND => Err(failed(format!("invalid exec id {exec}"))),
            code => Err(format!("inspect exec failed for container {container} with status {}: {text}", code.as_u16())),
        }
    }
}

/// The output of a command. Without a terminal the engine sends both streams in frames of type, three zeros and a
/// length of four bytes; what does not begin like that is taken as it is.
struct Output {
    tail: Tail,
    pending: BytesMut,
    framed: Option<bool>,
}

const FRAME_HEADER: usize = 8;

impl Output {
    fn write(&mut self, data: &[u8]) {
        self.pending.extend_from_slice(data);
        if self.framed.is_none() && self.pending.len() >= FRAME_HEADER {
            self.framed = Some(self.pending[0] <= 2 && self.pending[1..4] == [0; 3]);
        }
        match self.framed {
            Some(false) => self.flush(),
            Some(true) => self.unframe(),
            None => {}
        }
    }

    /// Takes whole frames; what is longer than could ever be kept is passed on in pieces.
    fn unframe(&mut self) {
        while self.pending.len() >= FRAME_HEADER {
            let len = u32::from_be_bytes([self.pending[4], self.pending[5], self.pending[6], self.pending[7]]) as usize;
            let available = self.pending.len() - FRAME_HEADER;
            if available >= len {
                self.pending.advance(FRAME_HEADER);
                let payload = self.pending.split_to(len);
                self.tail.write(&payload);
            } else if available > 0 {
                let kind = [self.pending[0], 0, 0, 0];
                self.pending.advance(FRAME_HEADER);
                let piece = std::mem::take(&mut self.pending);
                self.tail.write(&piece);
                self.pending.extend_from_slice(&kind);
                self.pending.extend_from_slice(&((len - available) as u32).to_be_bytes());
                return;
            } else {
                return;
            }
        }
    }

    fn flush(&mut self) {
        self.tail.write(&std::mem::take(&mut self.pending));
    }

    fn finish(mut self) -> String {
        if self.framed != Some(true) {
            self.flush();
        }
        self.tail.captured()
    }
}

/// How to reach the engine.
#[derive(Clone, Debug, PartialEq)]
pub enum Engine {
    /// Unix socket.
    Unix(String),
    /// `host:port`.
    Tcp(String),
}

impl Engine {
    /// From `DOCKER_HOST`; none takes the default socket.
    pub fn parse(host: Option<&str>) -> Result<Engine, String> {
        let host = host.unwrap_or(DEFAULT_HOST);
        match host.split_once("://") {
            Some(("unix", path)) if !path.is_empty() => Ok(Engine::Unix(path.to_owned())),
            Some(("tcp" | "http", address)) if !address.is_empty() => {
                Ok(Engine::Tcp(address.trim_end_matches('/').to_owned()))
            }
            _ => Err(format!("unable to parse docker host `{host}`")),
        }
    }

    /// The URL of a path as the reference's errors show it.
    fn shown(&self, path: &str) -> String {
        match self {
            Engine::Unix(socket) => format!("http://{}{path}", socket.replace('/', "%2F")),
            Engine::Tcp(address) => format!("http://{address}{path}"),
        }
    }

    async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Response<Incoming>, String> {
        let verb = if method == "GET" { "Get" } else { "Post" };
        let failed = |error: String| format!("{verb} {:?}: {error}", self.shown(path));
        let host = match self {
            Engine::Unix(_) => "docker",
            Engine::Tcp(address) => address,
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", host)
            .header("content-type", "application/json")
            .body(Full::new(body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()))))
            .map_err(|error| failed(error.to_string()))?;
        let sent = match self {
            Engine::Unix(socket) => {
                let stream = UnixStream::connect(socket)
                    .await
                    .map_err(|error| failed(format!("dial unix {socket}: connect: {}", errno_text(&error))))?;
                send(stream, request).await
            }
            Engine::Tcp(address) => {
                let stream = TcpStream::connect(address)
                    .await
                    .map_err(|error| failed(format!("dial tcp {address}: connect: {}", errno_text(&error))))?;
                send(stream, request).await
            }
        };
        sent.map_err(|error| failed(error.to_string()))
    }
}

async fn send<S>(stream: S, request: Request<Full<Bytes>>) -> hyper::Result<Response<Incoming>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // Ends when the answer has been read or dropped.
    tokio::spawn(connection);
    sender.send_request(request).await
}

async fn read_text(answer: Response<Incoming>) -> Result<String, String> {
    let body = http_body_util::Limited::new(answer.into_body(), MAX_ANSWER);
    let bytes = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_taken_apart_wherever_they_are_cut() {
        let stream = b"\x01\0\0\0\0\0\0\x03out\x02\0\0\0\0\0\0\x04err\n\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\x01!";
        for piece in 1..stream.len() {
            let mut output = Output { tail: Tail::new(100), pending: BytesMut::new(), framed: None };
            for data in stream.chunks(piece) {
                output.write(data);
            }
            assert_eq!(output.finish(), "outerr\n!", "{piece}");
        }
        for plain in ["hi\n", "a longer line without frames\n"] {
            let mut output = Output { tail: Tail::new(100), pending: BytesMut::new(), framed: None };
            output.write(plain.as_bytes());
            assert_eq!(output.finish(), plain);
        }
    }

    #[test]
    fn the_engine_is_where_docker_host_says() {
        assert_eq!(Engine::parse(None), Ok(Engine::Unix("/var/run/docker.sock".into())));
        assert_eq!(Engine::parse(Some("unix:///x.sock")), Ok(Engine::Unix("/x.sock".into())));
        assert_eq!(Engine::parse(Some("tcp://h:2375")), Ok(Engine::Tcp("h:2375".into())));
        assert_eq!(Engine::parse(Some("h:2375")), Err("unable to parse docker host `h:2375`".into()));
    }
}
