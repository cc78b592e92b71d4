//! Manual pages, made from the table of commands: one for the program and one for each command.

use crate::cli::Command;
use crate::cli::complete::shown_flags;
use crate::cli::flags::Flag;
use crate::cli::help;
use chrono::{DateTime, Utc};
use std::fmt::Write;

/// Variables that every command with client flags reads.
const CLIENT_ENVIRONMENT: &[(&str, &str)] = &[
    ("CONSUL_HTTP_ADDR", "Address of the agent's HTTP API, as for -http-addr."),
    ("CONSUL_HTTP_TOKEN", "ACL token of requests, as for -token."),
    ("CONSUL_HTTP_TOKEN_FILE", "File with the ACL token, as for -token-file."),
    ("CONSUL_HTTP_AUTH", "User and password for HTTP basic authentication, separated by a colon."),
    ("CONSUL_HTTP_SSL", "true selects HTTPS when the address names no scheme."),
    ("CONSUL_HTTP_SSL_VERIFY", "false accepts any certificate of the agent."),
    ("CONSUL_CACERT", "File with CA certificates, as for -ca-file."),
    ("CONSUL_CAPATH", "Directory with CA certificates, as for -ca-path."),
    ("CONSUL_CLIENT_CERT", "Client certificate, as for -client-cert."),
    ("CONSUL_CLIENT_KEY", "Key of the client certificate, as for -client-key."),
    ("CONSUL_TLS_SERVER_NAME", "Name in the agent's certificate, as for -tls-server-name."),
    ("CONSUL_NAMESPACE", "Namespace of requests, as for -namespace."),
    ("CONSUL_PARTITION", "Admin partition of requests, as for -partition."),
];

/// A command's name and rows of a section.
type Rows = (&'static str, &'static [(&'static str, &'static str)]);

/// Variables that single commands read.
const ENVIRONMENT: &[Rows] = &[
    (
        "agent",
        &[
            (
                "NOTIFY_SOCKET",
                "Set by systemd for services of the type notify: where readiness, reloads and the end are told.",
            ),
            ("DOCKER_HOST", "Docker daemon of Docker checks; its socket in /var/run is the default."),
            ("PATH", "Where commands of script checks are found."),
        ],
    ),
    ("lock", &[("SHELL", "Shell that runs the child; /bin/sh by default.")]),
    ("watch", &[("SHELL", "Shell that runs the child; /bin/sh by default.")]),
];

/// Files of single commands; the empty name is the program's own page.
const FILES: &[Rows] = &[
    (
        "",
        &[
            ("~/.bashrc, ~/.bash_profile, ~/.zshrc", "Changed by -autocomplete-install and -autocomplete-uninstall."),
            ("~/.config/fish/completions", "Folder of the file that -autocomplete-install writes for fish."),
        ],
    ),
    (
        "agent",
        &[
            (
                "/etc/{program}.d",
                "Configuration, where a package puts it; an agent reads only what -config-file and -config-dir name.",
            ),
            ("data_dir", "The state of the agent, and of the cluster on a server; see -data-dir."),
        ],
    ),
];

/// Exit statuses of single commands, besides 0 and 1 as [`exit_status`] gives them.
const EXIT_STATUS: &[Rows] = &[
    ("", &[("127", "There is no such command.")]),
    (
        "agent",
        &[
            ("0", "The agent left the cluster, or was asked to stop without leaving."),
            ("1", "It could not start, or was stopped by an interrupt."),
        ],
    ),
    ("exec", &[("2", "The command failed on a node, or a node did not finish it.")]),
    ("lock", &[("2", "The child failed, with -child-exit-code.")]),
    ("members", &[("2", "No member matches.")]),
];

fn rows<'a>(table: &'a [Rows], name: &str) -> impl Iterator<Item = &'a (&'static str, &'static str)> {
    table.iter().filter(move |(command, _)| *command == name).flat_map(|(_, rows)| rows.iter())
}

/// File names and texts of all pages.
pub fn pages(program: &str, commands: &[&Command], date: DateTime<Utc>) -> Vec<(String, String)> {
    let date = date.format("%Y-%m-%d").to_string();
    let mut sorted = commands.to_vec();
    sorted.sort_by_key(|command| command.path);
    let manual = Manual { program, commands: &sorted, date };
    let mut pages = vec![(format!("{program}.1"), manual.program_page())];
    pages.extend(sorted.iter().map(|command| (format!("{}.1", manual.name(command)), manual.page(command))));
    pages
}

/// The day of `SOURCE_DATE_EPOCH`, as builds that can be repeated set it, or today.
pub fn date() -> DateTime<Utc> {
    let epoch = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok());
    epoch.and_then(|seconds| DateTime::from_timestamp(seconds, 0)).unwrap_or_else(Utc::now)
}

/// Longest line of a source.
const WIDTH: usize = 76;

struct Manual<'a> {
    program: &'a str,
    commands: &'a [&'a Command],
    date: String,
}

impl Manual<'_> {
    /// Name of a command's page.
    fn name(&self, command: &Command) -> String {
        format!("{}-{}", self.program, command.path.join("-"))
    }

    fn children(&self, path: &[&str]) -> Vec<&Command> {
        let below = self.commands.iter().filter(|command| command.path.len() == path.len() + 1);
        below.filter(|command| command.path.starts_with(path)).copied().collect()
    }

    fn start(&self, page: &str, about: &str) -> Roff {
        let mut roff = Roff(String::new());
        let title = escape(&page.to_uppercase());
        let version = env!("CARGO_PKG_VERSION");
        roff.line(&format!(".TH {title} 1 {} \"{} {version}\" \"User Commands\"", self.date, self.program));
        roff.section("NAME");
        let mut letters = about.chars();
        let second_is_small = about.chars().nth(1).is_some_and(char::is_lowercase);
        let about = match letters.next() {
            Some(first) if second_is_small => first.to_lowercase().chain(letters).collect(),
            _ => about.to_owned(),
        };
        roff.line(&format!("{} \\- {}", escape(page), escape(&about)));
        roff
    }

    fn program_page(&self) -> String {
        let program = self.program;
        let mut roff = self.start(program, "service registry, health checker, key/value store and cluster coordinator");
        roff.section("SYNOPSIS");
        roff.line(&format!(".B {}", escape(program)));
        roff.line("[\\fB\\-\\-version\\fR] [\\fB\\-\\-help\\fR] \\fIcommand\\fR [\\fIarguments\\fR]");
        roff.section("DESCRIPTION");
        roff.text(&format!(
            "One program is both the agent, which runs on every node ({program} agent), and the command line that speaks to \
             agents over HTTP. It is compatible with Consul: the same commands, API, DNS answers and snapshot archives."
        ));
        roff.paragraph("Each command has a page of its own.");
        self.list("COMMANDS", &[], &mut roff);
        roff.section("OPTIONS");
        for (flag, about) in [
            ("-h, -help, --help", "Print the help of the program, or of the command that is named as well."),
            ("-v, -version, --version", "Print the version."),
            (
                "-autocomplete-install",
                "Install completion for the shells of the user who runs this: a line in .bashrc, .bash_profile or .zshrc, and a file for fish.",
            ),
            ("-autocomplete-uninstall", "Take it away again."),
        ] {
            roff.item(&bold(flag), about);
        }
        roff.rows("ENVIRONMENT", CLIENT_ENVIRONMENT.iter(), program);
        roff.rows("FILES", rows(FILES, ""), program);
        let statuses = [("0", "Success."), ("1", "The command failed, or its arguments are wrong.")];
        roff.rows("EXIT STATUS", statuses.iter().chain(rows(EXIT_STATUS, "")), program);
        self.see_also(self.children(&[]).iter().map(|command| self.name(command)).collect(), &mut roff);
        roff.0
    }

    fn page(&self, command: &Command) -> String {
        let (program, name) = (self.program, command.name());
        let mut roff = self.start(&self.name(command), command.synopsis);
        let usage = Usage::read(&command.usage.replace("{program}", program));
        roff.section("SYNOPSIS");
        usage.synopsis.iter().enumerate().for_each(|(at, line)| {
            roff.line(if at == 0 { ".nf" } else { "" });
            roff.line(&escape(line));
        });
        roff.line(".fi");
        roff.section("DESCRIPTION");
        usage.description.iter().enumerate().for_each(|(at, text)| match at {
            0 => roff.text(text),
            _ => roff.paragraph(text),
        });
        self.list("COMMANDS", command.path, &mut roff);
        options(command, &mut roff);
        let shared = if command.groups.client { CLIENT_ENVIRONMENT } else { &[] };
        roff.rows("ENVIRONMENT", rows(ENVIRONMENT, &name).chain(shared), program);
        roff.rows("FILES", rows(FILES, &name), program);
        let own: Vec<_> = rows(EXIT_STATUS, &name).collect();
        let usual = [("0", "Success."), ("1", "The command failed, or its arguments are wrong.")];
        let usual = usual.iter().filter(|(code, _)| !own.iter().any(|(own, _)| own == code));
        roff.rows("EXIT STATUS", usual.chain(own.iter().copied()), program);
        if !usage.examples.is_empty() {
            roff.section("EXAMPLES");
            usage.examples.iter().enumerate().for_each(|(at, example)| match example {
                Example::Text(text) if at == 0 => roff.text(text),
                Example::Text(text) => roff.paragraph(text),
                Example::Code(lines) => roff.code(lines, at > 0),
            });
        }
        self.see_also(self.related(command), &mut roff);
        roff.0
    }

    /// The commands below one, with what they do.
    fn list(&self, title: &str, path: &[&str], roff: &mut Roff) {
        let children = self.children(path);
        if !children.is_empty() {
            roff.section(title);
        }
        for child in children {
            roff.item(
                &format!("\\fB{}\\fR(1)", escape(&self.name(child))),
                &format!("{}.", child.synopsis.trim_end_matches('.')),
            );
        }
    }

    /// Pages beside this one: its parent, its children, its siblings.
    fn related(&self, command: &Command) -> Vec<String> {
        let parent = &command.path[..command.path.len() - 1];
        let mut names = vec![self.program.to_owned()];
        names.extend(self.commands.iter().filter(|other| other.path == parent).map(|other| self.name(other)));
        names.extend(self.children(command.path).iter().map(|child| self.name(child)));
        if !parent.is_empty() {
            let siblings = self.children(parent);
            names.extend(siblings.iter().filter(|other| other.path != command.path).map(|other| self.name(other)));
        }
        names
    }

    fn see_also(&self, names: Vec<String>, roff: &mut Roff) {
        roff.section("SEE ALSO");
        let last = names.len().saturating_sub(1);
        for (at, name) in names.iter().enumerate() {
            let comma = if at == last { "" } else { "," };
            roff.line(&format!(".BR {} (1){comma}", escape(name)));
        }
    }
}

fn options(command: &Command, roff: &mut Roff) {
    let (http, own): (Vec<Flag>, Vec<Flag>) = shown_flags(command).partition(|flag| help::is_http(flag.name));
    if http.is_empty() && own.is_empty() {
        return;
    }
    roff.section("OPTIONS");
    let titled = !http.is_empty() && !own.is_empty();
    for (title, flags) in [("Command options", own), ("HTTP API options", http)] {
        if titled {
            roff.line(&format!(".SS {title}"));
        }
        for flag in flags {
            let word = flag.value_word();
            let name = format!("\\fB\\-{}\\fR", escape(flag.name));
            let head = if word.is_empty() { name } else { format!("{name}=\\fI{}\\fR", escape(word)) };
            let default = match (flag.default, flag.help.contains("default")) {
                ("" | "false", _) | (_, true) => String::new(),
                (default, false) => format!(" The default is {default}."),
            };
            roff.item(&head, &format!("{}{default}", flag.help));
        }
    }
}

/// The parts of a usage text.
struct Usage {
    synopsis: Vec<String>,
    description: Vec<String>,
    examples: Vec<Example>,
}

enum Example {
    Text(String),
    Code(Vec<String>),
}

impl Usage {
    fn read(text: &str) -> Usage {
        let mut blocks = text.trim().split("\n\n");
        let head = blocks.next().unwrap_or_default();
        let synopsis = head.lines().map(|line| line.trim().trim_start_matches("Usage: ").to_owned()).collect();
        let blocks: Vec<&str> = blocks.filter(|block| !block.trim().is_empty()).collect();
        let is_code = |block: &&str| block.lines().all(|line| line.starts_with("      "));
        let mut usage = Usage { synopsis, description: Vec::new(), examples: Vec::new() };
        for (at, block) in blocks.iter().enumerate() {
            let text = || block.lines().map(str::trim).collect::<Vec<_>>().join(" ");
            if is_code(block) {
                let lines = block.lines().map(|line| line.trim().trim_start_matches("$ ").to_owned());
                usage.examples.push(Example::Code(lines.collect()));
            } else if block.trim_end().ends_with(':') && blocks.get(at + 1).is_some_and(is_code) {
                usage.examples.push(Example::Text(text()));
            } else {
                usage.description.push(text());
            }
        }
        usage
    }
}

/// A page that is being written.
struct Roff(String);

impl Roff {
    fn line(&mut self, line: &str) {
        if !line.is_empty() {
            let _ = writeln!(self.0, "{line}");
        }
    }

    fn section(&mut self, title: &str) {
        self.line(&format!(".SH {title}"));
    }

    /// A text on lines of its own, a sentence each, as the format wants it.
    fn text(&mut self, text: &str) {
        for sentence in text.replace(". ", ".\n").lines() {
            let mut line = String::new();
            for word in prose(sentence).split(' ') {
                if line.len() + word.len() > WIDTH {
                    self.line(&std::mem::take(&mut line));
                }
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
            }
            self.line(&line);
        }
    }

    fn paragraph(&mut self, text: &str) {
        self.line(".PP");
        self.text(text);
    }

    fn item(&mut self, head: &str, text: &str) {
        self.line(".TP");
        self.line(head);
        self.text(text);
    }

    fn code(&mut self, lines: &[String], apart: bool) {
        self.line(if apart { ".PP" } else { "" });
        self.line(".RS 4");
        self.line(".nf");
        lines.iter().for_each(|line| self.line(&format!("$ {}", escape(line))));
        self.line(".fi");
        self.line(".RE");
    }

    fn rows<'a>(&mut self, title: &str, rows: impl Iterator<Item = &'a (&'static str, &'static str)>, program: &str) {
        let mut rows = rows.peekable();
        if rows.peek().is_some() {
            self.section(title);
        }
        for (head, text) in rows {
            self.item(&bold(&head.replace("{program}", program)), text);
        }
    }
}

fn bold(text: &str) -> String {
    format!("\\fB{}\\fR", escape(text))
}

/// A text with every letter as it is: no request, no ligature, no typographic quote or dash.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, letter) in text.chars().enumerate() {
        match letter {
            '\\' => out.push_str("\\e"),
            '-' => out.push_str("\\-"),
            '\'' => out.push_str("\\(aq"),
            '`' => out.push_str("\\(ga"),
            '~' => out.push_str("\\(ti"),
            '^' => out.push_str("\\(ha"),
            '"' => out.push_str("\\(dq"),
            '.' if at == 0 => out.push_str("\\&."),
            letter => out.push(letter),
        }
    }
    out
}

/// Running text: words in backticks become names of values, flags become bold, hyphens inside of words stay hyphens.
fn prose(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let inner = word.trim_start_matches('(');
        if inner.starts_with('-')
            && inner.len() > 1
            && inner[1..].starts_with(|c: char| c.is_ascii_lowercase() || c == '-')
        {
            let open = &word[..word.len() - inner.len()];
            let name = inner.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            return format!("{open}{}{}", bold(name), hyphens(&inner[name.len()..]));
        }
        hyphens(word)
    });
    let line = words.collect::<Vec<_>>().join(" ");
    let mut parts = line.split("\\(ga");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for (at, part) in parts.enumerate() {
        out.push_str(if at % 2 == 0 { "\\fI" } else { "\\fR" });
        out.push_str(part);
    }
    if line.matches("\\(ga").count() % 2 == 1 { line } else { out }
}

fn hyphens(word: &str) -> String {
    let is_hyphen = |at: usize| {
        let letter = |at: Option<usize>| at.and_then(|at| word.as_bytes().get(at)).is_some_and(u8::is_ascii_alphabetic);
        letter(at.checked_sub(1)) && letter(Some(at + 1)) && !word.contains(['/', '=', '$'])
    };
    let marked: String =
        word.char_indices().map(|(at, c)| if c == '-' && is_hyphen(at) { '\u{2010}' } else { c }).collect();
    escape(&marked).replace('\u{2010}', "-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::commands::ALL;

    fn page(name: &str) -> String {
        let pages = pages("tribune", ALL, DateTime::UNIX_EPOCH);
        pages.into_iter().find(|(file, _)| file == name).unwrap_or_else(|| panic!("no page {name}")).1
    }

    #[test]
    fn every_command_has_a_page() {
        let pages = pages("tribune", ALL, DateTime::UNIX_EPOCH);
        assert_eq!(pages.len(), ALL.len() + 1);
        for (name, text) in pages {
            for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "SEE ALSO"] {
                assert!(text.contains(&format!("\n.SH {section}\n")), "{name} has no {section}");
            }
        }
    }

    #[test]
    fn a_page_has_what_the_help_has() {
        let text = page("tribune-kv-get.1");
        assert!(text.starts_with(".TH TRIBUNE\\-KV\\-GET 1 1970-01-01 \"tribune "), "{text}");
        assert!(text.contains("\ntribune\\-kv\\-get \\- retrieves or lists data from the KV store\n"), "{text}");
        assert!(text.contains("\ntribune kv get [options] [KEY_OR_PREFIX]\n"), "{text}");
        assert!(text.contains(".TP\n\\fB\\-separator\\fR=\\fIString\\fR\n"), "{text}");
        assert!(text.contains("\n$ tribune kv get \\-recurse foo\n"), "{text}");
        assert!(text.contains(".SH ENVIRONMENT\n.TP\n\\fBCONSUL_HTTP_ADDR\\fR\n"), "{text}");
        assert!(text.contains("\n.BR tribune\\-kv (1),\n"), "{text}");
    }

    #[test]
    fn names_in_tables_are_names_of_commands() {
        for (name, _) in ENVIRONMENT.iter().chain(FILES).chain(EXIT_STATUS) {
            assert!(name.is_empty() || ALL.iter().any(|command| command.name() == *name), "{name}");
        }
    }

    #[test]
    fn letters_with_a_meaning_are_escaped() {
        assert_eq!(escape(".x 'a' \\ `b` ~ ^ -"), "\\&.x \\(aqa\\(aq \\e \\(gab\\(ga \\(ti \\(ha \\-");
        assert_eq!(
            prose("The `id or name` of a round-trip (-near) time."),
            "The \\fIid or name\\fR of a round-trip (\\fB\\-near\\fR) time."
        );
    }
}
