//! Docker checks against an engine made of a table.

use super::*;

/// An engine on a Unix socket that answers `METHOD path` as the table says.
fn engine(answers: BTreeMap<&'static str, String>) -> (tempfile::TempDir, CheckEnv) {
    let dir = tempfile::tempdir().expect("directory");
    let socket = dir.path().join("docker.sock");
    let listener = UnixListener::bind(&socket).expect("a socket");
    let answers = Arc::new(answers);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answers = answers.clone();
            tokio::spawn(async move {
                let head = read_head(&mut stream).await;
                let line: Vec<&str> = head.split(' ').take(2).collect();
                let text = answers.get(line.join(" ").as_str()).cloned();
                let _ = stream.write_all(text.unwrap_or_else(|| answer("418 Teapot", "", &head)).as_bytes()).await;
            });
        }
    });
    let env = CheckEnv { docker_host: Some(format!("unix://{}", socket.display()).into()), ..env() };
    (dir, env)
}

fn def() -> serde_json::Value {
    json!({"DockerContainerID": "abc", "ScriptArgs": ["true"]})
}

const CREATE: &str = "POST /containers/abc/exec";
const START: &str = "POST /exec/id1/start";
const INSPECT: &str = "GET /exec/id1/json";

fn exited(code: i64) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        (CREATE, answer("201 Created", "", "{\"Id\":\"id1\"}")),
        (START, answer("200 OK", "", "\u{1}\0\0\0\0\0\0\u{4}out\n")),
        (INSPECT, answer("200 OK", "", &format!("{{\"ExitCode\":{code}}}"))),
    ])
}

#[tokio::test]
async fn the_exit_code_of_the_command_is_the_status() {
    for (code, status) in [(0, Passing), (1, Warning), (2, Critical), (137, Critical)] {
        let (_dir, env) = engine(exited(code));
        assert_eq!(run_in(&env, def()).next().await, result(status, "out\n"));
    }
}

#[tokio::test]
async fn refusals_of_the_engine_are_told() {
    for (step, with, output) in [
        (CREATE, "404 Not Found", "create exec failed for unknown container abc"),
        (CREATE, "409 Conflict", "create exec failed since container abc is paused or stopped"),
        (CREATE, "500 Internal Server Error", "create exec failed for container abc with status 500: why"),
        (START, "404 Not Found", "start exec failed for container abc: invalid exec id id1"),
        (INSPECT, "404 Not Found", "inspect exec failed for container abc: invalid exec id id1"),
    ] {
        let mut answers = exited(0);
        answers.insert(step, answer(with, "", "why"));
        let (_dir, env) = engine(answers);
        assert_eq!(run_in(&env, def()).next().await, result(Critical, output));
    }
}

#[tokio::test]
async fn without_an_engine_the_socket_is_named() {
    let env = CheckEnv { docker_host: Some("unix:///nonexistent/docker.sock".into()), ..env() };
    let output = "create exec failed for container abc: Post \
                  \"http://%2Fnonexistent%2Fdocker.sock/containers/abc/exec\": dial unix \
                  /nonexistent/docker.sock: connect: no such file or directory";
    assert_eq!(run_in(&env, def()).next().await, result(Critical, output));
}
