//! Logins with keys that the test makes, and against small servers that stand for Kubernetes and AWS.

use crate::support::jwt::{Signer, now};
use crate::support::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Output;

#[track_caller]
fn ok(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "stdout: {}\nstderr: {}", stdout(output), stderr(output));
    stdout(output)
}

#[track_caller]
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "stdout: {}\nstderr: {}", stdout(output), stderr(output));
    stderr(output)
}

/// What a small server is asked.
struct Asked {
    line: String,
    headers: Vec<String>,
    body: String,
}

impl Asked {
    fn header(&self, name: &str) -> String {
        let found = self.headers.iter().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        });
        found.unwrap_or_default()
    }
}

/// Serves one answer a connection, for as long as the test runs.
fn serve(answer: impl Fn(&Asked) -> (u16, String) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = serve_one(&stream, &answer);
        }
    });
    base
}

fn serve_one(stream: &TcpStream, answer: &impl Fn(&Asked) -> (u16, String)) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end() {
            "" => break,
            text => lines.push(text.to_owned()),
        }
    }
    let mut lengths = lines.iter().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let mut body = vec![0; lengths.next_back().unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let line = if lines.is_empty() { String::new() } else { lines.remove(0) };
    let asked = Asked { line, headers: lines, body: String::from_utf8_lossy(&body).into_owned() };
    let (status, body) = answer(&asked);
    let text = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    (&*stream).write_all(text.as_bytes())
}

fn method(agent: &TestAgent, name: &str, kind: &str, config: &Value, extra: &[&str]) -> Output {
    let config = config.to_string();
    let mut args = vec!["acl", "auth-method", "create", "-name", name, "-type", kind, "-config", "-"];
    args.extend(extra);
    agent.cli_with_stdin(&args, config.as_bytes())
}

fn rule(agent: &TestAgent, args: &[&str]) -> String {
    let all: Vec<&str> = ["acl", "binding-rule", "create"].iter().chain(args).copied().collect();
    ok(&agent.cli(&all))
}

/// Logs in; the secret that the sink got.
fn login(agent: &TestAgent, bearer: &str, args: &[&str]) -> Result<String, String> {
    let dir = tempfile::tempdir().expect("a folder");
    let (bearer_file, sink) = (dir.path().join("bearer"), dir.path().join("deep/sink"));
    let sink_flag = format!("-token-sink-file={}", sink.display());
    let bearer_flag = format!("-bearer-token-file={}", bearer_file.display());
    let mut all = vec!["login", &sink_flag];
    if !bearer.is_empty() {
        std::fs::write(&bearer_file, format!("{bearer}\n")).expect("the file is written");
        all.push(&bearer_flag);
    }
    all.extend(args);
    let output = agent.cli(&all);
    if output.status.success() {
        assert_eq!(stdout(&output), "");
        Ok(std::fs::read_to_string(sink).expect("the sink is written"))
    } else {
        Err(refused(&output))
    }
}

fn own(agent: &TestAgent, secret: &str) -> Value {
    let answer = agent.send_as(secret, "GET", "/v1/acl/token/self", "");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[test]
fn a_signed_token_is_exchanged_for_one_of_ours_and_given_back() {
    let agent = dev().acl().start();
    let signer = Signer::new();
    let config = json!({
        "JWTValidationPubKeys": [signer.pem()],
        "JWTSupportedAlgs": ["ES256"],
        "BoundIssuer": "ci",
        "BoundAudiences": ["consul"],
        "ClaimMappings": {"sub": "user"},
        "ListClaimMappings": {"groups": "groups"},
    });
    let made = ok(&method(&agent, "ci", "jwt", &config, &["-max-token-ttl=10m", "-description=builds"]));
    let head = "Name:          ci\nType:          jwt\nDescription:   builds\nMaxTokenTTL:   10m0s\nConfig:\n{\n  \"BoundAudiences\": [\n    \"consul\"\n  ],\n";
    assert!(made.starts_with(head) && made.ends_with("}\n\n"), "{made}");
    ok(&agent.cli(&[
        "acl",
        "policy",
        "create",
        "-name=deploy",
        "-rules",
        r#"key_prefix "deploy/" { policy = "write" }"#,
    ]));
    let shown = rule(&agent, &["-method=ci", "-bind-name=ci-${value.user}", "-selector=value.user != eve"]);
    let id = shown.lines().next().and_then(|line| line.strip_prefix("ID:           ")).expect("an id").to_owned();
    let expected = format!(
        "ID:           {id}\nAuthMethod:   ci\nDescription:  \nBindType:     service\nBindName:     ci-${{value.user}}\n\
         Selector:     value.user != eve\n\n"
    );
    assert_eq!(shown, expected);
    rule(&agent, &["-method=ci", "-bind-type=policy", "-bind-name=deploy", "-selector=release in list.groups"]);
    rule(&agent, &["-method=ci", "-bind-type=role", "-bind-name=nobody-has-it"]);

    let claims = |user: &str| json!({"iss": "ci", "aud": "consul", "sub": user, "groups": ["release"], "iat": now(), "exp": now() + 600});
    let secret = login(&agent, &signer.token(&claims("Bob")), &["-method=ci", "-meta=job=7"]).expect("logged in");
    let token = own(&agent, &secret);
    assert_eq!(token["Description"], r#"token created via login: {"job":"7"}"#);
    assert_eq!((&token["AuthMethod"], &token["Local"]), (&json!("ci"), &json!(true)));
    assert_eq!(token["ServiceIdentities"], json!([{"ServiceName": "ci-bob"}]));
    assert_eq!(token["Policies"][0]["Name"], "deploy");
    assert!(token["ExpirationTime"].is_string() && token.get("Roles").is_none(), "{token}");
    assert_eq!(agent.send_as(&secret, "PUT", "/v1/kv/deploy/a", "1").status, 200);
    assert_eq!(agent.send_as(&secret, "PUT", "/v1/kv/other", "1").status, 403);

    let logout = ["logout".to_owned(), format!("-token={secret}")];
    let logout: Vec<&str> = logout.iter().map(String::as_str).collect();
    assert_eq!(ok(&agent.cli(&logout)), "");
    let again = refused(&agent.cli(&logout));
    assert_eq!(again, "Error destroying token: Unexpected response code: 403 (ACL not found)\n");
    let other = agent.send("POST", "/v1/acl/logout", "");
    assert_eq!((other.status, other.text().as_str()), (403, "Permission denied: token wasn't created via login"));

    let fail = |bearer: &str, args: &[&str]| login(&agent, bearer, args).expect_err("refused");
    let eve = json!({"iss": "ci", "aud": "consul", "sub": "eve", "iat": now(), "exp": now() + 600});
    let code = "Error logging in: Unexpected response code: ";
    assert_eq!(fail(&signer.token(&eve), &["-method=ci"]), format!("{code}403 (Permission denied)\n"));
    assert_eq!(fail("x.y.z", &["-method=no"]), format!("{code}403 (ACL not found: auth method \"no\" not found)\n"));
    let forged = fail(&Signer::new().token(&claims("Bob")), &["-method=ci"]);
    assert!(forged.starts_with(&format!("{code}500 (error verifying token: ")), "{forged}");
    assert_eq!(fail("", &["-method=ci"]), "Missing required '-bearer-token-file' flag\n");

    let kept = login(&agent, &signer.token(&claims("Bob")), &["-method=ci"]).expect("logged in");
    assert_eq!(
        ok(&agent.cli(&["acl", "auth-method", "delete", "-name=ci"])),
        "Auth method \"ci\" deleted successfully\n"
    );
    assert_eq!(agent.send_as(&kept, "GET", "/v1/acl/token/self", "").status, 403, "its tokens went with it");
    assert_eq!(ok(&agent.cli(&["acl", "binding-rule", "list"])), "");
}

#[test]
fn keys_are_read_from_the_url_of_a_key_set() {
    let agent = dev().acl().start();
    let signer = Signer::new();
    let set = json!({"keys": [signer.jwk()]}).to_string();
    let url = serve(move |asked| match asked.line.as_str() {
        "GET /keys HTTP/1.1" => (200, set.clone()),
        _ => (404, String::new()),
    });
    let config = |path: &str| json!({"JWKSURL": format!("{url}{path}"), "JWTSupportedAlgs": ["ES256"], "ClaimMappings": {"sub": "user"}});
    let error = refused(&method(&agent, "bad", "jwt", &config("/none"), &[]));
    let start = "Failed to create new auth method: Unexpected response code: 500 (Invalid Auth Method: error checking JWKSURL: GET ";
    assert!(error.starts_with(start), "{error}");
    ok(&method(&agent, "set", "jwt", &config("/keys"), &["-token-locality=global"]));
    rule(&agent, &["-method=set", "-bind-type=node", "-bind-name=${value.user}"]);
    let secret =
        login(&agent, &signer.token(&json!({"sub": "n1", "iat": now(), "exp": now() + 600})), &["-method=set"])
            .expect("logged in");
    let token = own(&agent, &secret);
    assert_eq!(token["NodeIdentities"], json!([{"NodeName": "n1", "Datacenter": "dc1"}]));
    assert_eq!((&token["Local"], token.get("ExpirationTime")), (&json!(false), None));
}

#[test]
fn a_service_account_is_reviewed_by_its_api_server() {
    const OWN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpYXQiOjF9.b3du";
    let agent = dev().acl().start();
    let host = serve(|asked| {
        if !asked.headers.iter().any(|line| line.eq_ignore_ascii_case(&format!("authorization: Bearer {OWN}"))) {
            return (403, r#"{"kind":"Status","message":"forbidden"}"#.to_owned());
        }
        let review: Value = serde_json::from_str(&asked.body).unwrap_or_default();
        let reviewed = |status: Value| (201, json!({"kind": "TokenReview", "status": status}).to_string());
        let user = |name: &str| json!({"authenticated": true, "user": {"username": name, "uid": "u-1"}});
        match (asked.line.as_str(), review["spec"]["token"].as_str().unwrap_or_default()) {
            ("POST /apis/authentication.k8s.io/v1/tokenreviews HTTP/1.1", token) => match token.rsplit('.').next() {
                Some("d2Vi") => reviewed(user("system:serviceaccount:default:web")),
                Some("b3Bz") => reviewed(user("system:serviceaccount:ops:deploy-bot")),
                Some("dXNlcg") => reviewed(user("system:node:a:b")),
                Some("cm9vdA") => reviewed(user("root")),
                _ => reviewed(json!({"authenticated": false})),
            },
            ("GET /api/v1/namespaces/default/serviceaccounts/web HTTP/1.1", _) => {
                (200, json!({"metadata": {"name": "web"}}).to_string())
            }
            ("GET /api/v1/namespaces/ops/serviceaccounts/deploy-bot HTTP/1.1", _) => {
                let annotations = json!({"consul.hashicorp.com/service-name": "deployer"});
                (200, json!({"metadata": {"annotations": annotations}}).to_string())
            }
            _ => (404, "{}".to_owned()),
        }
    });
    let key = rcgen::KeyPair::generate().expect("a key");
    let ca =
        rcgen::CertificateParams::new(Vec::new()).and_then(|params| params.self_signed(&key)).expect("a certificate");
    let ca = ca.pem();
    let made = agent.cli_with_stdin(
        &[
            "acl",
            "auth-method",
            "create",
            "-type=kubernetes",
            "-name=minikube",
            "-kubernetes-host",
            &host,
            "-kubernetes-ca-cert=-",
            "-kubernetes-service-account-jwt",
            OWN,
        ],
        ca.as_bytes(),
    );
    assert!(ok(&made).contains("\"ServiceAccountJWT\": \""));
    rule(
        &agent,
        &["-method=minikube", "-bind-name=k8s-${serviceaccount.name}", "-selector=serviceaccount.namespace==default"],
    );
    rule(
        &agent,
        &[
            "-method=minikube",
            "-bind-type=templated-policy",
            "-bind-name=builtin/service",
            "-bind-vars=name=${serviceaccount.name}",
            "-selector=serviceaccount.namespace==ops",
        ],
    );
    let jwt = |name: &str| format!("eyJhbGciOiJFUzI1NiJ9.eyJpYXQiOjF9.{}", URL_SAFE_NO_PAD.encode(name));
    let web = own(&agent, &login(&agent, &jwt("web"), &["-method=minikube"]).expect("logged in"));
    assert_eq!(web["ServiceIdentities"], json!([{"ServiceName": "k8s-web"}]));
    let ops = own(&agent, &login(&agent, &jwt("ops"), &["-method=minikube"]).expect("logged in"));
    assert_eq!(ops["TemplatedPolicies"][0]["TemplateVariables"]["name"], "deployer");
    for (name, reason) in [
        ("unknown", "lookup failed: service account jwt not valid"),
        ("user", "lookup failed: username returned is not a service account"),
        ("root", "lookup failed: unexpected username format"),
    ] {
        let error = login(&agent, &jwt(name), &["-method=minikube"]).expect_err("refused");
        assert_eq!(error, format!("Error logging in: Unexpected response code: 500 ({reason})\n"));
    }
}

#[test]
fn an_aws_principal_signs_a_request_that_we_send() {
    let agent = dev().acl().start();
    let sts = serve(|asked| {
        let signed = asked.header("authorization");
        let right = asked.line.starts_with("POST / ")
            && asked.body == "Action=GetCallerIdentity&Version=2011-06-15"
            && asked.header("host") == "sts.eu-west-1.amazonaws.com"
            && signed.starts_with("AWS4-HMAC-SHA256 Credential=AKID/")
            && signed.contains(
                "/eu-west-1/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-consul-iam-serverid,",
            );
        if !right {
            return (403, String::new());
        }
        let body = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Arn>arn:aws:sts::1234:assumed-role/Deployer/session</Arn><UserId>AROA:session</UserId><Account>1234</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
        (200, body.to_owned())
    });
    let config = |arn: &str| json!({"BoundIAMPrincipalARNs": [arn], "STSEndpoint": sts, "ServerIDHeaderValue": "srv"});
    ok(&method(&agent, "aws", "aws-iam", &config("arn:aws:iam::1234:role/Deployer"), &[]));
    ok(&method(&agent, "other", "aws-iam", &config("arn:aws:iam::1234:role/other"), &[]));
    for name in ["aws", "other"] {
        rule(&agent, &["-method", name, "-bind-name=${entity_name}-${account_id}", "-selector=entity_id == AROA"]);
    }
    let aws = [
        "-aws-auto-bearer-token",
        "-aws-access-key-id=AKID",
        "-aws-secret-access-key=secret",
        "-aws-region=eu-west-1",
        "-aws-server-id-header-value=srv",
    ];
    let with = |name: &'static str| [&[name], &aws[..]].concat();
    let token = own(&agent, &login(&agent, "", &with("-method=aws")).expect("logged in"));
    assert_eq!(token["ServiceIdentities"], json!([{"ServiceName": "deployer-1234"}]));
    let error = login(&agent, "", &with("-method=other")).expect_err("refused");
    assert_eq!(
        error,
        "Error logging in: Unexpected response code: 500 (IAM principal arn:aws:iam::1234:role/Deployer is not trusted)\n"
    );
    let error = login(&agent, "", &with("-method=aws")[..5]).expect_err("refused");
    assert!(error.contains("missing header \"x-consul-iam-serverid\""), "{error}");
    let error = login(&agent, "x", &with("-method=aws")).expect_err("refused");
    assert_eq!(error, "Cannot use '-bearer-token-file' flag with '-aws-auto-bearer-token'\n");
}

/// AWS as the one who logs in and the server see it: STS, the service of a container, that of an instance. Whoever signs with
/// the access key `X` is in the role `X`.
fn aws() -> String {
    serve(|asked| {
        let signer = asked.header("authorization");
        let signer = signer.strip_prefix("AWS4-HMAC-SHA256 Credential=").and_then(|rest| rest.split('/').next());
        let session = asked.header("x-amz-security-token");
        let keys = |id: &str| {
            json!({"Code": "Success", "AccessKeyId": id, "SecretAccessKey": "s3cret", "Token": "s3ssion"}).to_string()
        };
        let with_token = |name: &str| asked.header(name) == "t0ken";
        match (asked.line.as_str(), signer) {
            ("POST / HTTP/1.1", Some(role)) if session == "s3ssion" || role == "LASTING" => {
                let caller = format!(
                    "<GetCallerIdentityResponse xmlns=\"x\"><GetCallerIdentityResult><Arn>arn:aws:sts::1234:assumed-role/{role}/s</Arn>\
                     <UserId>AROA:s</UserId><Account>1234</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
                );
                (200, caller)
            }
            ("POST / HTTP/1.1", None) if asked.body.contains("&WebIdentityToken=t0ken") => {
                let role = "<R><Credentials><AccessKeyId>WEB</AccessKeyId><SecretAccessKey>s3cret</SecretAccessKey>\
                            <SessionToken>s3ssion</SessionToken></Credentials></R>";
                (200, role.to_owned())
            }
            ("GET /container HTTP/1.1", _) if with_token("authorization") => (200, keys("CONTAINER")),
            ("PUT /latest/api/token HTTP/1.1", _) => (200, "t0ken".to_owned()),
            ("GET /latest/meta-data/iam/security-credentials/ HTTP/1.1", _)
                if with_token("x-aws-ec2-metadata-token") =>
            {
                (200, "my-role".to_owned())
            }
            ("GET /latest/meta-data/iam/security-credentials/my-role HTTP/1.1", _)
                if with_token("x-aws-ec2-metadata-token") =>
            {
                (200, keys("INSTANCE"))
            }
            _ => (403, String::new()),
        }
    })
}

#[test]
fn aws_credentials_are_found_where_the_tools_of_aws_find_them() {
    let agent = dev().acl().start();
    let aws = aws();
    let home = tempfile::tempdir().expect("a folder");
    let path = |name: &str| home.path().join(name).display().to_string();
    std::fs::create_dir(path(".aws")).expect("a folder");
    std::fs::write(path("token"), "t0ken").expect("written");
    let file = "[work]\naws_access_key_id = LASTING\naws_secret_access_key = s3cret\n";
    std::fs::write(path(".aws/credentials"), file).expect("written");
    std::fs::write(path(".aws/config"), "[default]\nregion = eu-west-1\n").expect("written");
    let roles =
        ["ENVIRONMENT", "WEB", "LASTING", "CONTAINER", "INSTANCE"].map(|role| format!("arn:aws:iam::1234:role/{role}"));
    ok(&method(&agent, "aws", "aws-iam", &json!({"BoundIAMPrincipalARNs": roles, "STSEndpoint": aws}), &[]));
    rule(&agent, &["-method=aws", "-bind-name=${entity_name}"]);

    let (token, container) = (path("token"), format!("{aws}/container"));
    let on = ("AWS_EC2_METADATA_DISABLED", "false");
    let endpoint = ("AWS_EC2_METADATA_SERVICE_ENDPOINT", aws.as_str());
    // environment, the service that the token is for
    let cases: [(&[(&str, &str)], &str); 5] = [
        (
            &[
                ("AWS_ACCESS_KEY_ID", "ENVIRONMENT"),
                ("AWS_SECRET_ACCESS_KEY", "s3cret"),
                ("AWS_SESSION_TOKEN", "s3ssion"),
                on,
                endpoint,
            ],
            "environment",
        ),
        (
            &[("AWS_WEB_IDENTITY_TOKEN_FILE", &token), ("AWS_ROLE_ARN", "arn:aws:iam::1234:role/WEB"), on, endpoint],
            "web",
        ),
        (&[("AWS_PROFILE", "work"), on, endpoint], "lasting"),
        (
            &[
                ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &container),
                ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &token),
                on,
                endpoint,
            ],
            "container",
        ),
        (&[on, endpoint], "instance"),
    ];
    let (address, home_path, sink) = (agent.http_address(), path(""), path("sink"));
    let (sink_flag, endpoint_flag) = (format!("-token-sink-file={sink}"), format!("-aws-sts-endpoint={aws}"));
    let args = ["login", "-method=aws", "-aws-auto-bearer-token", &sink_flag, &endpoint_flag];
    let run = |environment: &[(&str, &str)]| {
        let usual = [("CONSUL_HTTP_ADDR", address.as_str()), ("HOME", home_path.as_str())];
        let environment: Vec<(&str, &str)> = environment.iter().copied().chain(usual).collect();
        run_cli(BINARY, &args, &environment, b"")
    };
    for (environment, service) in cases {
        assert_eq!(ok(&run(environment)), "");
        let secret = std::fs::read_to_string(&sink).expect("the sink is written");
        assert_eq!(own(&agent, &secret)["ServiceIdentities"], json!([{"ServiceName": service}]));
    }
    let error = refused(&run(&[]));
    assert!(error.starts_with("no AWS credentials\n  flags: "), "{error}");
    assert!(error.ends_with("  instance metadata: switched off by AWS_EC2_METADATA_DISABLED\n"), "{error}");
    let error = refused(&run(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &container), on, endpoint]));
    assert_eq!(error, "AWS credentials of the container: the service answered 403\n");
    let args = ["login", "-method=aws", "-aws-auto-bearer-token", &sink_flag, "-aws-session-token=s3ssion"];
    assert_eq!(refused(&agent.cli(&args)), "Missing '-aws-access-key-id' and '-aws-secret-access-key' flags\n");
}
