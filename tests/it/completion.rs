//! The generated completion scripts in real shells: bash, zsh and fish complete lines against an agent, as they would at a
//! terminal.

use crate::support::{BINARY, TestAgent, dev, wait_for};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder whose `tribune` is the binary under test.
fn bin() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("temporary directory");
    std::os::unix::fs::symlink(BINARY, folder.path().join("tribune")).expect("a link");
    folder
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(name)
}

/// The shell's path; none, with a word about it, when it is not installed.
fn installed(shell: &str) -> bool {
    let found = Command::new(shell).args(["-c", "true"]).output().is_ok_and(|output| output.status.success());
    if !found {
        println!("skipped: {shell} is not installed");
    }
    found
}

/// Runs a shell on a program, with the binary under test first in the path.
fn run(shell: &[&str], program: &str, address: &str) -> String {
    let bin = bin();
    let path = format!("{}:{}", bin.path().display(), std::env::var("PATH").unwrap_or_default());
    let home = tempfile::tempdir().expect("temporary directory");
    let file = home.path().join("program");
    std::fs::write(&file, program).expect("written");
    let output: Output = Command::new(shell[0])
        .args(&shell[1..])
        .arg(&file)
        .env("PATH", path)
        .env("HOME", home.path())
        .env("LC_ALL", "C.UTF-8")
        .env("TERM", "xterm")
        .env("CONSUL_HTTP_ADDR", address)
        .stdin(Stdio::null())
        .output()
        .expect("the shell starts");
    assert!(output.status.success(), "{}: {}", shell[0], String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// An agent that knows names which shells have to quote.
fn agent() -> TestAgent {
    let agent = dev().start();
    for key in ["app/config/color", "app/with%20blank/x", "colon:key/a", "it's%20$HOME", "plain"] {
        assert_eq!(agent.send("PUT", &format!("/v1/kv/{key}"), "1").status, 200, "{key}");
    }
    for id in ["web-1", "web 2"] {
        let body = format!(r#"{{"ID": "{id}", "Name": "web"}}"#);
        assert_eq!(agent.send("PUT", "/v1/agent/service/register", body).status, 200);
    }
    agent
}

/// Runs `complete` until it brings `expected`: on a loaded machine the agent may not answer in the time that completion has.
#[track_caller]
fn expect(expected: &[(&str, &str)], complete: impl Fn(&[&str]) -> Vec<String>) {
    let lines: Vec<&str> = expected.iter().map(|(line, _)| *line).collect();
    let wanted: Vec<&str> = expected.iter().map(|(_, found)| *found).collect();
    let mut last = Vec::new();
    let start = std::time::Instant::now();
    while last != wanted {
        assert!(start.elapsed() < crate::support::PATIENCE, "for {lines:#?}\n{last:#?}\ninstead of {wanted:#?}");
        last = complete(&lines);
    }
}

/// Words as bash splits them: at `:` and `=` too, outside of quotes.
fn bash_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    let mut push = |word: &mut String| {
        if !word.is_empty() {
            words.push(std::mem::take(word));
        }
    };
    let mut letters = line.chars();
    let mut blank = true;
    while let Some(letter) = letters.next() {
        blank = false;
        match (letter, quote) {
            ('\\', _) => word.extend([letter, letters.next().unwrap_or(' ')]),
            ('\'' | '"', None) => (quote = Some(letter), word.push(letter)).1,
            (' ', None) => (push(&mut word), blank = true).1,
            (':' | '=', None) => {
                push(&mut word);
                push(&mut letter.to_string());
                blank = true;
            }
            _ => word.push(letter),
        }
    }
    push(&mut word);
    if blank {
        words.push(String::new());
    }
    words
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// What bash would have to choose from for each line.
fn bash(lines: &[&str], address: &str) -> Vec<String> {
    let mut program = format!("source {}\n", script("tribune.bash").display());
    program += r#"try() {
    COMP_LINE=$1 COMP_POINT=${#1}
    shift
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _tribune tribune "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    local IFS='|'
    echo "${COMPREPLY[*]}"
}
"#;
    for line in lines {
        let words: Vec<String> = bash_words(line).iter().map(|word| quoted(word)).collect();
        program += &format!("try {} {}\n", quoted(line), words.join(" "));
    }
    run(&["bash", "--norc"], &program, address).lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_flags_and_names_and_quotes_them() {
    if !installed("bash") {
        return;
    }
    let agent = agent();
    let peers = format!("{}:8300", agent.address);
    let cases = [
        ("tribune ke", "keygen|keyring"),
        ("tribune operator raft ", "list-peers|remove-peer|transfer-leader"),
        ("tribune kv get -det", "-detailed"),
        ("tribune kv get --det", "-detailed"),
        ("tribune kv get ", "app/|colon:key/|it\\'s\\ \\$HOME|plain"),
        ("tribune kv get app/", "app/config/|app/with\\ blank/"),
        ("tribune kv get app/w", "app/with\\ blank/"),
        ("tribune kv get app/with\\ b", "app/with\\ blank/"),
        ("tribune kv get 'it", "it'\\''s $HOME"),
        ("tribune kv get \"it", "it's \\$HOME"),
        ("tribune kv get colon:k", "key/"),
        ("tribune kv put -cas -modify-index 7 pl", "plain"),
        ("tribune services deregister -id=web", "web\\ 2|web-1"),
        ("tribune services deregister -id web-", "web-1"),
        ("tribune watch -type=key", "key|keyprefix"),
        ("tribune watch -type key -key pl", "plain"),
        ("tribune catalog nodes -service w", "web"),
        ("tribune force-leave ", &agent.name),
        ("tribune rtt ", &agent.name),
        ("tribune operator raft remove-peer -address ", &peers),
        ("tribune kv get -datacenter ", "dc1"),
        ("tribune kv get plain pl", ""),
        ("tribune nosuch ", ""),
    ];
    expect(&cases, |lines| bash(lines, &agent.http_address()));
    // the line's own address wins over that of the environment
    let line = format!("tribune kv get -http-addr={} pl", agent.http_address());
    expect(&[(&line, "plain")], |lines| bash(lines, "127.0.0.1:1"));
}

/// What stands on the line of an interactive zsh after the tabulator key.
fn zsh(setup: &str, lines: &[&str], address: &str) -> Vec<String> {
    let mut program = format!(
        r#"zmodload zsh/zpty
zpty shell zsh -f -i
send() {{ zpty -w shell "$1" }}
send {}
send 'dump() {{ print -r -- "$BUFFER" >>$HOME/lines; print -r -- "" >>$HOME/done; BUFFER= }}; zle -N dump; bindkey "^X^D" dump; : >$HOME/done'
integer count=0
until [[ -e $HOME/done ]]; do zpty -r -t shell >/dev/null; sleep 0.05; done
"#,
        quoted(&format!("PROMPT= RPROMPT=; unsetopt zle_bracketed_paste beep; {setup}; bindkey -e"))
    );
    for line in lines {
        program += &format!(
            "zpty -w -n shell {}$'\\t\\C-x\\C-d'\n(( count += 1 ))\n\
             until [[ $(wc -l <$HOME/done) -ge $count ]]; do zpty -r -t shell >/dev/null; sleep 0.02; done\n",
            quoted(line)
        );
    }
    program += "cat $HOME/lines\nzpty -d shell\n";
    run(&["zsh", "-f"], &program, address).lines().map(str::to_owned).collect()
}

#[test]
fn zsh_completes_commands_flags_and_names_and_quotes_them() {
    if !installed("zsh") {
        return;
    }
    let agent = agent();
    let named = format!("tribune force-leave {} ", agent.name);
    let cases = [
        ("tribune operator ra", "tribune operator raft "),
        ("tribune kv get -det", "tribune kv get -detailed "),
        ("tribune kv get --det", "tribune kv get --detailed "),
        ("tribune kv get pl", "tribune kv get plain "),
        ("tribune kv get app/w", "tribune kv get app/with\\ blank/"),
        ("tribune kv get app/with\\ b", "tribune kv get app/with\\ blank/"),
        ("tribune kv get \"app/w", "tribune kv get \"app/with blank/"),
        ("tribune kv get it", "tribune kv get it\\'s\\ \\$HOME "),
        ("tribune kv get colon:k", "tribune kv get colon:key/"),
        ("tribune watch -type=keyp", "tribune watch -type=keyprefix "),
        ("tribune services deregister -id=web-", "tribune services deregister -id=web-1 "),
        ("tribune services deregister -id web\\ ", "tribune services deregister -id web\\ 2 "),
        ("tribune force-leave ", &named),
        ("tribune kv get plain pl", "tribune kv get plain pl"),
    ];
    let setup = format!("fpath=({} $fpath); autoload -Uz compinit; compinit -D -u", script("").display());
    expect(&cases, |lines| zsh(&setup, lines, &agent.http_address()));
}

#[test]
fn zsh_quotes_names_with_the_line_that_is_installed_too() {
    if !installed("zsh") {
        return;
    }
    let agent = agent();
    let cases = [
        ("tribune operator ra", "tribune operator raft"),
        ("tribune kv get -det", "tribune kv get -detailed"),
        ("tribune kv get pl", "tribune kv get plain"),
        ("tribune kv get app/w", "tribune kv get app/with\\ blank/"),
        ("tribune kv get app/with\\ b", "tribune kv get app/with\\ blank/"),
        ("tribune kv get \"app/w", "tribune kv get \"app/with blank/"),
        ("tribune kv get 'app/w", "tribune kv get 'app/with blank/"),
        ("tribune kv get it", "tribune kv get it\\'s\\ \\$HOME"),
        ("tribune services deregister -id=web\\ ", "tribune services deregister -id=web\\ 2"),
        ("tribune services deregister -id web\\ ", "tribune services deregister -id web\\ 2"),
    ];
    let setup = format!(
        "autoload -Uz compinit; compinit -D -u; autoload -U +X bashcompinit && bashcompinit; complete -o nospace -C {BINARY} tribune"
    );
    expect(&cases, |lines| zsh(&setup, lines, &agent.http_address()));
}

/// What fish offers for each line, without descriptions.
fn fish(lines: &[&str], address: &str) -> Vec<String> {
    let mut program = format!("source {}\n", script("tribune.fish").display());
    for line in lines {
        let found = format!("complete -C {} | string replace -r '\\t.*' ''", quoted(line));
        program += &format!("set found ({found})\necho (string join '|' -- $found)\n");
    }
    run(&["fish", "--no-config"], &program, address).lines().map(str::to_owned).collect()
}

#[test]
fn fish_completes_commands_flags_and_names_and_quotes_them() {
    if !installed("fish") {
        return;
    }
    let agent = agent();
    let cases = [
        ("tribune ke", "keygen|keyring"),
        ("tribune operator raft t", "transfer-leader"),
        ("tribune kv get -det", "-detailed"),
        ("tribune kv get --det", "--detailed"),
        ("tribune kv get ", "app/|colon:key/|it's $HOME|plain"),
        ("tribune kv get app/w", "app/with blank/"),
        ("tribune kv get \"app/w", "app/with blank/"),
        ("tribune kv get colon:k", "colon:key/"),
        ("tribune watch -type key", "key|keyprefix"),
        ("tribune watch -type=keyp", "-type=keyprefix"),
        ("tribune services deregister -id web", "web 2|web-1"),
        ("tribune services deregister -id=web\\ ", "-id=web 2"),
        ("tribune force-leave ", &agent.name),
        ("tribune kv get plain pl", ""),
    ];
    expect(&cases, |lines| fish(lines, &agent.http_address()));
}

/// Candidates by the protocol of `complete -C`.
fn complete(line: &str, address: &str) -> Output {
    Command::new(BINARY).env("COMP_LINE", line).env("CONSUL_HTTP_ADDR", address).output().expect("it starts")
}

#[test]
fn completion_is_silent_without_an_agent() {
    // one that accepts and never answers, and one that answers what nobody can read
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let odd = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addresses = [silent.local_addr().expect("bound").to_string(), odd.local_addr().expect("bound").to_string()];
    std::thread::spawn(move || {
        while let Ok((mut client, _)) = odd.accept() {
            let _ = client.read(&mut [0; 1024]);
            let _ = client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\xff{]x");
        }
    });
    let refused = "127.0.0.1:1".to_owned();
    let nonsense = "nosuch://x".to_owned();
    for address in addresses.iter().chain([&refused, &nonsense]) {
        let output = complete("tribune kv get a", address);
        assert_eq!(
            (output.status.code(), &output.stdout[..], &output.stderr[..]),
            (Some(0), &b""[..], &b""[..]),
            "{address}"
        );
        let output = complete("tribune kv ge", address);
        assert_eq!(output.stdout, b"get\n", "what needs no agent is there");
    }
}

#[test]
fn the_protocol_of_the_reference_brings_names_too() {
    let agent = agent();
    let found = wait_for("keys", || {
        let output = complete("tribune kv get app/c", &agent.http_address());
        (!output.stdout.is_empty()).then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    });
    assert_eq!(found, "app/config/\n");
}

#[test]
fn scripts_and_pages_are_written_under_the_name_of_the_program() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let consul = folder.path().join("consul");
    std::os::unix::fs::symlink(BINARY, &consul).expect("a link");
    let generate = |what: &str| {
        let to = folder.path().join(what);
        let output = Command::new(&consul).args(["generate", what]).arg(&to).output().expect("it starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut names: Vec<String> = std::fs::read_dir(to)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
            .collect();
        names.sort();
        names
    };
    assert_eq!(generate("completions"), ["_consul", "consul.bash", "consul.fish"]);
    let pages = generate("man");
    assert!(pages.contains(&"consul.1".to_owned()) && pages.contains(&"consul-kv-get.1".to_owned()), "{pages:?}");
    let help = Command::new(BINARY).arg("-help").output().expect("it starts");
    assert!(!String::from_utf8_lossy(&help.stdout).contains("generate"), "it is not listed");
}

#[test]
fn manual_pages_render_without_warnings() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let output = Command::new(BINARY).args(["generate", "man"]).arg(folder.path()).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let pages: Vec<PathBuf> =
        std::fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    // each with what it takes to render, and what it says about a page that is not right
    let tools: [&[&str]; 3] = [
        &["groff", "-man", "-Tutf8", "-ww", "-z"],
        &["man", "-l", "--warnings"],
        &["mandoc", "-T", "lint", "-W", "warning"],
    ];
    for tool in tools {
        if Command::new(tool[0]).arg("--version").output().is_err() {
            println!("skipped: {} is not installed", tool[0]);
            continue;
        }
        for page in &pages {
            let output =
                Command::new(tool[0]).args(&tool[1..]).arg(page).env("MANWIDTH", "80").env("MANPAGER", "cat").output();
            let output = output.expect("it starts");
            let said = if tool[0] == "mandoc" { &output.stdout } else { &output.stderr };
            assert_eq!(String::from_utf8_lossy(said), "", "{} of {}", tool[0], page.display());
            if tool[0] == "man" {
                let text = String::from_utf8_lossy(&output.stdout).replace('\u{8}', "");
                assert!(text.contains("NAME"), "{} is empty", page.display());
            }
        }
    }
}
