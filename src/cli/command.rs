//! What a command is: a row of the table that drives dispatch, help, parsing and completion, and the context it runs in.

use crate::cli::flags::{Flag, Kind, Matches};
use std::cell::{OnceCell, RefCell};
use std::future::Future;
use std::io::{ErrorKind, Write};
use std::pin::Pin;
use tokio::runtime::Runtime;

/// Shared flag groups of a command (`spec/cli.md` 4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// Address, token and TLS flags.
    pub client: bool,
    /// `-datacenter` and `-stale`.
    pub server: bool,
    /// `-namespace`.
    pub namespace: bool,
    /// `-partition`.
    pub partition: bool,
}

impl Groups {
    /// No shared flags.
    pub const NONE: Groups = Groups { client: false, server: false, namespace: false, partition: false };
    /// Client flags.
    pub const C: Groups = Groups { client: true, ..Groups::NONE };
    /// Client and server flags.
    pub const CS: Groups = Groups { server: true, ..Groups::C };
    /// Client, server, namespace and partition flags.
    pub const CSN: Groups = Groups { namespace: true, partition: true, ..Groups::CS };
    /// Client, server and partition flags.
    pub const CSP: Groups = Groups { partition: true, ..Groups::CS };
    /// Client and partition flags.
    pub const CP: Groups = Groups { partition: true, ..Groups::C };
}

/// One command of the tree.
pub struct Command {
    /// Words of its name: `["kv", "get"]`.
    pub path: &'static [&'static str],
    /// One line for the parent's list.
    pub synopsis: &'static str,
    /// Usage text without flag sections; `{program}` stands for the program's name.
    pub usage: &'static str,
    /// Shared flags.
    pub groups: Groups,
    /// Its own flags.
    pub flags: &'static [Flag],
    /// What it says after the listing of a flag error: the text is put in front of the error; none = nothing more.
    pub flag_error: Option<&'static str>,
    /// Runs it.
    pub run: fn(&Context, &Matches) -> Result<(), Exit>,
}

impl Command {
    /// A group: prints its help and its children.
    pub const fn group(path: &'static [&'static str], synopsis: &'static str, usage: &'static str) -> Command {
        Command {
            path,
            synopsis,
            usage,
            groups: Groups::NONE,
            flags: &[],
            flag_error: None,
            run: |_, _| Err(Exit::help()),
        }
    }

    /// True when it takes flags, own or shared.
    pub fn has_flags(&self) -> bool {
        !self.flags.is_empty() || self.groups != Groups::NONE
    }

    /// Name as typed: `kv get`.
    pub fn name(&self) -> String {
        self.path.join(" ")
    }

    /// Shared and own flags.
    pub fn all_flags(&self) -> Vec<Flag> {
        let groups = [
            (self.groups.client, CLIENT_FLAGS),
            (self.groups.server, SERVER_FLAGS),
            (self.groups.namespace, NAMESPACE_FLAGS),
            (self.groups.partition, PARTITION_FLAGS),
        ];
        let shared = groups.iter().filter(|(used, _)| *used).flat_map(|(_, flags)| flags.iter());
        shared.chain(self.flags).copied().collect()
    }
}

/// Flags of group C.
pub const CLIENT_FLAGS: &[Flag] = &[
    Flag::new(
        "ca-file",
        Kind::StringValue,
        "File with the CA certificates (PEM) that the agent's certificate must lead to. Environment: CONSUL_CACERT.",
    ),
    Flag::new(
        "ca-path",
        Kind::StringValue,
        "Directory with files of CA certificates (PEM). Environment: CONSUL_CAPATH.",
    ),
    Flag::new(
        "client-cert",
        Kind::StringValue,
        "Certificate (PEM) to show to an agent that verifies its clients; needs -client-key. Environment: CONSUL_CLIENT_CERT.",
    ),
    Flag::new(
        "client-key",
        Kind::StringValue,
        "Key (PEM) of the certificate given with -client-cert. Environment: CONSUL_CLIENT_KEY.",
    ),
    Flag::new(
        "http-addr",
        Kind::StringValue,
        "The `address` of the agent's HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket. Environment: CONSUL_HTTP_ADDR; CONSUL_HTTP_SSL=true selects HTTPS. The default is http://127.0.0.1:8500.",
    ),
    Flag::new(
        "tls-server-name",
        Kind::StringValue,
        "Name that the agent's TLS certificate must carry, also sent as SNI. Environment: CONSUL_TLS_SERVER_NAME.",
    ),
    Flag::new(
        "token",
        Kind::StringValue,
        "ACL token of the request. Environment: CONSUL_HTTP_TOKEN. Without one the agent uses its own default token.",
    ),
    Flag::new(
        "token-file",
        Kind::StringValue,
        "File that holds the ACL token of the request; wins over -token. Environment: CONSUL_HTTP_TOKEN_FILE.",
    ),
];

/// Flags of group S.
pub const SERVER_FLAGS: &[Flag] = &[
    Flag::new("datacenter", Kind::StringValue, "Datacenter that answers the request; the agent's own by default."),
    Flag::new(
        "stale",
        Kind::BoolValue,
        "Let any server answer a read, not only the leader: faster, but the answer may be out of date. Writes ignore it. The default is false.",
    ),
];

/// Flags of group N without the partition.
pub const NAMESPACE_FLAGS: &[Flag] = &[Flag::new(
    "namespace",
    Kind::StringValue,
    "Namespace of the request; `default` is the only one here. Environment: CONSUL_NAMESPACE.",
)];

/// Flags of group P.
pub const PARTITION_FLAGS: &[Flag] = &[Flag::new(
    "partition",
    Kind::StringValue,
    "Admin partition of the request; `default` is the only one here. Environment: CONSUL_PARTITION.",
)];

/// Why a command ends other than with success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Exit code.
    pub code: i32,
    /// Text for stderr, printed with a newline.
    pub message: Option<String>,
    /// Print the command's help on stderr after the message.
    pub help: bool,
}

impl Exit {
    /// A message on stderr, exit code 1.
    pub fn error(message: impl Into<String>) -> Exit {
        Exit { code: 1, message: Some(message.into()), help: false }
    }

    /// Only an exit code.
    pub const fn code(code: i32) -> Exit {
        Exit { code, message: None, help: false }
    }

    /// The command's help on stderr, exit code 1.
    pub const fn help() -> Exit {
        Exit { code: 1, message: None, help: true }
    }

    /// A message, a blank line and the help on stderr, exit code 1.
    pub fn usage(message: &str) -> Exit {
        Exit { code: 1, message: Some(format!("{message}\n")), help: true }
    }

    /// `Ok` for 0, otherwise a bare exit code.
    pub const fn from_code(code: i32) -> Result<(), Exit> {
        if code == 0 { Ok(()) } else { Err(Exit::code(code)) }
    }
}

/// Turns an error into a message with words in front.
pub trait OrExit<T> {
    /// `Err` becomes `<prefix>: <error>` on stderr with exit code 1.
    ///
    /// # Errors
    /// The same failure, as an exit.
    fn or_exit(self, prefix: &str) -> Result<T, Exit>;
}

impl<T, E: std::fmt::Display> OrExit<T> for Result<T, E> {
    fn or_exit(self, prefix: &str) -> Result<T, Exit> {
        self.map_err(|error| Exit::error(format!("{prefix}: {error}")))
    }
}

/// The error for words that a command does not take, none when there are none.
///
/// # Errors
/// `Too many arguments (expected <limit>, got <n>)`.
pub fn at_most(limit: usize, m: &Matches) -> Result<(), Exit> {
    let got = m.args().len();
    if got <= limit {
        return Ok(());
    }
    Err(Exit::error(format!("Too many arguments (expected {limit}, got {got})")))
}

/// What a command runs in: the program's name and its two output streams.
pub struct Context {
    /// File name of `argv[0]`.
    pub program: String,
    out: RefCell<Box<dyn Write>>,
    err: RefCell<Box<dyn Write>>,
    /// Made when first needed, kept so that connections serve several requests.
    runtime: OnceCell<Runtime>,
}

impl Context {
    /// A context on the process's own streams.
    pub fn stdio(program: String) -> Context {
        Context::new(program, Box::new(std::io::stdout()), Box::new(std::io::stderr()))
    }

    /// A context on any streams.
    pub fn new(program: String, out: Box<dyn Write>, err: Box<dyn Write>) -> Context {
        Context { program, out: RefCell::new(out), err: RefCell::new(err), runtime: OnceCell::new() }
    }

    /// Writes a text and a newline to stdout.
    pub fn output(&self, text: impl AsRef<[u8]>) {
        write_line(&mut **self.out.borrow_mut(), text.as_ref(), b"\n");
    }

    /// Writes bytes to stdout as they are.
    pub fn write(&self, bytes: impl AsRef<[u8]>) {
        write_line(&mut **self.out.borrow_mut(), bytes.as_ref(), b"");
    }

    /// Writes a text and a newline to stderr.
    pub fn error(&self, text: impl AsRef<[u8]>) {
        write_line(&mut **self.err.borrow_mut(), text.as_ref(), b"\n");
    }

    /// Runs a future to its end on a small runtime of this thread.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let runtime = self.runtime.get_or_init(|| {
            let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
            built.expect("a runtime needs nothing but file descriptors")
        });
        // boxed, so that the runtime's loop is compiled once for each output and not for each future
        let future: Pin<Box<dyn Future<Output = F::Output> + '_>> = Box::pin(future);
        runtime.block_on(future)
    }
}

/// A reader that went away ends the process as a broken pipe does elsewhere; other failures have nobody to be told.
fn write_line(stream: &mut dyn Write, text: &[u8], end: &[u8]) {
    let written = stream.write_all(text).and_then(|()| stream.write_all(end)).and_then(|()| stream.flush());
    if let Err(error) = written
        && error.kind() == ErrorKind::BrokenPipe
    {
        std::process::exit(141);
    }
}
