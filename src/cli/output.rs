//! Columns and JSON as the reference prints them (`spec/cli.md` 5).

use comfy_table::{Table, presets};
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

/// Layout A: two blanks between columns.
pub fn columns(rows: &[Vec<String>]) -> String {
    table(rows, 2)
}

/// Layout B: six blanks between columns.
pub fn wide_columns(rows: &[Vec<String>]) -> String {
    table(rows, 6)
}

/// Left-aligned columns with `gap` blanks between them. The last cell of a row is not padded, but an empty one keeps the
/// blanks in front of it. No newline at the end.
fn table(rows: &[Vec<String>], gap: usize) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for row in rows {
        table.add_row(row.iter().map(|cell| cell.trim()));
    }
    let gap_cells = u16::try_from(gap).expect("gaps are small");
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, gap_cells));
    });
    let widths = table.column_max_content_widths();
    let text = table.lines().zip(rows).map(|(line, row)| {
        let before_last: usize = widths.iter().take(row.len().saturating_sub(1)).map(|w| usize::from(*w) + gap).sum();
        let line = line.trim_end();
        format!("{line}{}", " ".repeat(before_last.saturating_sub(line.chars().count())))
    });
    text.collect::<Vec<_>>().join("\n")
}

/// JSON as Go prints it: indented (or compact with an empty `indent`), with `<`, `>` and `&` escaped.
pub fn json(value: &impl Serialize, indent: &str) -> String {
    let mut text = Vec::new();
    let written = if indent.is_empty() {
        value.serialize(&mut Serializer::new(&mut text))
    } else {
        value.serialize(&mut Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(indent.as_bytes())))
    };
    written.expect("plain values serialize into memory");
    let text = String::from_utf8(text).expect("JSON is UTF-8");
    let escapes =
        [("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u{2028}", "\\u2028"), ("\u{2029}", "\\u2029")];
    escapes.iter().fold(text, |text, (from, to)| if text.contains(from) { text.replace(from, to) } else { text })
}

/// Sorted `k=v` pairs joined by a separator.
pub fn pairs<'a>(map: impl IntoIterator<Item = (&'a String, &'a String)>, separator: &str) -> String {
    let mut pairs: Vec<String> = map.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.sort();
    pairs.join(separator)
}

/// A row of a table.
#[macro_export]
#[doc(hidden)]
macro_rules! row {
    ($($cell:expr),* $(,)?) => { vec![$($cell.to_string()),*] };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_cell_is_not_padded_but_an_empty_one_keeps_its_gap() {
        let rows = vec![row!["Node", "ID", "Meta"], row!["a-long-name", "1", ""], row!["b", "", "k=v"]];
        assert_eq!(columns(&rows), "Node         ID  Meta\na-long-name  1   \nb                k=v");
        assert_eq!(wide_columns(&rows[..2]), "Node             ID      Meta\na-long-name      1       ");
    }

    #[test]
    fn json_is_escaped_as_in_go() {
        let value = serde_json::json!({"a": "<&>", "b": [], "c": {"d": 1}});
        assert_eq!(json(&value, ""), r#"{"a":"\u003c\u0026\u003e","b":[],"c":{"d":1}}"#);
        assert_eq!(json(&value["c"], "\t"), "{\n\t\"d\": 1\n}");
    }
}
