//! Pages of docs/ whose blocks are run as they stand, so that a page and its test cannot drift apart.

use super::*;
use nix::sys::signal::Signal;
use parking_lot::Mutex;

/// A fenced block of a page.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// The heading under which it stands, without its marks.
    pub heading: &'static str,
    /// `sh`, `hcl` and so on.
    pub language: &'static str,
    /// The lines, without an end of line after the last.
    pub text: &'static str,
}

impl Block {
    /// The comment on the first line, without its mark.
    pub fn title(&self) -> &'static str {
        self.text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap_or("")
    }
}

/// All blocks of a page, in order.
pub fn blocks(page: &'static str) -> Vec<Block> {
    let (mut found, mut heading) = (Vec::new(), "");
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("\n```") {
        if let Some(line) = before.lines().rev().find(|line| line.starts_with('#')) {
            heading = line.trim_start_matches('#').trim();
        }
        let (language, after) = after.split_once('\n').expect("a block has lines");
        let (text, after) = after.split_once("\n```").expect("a block ends");
        found.push(Block { heading, language, text });
        rest = after;
    }
    found
}

/// The `sh` blocks under a heading.
#[track_caller]
pub fn commands(page: &'static str, heading: &str) -> Vec<&'static str> {
    let blocks = blocks(page).into_iter().filter(|block| block.heading == heading && block.language == "sh");
    let found: Vec<&str> = blocks.map(|block| block.text).collect();
    assert!(!found.is_empty(), "the page has commands under {heading:?}");
    found
}

/// The only line under a heading that begins with this.
#[track_caller]
pub fn command(page: &'static str, heading: &str, start: &str) -> &'static str {
    let commands = commands(page, heading);
    let lines: Vec<&str> =
        commands.into_iter().flat_map(str::lines).filter(|line| line.trim_start().starts_with(start)).collect();
    assert_eq!(lines.len(), 1, "{start:?} under {heading:?}: {lines:?}");
    lines[0]
}

/// Whether a program is installed.
pub fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| Path::new(&folder).join(program).exists())
}

/// A folder in which commands of a page run, with `tribune` on its path and places of the page replaced by those of the test.
pub struct Desk {
    folder: tempfile::TempDir,
    places: Mutex<Vec<(String, String)>>,
}

impl Desk {
    /// A new folder.
    pub fn new() -> Desk {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("bin")).expect("a folder");
        let desk = Desk { folder, places: Mutex::new(Vec::new()) };
        desk.program("tribune", BINARY);
        desk
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts a program on the path under this name.
    pub fn program(&self, name: &str, binary: &str) {
        std::os::unix::fs::symlink(binary, self.path().join("bin").join(name)).expect("a link");
    }

    /// Text of the page that stands for something else here; the last one wins.
    pub fn place(&self, page: &str, here: &str) {
        let mut places = self.places.lock();
        places.retain(|(known, _)| known != page);
        places.push((page.to_owned(), here.to_owned()));
    }

    /// The text with the places that are here.
    pub fn placed(&self, text: &str) -> String {
        self.places.lock().iter().fold(text.to_owned(), |text, (page, here)| text.replace(page, here))
    }

    /// Runs commands, with the variables that commands before exported; what they print.
    pub fn run(&self, text: &str) -> Result<String, String> {
        self.run_with(&[], text)
    }

    /// [`Desk::run`] with further variables.
    pub fn run_with(&self, env: &[(&str, &str)], text: &str) -> Result<String, String> {
        let variables = self.path().join("exported");
        // what is given for these commands is not there for the next ones
        let given: String = env.iter().map(|(name, value)| format!("export {name}='{value}'\n")).collect();
        let keep = if env.is_empty() { format!("export -p > '{}'\n", variables.display()) } else { String::new() };
        let script =
            format!("set -eu\n[ ! -e '{0}' ] || . '{0}'\n{given}{1}\n{keep}", variables.display(), self.placed(text));
        let path = format!("{}:{}", self.path().join("bin").display(), std::env::var("PATH").expect("a path"));
        let mut command = Command::new("sh");
        command.arg("-c").arg(&script).current_dir(self.path());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CONSUL_")) {
            command.env_remove(name);
        }
        let output = command.env("PATH", path).output().expect("sh runs");
        if output.status.success() {
            return Ok(stdout(&output));
        }
        Err(format!("{text}\n-- {} --\n{}{}", output.status, stdout(&output), stderr(&output)))
    }

    /// Runs commands until they succeed: what they ask for may take a moment to be true.
    #[track_caller]
    pub fn run_in_time(&self, text: &str) -> String {
        let start = Instant::now();
        loop {
            match self.run(text) {
                Ok(output) => return output,
                Err(error) => assert!(start.elapsed() < PATIENCE, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Runs commands on the machine of an agent: its folders are there, its address is that of commands, `systemctl` and
    /// `apt install` do with the agent what they do with the unit. What the commands print.
    #[track_caller]
    pub fn run_on(&self, agent: &mut TestAgent, text: &str) -> String {
        self.place("/var/lib/tribune", &agent.dir.join("data").display().to_string());
        self.place("/etc/tribune.d", &agent.dir.join("config").display().to_string());
        let (mut printed, mut pending) = (String::new(), String::new());
        for line in text.lines().chain(["end"]) {
            let unit = line == "end" || line.starts_with("systemctl ") || line.starts_with("apt install ");
            if !unit {
                pending.push_str(line);
                pending.push('\n');
                continue;
            }
            let script = std::mem::take(&mut pending);
            if !script.trim().is_empty() {
                // nobody changes owners here
                let script = script.replace("chown ", ": chown ");
                let address = agent.http_address();
                let ran = self.run_with(&[("CONSUL_HTTP_ADDR", &address)], &script);
                printed.push_str(&ran.unwrap_or_else(|error| panic!("on {}: {error}", agent.name)));
            }
            unit_command(agent, line);
        }
        printed
    }
}

#[track_caller]
fn unit_command(agent: &mut TestAgent, line: &str) {
    match line.split_whitespace().take(2).collect::<Vec<_>>()[..] {
        ["end"] => {}
        ["systemctl", "stop"] => agent.stop(),
        ["systemctl", "start" | "enable"] => agent.start_again(),
        ["systemctl", "restart"] | ["apt", "install"] => {
            agent.stop();
            agent.start_again();
        }
        ["systemctl", "reload"] => agent.signal(Signal::SIGHUP),
        _ => panic!("not known: {line}"),
    }
}

impl TestAgent {
    /// Ends it as the unit does: by SIGTERM.
    #[track_caller]
    pub fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        self.wait_exit();
    }

    /// Starts it as the unit does, which is up when the agent has joined.
    #[track_caller]
    pub fn start_again(&mut self) {
        self.restart_member();
        wait_until("servers that it knows", || {
            self.ask("/v1/status/leader").is_some_and(|answer| answer.status == 200)
        });
    }
}

#[test]
fn blocks_of_a_page_are_found_under_their_headings() {
    const PAGE: &str =
        "# A\n\n```sh\none\n  two\n```\n\n## B\ntext\n\n```hcl\n# title\nx = 1\n```\n\n```sh\n# three\nfour\n```\n";
    let found: Vec<_> = blocks(PAGE).iter().map(|block| (block.heading, block.language, block.title())).collect();
    assert_eq!(found, [("A", "sh", ""), ("B", "hcl", "title"), ("B", "sh", "three")]);
    assert_eq!(commands(PAGE, "A"), ["one\n  two"]);
    assert_eq!(command(PAGE, "B", "fo"), "four");
}
