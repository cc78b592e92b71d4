//! Regular expressions of arguments, refused in Go's words.

use regex::Regex;

/// What the compiler says, and Go's words for it; the text in back quotes is what Go points at.
const WORDS: [(&str, &str); 4] = [
    ("unclosed character class", "missing closing ]"),
    ("unclosed group", "missing closing )"),
    ("unopened group", "unexpected )"),
    ("repetition operator missing expression", "missing argument to repetition operator"),
];

/// Compiles a pattern.
///
/// # Errors
/// `error parsing regexp: <reason>: <pattern>`.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    Regex::new(pattern).map_err(|error| {
        let text = error.to_string();
        let reason = text.lines().rev().find_map(|line| line.strip_prefix("error: ")).unwrap_or(&text);
        let reason = WORDS.iter().find(|(ours, _)| *ours == reason).map_or(reason, |(_, gos)| gos);
        format!("error parsing regexp: {reason}: `{pattern}`")
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_bad_pattern_is_named_with_the_reason() {
        assert_eq!(super::compile("[").expect_err("bad"), "error parsing regexp: missing closing ]: `[`");
        assert_eq!(super::compile("(a").expect_err("bad"), "error parsing regexp: missing closing ): `(a`");
        assert!(super::compile("^a.*").expect("good").is_match("abc"));
    }
}
