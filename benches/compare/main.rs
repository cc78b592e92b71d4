//! Runs two or more Consul-compatible binaries side by side and prints figures with ratios.
//!
//! ```text
//! cargo bench --bench compare -- tribune=target/release/tribune consul=/path/to/consul [options]
//!   --seconds N     length of each load, default 4
//!   --rounds N      rounds per scenario, the median counts, default 3
//!   --watchers N    default 5000
//!   --keys N        size of the million-keys scenario, default 0 = left out
//!   --only A,B      of put, get, health, dns, watchers, keys, cluster
//! ```
//! All servers run during the whole comparison, each on its own loopback address with a data directory; every scenario
//! goes round all of them in turn, so a machine that drifts does so for all. Ratios within one run are the result.
//!
//! A server whose name ends with `+acl` runs with access control and a token that may do most things: `on+acl=X off=X` with
//! the same binary twice shows what that costs.

mod cluster;
mod load;
mod process;
mod scenarios;

use cluster::Cluster;
use process::Server;
use scenarios::{Better, Figure, Figures};
use std::collections::BTreeMap;
use std::time::Duration;

struct Options {
    binaries: Vec<(String, String)>,
    seconds: f64,
    rounds: usize,
    watchers: usize,
    keys: usize,
    only: Vec<String>,
}

impl Options {
    fn wants(&self, scenario: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == scenario)
    }
}

fn options() -> Result<Options, String> {
    let mut options =
        Options { binaries: Vec::new(), seconds: 4.0, rounds: 3, watchers: 5000, keys: 0, only: Vec::new() };
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        let bad = |_| format!("{arg} needs a number");
        match arg.as_str() {
            "--seconds" => options.seconds = value()?.parse().map_err(|_| format!("{arg} needs a number"))?,
            "--rounds" => options.rounds = value()?.parse().map_err(bad)?,
            "--watchers" => options.watchers = value()?.parse().map_err(bad)?,
            "--keys" => options.keys = value()?.parse().map_err(bad)?,
            "--only" => options.only = value()?.split(',').map(str::to_owned).collect(),
            _ => match arg.split_once('=') {
                Some((name, path)) => options.binaries.push((name.to_owned(), path.to_owned())),
                None => return Err(format!("not understood: {arg}")),
            },
        }
    }
    if options.binaries.is_empty() {
        options.binaries.push(("tribune".to_owned(), env!("CARGO_BIN_EXE_tribune").to_owned()));
        if let Ok(path) = std::env::var("CONSUL_BIN") {
            options.binaries.push(("consul".to_owned(), path));
        }
    }
    Ok(options)
}

fn main() {
    let outcome = options().and_then(|options| {
        raise_file_limit();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| e.to_string())?;
        runtime.block_on(compare(options))
    });
    if let Err(error) = outcome {
        eprintln!("compare: {error}");
        std::process::exit(1);
    }
}

fn raise_file_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

/// Values by row and server, one per round; rows keep the order of their first appearance.
#[derive(Default)]
struct Table {
    rows: Vec<(String, &'static str, Better)>,
    values: BTreeMap<(String, usize), Vec<(f64, String)>>,
}

impl Table {
    fn add(&mut self, server: usize, figures: Vec<Figure>) {
        for figure in figures {
            if !self.rows.iter().any(|(row, ..)| *row == figure.row) {
                self.rows.push((figure.row.clone(), figure.unit, figure.better));
            }
            self.values.entry((figure.row, server)).or_default().push((figure.value, figure.remark));
        }
    }

    fn median(&self, row: &str, server: usize) -> Option<(f64, String)> {
        let mut values = self.values.get(&(row.to_owned(), server))?.clone();
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        values.get(values.len() / 2).cloned()
    }

    fn print(&self, names: &[String]) {
        let mut table = comfy_table::Table::new();
        let _ = table.load_style(comfy_table::presets::ASCII_MARKDOWN);
        let mut header = vec!["what".to_owned()];
        header.extend(names.iter().cloned());
        header.extend(names.iter().skip(1).map(|name| format!("{} against {name}", names[0])));
        table.set_header(header);
        for (row, unit, better) in &self.rows {
            let mut cells = vec![row.clone()];
            let medians: Vec<_> = (0..names.len()).map(|server| self.median(row, server)).collect();
            for median in &medians {
                cells.push(match median {
                    Some((value, remark)) => {
                        let digits = if *value < 100.0 { 2 } else { 0 };
                        let text = format!("{value:.digits$} {unit}");
                        if remark.is_empty() { text } else { format!("{text} ({remark})") }
                    }
                    None => "-".to_owned(),
                });
            }
            for other in medians.iter().skip(1) {
                cells.push(match (&medians[0], other) {
                    (Some((mine, _)), Some((theirs, _))) if *better == Better::Higher => {
                        format!("{:.2} x", mine / theirs)
                    }
                    (Some((mine, _)), Some((theirs, _))) => format!("1/{:.2}", theirs / mine),
                    _ => "-".to_owned(),
                });
            }
            table.add_row(cells);
        }
        println!("{table}");
    }
}

async fn compare(options: Options) -> Result<(), String> {
    let mut table = Table::default();
    let names: Vec<String> = options.binaries.iter().map(|(name, _)| name.clone()).collect();
    if options.only.is_empty() || options.only.iter().any(|only| only != "cluster") {
        compare_servers(&options, &mut table).await?;
    }
    if options.wants("cluster") {
        compare_clusters(&options, &mut table).await?;
    }
    table.print(&names);
    Ok(())
}

/// Clusters of three servers and a client agent.
async fn compare_clusters(options: &Options, table: &mut Table) -> Result<(), String> {
    let mut clusters = Vec::new();
    for (number, (name, binary)) in options.binaries.iter().enumerate() {
        clusters.push(Cluster::start(name, binary, number)?);
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    for (number, cluster) in clusters.iter().enumerate() {
        eprintln!("idle cluster {}", options.binaries[number].0);
        table.add(number, cluster.idle(Duration::from_secs(10)).await);
    }
    let time = Duration::from_secs_f64(options.seconds);
    for round in 0..options.rounds {
        for (number, cluster) in clusters.iter_mut().enumerate() {
            eprintln!("round {} cluster {}", round + 1, options.binaries[number].0);
            table.add(number, cluster.load(time).await?);
            table.add(number, cluster.lose_leader()?);
        }
    }
    Ok(())
}

/// Single servers.
async fn compare_servers(options: &Options, table: &mut Table) -> Result<(), String> {
    let wanted = |name: &str| options.wants(name);
    let time = Duration::from_secs_f64(options.seconds);
    let mut servers = Vec::new();
    for (number, (name, binary)) in options.binaries.iter().enumerate() {
        servers.push(Server::start(name, binary, number)?);
    }
    for (number, server) in servers.iter().enumerate() {
        let start = server.first_write.as_secs_f64() * 1e3;
        table.add(number, vec![Figure::small("start to first write", start, "ms")]);
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    for (number, server) in servers.iter().enumerate() {
        table.add(number, vec![Figure::small("RSS idle", server.rss_mib(), "MiB")]);
        scenarios::prepare(server)?;
    }
    for round in 0..options.rounds {
        for scenario in ["put", "get", "health", "dns"] {
            for (number, server) in servers.iter().enumerate() {
                if !wanted(scenario) {
                    continue;
                }
                eprintln!("round {} {scenario} {}", round + 1, server.name);
                let figures: Figures = match scenario {
                    "put" => scenarios::put(server, time).await,
                    "get" => scenarios::get(server, time).await,
                    "health" => scenarios::health(server, time).await,
                    _ => scenarios::dns(server, time).await,
                };
                table.add(number, figures?);
            }
        }
    }
    for (number, server) in servers.iter().enumerate() {
        table.add(number, vec![Figure::small("RSS after load", server.rss_mib(), "MiB")]);
        if wanted("watchers") {
            eprintln!("watchers {}", server.name);
            table.add(number, scenarios::watchers(server, options.watchers).await?);
        }
    }
    if options.keys > 0 && wanted("keys") {
        for (number, server) in servers.iter().enumerate() {
            eprintln!("keys {}", server.name);
            table.add(number, scenarios::million(server, options.keys).await?);
        }
    }
    Ok(())
}
