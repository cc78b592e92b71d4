//! Words as a shell reads and writes them: quotes and backslashes.

/// A word of a command line that is being typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// What it means.
    pub text: String,
    /// What was typed.
    pub raw: String,
    /// The quote that is still open at its end.
    pub open: Option<char>,
}

/// Splits a line at its blanks. The last word is the one under the cursor, empty behind a blank.
pub fn split(line: &str) -> Vec<Word> {
    let mut words = vec![Word::default()];
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        let word = words.last_mut().expect("there is always one");
        if letter.is_whitespace() && word.open.is_none() {
            if !word.raw.is_empty() {
                words.push(Word::default());
            }
            continue;
        }
        word.raw.push(letter);
        match (letter, word.open) {
            ('\\', None) => {
                if let Some(next) = letters.next() {
                    word.raw.push(next);
                    word.text.push(next);
                }
            }
            ('\\', Some('"')) => {
                if let Some(next) = letters.next() {
                    word.raw.push(next);
                    if !matches!(next, '"' | '\\' | '$' | '`') {
                        word.text.push('\\');
                    }
                    word.text.push(next);
                }
            }
            ('\'' | '"', None) => word.open = Some(letter),
            (letter, Some(quote)) if letter == quote => word.open = None,
            _ => word.text.push(letter),
        }
    }
    words
}

/// What a word means.
pub fn unquote(raw: &str) -> String {
    split(raw).pop().unwrap_or_default().text
}

/// A text as it must be typed behind the quote that is open, or behind none.
pub fn quote(text: &str, open: Option<char>) -> String {
    match open {
        Some('\'') => text.replace('\'', "'\\''"),
        Some(_) => escape(text, |letter| matches!(letter, '"' | '\\' | '$' | '`')),
        None => escape(text, |letter| {
            letter.is_ascii() && !letter.is_ascii_alphanumeric() && !"-_./:=@%+,".contains(letter)
        }),
    }
}

/// A text for a shell that splits at blanks before it unquotes: in the quotes of C when it is more than plain.
pub fn without_blanks(text: &str) -> String {
    if quote(text, None) == text {
        return text.to_owned();
    }
    format!("$'{}'", escape(text, |letter| matches!(letter, '\'' | '\\')).replace(' ', "\\x20"))
}

fn escape(text: &str, special: fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if special(letter) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_blanks_outside_of_quotes() {
        let texts = |line: &str| split(line).into_iter().map(|word| word.text).collect::<Vec<_>>();
        assert_eq!(texts("tribune  kv get"), ["tribune", "kv", "get"]);
        assert_eq!(texts("tribune kv "), ["tribune", "kv", ""]);
        assert_eq!(texts(r#"a\ b 'c "d' "e \" \x f"g"#), ["a b", "c \"d", "e \" \\x fg"]);
        assert_eq!(split("a 'b c").pop(), Some(Word { text: "b c".into(), raw: "'b c".into(), open: Some('\'') }));
    }

    #[test]
    fn a_word_can_do_without_blanks() {
        let cases = [("app/x", "app/x"), ("a b", r"$'a\x20b'"), ("it's", r"$'it\'s'"), (r"a\b c", r"$'a\\b\x20c'")];
        for (text, expected) in cases {
            assert_eq!(without_blanks(text), expected);
        }
    }

    #[test]
    fn what_is_quoted_means_what_it_was() {
        for text in ["plain/key", "with blank", "it's $HOME", "a\"b\\c`d", "ümläut;&|<>(){}[]*?!~#"] {
            assert_eq!(unquote(&quote(text, None)), text);
            assert_eq!(unquote(&format!("'{}'", quote(text, Some('\'')))), text);
            assert_eq!(unquote(&format!("\"{}\"", quote(text, Some('"')))), text);
        }
    }
}
