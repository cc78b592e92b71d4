//! Address templates such as `{{ GetInterfaceIP "eth0" }}` (`spec/agent-config.md` 1.2).
//!
//! A template is text with pipelines in double braces; a pipeline starts with a source of interface addresses and runs
//! them through filters. Only what the reference's address templates can do is understood.

mod interfaces;

pub use interfaces::{Interface, all, is_private};

use interfaces::{Attribute, default_names, is_forwardable, rfc_blocks};
use std::cmp::Ordering;

/// What flows through a pipeline.
enum Flow {
    List(Vec<Interface>),
    Text(String),
}

/// One step of a pipeline: where it starts in the template, its text, its words.
struct Step<'a> {
    at: usize,
    text: &'a str,
    name: &'a str,
    args: Vec<String>,
}

/// Replaces all pipelines of a text by their results. The error is the reference's.
pub fn expand(template: &str, interfaces: &[Interface]) -> Result<String, String> {
    let fail = |why: String| Err(format!("unable to parse template {template:?}: template: sockaddr.Parse:1: {why}"));
    let mut out = String::new();
    let mut rest = 0;
    while let Some(open) = template[rest..].find("{{").map(|at| rest + at) {
        out.push_str(&template[rest..open]);
        let Some(close) = template[open..].find("}}").map(|at| open + at) else {
            return fail("unclosed action".to_string());
        };
        let mut from = open + 2;
        let mut to = close;
        if template[from..to].starts_with("- ") {
            out.truncate(out.trim_end().len());
            from += 1;
        }
        let trim_after = to > from && template[from..to].ends_with(" -");
        if trim_after {
            to -= 1;
        }
        let steps = match steps(template, from, to) {
            Ok(steps) => steps,
            Err(why) => return fail(why),
        };
        if let Some(unknown) = steps.iter().find(|step| !FUNCTIONS.contains(&step.name)) {
            return fail(format!("function {:?} not defined", unknown.name));
        }
        match run(&steps, interfaces) {
            Ok(Flow::Text(text)) => out.push_str(&text),
            Ok(Flow::List(list)) => out.push_str(&addresses(&list)),
            Err((at, text, why)) => {
                return Err(format!(
                    "unable to execute sockaddr input {template:?}: template: sockaddr.Parse:1:{at}: executing \
                     \"sockaddr.Parse\" at <{text}>: {why}"
                ));
            }
        }
        rest = close + 2;
        if trim_after {
            rest += template[rest..].len() - template[rest..].trim_start().len();
        }
    }
    out.push_str(&template[rest..]);
    Ok(out)
}

const SOURCES: [&str; 10] = [
    "GetAllInterfaces",
    "GetDefaultInterfaces",
    "GetPrivateInterfaces",
    "GetPublicInterfaces",
    "GetPrivateIP",
    "GetPrivateIPs",
    "GetPublicIP",
    "GetPublicIPs",
    "GetInterfaceIP",
    "GetInterfaceIPs",
];

const FUNCTIONS: [&str; 20] = [
    SOURCES[0], SOURCES[1], SOURCES[2], SOURCES[3], SOURCES[4], SOURCES[5], SOURCES[6], SOURCES[7], SOURCES[8],
    SOURCES[9], "include", "exclude", "sort", "limit", "offset", "unique", "attr", "Attr", "join", "math",
];

/// Splits `template[from..to]` into steps at `|` outside quotes.
fn steps(template: &str, from: usize, to: usize) -> Result<Vec<Step<'_>>, String> {
    let mut steps = Vec::new();
    let (mut start, mut quote) = (from, None);
    for (offset, c) in template[from..to].char_indices().chain([(to - from, '|')]) {
        match (quote, c) {
            (None, '"' | '`') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, '|') => {
                let raw = &template[start..from + offset];
                let text = raw.trim();
                let at = start + (raw.len() - raw.trim_start().len());
                steps.push(step(at, text)?);
                start = from + offset + 1;
            }
            _ => {}
        }
    }
    if quote.is_some() {
        return Err("unterminated quoted string".to_string());
    }
    Ok(steps)
}

fn step(at: usize, text: &str) -> Result<Step<'_>, String> {
    let name_end = text.find(char::is_whitespace).unwrap_or(text.len());
    let name = &text[..name_end];
    if name.is_empty() {
        return Err("missing value for command".to_string());
    }
    let mut args = Vec::new();
    let mut rest = text[name_end..].trim_start();
    while let Some(first) = rest.chars().next() {
        if matches!(first, '"' | '`') {
            let end = rest[1..].find(first).ok_or("unterminated quoted string")?;
            args.push(rest[1..=end].to_string());
            rest = rest[end + 2..].trim_start();
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            args.push(rest[..end].to_string());
            rest = rest[end..].trim_start();
        }
    }
    Ok(Step { at, text, name, args })
}

/// Where a step stands, its text, and why it failed.
type Failure<'a> = (usize, &'a str, String);

/// Addresses separated by spaces.
fn addresses(list: &[Interface]) -> String {
    let texts: Vec<String> = list.iter().map(|item| item.ip.to_string()).collect();
    texts.join(" ")
}

fn run<'a>(steps: &[Step<'a>], interfaces: &[Interface]) -> Result<Flow, Failure<'a>> {
    let mut flow: Option<Flow> = None;
    for step in steps {
        let piped = usize::from(flow.is_some());
        let (wanted, given) = (wanted_arguments(step.name), step.args.len() + piped);
        let result = if wanted == given {
            match flow.take() {
                None => source(step, interfaces),
                Some(Flow::List(list)) => filter(step, list),
                Some(Flow::Text(_)) => Err("wrong type for value; expected sockaddr.IfAddrs; got string".to_string()),
            }
            .map_err(|why| format!("error calling {}: {why}", step.name))
        } else {
            Err(format!("wrong number of args for {}: want {wanted} got {given}", step.name))
        };
        flow = Some(result.map_err(|why| (step.at, step.text, why))?);
    }
    Ok(flow.unwrap_or(Flow::Text(String::new())))
}

/// Arguments of a function, the piped one counted.
fn wanted_arguments(name: &str) -> usize {
    match name {
        "GetInterfaceIP" | "GetInterfaceIPs" => 1,
        "include" | "exclude" | "join" | "math" => 3,
        name if SOURCES.contains(&name) => 0,
        _ => 2,
    }
}

fn source(step: &Step<'_>, interfaces: &[Interface]) -> Result<Flow, String> {
    let usable = |item: &&Interface| item.up && is_forwardable(item.ip);
    let on_default = |item: &&Interface| default_names().contains(&item.name);
    let select = |keep: &dyn Fn(&&Interface) -> bool| -> Vec<Interface> {
        interfaces.iter().filter(|item| keep(item)).cloned().collect()
    };
    let private = || select(&|item| usable(item) && on_default(item) && is_private(item.ip));
    let public = || select(&|item| usable(item) && on_default(item) && !is_private(item.ip));
    let first = |list: Vec<Interface>| Flow::Text(list.first().map(|item| item.ip.to_string()).unwrap_or_default());
    let texts = |list: Vec<Interface>| Flow::Text(addresses(&list));
    let v4_first = |mut list: Vec<Interface>| {
        list.sort_by_key(|item| item.ip.is_ipv6());
        list
    };
    Ok(match step.name {
        "GetAllInterfaces" => Flow::List(interfaces.to_vec()),
        "GetDefaultInterfaces" => Flow::List(select(&|item| on_default(item))),
        "GetPrivateInterfaces" => Flow::List(v4_first(private())),
        "GetPublicInterfaces" => Flow::List(v4_first(public())),
        "GetPrivateIP" => first(v4_first(private())),
        "GetPublicIP" => first(v4_first(public())),
        "GetPrivateIPs" => texts(v4_first(select(&|item| usable(item) && is_private(item.ip)))),
        "GetPublicIPs" => texts(v4_first(select(&|item| usable(item) && !is_private(item.ip)))),
        "GetInterfaceIP" | "GetInterfaceIPs" => {
            let pattern = pattern(&step.args[0])?;
            let all = step.name == "GetInterfaceIPs";
            let list = v4_first(select(&|item| (all || usable(item)) && pattern.is_match(&item.name)));
            if all { texts(list) } else { first(list) }
        }
        other => return Err(format!("{other} is no source of addresses")),
    })
}

fn pattern(text: &str) -> Result<regex::Regex, String> {
    regex::Regex::new(text).map_err(|_| format!("unable to compile regexp {text:?}"))
}

fn filter(step: &Step<'_>, mut list: Vec<Interface>) -> Result<Flow, String> {
    let number = |text: &str| text.parse::<usize>().map_err(|_| format!("invalid number {text:?}"));
    match step.name {
        "include" | "exclude" => {
            let keep = step.name == "include";
            let test = selector_test(step.name, &step.args[0], &step.args[1])?;
            list.retain(|item| test(item) == keep);
        }
        "sort" => {
            sort(&mut list, &step.args[0])?;
        }
        "limit" => list.truncate(number(&step.args[0])?),
        "offset" => {
            let skip = number(&step.args[0])?.min(list.len());
            list.drain(..skip);
        }
        "unique" => {
            let attribute = Attribute::parse(&step.args[0])?;
            let mut seen = std::collections::HashSet::new();
            list.retain(|item| item.attribute(attribute).map_or(true, |text| seen.insert(text)));
        }
        "attr" | "Attr" => {
            let attribute = Attribute::parse(&step.args[0])?;
            let text = list.first().map(|item| item.attribute(attribute)).transpose()?;
            return Ok(Flow::Text(text.unwrap_or_default()));
        }
        "join" => {
            let attribute = Attribute::parse(&step.args[0])?;
            let texts: Result<Vec<String>, String> = list.iter().map(|item| item.attribute(attribute)).collect();
            return Ok(Flow::Text(texts?.join(&step.args[1])));
        }
        "math" => {
            for item in &mut list {
                item.shift(&step.args[0], &step.args[1])?;
            }
        }
        other => return Err(format!("{other} does not filter addresses")),
    }
    Ok(Flow::List(list))
}

type Test = Box<dyn Fn(&Interface) -> bool>;

fn selector_test(function: &str, selector: &str, value: &str) -> Result<Test, String> {
    Ok(match selector.to_ascii_lowercase().as_str() {
        "address" => {
            let pattern = pattern(value)?;
            Box::new(move |item| pattern.is_match(&item.ip.to_string()))
        }
        "name" => {
            let pattern = pattern(value)?;
            Box::new(move |item| pattern.is_match(&item.name))
        }
        "flag" | "flags" => {
            let flags: Vec<String> = value.split('|').map(|flag| flag.trim().to_ascii_lowercase()).collect();
            Box::new(move |item| flags.iter().all(|flag| item.has_flag(flag)))
        }
        "network" => {
            let network: crate::config::Cidr = value.parse()?;
            Box::new(move |item| network.contains(item.ip))
        }
        "port" => {
            let pattern = pattern(value)?;
            Box::new(move |_| pattern.is_match("0"))
        }
        "rfc" | "rfcs" => {
            let mut blocks = Vec::new();
            for number in value.split('|') {
                blocks.extend(rfc_blocks(number.trim()).ok_or_else(|| format!("unsupported RFC {number:?}"))?);
            }
            Box::new(move |item| blocks.iter().any(|block| block.contains(item.ip)))
        }
        "size" => {
            let bits: u8 = value.trim_start_matches('/').parse().map_err(|_| format!("invalid size {value:?}"))?;
            Box::new(move |item| item.prefix == bits)
        }
        "type" => {
            let wanted = value.to_ascii_lowercase();
            Box::new(move |item| wanted == "ip" || wanted == if item.ip.is_ipv4() { "ipv4" } else { "ipv6" })
        }
        _ => return Err(format!("invalid {function} selector {selector:?}")),
    })
}

fn sort(list: &mut [Interface], keys: &str) -> Result<(), String> {
    let mut orders = Vec::new();
    for key in keys.split(',') {
        let (name, reverse) = match key.trim().as_bytes() {
            [b'-', ..] => (&key.trim()[1..], true),
            [b'+', ..] => (&key.trim()[1..], false),
            _ => (key.trim(), false),
        };
        let order: fn(&Interface, &Interface) -> Ordering = match name {
            "address" => |a, b| a.ip.cmp(&b.ip),
            "name" => |a, b| a.name.cmp(&b.name),
            "size" => |a, b| a.prefix.cmp(&b.prefix),
            "type" => |a, b| a.ip.is_ipv6().cmp(&b.ip.is_ipv6()),
            "private" => |a, b| is_private(b.ip).cmp(&is_private(a.ip)),
            "default" => |a, b| default_names().contains(&b.name).cmp(&default_names().contains(&a.name)),
            "port" => |_, _| Ordering::Equal,
            _ => return Err(format!("unknown sort type: {key:?}")),
        };
        orders.push((order, reverse));
    }
    list.sort_by(|a, b| {
        orders.iter().fold(Ordering::Equal, |so_far, (order, reverse)| {
            so_far.then_with(|| if *reverse { order(b, a) } else { order(a, b) })
        })
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<Interface> {
        let item = |name: &str, ip: &str, prefix, loopback| Interface {
            name: name.to_string(),
            ip: ip.parse().expect("an address"),
            prefix,
            up: true,
            loopback,
            flags: Vec::new(),
        };
        vec![
            item("lo", "127.0.0.1", 8, true),
            item("eth0", "10.1.2.3", 16, false),
            item("eth0", "2001:db9::5", 64, false),
            item("eth1", "203.0.114.9", 24, false),
        ]
    }

    #[test]
    fn templates_give_the_addresses_of_matching_interfaces() {
        let cases = [
            ("10.0.0.1", "10.0.0.1"),
            ("{{ GetInterfaceIP \"eth0\" }}", "10.1.2.3"),
            ("{{ GetInterfaceIPs \"eth\" }}", "10.1.2.3 203.0.114.9 2001:db9::5"),
            ("{{ GetInterfaceIP \"lo\" }}", ""),
            ("a {{ GetAllInterfaces | include \"network\" \"10.0.0.0/8\" | attr \"address\" }} b", "a 10.1.2.3 b"),
            (
                "{{ GetAllInterfaces | include \"type\" \"IPv4\" | sort \"-address\" | join \"address\" \" \" }}",
                "203.0.114.9 127.0.0.1 10.1.2.3",
            ),
            (
                "{{ GetAllInterfaces | include \"name\" \"^eth\" | include \"flags\" \"forwardable|up\" | limit 1 | attr \"name\" }}",
                "eth0",
            ),
            (
                "{{ GetAllInterfaces | exclude \"rfc\" \"1918\" | exclude \"flag\" \"loopback\" | include \"type\" \"ipv4\" | attr \"address\" }}",
                "203.0.114.9",
            ),
            (
                "{{ GetAllInterfaces | include \"name\" \"eth0\" | math \"address\" \"+5\" | attr \"address\" }}",
                "10.1.2.8",
            ),
            (
                "{{ GetAllInterfaces | include \"name\" \"eth0\" | math \"network\" \"+1\" | attr \"address\" }}",
                "10.1.0.1",
            ),
            ("{{ GetAllInterfaces | offset 1 | limit 1 | attr \"network\" }}", "10.1.0.0"),
            ("{{ GetAllInterfaces | unique \"name\" | join \"name\" \",\" }}", "lo,eth0,eth1"),
            ("{{ GetAllInterfaces | include \"name\" \"eth1\" | attr \"broadcast\" }}", "203.0.114.255"),
            ("{{ GetAllInterfaces | include \"name\" \"eth1\" | attr \"first_usable\" }}", "203.0.114.1"),
            ("{{ GetAllInterfaces | include \"name\" \"eth1\" | attr \"netmask\" }}", "255.255.255.0"),
            ("{{ GetAllInterfaces | include \"name\" \"eth1\" | attr \"uint32\" }}", "3405804041"),
            ("{{ GetAllInterfaces | include \"name\" \"eth1\" | attr \"hex\" }}", "cb007209"),
            ("{{ GetAllInterfaces | include \"size\" \"/16\" | attr \"mask_bits\" }}", "16"),
        ];
        for (template, expected) in cases {
            assert_eq!(expand(template, &sample()).as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn bad_templates_are_refused_with_the_reason() {
        let cases = [
            ("{{ X }}", "unable to parse template \"{{ X }}\": template: sockaddr.Parse:1: function \"X\" not defined"),
            (
                "{{ GetAllInterfaces",
                "unable to parse template \"{{ GetAllInterfaces\": template: sockaddr.Parse:1: unclosed action",
            ),
            (
                "{{ GetAllInterfaces | attr \"bogus\" }}",
                "unable to execute sockaddr input \"{{ GetAllInterfaces | attr \\\"bogus\\\" }}\": template: sockaddr.Parse:1:22: \
                 executing \"sockaddr.Parse\" at <attr \"bogus\">: error calling attr: unsupported attribute name \"bogus\"",
            ),
            (
                "{{ GetAllInterfaces | sort \"bogus\" }}",
                "unable to execute sockaddr input \"{{ GetAllInterfaces | sort \\\"bogus\\\" }}\": template: sockaddr.Parse:1:22: \
                 executing \"sockaddr.Parse\" at <sort \"bogus\">: error calling sort: unknown sort type: \"bogus\"",
            ),
            (
                "{{ GetAllInterfaces | include \"bogus\" \"1\" }}",
                "unable to execute sockaddr input \"{{ GetAllInterfaces | include \\\"bogus\\\" \\\"1\\\" }}\": template: \
                 sockaddr.Parse:1:22: executing \"sockaddr.Parse\" at <include \"bogus\" \"1\">: error calling include: invalid \
                 include selector \"bogus\"",
            ),
        ];
        for (template, expected) in cases {
            assert_eq!(expand(template, &sample()).expect_err(template), expected);
        }
    }
}
