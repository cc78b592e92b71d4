//! Regular expressions as Go's RE2 reads them, run by the `regex` crate.
//!
//! Both speak nearly one language. Here is the difference: Go's classes `\d \w \s \b` are ASCII, it knows `\Q...\E`
//! and octal escapes, it does not know set operations in classes nor the flag `x`, and its error texts are API.

use regex::Regex;

/// Largest repeat count.
const MAX_REPEAT: u32 = 1000;

/// Compiles a Go pattern; the error is Go's text (`error parsing regexp: ...`).
pub fn compile(pattern: &str) -> Result<Regex, String> {
    let translated = Translator { pattern, at: 0, out: String::with_capacity(pattern.len() + 8) }
        .run()
        .map_err(|(reason, part)| format!("error parsing regexp: {reason}: `{part}`"))?;
    Regex::new(&translated).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => format!("error parsing regexp: expression too large: `{pattern}`"),
        _ => format!("error parsing regexp: invalid or unsupported syntax: `{pattern}`"),
    })
}

type Step<'p, T = ()> = Result<T, (&'static str, &'p str)>;

struct Translator<'p> {
    pattern: &'p str,
    at: usize,
    out: String,
}

const BAD_ESCAPE: &str = "invalid escape sequence";
const BAD_RANGE: &str = "invalid character class range";
const BAD_PERL: &str = "invalid or unsupported Perl syntax";
const BAD_NAME: &str = "invalid named capture";
const BAD_COUNT: &str = "invalid repeat count";

/// Go's Perl classes, inside brackets.
fn perl_class(letter: char) -> Option<(&'static str, bool)> {
    match letter.to_ascii_lowercase() {
        'd' => Some("0-9"),
        'w' => Some("0-9A-Za-z_"),
        's' => Some("\\t\\n\\f\\r "),
        _ => None,
    }
    .map(|set| (set, letter.is_ascii_uppercase()))
}

impl<'p> Translator<'p> {
    fn rest(&self) -> &'p str {
        &self.pattern[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn eat(&mut self, prefix: &str) -> bool {
        let found = self.rest().starts_with(prefix);
        self.at += if found { prefix.len() } else { 0 };
        found
    }

    fn run(mut self) -> Step<'p, String> {
        let mut open = 0_usize;
        // Where a repetition has nothing to repeat, and where the last one began.
        let mut nothing_before = true;
        let mut last_repeat: Option<usize> = None;
        while let Some(c) = self.peek() {
            let start = self.at;
            if let Some(is_repeat) = self.repetition()? {
                if is_repeat {
                    if nothing_before {
                        return Err(("missing argument to repetition operator", &self.pattern[start..self.at]));
                    }
                    if let Some(before) = last_repeat {
                        return Err(("invalid nested repetition operator", &self.pattern[before..self.at]));
                    }
                    self.eat("?");
                    self.out.push_str(&self.pattern[start..self.at]);
                    last_repeat = Some(start);
                } else {
                    self.out.push_str("\\{");
                    self.at += 1;
                    (nothing_before, last_repeat) = (false, None);
                }
                continue;
            }
            last_repeat = None;
            nothing_before = false;
            match c {
                '(' => {
                    open += usize::from(self.group()?);
                    nothing_before = true;
                }
                ')' => {
                    open = open.checked_sub(1).ok_or(("unexpected )", self.pattern))?;
                    self.copy();
                }
                '|' => {
                    self.copy();
                    nothing_before = true;
                }
                '[' => self.class()?,
                '\\' => self.escape()?,
                '&' | '~' | '-' | '#' | ' ' | '}' | ']' => {
                    self.at += 1;
                    self.out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
                }
                _ => self.copy(),
            }
        }
        if open > 0 { Err(("missing closing )", self.pattern)) } else { Ok(self.out) }
    }

    fn copy(&mut self) {
        if let Some(c) = self.bump() {
            self.out.push(c);
        }
    }

    /// At a repetition operator: passes it and answers true. At a `{` that is only a brace: false.
    fn repetition(&mut self) -> Step<'p, Option<bool>> {
        match self.peek() {
            Some('*' | '+' | '?') => {
                self.at += 1;
                Ok(Some(true))
            }
            Some('{') => {
                let Some((min, max, len)) = repeat_bounds(self.rest()) else { return Ok(Some(false)) };
                let text = &self.rest()[..len];
                if min > MAX_REPEAT || max.is_some_and(|max| max > MAX_REPEAT || max < min) {
                    return Err((BAD_COUNT, text));
                }
                self.at += len;
                Ok(Some(true))
            }
            _ => Ok(None),
        }
    }

    /// Opens a group (true) or sets flags (false).
    fn group(&mut self) -> Step<'p, bool> {
        let rest = self.rest();
        if !rest.starts_with("(?") {
            self.copy();
            return Ok(true);
        }
        let look_behind = rest.starts_with("(?<=") || rest.starts_with("(?<!");
        if let Some(prefix) = ["(?P<", "(?<"].into_iter().find(|prefix| !look_behind && rest.starts_with(prefix)) {
            let end = rest.find('>').ok_or((BAD_NAME, rest))?;
            let name = &rest[prefix.len()..end];
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err((BAD_NAME, &rest[..=end]));
            }
            // Names are of no use here and Go lets them begin with digits.
            self.out.push('(');
            self.at += end + 1;
            return Ok(true);
        }
        let (mut negative, mut seen) = (false, false);
        for (offset, c) in rest.char_indices().skip(2) {
            let end = offset + c.len_utf8();
            match c {
                'i' | 'm' | 's' | 'U' => seen = true,
                '-' if !negative => (negative, seen) = (true, false),
                ':' | ')' if !negative || seen => {
                    if end > "(?)".len() || c == ':' {
                        self.out.push_str(&rest[..end]);
                    }
                    self.at += end;
                    return Ok(c == ':');
                }
                _ => return Err((BAD_PERL, &rest[..end])),
            }
        }
        Err(("missing argument to repetition operator", "?"))
    }

    /// A bracket class, written out so that nothing in it is an operator.
    fn class(&mut self) -> Step<'p> {
        let whole = self.rest();
        let unclosed = ("missing closing ]", whole);
        self.at += 1;
        self.out.push('[');
        if self.eat("^") {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let start = self.at;
            match self.peek().ok_or(unclosed)? {
                ']' if !first => {
                    self.at += 1;
                    self.out.push(']');
                    return Ok(());
                }
                '-' if !first && !self.rest().starts_with("-]") => {
                    // Go takes a dash only at the ends or in a range.
                    let next = self.rest().chars().nth(1).map_or(0, char::len_utf8);
                    return Err((BAD_RANGE, &self.pattern[start..start + 1 + next]));
                }
                '[' if self.rest().starts_with("[:") => {
                    if let Some(end) = self.rest().find(":]") {
                        let name = &self.rest()[..end + 2];
                        if !is_posix(name) {
                            return Err((BAD_RANGE, name));
                        }
                        self.out.push_str(name);
                        self.at += name.len();
                        first = false;
                        continue;
                    }
                }
                '\\' => {
                    let letter = self.rest().chars().nth(1);
                    if let Some((set, negated)) = letter.and_then(perl_class) {
                        self.out.push_str(&if negated { format!("[^{set}]") } else { set.to_owned() });
                        self.at += 2;
                        first = false;
                        continue;
                    }
                    if let Some('p' | 'P') = letter {
                        self.property()?;
                        first = false;
                        continue;
                    }
                }
                _ => {}
            }
            first = false;
            let low = self.class_char(unclosed)?;
            let mut high = low;
            if self.rest().starts_with('-') && !self.rest().starts_with("-]") {
                self.at += 1;
                high = self.class_char(unclosed)?;
                if high < low {
                    return Err((BAD_RANGE, &self.pattern[start..self.at]));
                }
            }
            self.out.push_str(&format!("\\x{{{low:X}}}-\\x{{{high:X}}}"));
        }
    }

    fn class_char(&mut self, unclosed: (&'static str, &'p str)) -> Step<'p, u32> {
        match self.peek().ok_or(unclosed)? {
            '\\' => self.escaped_char(),
            c => {
                self.at += c.len_utf8();
                Ok(u32::from(c))
            }
        }
    }

    /// An escape outside of classes.
    fn escape(&mut self) -> Step<'p> {
        let Some(letter) = self.rest().chars().nth(1) else {
            return Err(("trailing backslash at end of expression", ""));
        };
        if let Some((set, negated)) = perl_class(letter) {
            self.out.push_str(&format!("[{}{set}]", if negated { "^" } else { "" }));
            self.at += 2;
            return Ok(());
        }
        match letter {
            'A' | 'z' => self.out.push_str(&self.rest()[..2]),
            'b' | 'B' => self.out.push_str(&format!("(?-u:\\{letter})")),
            'C' => self.out.push_str("(?s:.)"),
            'Q' => {
                self.at += 2;
                let rest = self.rest();
                let (quoted, len) = rest.split_once("\\E").map_or((rest, rest.len()), |(q, _)| (q, q.len() + 2));
                self.out.push_str(&format!("(?:{})", regex::escape(quoted)));
                self.at += len;
                return Ok(());
            }
            'p' | 'P' => return self.property(),
            _ => {
                let code = self.escaped_char()?;
                self.out.push_str(&format!("\\x{{{code:X}}}"));
                return Ok(());
            }
        }
        self.at += 2;
        Ok(())
    }

    /// `\pN`, `\p{Greek}`, `\p{^Greek}`.
    fn property(&mut self) -> Step<'p> {
        let rest = self.rest();
        let len = match rest[2..].chars().next() {
            Some('{') => rest.find('}').ok_or((BAD_RANGE, rest))? + 1,
            Some(c) => 2 + c.len_utf8(),
            None => return Err((BAD_RANGE, rest)),
        };
        let text = &rest[..len];
        let plain = text.replacen("{^", "{", 1);
        let property = if plain == text {
            plain
        } else {
            let letter = if text.starts_with("\\p") { "\\P" } else { "\\p" };
            format!("{letter}{}", &plain[2..])
        };
        if Regex::new(&property).is_err() {
            return Err((BAD_RANGE, text));
        }
        self.out.push_str(&property);
        self.at += len;
        Ok(())
    }

    /// An escape that stands for one character.
    fn escaped_char(&mut self) -> Step<'p, u32> {
        let start = self.at;
        self.at += 1;
        let Some(c) = self.bump() else { return Err(("trailing backslash at end of expression", "")) };
        let bad = |this: &Self| (BAD_ESCAPE, &this.pattern[start..this.at]);
        let octal = |c: Option<char>| c.and_then(|c| c.to_digit(8));
        match c {
            '1'..='7' if octal(self.peek()).is_none() => Err(bad(self)),
            '0'..='7' => {
                let mut code = octal(Some(c)).unwrap_or_default();
                for _ in 0..2 {
                    let Some(digit) = octal(self.peek()) else { break };
                    code = code * 8 + digit;
                    self.at += 1;
                }
                Ok(code)
            }
            'x' if self.eat("{") => {
                let digits = self.rest().find('}').map(|end| &self.rest()[..end]).ok_or_else(|| {
                    self.at = self.pattern.len();
                    bad(self)
                })?;
                self.at += digits.len() + 1;
                u32::from_str_radix(digits, 16).ok().filter(|c| char::from_u32(*c).is_some()).ok_or_else(|| bad(self))
            }
            'x' => {
                let mut code = 0;
                for _ in 0..2 {
                    let digit = self.bump().and_then(|c| c.to_digit(16)).ok_or_else(|| bad(self))?;
                    code = code * 16 + digit;
                }
                Ok(code)
            }
            'a' => Ok(7),
            'f' => Ok(12),
            'n' => Ok(10),
            'r' => Ok(13),
            't' => Ok(9),
            'v' => Ok(11),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok(u32::from(c)),
            _ => Err(bad(self)),
        }
    }
}

fn is_posix(name: &str) -> bool {
    const NAMES: [&str; 14] = [
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
        "word", "xdigit",
    ];
    NAMES.contains(&name.trim_start_matches("[:").trim_start_matches('^').trim_end_matches(":]"))
}

/// Reads `{n}`, `{n,}` or `{n,m}`; `None` when it is something else, and so a plain brace.
fn repeat_bounds(text: &str) -> Option<(u32, Option<u32>, usize)> {
    let end = text.find('}')?;
    let number = |digits: &str| {
        let canonical = !digits.is_empty()
            && digits.bytes().all(|b| b.is_ascii_digit())
            && (digits.len() == 1 || !digits.starts_with('0'));
        canonical.then(|| digits.parse().unwrap_or(u32::MAX))
    };
    let inside = &text[1..end];
    let (min, max) = match inside.split_once(',') {
        None => (number(inside)?, Some(number(inside)?)),
        Some((min, "")) => (number(min)?, None),
        Some((min, max)) => (number(min)?, Some(number(max)?)),
    };
    Some((min, max, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_patterns_get_gos_words() {
        for (pattern, error) in [
            ("(", "missing closing ): `(`"),
            ("a)", "unexpected ): `a)`"),
            ("a**", "invalid nested repetition operator: `**`"),
            ("*", "missing argument to repetition operator: `*`"),
            ("a|*", "missing argument to repetition operator: `*`"),
            ("[z-a]", "invalid character class range: `z-a`"),
            ("[a", "missing closing ]: `[a`"),
            ("(?=x)", "invalid or unsupported Perl syntax: `(?=`"),
            ("(?<!x)", "invalid or unsupported Perl syntax: `(?<`"),
            ("\\8", "invalid escape sequence: `\\8`"),
            ("\\y", "invalid escape sequence: `\\y`"),
            ("x{1001}", "invalid repeat count: `{1001}`"),
            ("a{2,1}", "invalid repeat count: `{2,1}`"),
            ("(?P<n", "invalid named capture: `(?P<n`"),
            ("\\", "trailing backslash at end of expression: ``"),
        ] {
            let error = format!("error parsing regexp: {error}");
            assert_eq!(compile(pattern).map(|_| ()), Err(error), "{pattern}");
        }
    }

    #[test]
    fn patterns_mean_what_they_mean_in_go() {
        for (pattern, text, matches) in [
            ("e", "web", true),
            ("^w.b$", "web", true),
            ("^\\d+$", "42", true),
            ("^\\d+$", "\u{663}", false),
            ("^\\w$", "\u{e9}", false),
            ("\\bweb\\b", "a web b", true),
            ("[a&&b]", "&", true),
            ("[[]", "[", true),
            ("[]a]", "]", true),
            ("[^]a]", "]", false),
            ("[a\\-z]", "-", true),
            ("[\\d.-]", "-", true),
            ("\\Qa.b\\E+", "a.b", true),
            ("\\Qa.b", "axb", false),
            ("(?i)WEB", "web", true),
            ("(?P<name>w)eb", "web", true),
            ("a{,2}", "a{,2}", true),
            ("a{2}", "aa", true),
            ("\\x41\\x{42}\\103", "ABC", true),
            ("[[:alpha:]]", "x", true),
            ("\\pL", "\u{e9}", true),
            ("a b#c", "a b#c", true),
            ("^(?:a|b)*?$", "abab", true),
            ("", "anything", true),
        ] {
            let regex = compile(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert_eq!(regex.is_match(text), matches, "{pattern} on {text}");
        }
    }
}
