//! Gauges of the process itself: the reference's `runtime.*` names for what a process without a garbage collector has.

use super::gauge;

/// Threads and memory of this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Process {
    threads: u64,
    resident_bytes: u64,
    virtual_bytes: u64,
}

/// Reads the figures out of the text of `/proc/self/status`.
fn parse(status: &str) -> Process {
    let number = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.and_then(|rest| rest.trim_start_matches(':').split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0)
    };
    Process {
        threads: number("Threads"),
        resident_bytes: number("VmRSS") * 1024,
        virtual_bytes: number("VmSize") * 1024,
    }
}

/// Sets the gauges: resident memory stands for allocated bytes, live tasks for goroutines.
pub fn update() {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return };
    let process = parse(&status);
    let tasks = tokio::runtime::Handle::try_current().map_or(0, |runtime| runtime.metrics().num_alive_tasks() as u64);
    gauge("runtime.num_goroutines", (process.threads + tasks) as f64);
    gauge("runtime.alloc_bytes", process.resident_bytes as f64);
    gauge("runtime.sys_bytes", process.virtual_bytes as f64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_come_from_proc() {
        let text = "Name:\ttribune\nVmSize:\t  74304 kB\nVmRSS:\t   9120 kB\nThreads:\t5\n";
        let expected = Process { threads: 5, resident_bytes: 9120 * 1024, virtual_bytes: 74304 * 1024 };
        assert_eq!(parse(text), expected);
        assert_eq!(parse(""), Process::default());
    }
}
