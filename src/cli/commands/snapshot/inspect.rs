//! `snapshot inspect`: what is in an archive (`spec/cli.md` 25, `spec/snapshot.md` 6).

use super::{file_argument, open};
use crate::cli::output::{json, wide_columns};
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::raft::archive::{self, Inspection, KvOptions, Meta, TypeStat};
use crate::row;
use serde_json::{Value, json};
use std::io::BufReader;

/// The command.
pub static COMMAND: Command = Command {
    path: &["snapshot", "inspect"],
    synopsis: "Displays information about a Consul snapshot file",
    usage: "Usage: {program} snapshot inspect [options] FILE

  Verifies a snapshot file and prints what it holds, by type of record. A
  file named state.bin is read as the raw state that a server keeps in its
  data directory, with meta.json beside it.

      $ {program} snapshot inspect backup.snap

  With the space that keys take, by the first two parts of their names:

      $ {program} snapshot inspect -kvdetails backup.snap",
    groups: Groups::NONE,
    flags: &[
        Flag::string("format", "Output format: {pretty|json}.").default("pretty"),
        Flag::int("kvdepth", "Parts of a key's name that make a group; with -kvdetails.").default("2"),
        Flag::bool("kvdetails", "Print the space that keys take as well."),
        Flag::string("kvfilter", "Count only keys with this prefix; with -kvdetails."),
    ],
    flag_error: Some(""),
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let path = file_argument(m)?;
    let depth = usize::try_from(m.int("kvdepth")).unwrap_or(0);
    let options = m.flag("kvdetails").then(|| KvOptions { depth, filter: m.text("kvfilter").to_string() });
    let file = BufReader::new(open(&path)?);
    let inspection = if path.file_name().is_some_and(|name| name == "state.bin") {
        let meta = std::fs::read(path.with_file_name("meta.json"))
            .map_err(|error| crate::client::os_text(&error))
            .and_then(|text| serde_json::from_slice::<Meta>(&text).map_err(|error| error.to_string()))
            .or_exit("Error reading meta.json from internal snapshot dir")?;
        archive::inspect_state(meta, file, options.as_ref()).or_exit("Error extracting snapshot data")?
    } else {
        archive::inspect(file, options.as_ref()).or_exit("Error reading snapshot")?
    };
    match m.text("format") {
        "pretty" => cx.output(pretty(&inspection)),
        "json" => cx.output(json(&as_json(&inspection), "   ")),
        other => return Err(Exit::error(format!("Unknown format: {other}"))),
    }
    Ok(())
}

fn as_json(inspection: &Inspection) -> Value {
    let list = |stats: &[TypeStat]| -> Value {
        stats.iter().map(|stat| json!({"Name": stat.name, "Sum": stat.sum, "Count": stat.count})).collect()
    };
    let meta = &inspection.meta;
    json!({
        "Meta": {"ID": meta.id, "Size": meta.size, "Index": meta.index, "Term": meta.term, "Version": meta.version},
        "Stats": list(&inspection.types),
        "StatsKV": inspection.kv.as_ref().map(|stats| list(stats)),
        "TotalSize": inspection.total_size,
        "TotalSizeKV": inspection.total_size_kv,
    })
}

fn pretty(inspection: &Inspection) -> String {
    let meta = &inspection.meta;
    let head = [
        row!["ID", meta.id],
        row!["Size", meta.size],
        row!["Index", meta.index],
        row!["Term", meta.term],
        row!["Version", meta.version],
    ];
    let mut blocks = vec![wide_columns(&head), stats("Type", &inspection.types, inspection.total_size)];
    if let Some(kv) = inspection.kv.as_ref().filter(|kv| !kv.is_empty()) {
        blocks.push(stats("Key Name", kv, inspection.total_size_kv));
    }
    let indented = |block: &String| block.lines().map(|line| format!(" {line}")).collect::<Vec<_>>().join("\n");
    blocks.iter().map(indented).collect::<Vec<_>>().join("\n\n")
}

fn stats(title: &str, stats: &[TypeStat], total: u64) -> String {
    let mut rows = vec![row![title, "Count", "Size"], row!["----", "----", "----"]];
    rows.extend(stats.iter().map(|stat| row![stat.name, stat.count, byte_size(stat.sum)]));
    rows.push(row!["----", "----", "----"]);
    rows.push(row!["Total", "", byte_size(total)]);
    wide_columns(&rows)
}

/// Bytes in units of 1024 with at most one decimal.
fn byte_size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 5] = [("TB", 1 << 40), ("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10), ("B", 1)];
    match UNITS.iter().find(|(_, size)| bytes >= *size) {
        Some((unit, size)) => {
            let text = format!("{:.1}", bytes as f64 / *size as f64);
            format!("{}{unit}", text.strip_suffix(".0").unwrap_or(&text))
        }
        None => "0".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_decimal_or_none() {
        for (bytes, text) in [(0, "0"), (166, "166B"), (16384, "16KB"), (12595, "12.3KB"), (5 << 20, "5MB")] {
            assert_eq!(byte_size(bytes), text);
        }
    }

    #[test]
    fn blocks_are_aligned_on_their_own() {
        let stat = |name: &str, sum, count| TypeStat { name: name.into(), sum, count };
        let inspection = Inspection {
            meta: Meta { id: "2-66-1".into(), size: 166, index: 66, term: 2, version: 1, ..Meta::default() },
            types: vec![stat("CoordinateBatchUpdate", 166, 1)],
            total_size: 166,
            kv: Some(vec![stat("app", 20, 1)]),
            total_size_kv: 20,
        };
        let expected = " ID           2-66-1\n Size         166\n Index        66\n Term         2\n Version      1\n\n \
                        Type                       Count      Size\n ----                       ----       ----\n \
                        CoordinateBatchUpdate      1          166B\n ----                       ----       ----\n \
                        Total                                 166B\n\n \
                        Key Name      Count      Size\n ----          ----       ----\n app           1          20B\n \
                        ----          ----       ----\n Total                    20B";
        assert_eq!(pretty(&inspection), expected);
    }
}
