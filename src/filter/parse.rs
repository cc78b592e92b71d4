//! Text to syntax tree: the grammar of `spec/http-api.md` 1.15 as a backtracking parser.
//!
//! The error texts name everything that could have stood at the farthest position reached, so each attempt to match a
//! terminal is recorded, in the order and with the look-aheads of the grammar. Work is linear: the result of the one
//! rule that would be parsed again and again (`or`, inside parentheses) is remembered per position. Only parentheses
//! recurse, and their nesting is bounded.

use std::collections::BTreeSet;
use std::collections::HashMap;

/// Deepest nesting of parentheses that is parsed.
const MAX_DEPTH: usize = 100;

/// A field path, one part per `.name` or `["name"]`.
pub type Path = Vec<String>;

/// An expression whose selectors have not been looked at.
#[derive(Clone, Debug, PartialEq)]
pub enum Syntax {
    /// True if one is; at least two.
    Any(Vec<Syntax>),
    /// True if all are; at least two.
    All(Vec<Syntax>),
    /// The opposite.
    Not(Box<Syntax>),
    /// Field, operator, and the literal of operators that take one.
    Match(Path, Op, String),
}

/// An operator on a field; `contains` is `In` with its sides exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `in`, `contains`
    In,
    /// `not in`, `not contains`
    NotIn,
    /// `is empty`
    IsEmpty,
    /// `is not empty`
    IsNotEmpty,
    /// `matches`
    Matches,
    /// `not matches`
    NotMatches,
}

impl Op {
    /// The name in error texts.
    pub const fn name(self) -> &'static str {
        match self {
            Op::Equal => "Equal",
            Op::NotEqual => "Not Equal",
            Op::In => "In",
            Op::NotIn => "Not In",
            Op::IsEmpty => "Is Empty",
            Op::IsNotEmpty => "Is Not Empty",
            Op::Matches => "Matches",
            Op::NotMatches => "Not Matches",
        }
    }
}

/// Operators between a selector and a value, in the order in which they are tried.
const WITH_VALUE: [(&[&str], Op); 6] = [
    (&["=="], Op::Equal),
    (&["!="], Op::NotEqual),
    (&["contains"], Op::In),
    (&["not", "contains"], Op::NotIn),
    (&["matches"], Op::Matches),
    (&["not", "matches"], Op::NotMatches),
];

/// Operators after a selector.
const WITHOUT_VALUE: [(&[&str], Op); 2] = [(&["is", "empty"], Op::IsEmpty), (&["is", "not", "empty"], Op::IsNotEmpty)];

/// Operators between a value and a selector.
const BEFORE_SELECTOR: [(&[&str], Op); 2] = [(&["in"], Op::In), (&["not", "in"], Op::NotIn)];

/// Parses an expression; the error is the text behind the caller's prefix.
pub fn parse(text: &str) -> Result<Syntax, String> {
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
        inverted: false,
        farthest: 0,
        expected: BTreeSet::new(),
        errors: Vec::new(),
        known: HashMap::new(),
    };
    let parsed = parser.input();
    match parsed {
        Some(syntax) if parser.errors.is_empty() => Ok(syntax),
        _ => Err(parser.error_text()),
    }
}

struct Parser<'t> {
    text: &'t str,
    /// Byte offset of the next character.
    at: usize,
    depth: usize,
    /// Inside a negative look-ahead, where what matches is what was not wanted.
    inverted: bool,
    farthest: usize,
    /// What was wanted at the farthest offset.
    expected: BTreeSet<String>,
    /// Errors that rules report themselves.
    errors: Vec<String>,
    /// Results of `or` by offset: the expression and where it ends.
    known: HashMap<usize, Option<(Syntax, usize)>>,
}

impl Parser<'_> {
    /// input := [ws] "(" [ws] or [ws] ")" [ws] EOF | [ws] or [ws] EOF
    fn input(&mut self) -> Option<Syntax> {
        self.attempt(|p| {
            p.space();
            p.literal("(").then_some(())?;
            p.space();
            let inner = p.or()?;
            p.space();
            p.literal(")").then_some(())?;
            p.space();
            p.end().then_some(inner)
        })
        .or_else(|| {
            self.attempt(|p| {
                p.space();
                let inner = p.or()?;
                p.space();
                p.end().then_some(inner)
            })
        })
    }

    fn or(&mut self) -> Option<Syntax> {
        let start = self.at;
        if let Some(known) = self.known.get(&start) {
            let (syntax, end) = known.clone()?;
            self.at = end;
            return Some(syntax);
        }
        let result = self.chain("or", |p| p.chain("and", Self::not, Syntax::All), Syntax::Any);
        self.known.insert(start, result.clone().map(|syntax| (syntax, self.at)));
        result
    }

    /// term { ws word ws term }
    fn chain(
        &mut self,
        word: &str,
        mut term: impl FnMut(&mut Self) -> Option<Syntax>,
        join: fn(Vec<Syntax>) -> Syntax,
    ) -> Option<Syntax> {
        let first = term(self)?;
        let mut terms = vec![first];
        while let Some(next) = self.attempt(|p| {
            (p.space() && p.literal(word) && p.space()).then_some(())?;
            term(p)
        }) {
            terms.push(next);
        }
        if terms.len() == 1 { terms.pop() } else { Some(join(terms)) }
    }

    /// not := "not" ws not | paren. `not` may also begin a selector, hence the way back.
    fn not(&mut self) -> Option<Syntax> {
        let mut starts = vec![self.at];
        while self.literal("not") && self.space() {
            starts.push(self.at);
        }
        while let Some(start) = starts.pop() {
            self.at = start;
            if let Some(inner) = self.paren() {
                let negated = starts.len() % 2 == 1;
                return Some(if negated { Syntax::Not(Box::new(inner)) } else { inner });
            }
        }
        None
    }

    /// paren := "(" [ws] or [ws] ")" | match
    fn paren(&mut self) -> Option<Syntax> {
        if self.depth == MAX_DEPTH {
            self.report(self.at, "grouping", "Too many nested parentheses");
            return None;
        }
        self.depth += 1;
        let inside = |p: &mut Self| {
            p.literal("(").then_some(())?;
            p.space();
            let inner = p.or()?;
            p.space();
            Some(inner)
        };
        let result = self
            .attempt(|p| {
                let inner = inside(p)?;
                p.literal(")").then_some(inner)
            })
            .or_else(|| self.comparison())
            .or_else(|| {
                let start = self.at;
                if inside(self).is_some() && self.lacks(|p| p.literal(")").then_some(())) {
                    self.report(self.at, "grouping", "Unmatched parentheses");
                }
                self.at = start;
                None
            });
        self.depth -= 1;
        result
    }

    /// match := sel op2 value | sel op1 | value op3 sel
    fn comparison(&mut self) -> Option<Syntax> {
        self.attempt(|p| {
            let path = p.selector()?;
            let op = WITH_VALUE.iter().find(|(words, _)| p.operator(words, true))?.1;
            Some(Syntax::Match(path, op, p.value()?))
        })
        .or_else(|| {
            self.attempt(|p| {
                let path = p.selector()?;
                let op = WITHOUT_VALUE.iter().find(|(words, _)| p.operator(words, false))?.1;
                Some(Syntax::Match(path, op, String::new()))
            })
        })
        .or_else(|| {
            self.attempt(|p| {
                let value = p.value()?;
                let op = BEFORE_SELECTOR.iter().find(|(words, _)| p.operator(words, true))?.1;
                let after = p.at;
                if let Some(path) = p.selector() {
                    return Some(Syntax::Match(path, op, value));
                }
                p.at = after;
                if p.lacks(Self::selector) {
                    p.report(p.at, "match", "Invalid selector");
                }
                None
            })
        })
    }

    /// Words with white space around them; symbols do without it.
    fn operator(&mut self, words: &[&str], space_after: bool) -> bool {
        let symbol = !words[0].starts_with(|c: char| c.is_ascii_alphabetic());
        self.attempt(|p| {
            for word in words {
                if !(p.space() || symbol) || !p.literal(word) {
                    return None;
                }
            }
            (!space_after || p.space() || symbol).then_some(())
        })
        .is_some()
    }

    /// sel := ident { "." ident | "[" [ws] string [ws] "]" }
    fn selector(&mut self) -> Option<Path> {
        let mut path = vec![self.identifier()?];
        while let Some(part) =
            self.attempt(|p| p.literal(".").then(|| p.identifier()).flatten()).or_else(|| self.index())
        {
            path.push(part);
        }
        Some(path)
    }

    fn index(&mut self) -> Option<String> {
        let start = self.at;
        let found = self.attempt(|p| {
            let key = p.open_index()?;
            p.space();
            p.literal("]").then_some(key)
        });
        if found.is_some() {
            return found;
        }
        if self.literal("[") {
            self.space();
            if self.lacks(Self::string) {
                self.report(self.at, "index", "Invalid index");
            }
        }
        self.at = start;
        if self.open_index().is_some() {
            self.space();
            if self.lacks(|p| p.literal("]").then_some(())) {
                self.report(self.at, "index", "Unclosed index expression");
            }
        }
        self.at = start;
        None
    }

    fn open_index(&mut self) -> Option<String> {
        self.literal("[").then_some(())?;
        self.space();
        self.string()
    }

    fn identifier(&mut self) -> Option<String> {
        let start = self.at;
        if !self.class("[a-zA-Z]", |c| c.is_ascii_alphabetic()) {
            return None;
        }
        while self.class("[a-zA-Z0-9_]", |c| c.is_ascii_alphanumeric() || c == '_') {}
        Some(self.text[start..self.at].to_owned())
    }

    /// value := sel | number | string
    fn value(&mut self) -> Option<String> {
        self.attempt(|p| p.selector().map(|path| path.join(".")))
            .or_else(|| self.attempt(Self::number))
            .or_else(|| self.attempt(Self::string))
    }

    fn number(&mut self) -> Option<String> {
        let start = self.at;
        self.literal("-");
        if !self.literal("0") {
            self.class("[1-9]", |c| matches!(c, '1'..='9')).then_some(())?;
            while self.class("[0-9]", |c| c.is_ascii_digit()) {}
        }
        self.attempt(|p| {
            (p.literal(".") && p.class("[0-9]", |c| c.is_ascii_digit())).then_some(())?;
            while p.class("[0-9]", |c| c.is_ascii_digit()) {}
            Some(())
        });
        let end = self.at;
        let ends = self.space() || self.end() || self.literal(")");
        self.at = end;
        if !ends {
            self.report(end, "number", "Invalid number literal");
            return None;
        }
        Some(self.text[start..end].to_owned())
    }

    fn string(&mut self) -> Option<String> {
        let start = self.at;
        let quote = ["`", "\""].into_iter().find(|quote| self.literal(quote))?;
        loop {
            if self.lacks(|p| p.literal(quote).then_some(())) {
                if self.any() {
                    continue;
                }
                break;
            }
            break;
        }
        let content = &self.text[start + 1..self.at];
        if self.literal(quote) {
            return Some(unquote(content, quote == "`").unwrap_or_else(|| {
                self.report(start, "string", "invalid syntax");
                String::new()
            }));
        }
        if self.end() {
            self.report(self.at, "string", "Unterminated string literal");
        }
        self.at = start;
        None
    }

    // Terminals. Each records its failure at the position where it was wanted.

    /// White space, at least one.
    fn space(&mut self) -> bool {
        let is_space = |c| matches!(c, ' ' | '\t' | '\r' | '\n');
        let found = self.class("[ \\t\\r\\n]", is_space);
        while found && self.class("[ \\t\\r\\n]", is_space) {}
        found
    }

    fn literal(&mut self, word: &str) -> bool {
        let matched = self.text[self.at..].starts_with(word);
        self.record(matched, || format!("{word:?}"));
        if matched {
            self.at += word.len();
        }
        matched
    }

    fn class(&mut self, name: &str, accepts: impl Fn(char) -> bool) -> bool {
        let next = self.text[self.at..].chars().next().filter(|c| accepts(*c));
        self.record(next.is_some(), || name.to_owned());
        self.at += next.map_or(0, char::len_utf8);
        next.is_some()
    }

    fn any(&mut self) -> bool {
        self.class(".", |_| true)
    }

    fn end(&mut self) -> bool {
        self.lacks(|p| p.any().then_some(()))
    }

    /// Negative look-ahead: true when `rule` does not match here; never moves.
    fn lacks<T>(&mut self, rule: impl FnOnce(&mut Self) -> Option<T>) -> bool {
        let start = self.at;
        self.inverted = !self.inverted;
        let found = rule(self).is_some();
        self.inverted = !self.inverted;
        self.at = start;
        !found
    }

    /// Runs a sequence and goes back if it fails.
    fn attempt<T>(&mut self, rule: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let start = self.at;
        let result = rule(self);
        if result.is_none() {
            self.at = start;
        }
        result
    }

    fn record(&mut self, matched: bool, wanted: impl FnOnce() -> String) {
        if matched != self.inverted || self.at < self.farthest {
            return;
        }
        if self.at > self.farthest {
            self.farthest = self.at;
            self.expected.clear();
        }
        let sign = if self.inverted { "!" } else { "" };
        self.expected.insert(format!("{sign}{}", wanted()));
    }

    fn report(&mut self, at: usize, rule: &str, reason: &str) {
        let error = format!("{}: rule \"{rule}\": {reason}", self.position(at));
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// `line:column (byte offset)`. A line feed already counts to the line that it begins, as column 0.
    fn position(&self, at: usize) -> String {
        let (mut line, mut column) = (1, 0);
        let current = self.text[at..].chars().next();
        for c in self.text[..at].chars().chain([current.unwrap_or_default()]) {
            if c == '\n' {
                (line, column) = (line + 1, 0);
            } else {
                column += 1;
            }
        }
        format!("{line}:{column} ({at})")
    }

    fn error_text(mut self) -> String {
        if !self.errors.is_empty() {
            return self.errors.join("\n");
        }
        let at_end = self.expected.remove("!.");
        let mut expected: Vec<String> = std::mem::take(&mut self.expected).into_iter().collect();
        if at_end {
            expected.push("EOF".to_owned());
        }
        let last = expected.pop().unwrap_or_default();
        let list = if expected.is_empty() { last } else { format!("{} or {last}", expected.join(", ")) };
        format!("{}: no match found, expected: {list}", self.position(self.farthest))
    }
}

/// Content of a string literal: raw ones drop carriage returns, quoted ones know Go's escapes and must fit one line.
fn unquote(content: &str, raw: bool) -> Option<String> {
    if raw {
        return Some(content.replace('\r', ""));
    }
    let mut bytes = Vec::with_capacity(content.len());
    let mut chars = content.chars();
    while let Some(c) = chars.next() {
        match c {
            '\n' => return None,
            '\\' => unescape(&mut chars, &mut bytes)?,
            c => push(&mut bytes, c),
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn push(bytes: &mut Vec<u8>, c: char) {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Reads what follows a backslash; `\x` and octal escapes stand for single bytes.
fn unescape(chars: &mut std::str::Chars<'_>, bytes: &mut Vec<u8>) -> Option<()> {
    let first = chars.next()?;
    let mut code = |digits: usize, radix: u32, start: u32| {
        (0..digits).try_fold(start, |code: u32, _| code.checked_mul(radix)?.checked_add(chars.next()?.to_digit(radix)?))
    };
    match first {
        'a' => bytes.push(7),
        'b' => bytes.push(8),
        'f' => bytes.push(12),
        'n' => bytes.push(b'\n'),
        'r' => bytes.push(b'\r'),
        't' => bytes.push(b'\t'),
        'v' => bytes.push(11),
        '\\' => bytes.push(b'\\'),
        'x' => bytes.push(u8::try_from(code(2, 16, 0)?).ok()?),
        '0'..='7' => bytes.push(u8::try_from(code(2, 8, first.to_digit(8)?)?).ok()?),
        'u' => push(bytes, char::from_u32(code(4, 16, 0)?)?),
        'U' => push(bytes, char::from_u32(code(8, 16, 0)?)?),
        _ => return None,
    }
    Some(())
}
