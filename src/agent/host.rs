//! What machine this is, from `/proc` and `/etc` (`spec/http-api.md` 3.2.2).

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

/// The document of `/v1/agent/host`. A part that cannot be read is null and listed among the errors.
pub fn document() -> Value {
    let mut errors = Vec::new();
    let mut part = |name: &str, part: std::io::Result<Value>| {
        part.unwrap_or_else(|error| {
            errors.push(format!("{name}: {error}"));
            Value::Null
        })
    };
    let memory = part("memory", fs::read_to_string("/proc/meminfo").map(|text| memory(&text)));
    let cpu = part("cpu", fs::read_to_string("/proc/cpuinfo").map(|text| cpus(&text)));
    let host = part("host", host());
    let disk = part("disk", disk());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    json!({
        "Memory": memory,
        "CPU": cpu,
        "Host": host,
        "Disk": disk,
        "CollectionTime": now.as_nanos() as u64,
        "Errors": if errors.is_empty() { Value::Null } else { errors.into() },
    })
}

/// Keys of the document and of `/proc/meminfo`; all are KiB there.
const MEMORY: [(&str, &str); 34] = [
    ("active", "Active"),
    ("inactive", "Inactive"),
    ("wired", ""),
    ("laundry", ""),
    ("buffers", "Buffers"),
    ("cached", "Cached"),
    ("writeBack", "Writeback"),
    ("dirty", "Dirty"),
    ("writeBackTmp", "WritebackTmp"),
    ("shared", "Shmem"),
    ("slab", "Slab"),
    ("sreclaimable", "SReclaimable"),
    ("sunreclaim", "SUnreclaim"),
    ("pageTables", "PageTables"),
    ("swapCached", "SwapCached"),
    ("commitLimit", "CommitLimit"),
    ("committedAS", "Committed_AS"),
    ("highTotal", "HighTotal"),
    ("highFree", "HighFree"),
    ("lowTotal", "LowTotal"),
    ("lowFree", "LowFree"),
    ("swapTotal", "SwapTotal"),
    ("swapFree", "SwapFree"),
    ("mapped", "Mapped"),
    ("vmallocTotal", "VmallocTotal"),
    ("vmallocUsed", "VmallocUsed"),
    ("vmallocChunk", "VmallocChunk"),
    ("hugePagesTotal", "HugePages_Total"),
    ("hugePagesFree", "HugePages_Free"),
    ("hugePagesRsvd", "HugePages_Rsvd"),
    ("hugePagesSurp", "HugePages_Surp"),
    ("hugePageSize", "Hugepagesize"),
    ("anonHugePages", "AnonHugePages"),
    ("unevictable", "Unevictable"),
];

fn memory(meminfo: &str) -> Value {
    let rows: BTreeMap<&str, u64> = meminfo
        .lines()
        .filter_map(|line| {
            let (key, rest) = line.split_once(':')?;
            let mut words = rest.split_whitespace();
            let number: u64 = words.next()?.parse().ok()?;
            Some((key, if words.next() == Some("kB") { number * 1024 } else { number }))
        })
        .collect();
    let get = |key: &str| rows.get(key).copied().unwrap_or(0);
    let (total, free) = (get("MemTotal"), get("MemFree"));
    let cached = get("Cached") + get("SReclaimable");
    let used = total.saturating_sub(free + get("Buffers") + cached);
    let percent = if total == 0 { 0.0 } else { used as f64 / total as f64 * 100.0 };
    let mut document = Map::new();
    document.insert("total".into(), total.into());
    document.insert("available".into(), get("MemAvailable").into());
    document.insert("used".into(), used.into());
    document.insert("usedPercent".into(), percent.into());
    document.insert("free".into(), free.into());
    document.extend(MEMORY.iter().map(|(name, key)| ((*name).to_owned(), Value::from(get(key)))));
    Value::Object(document)
}

fn cpus(cpuinfo: &str) -> Value {
    let sections = cpuinfo.split("\n\n").filter(|section| section.contains("processor"));
    sections.map(cpu).collect()
}

fn cpu(section: &str) -> Value {
    let rows: BTreeMap<&str, &str> = section
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| (key.trim(), value.trim()))
        .collect();
    let text = |key: &str| rows.get(key).copied().unwrap_or_default();
    let number = |key: &str| text(key).split_whitespace().next().and_then(|word| word.parse::<i64>().ok()).unwrap_or(0);
    json!({
        "cpu": number("processor"),
        "vendorId": text("vendor_id"),
        "family": text("cpu family"),
        "model": text("model"),
        "stepping": number("stepping"),
        "physicalId": text("physical id"),
        "coreId": text("core id"),
        "cores": 1,
        "modelName": text("model name"),
        "mhz": text("cpu MHz").parse::<f64>().unwrap_or(0.0),
        "cacheSize": number("cache size"),
        "flags": text("flags").split_whitespace().collect::<Vec<_>>(),
        "microcode": text("microcode"),
    })
}

/// `KEY=value` or `KEY="value"` lines.
fn shell_values(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter_map(|line| line.split_once('=')).map(|(key, value)| (key, value.trim_matches('"'))).collect()
}

fn host() -> std::io::Result<Value> {
    let name = nix::sys::utsname::uname()?;
    let text = |os: &std::ffi::OsStr| os.to_string_lossy().into_owned();
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let release = shell_values(&release);
    let uptime = fs::read_to_string("/proc/uptime")?;
    let uptime = uptime.split('.').next().and_then(|secs| secs.parse::<u64>().ok()).unwrap_or(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let processes = fs::read_dir("/proc")?.flatten();
    let is_process = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().bytes().all(|b| b.is_ascii_digit());
    let platform = release.get("ID").copied().unwrap_or_default();
    Ok(json!({
        "hostname": text(name.nodename()),
        "uptime": uptime,
        "bootTime": now.saturating_sub(uptime),
        "procs": processes.filter(is_process).count(),
        "os": std::env::consts::OS,
        "platform": platform,
        "platformFamily": release.get("ID_LIKE").copied().unwrap_or(platform),
        "platformVersion": release.get("VERSION_ID").copied().unwrap_or_default(),
        "kernelVersion": text(name.release()),
        "kernelArch": text(name.machine()),
        "virtualizationSystem": "",
        "virtualizationRole": "",
        "hostId": super::data_dir::host_id().unwrap_or_default(),
    }))
}

fn disk() -> std::io::Result<Value> {
    let stat = nix::sys::statvfs::statvfs("/")?;
    let block = stat.fragment_size();
    let (total, available) = (stat.blocks() * block, stat.blocks_available() * block);
    let used = (stat.blocks() - stat.blocks_free()) * block;
    let (inodes, inodes_free) = (stat.files(), stat.files_free());
    let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 * 100.0 };
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let root = mounts
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .rfind(|words| words.get(1) == Some(&"/"));
    Ok(json!({
        "path": "/",
        "fstype": root.and_then(|words| words.get(2).map(|kind| (*kind).to_owned())).unwrap_or_default(),
        "total": total,
        "free": available,
        "used": used,
        "usedPercent": share(used, used + available),
        "inodesTotal": inodes,
        "inodesUsed": inodes - inodes_free,
        "inodesFree": inodes_free,
        "inodesUsedPercent": share(inodes - inodes_free, inodes),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_in_bytes() {
        let text = "MemTotal:       1000 kB\nMemFree:         400 kB\nMemAvailable:    700 kB\nBuffers:          50 kB\n\
                    Cached:          100 kB\nSReclaimable:     50 kB\nHugePages_Total:       3\n";
        let memory = memory(text);
        assert_eq!((&memory["total"], &memory["used"]), (&json!(1_024_000), &json!(409_600)));
        assert_eq!((&memory["usedPercent"], &memory["hugePagesTotal"]), (&json!(40.0), &json!(3)));
    }

    #[test]
    fn every_processor_is_listed() {
        let text = "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC\ncpu MHz\t\t: 2445.428\n\
                    cache size\t: 512 KB\nflags\t\t: fpu vme\n\nprocessor\t: 1\nvendor_id\t: AuthenticAMD\n\n";
        let cpus = cpus(text);
        assert_eq!(cpus.as_array().expect("a list").len(), 2);
        assert_eq!((&cpus[0]["cacheSize"], &cpus[0]["flags"][1]), (&json!(512), &json!("vme")));
        assert_eq!(cpus[1]["cpu"], 1);
    }
}
