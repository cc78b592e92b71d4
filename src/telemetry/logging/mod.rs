//! The log: hclog's text and JSON lines on tracing (`spec/cli.md` 10.5).
//!
//! The target of an event is the logger's name: `tracing::info!(target: "agent.server", service = %id, "Synced service")`.
//! Events of libraries are shown only when they are errors. Lines go to stdout, and where configured to a file and to
//! syslog; monitors get their own copies at their own level.

mod file;
mod format;
mod syslog;

pub use file::{LogFile, MODE, Rotation};

use super::limits;
use format::Record;
use parking_lot::Mutex;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;
use syslog::Syslog;
use tokio::sync::mpsc;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Metadata, Subscriber, span};

/// Lines that a slow monitor may lag behind; more are dropped.
pub const MONITOR_BUFFER: usize = 512;

/// Lines held back until the banner is out.
const HELD_LINES: usize = 1024;

/// Where the log goes and how it looks.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Lowest level shown.
    pub level: Level,
    /// One JSON object a line.
    pub json: bool,
    /// A file with rotation.
    pub file: Option<Rotation>,
    /// Syslog facility, when syslog is on.
    pub syslog_facility: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { level: Level::INFO, json: false, file: None, syslog_facility: None }
    }
}

/// All outputs of the log.
pub struct Hub {
    level: AtomicUsize,
    most_verbose: AtomicUsize,
    json: bool,
    outputs: Mutex<Outputs>,
    monitors: Mutex<Vec<MonitorSink>>,
}

struct Outputs {
    held: Option<Vec<String>>,
    console: Box<dyn Write + Send>,
    file: Option<LogFile>,
    syslog: Option<Syslog>,
}

struct MonitorSink {
    level: Level,
    json: bool,
    lines: mpsc::Sender<String>,
}

/// Verbosity as a number: 1 for errors up to 5 for traces.
fn verbosity(level: Level) -> usize {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        Level::TRACE => 5,
    }
}

impl Hub {
    /// Opens the outputs. Lines are held back until [`Hub::release`].
    ///
    /// # Errors
    /// What could not be opened.
    pub fn open(settings: &Settings, console: Box<dyn Write + Send>) -> std::io::Result<Hub> {
        let file = settings.file.clone().map(LogFile::open).transpose()?;
        let syslog = settings.syslog_facility.as_deref().map(Syslog::open).transpose()?;
        Ok(Hub {
            level: AtomicUsize::new(verbosity(settings.level)),
            most_verbose: AtomicUsize::new(verbosity(settings.level)),
            json: settings.json,
            outputs: Mutex::new(Outputs { held: Some(Vec::new()), console, file, syslog }),
            monitors: Mutex::new(Vec::new()),
        })
    }

    /// Shows the lines held back, and all that follow at once.
    pub fn release(&self) {
        let mut outputs = self.outputs.lock();
        for line in outputs.held.take().into_iter().flatten() {
            let _ = outputs.console.write_all(line.as_bytes());
        }
        let _ = outputs.console.flush();
    }

    /// Changes the level of the log; monitors keep theirs.
    pub fn set_level(&self, level: Level) {
        self.level.store(verbosity(level), Relaxed);
        self.refresh();
    }

    /// Adds a live view.
    pub fn monitor(&self, level: Level, json: bool) -> Monitor {
        let (sender, lines) = mpsc::channel(MONITOR_BUFFER);
        self.monitors.lock().push(MonitorSink { level, json, lines: sender });
        self.refresh();
        Monitor { lines }
    }

    /// Number of live views.
    pub fn monitors(&self) -> usize {
        self.monitors.lock().iter().filter(|monitor| !monitor.lines.is_closed()).count()
    }

    fn refresh(&self) {
        let monitors = self.monitors.lock().iter().map(|monitor| verbosity(monitor.level)).max();
        let most = self.level.load(Relaxed).max(monitors.unwrap_or(0));
        if self.most_verbose.swap(most, Relaxed) != most {
            tracing::callsite::rebuild_interest_cache();
        }
    }

    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        let level = verbosity(*metadata.level());
        level <= self.most_verbose.load(Relaxed) && (format::is_own(metadata.target()) || level == 1)
    }

    fn write(&self, record: &Record) {
        let level = verbosity(record.level);
        if level <= self.level.load(Relaxed) {
            let line = if self.json { record.json() } else { record.text() };
            let mut outputs = self.outputs.lock();
            if let Some(file) = &mut outputs.file
                && let Err(error) = file.write(line.as_bytes(), SystemTime::now())
            {
                let _ = writeln!(outputs.console, "log file: {error}");
            }
            if let Some(syslog) = &outputs.syslog {
                syslog.write(record, &line);
            }
            match &mut outputs.held {
                Some(held) if held.len() < HELD_LINES => held.push(line),
                Some(_) => {}
                None => {
                    let _ = outputs.console.write_all(line.as_bytes()).and_then(|()| outputs.console.flush());
                }
            }
        }
        self.feed_monitors(record, level);
    }

    fn feed_monitors(&self, record: &Record, level: usize) {
        let mut gone = false;
        for monitor in self.monitors.lock().iter().filter(|monitor| level <= verbosity(monitor.level)) {
            let line = if monitor.json { record.json() } else { record.text() };
            match monitor.lines.try_send(line) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(_)) => limits::MONITOR_LINES.exceeded(),
                Err(mpsc::error::TrySendError::Closed(_)) => gone = true,
            }
        }
        if gone {
            self.monitors.lock().retain(|monitor| !monitor.lines.is_closed());
            self.refresh();
        }
    }
}

/// Connects tracing to a hub. Spans are not used in this house and cost nothing.
pub struct HubSubscriber(pub Arc<Hub>);

impl Subscriber for HubSubscriber {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && self.0.wants(metadata)
    }
    fn max_level_hint(&self) -> Option<LevelFilter> {
        const LEVELS: [LevelFilter; 5] =
            [LevelFilter::ERROR, LevelFilter::WARN, LevelFilter::INFO, LevelFilter::DEBUG, LevelFilter::TRACE];
        LEVELS.get(self.0.most_verbose.load(Relaxed).saturating_sub(1)).copied()
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        self.0.write(&Record::of(event));
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// The hub of this process; before [`start`] it swallows everything.
fn hub() -> Option<&'static Arc<Hub>> {
    HUB.get()
}

static HUB: OnceLock<Arc<Hub>> = OnceLock::new();

/// Opens the log of this process. Lines are held back until [`release`].
///
/// # Errors
/// What could not be opened, or that there is a log already.
pub fn start(settings: &Settings) -> std::io::Result<()> {
    let hub = Arc::new(Hub::open(settings, Box::new(std::io::stdout()))?);
    let taken = || std::io::Error::other("the log was started before");
    HUB.set(hub.clone()).map_err(|_| taken())?;
    tracing::subscriber::set_global_default(HubSubscriber(hub)).map_err(|_| taken())
}

/// Shows the lines held back, and all that follow at once.
pub fn release() {
    hub().into_iter().for_each(|hub| hub.release());
}

/// Changes the level of the log.
pub fn set_level(level: Level) {
    hub().into_iter().for_each(|hub| hub.set_level(level));
}

/// A live view of the log; dropping it ends the view.
pub struct Monitor {
    lines: mpsc::Receiver<String>,
}

impl Monitor {
    /// The next line, with its newline; `None` when the log has ended.
    pub async fn next(&mut self) -> Option<String> {
        self.lines.recv().await
    }
}

/// Live log lines from `level` on, whatever the level of the log itself.
pub fn monitor(level: Level, json: bool) -> Monitor {
    match hub() {
        Some(hub) => hub.monitor(level, json),
        None => Monitor { lines: mpsc::channel(1).1 },
    }
}

/// Number of live views.
pub fn monitors() -> usize {
    hub().map_or(0, |hub| hub.monitors())
}

/// Reads a level as the configuration and the API write it, in any case.
pub fn parse_level(text: &str) -> Option<Level> {
    match text.to_ascii_uppercase().as_str() {
        "TRACE" => Some(Level::TRACE),
        "DEBUG" => Some(Level::DEBUG),
        "INFO" => Some(Level::INFO),
        "WARN" => Some(Level::WARN),
        "ERR" | "ERROR" => Some(Level::ERROR),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A console that a test can read.
    #[derive(Clone, Default)]
    struct Console(Arc<Mutex<Vec<u8>>>);

    impl Write for Console {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Console {
        fn messages(&self) -> Vec<String> {
            let text = String::from_utf8(self.0.lock().clone()).expect("text");
            text.lines().map(|line| line.rsplit(": ").next().unwrap_or(line).to_owned()).collect()
        }
    }

    fn log(level: Level) -> (Arc<Hub>, Console, tracing::subscriber::DefaultGuard) {
        let console = Console::default();
        let hub = Hub::open(&Settings { level, ..Settings::default() }, Box::new(console.clone())).expect("no files");
        let hub = Arc::new(hub);
        let guard = tracing::subscriber::set_default(HubSubscriber(hub.clone()));
        (hub, console, guard)
    }

    #[test]
    fn lines_wait_for_the_banner() {
        let (hub, console, _guard) = log(Level::INFO);
        tracing::info!(target: "agent", "early");
        assert!(console.messages().is_empty());
        hub.release();
        tracing::info!(target: "agent", "late");
        assert_eq!(console.messages(), ["early", "late"]);
    }

    #[test]
    fn the_level_can_change_while_running() {
        let (hub, console, _guard) = log(Level::WARN);
        hub.release();
        let speak = |text: &str| tracing::info!(target: "agent", "{text}");
        speak("quiet");
        hub.set_level(Level::INFO);
        speak("loud");
        hub.set_level(Level::ERROR);
        speak("quiet again");
        assert_eq!(console.messages(), ["loud"]);
    }

    #[test]
    fn libraries_are_heard_only_when_something_is_wrong() {
        let (hub, console, _guard) = log(Level::TRACE);
        hub.release();
        tracing::warn!(target: "openraft::core", "chatter");
        tracing::error!(target: "openraft::core", "failure");
        assert_eq!(console.messages(), ["failure"]);
    }

    #[tokio::test]
    async fn a_monitor_has_its_own_level_and_form_and_drops_what_it_cannot_hold() {
        let (hub, console, _guard) = log(Level::WARN);
        hub.release();
        let mut monitor = hub.monitor(Level::DEBUG, true);
        for number in 0..MONITOR_BUFFER + 10 {
            tracing::debug!(target: "agent.dns", number, "query");
        }
        let first = monitor.next().await.expect("a line");
        assert!(first.starts_with(r#"{"@level":"debug","@message":"query","@module":"agent.dns","#), "{first}");
        assert_eq!(monitor.lines.len(), MONITOR_BUFFER - 1);
        assert!(console.messages().is_empty());
        drop(monitor);
        tracing::debug!(target: "agent.dns", "nobody listens");
        assert_eq!((hub.monitors(), hub.most_verbose.load(Relaxed)), (0, verbosity(Level::WARN)));
    }
}
