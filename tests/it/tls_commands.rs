//! `tls ca create` and `tls cert create`: files, contents, refusals, beside a real one if there is one.

use crate::support::*;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

fn run(binary: &str, folder: &Path, args: &[&str]) -> Output {
    Command::new(binary).arg("tls").args(args).current_dir(folder).output().expect("the command runs")
}

fn ok(folder: &Path, args: &[&str]) -> String {
    let output = run(BINARY, folder, args);
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    stdout(&output)
}

#[track_caller]
fn refused(folder: &Path, args: &[&str], text: &str) {
    let output = run(BINARY, folder, args);
    assert_eq!((output.status.code(), stderr(&output).trim_end()), (Some(1), text), "{args:?}");
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("the file is there").permissions().mode() & 0o777
}

#[test]
fn files_have_their_names_modes_and_numbers() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    refused(
        at,
        &["cert", "create", "-server"],
        "Error reading CA: open consul-agent-ca.pem: no such file or directory",
    );
    assert_eq!(ok(at, &["ca", "create"]), "==> Saved consul-agent-ca.pem\n==> Saved consul-agent-ca-key.pem\n");
    refused(at, &["ca", "create"], "consul-agent-ca.pem already exists.");
    let text = ok(at, &["cert", "create", "-server", "-node", "n1"]);
    let expected = "==> WARNING: Server Certificates grants authority to become a\n    server and access all state in the \
                    cluster including root keys\n    and all ACL tokens. Do not distribute them to production hosts\n    \
                    that are not server nodes. Store them as securely as CA keys.\n==> Using consul-agent-ca.pem and \
                    consul-agent-ca-key.pem\n==> Saved dc1-server-consul-0.pem\n==> Saved dc1-server-consul-0-key.pem\n";
    assert_eq!(text, expected);
    assert!(ok(at, &["cert", "create", "-client"]).ends_with("==> Saved dc1-client-consul-0-key.pem\n"));
    assert!(ok(at, &["cert", "create", "-client"]).ends_with("==> Saved dc1-client-consul-1-key.pem\n"));
    assert!(ok(at, &["cert", "create", "-cli", "-dc", "far"]).ends_with("==> Saved far-cli-consul-0-key.pem\n"));
    for name in ["consul-agent-ca.pem", "dc1-server-consul-0.pem", "dc1-client-consul-1.pem"] {
        assert_eq!(mode(&at.join(name)), 0o644, "{name}");
    }
    for name in ["consul-agent-ca-key.pem", "dc1-server-consul-0-key.pem", "far-cli-consul-0-key.pem"] {
        assert_eq!(mode(&at.join(name)), 0o600, "{name}");
        let text = std::fs::read_to_string(at.join(name)).expect("a key");
        assert!(text.starts_with("-----BEGIN EC PRIVATE KEY-----\n"), "{name}");
    }
    let key = std::fs::read(at.join("dc1-client-consul-0-key.pem")).expect("a key");
    let other = std::fs::read(at.join("dc1-client-consul-1-key.pem")).expect("a key");
    assert_ne!(key, other);
}

#[test]
fn wrong_wishes_are_refused_and_leave_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    ok(at, &["ca", "create"]);
    std::fs::write(at.join("empty.pem"), "").expect("a file");
    let before = std::fs::read_dir(at).expect("a folder").count();
    let kind = "Please provide either -server, -client, or -cli";
    let cases: [(&[&str], &str); 14] = [
        (&["cert", "create"], kind),
        (&["cert", "create", "-server", "-cli"], kind),
        (&["cert", "create", "-client", "-node", "n1"], "-node requires -server"),
        (&["cert", "create", "-client", "-ca", ""], "Please provide the ca"),
        (&["cert", "create", "-client", "-key", ""], "Please provide the key"),
        (&["cert", "create", "-client", "-ca", "x"], "Error reading CA: open x: no such file or directory"),
        (&["cert", "create", "-client", "-key", "x"], "Error reading CA key: open x: no such file or directory"),
        (
            &["cert", "create", "-client", "-key", "consul-agent-ca.pem"],
            "unknown PEM block type for signing key: CERTIFICATE",
        ),
        (
            &["cert", "create", "-client", "-ca", "consul-agent-ca-key.pem"],
            "first PEM-block should be CERTIFICATE type",
        ),
        (&["cert", "create", "-client", "-ca", "empty.pem"], "no PEM-encoded data found"),
        (&["cert", "create", "-client", "-days", "-3"], "x509: certificate has expired or is not yet valid"),
        (
            &["cert", "create", "-client", "-additional-ipaddress", "foo"],
            "-additional-ipaddress: \"foo\" is no IP address",
        ),
        (&["ca", "create", "-domain", "other", "-days", "0"], "-days must be at least 1"),
        (&["ca", "create", "-domain", "other", "-days", "99999999"], "-days cannot be more than 36525"),
    ];
    for (args, text) in cases {
        refused(at, args, text);
    }
    assert_eq!(std::fs::read_dir(at).expect("a folder").count(), before);
    ok(at, &["cert", "create", "-cli"]);
    let wrong = ["cert", "create", "-client", "-key", "dc1-cli-consul-0-key.pem"];
    refused(at, &wrong, "x509: provided PrivateKey doesn't match parent's PublicKey");
}

#[test]
fn an_authority_with_constraints_signs_for_its_own_names_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    ok(at, &["ca", "create", "-domain=own", "-name-constraint", "-additional-name-constraint=ui.example"]);
    ok(at, &["cert", "create", "-server", "-domain=own"]);
    ok(at, &["cert", "create", "-server", "-domain=own", "-additional-dnsname=ui.example"]);
    let text = "x509: a root or intermediate certificate is not authorized to sign for this name: a name of the certificate \
                is not permitted by any constraint";
    refused(at, &["cert", "create", "-server", "-domain=own", "-additional-dnsname=bad.example"], text);
}

/// What `openssl` says of a certificate, without what differs from one to the next.
fn described(path: &Path) -> Option<String> {
    let output = Command::new("openssl").args(["x509", "-noout", "-text", "-in"]).arg(path).output().ok()?;
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    let keep = |line: &&str| {
        let line = line.trim();
        let random = line.chars().all(|c| c.is_ascii_hexdigit() || c == ':');
        let own = ["Issuer:", "Subject:", "Not Before", "Not After"].iter().any(|start| line.starts_with(start));
        !random && !own
    };
    Some(text.lines().filter(keep).map(|line| format!("{}\n", line.trim_end())).collect())
}

#[test]
fn certificates_are_laid_out_as_those_of_a_real_consul() {
    let Some(consul) = reference_binary() else {
        println!("skipped: CONSUL_BIN names no Consul");
        return;
    };
    let (ours, theirs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let wishes: [&[&str]; 7] = [
        &["ca", "create"],
        &["cert", "create", "-server", "-node=n1", "-additional-dnsname=a.b", "-additional-ipaddress=10.0.0.1"],
        &["cert", "create", "-client", "-additional-ipaddress=::1"],
        &["cert", "create", "-cli", "-additional-dnsname=a.b", "-additional-ipaddress=10.0.0.1"],
        &["ca", "create", "-domain=own", "-name-constraint", "-additional-name-constraint=ui.example", "-days=10"],
        &["cert", "create", "-server", "-domain=own", "-dc=far"],
        &["cert", "create", "-client", "-domain=own", "-days=3"],
    ];
    for args in wishes {
        let (our, their) = (run(BINARY, ours.path(), args), run(&consul, theirs.path(), args));
        assert_eq!((stdout(&our), our.status.code()), (stdout(&their), their.status.code()), "{args:?}");
    }
    let names = [
        "consul-agent-ca.pem",
        "dc1-server-consul-0.pem",
        "dc1-client-consul-0.pem",
        "dc1-cli-consul-0.pem",
        "own-agent-ca.pem",
        "far-server-own-0.pem",
        "dc1-client-own-0.pem",
    ];
    for name in names {
        let (Some(our), Some(their)) = (described(&ours.path().join(name)), described(&theirs.path().join(name)))
        else {
            println!("skipped: there is no openssl");
            return;
        };
        assert_eq!(our, their, "{name}");
    }
    // one make's authority signs and is verified by the other
    let signed = ["cert", "create", "-server", "-domain=own", "-dc=mixed"];
    let output = run(BINARY, theirs.path(), &signed);
    assert!(output.status.success(), "{}", stderr(&output));
    let output = run(&consul, ours.path(), &signed);
    assert!(output.status.success(), "{}", stderr(&output));
}
