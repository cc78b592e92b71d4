//! The syntax of a request body: bytes to a tree, with the words of Go's JSON scanner when they are not JSON
//! (`spec/http-api.md` 1.5).

use std::borrow::Cow;

/// Deepest nesting that is read; a bound on recursion, far above any body that the API defines.
const MAX_DEPTH: usize = 256;

/// What is said of deeper nesting.
pub const TOO_DEEP: &str = "exceeded max depth";

/// A JSON value as it stands in the body; numbers keep their text.
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(&'a str),
    /// A string without its escapes.
    Text(Cow<'a, str>),
    /// An array.
    List(Vec<Json<'a>>),
    /// An object in the order of the body.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl Json<'_> {
    /// Go's word for the kind of value in type errors.
    pub fn word(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "bool",
            Json::Number(_) => "number",
            Json::Text(_) => "string",
            Json::List(_) => "array",
            Json::Object(_) => "object",
        }
    }
}

/// Reads one value; bytes after it are ignored.
///
/// # Errors
/// `EOF` for an empty body, `unexpected EOF`, `invalid character ...`, `exceeded max depth`.
pub fn scan(body: &[u8]) -> Result<Json<'_>, String> {
    let mut scanner = Scanner { bytes: body, at: 0, depth: 0 };
    scanner.skip_space();
    if scanner.at == body.len() {
        return Err("EOF".into());
    }
    scanner.value()
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Scanner<'a> {
    fn skip_space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The next byte that is not white space, not consumed.
    fn peek(&mut self) -> Result<u8, String> {
        self.skip_space();
        self.byte()
    }

    /// The next byte, not consumed.
    fn byte(&self) -> Result<u8, String> {
        self.bytes.get(self.at).copied().ok_or_else(|| "unexpected EOF".into())
    }

    /// Go's complaint about the byte at hand.
    fn invalid<T>(&self, context: &str) -> Result<T, String> {
        let byte = self.byte()?;
        Err(format!("invalid character {} {context}", quote(byte)))
    }

    fn value(&mut self) -> Result<Json<'a>, String> {
        match self.peek()? {
            b'{' => self.nested(Self::object),
            b'[' => self.nested(Self::list),
            b'"' => self.string().map(Json::Text),
            b't' => self.literal("true", Json::Bool(true)),
            b'f' => self.literal("false", Json::Bool(false)),
            b'n' => self.literal("null", Json::Null),
            b'-' | b'0'..=b'9' => self.number(),
            _ => self.invalid("looking for beginning of value"),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Json<'a>, String>) -> Result<Json<'a>, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(TOO_DEEP.into());
        }
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Result<Json<'a>, String> {
        let mut members = Vec::new();
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(Json::Object(members));
        }
        loop {
            if self.peek()? != b'"' {
                return self.invalid("looking for beginning of object key string");
            }
            let key = self.string()?;
            if self.peek()? != b':' {
                return self.invalid("after object key");
            }
            self.at += 1;
            members.push((key, self.value()?));
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Ok(Json::Object(members));
                }
                _ => return self.invalid("after object key:value pair"),
            }
        }
    }

    fn list(&mut self) -> Result<Json<'a>, String> {
        let mut items = Vec::new();
        if self.peek()? == b']' {
            self.at += 1;
            return Ok(Json::List(items));
        }
        loop {
            items.push(self.value()?);
            match self.peek()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(Json::List(items));
                }
                _ => return self.invalid("after array element"),
            }
        }
    }

    fn literal(&mut self, word: &str, value: Json<'a>) -> Result<Json<'a>, String> {
        for expected in word.bytes() {
            if self.byte()? != expected {
                return self.invalid(&format!("in literal {word} (expecting {})", quote(expected)));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn digits(&mut self, context: &str) -> Result<(), String> {
        if !self.byte()?.is_ascii_digit() {
            return self.invalid(context);
        }
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Json<'a>, String> {
        let start = self.at;
        if self.byte()? == b'-' {
            self.at += 1;
        }
        if self.byte()? == b'0' {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        let text = std::str::from_utf8(&self.bytes[start..self.at]).expect("digits and signs are ASCII");
        Ok(Json::Number(text))
    }

    /// A string; the opening quote is at hand.
    fn string(&mut self) -> Result<Cow<'a, str>, String> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.byte()? {
                b'"' => {
                    let text = String::from_utf8_lossy(&self.bytes[start..self.at]);
                    self.at += 1;
                    return Ok(text);
                }
                b'\\' => break,
                0..0x20 => return self.invalid("in string literal"),
                _ => self.at += 1,
            }
        }
        let mut text = self.bytes[start..self.at].to_vec();
        loop {
            match self.byte()? {
                b'"' => {
                    self.at += 1;
                    return Ok(Cow::Owned(String::from_utf8_lossy(&text).into_owned()));
                }
                b'\\' => {
                    self.at += 1;
                    let unescaped = self.escape()?;
                    text.extend_from_slice(unescaped.encode_utf8(&mut [0; 4]).as_bytes());
                }
                0..0x20 => return self.invalid("in string literal"),
                byte => {
                    text.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<char, String> {
        let character = match self.byte()? {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            byte @ (b'\\' | b'/' | b'"') => char::from(byte),
            b'u' => {
                self.at += 1;
                return self.unicode_escape();
            }
            _ => return self.invalid("in string escape code"),
        };
        self.at += 1;
        Ok(character)
    }

    fn hex4(&mut self) -> Result<u32, String> {
        let mut code = 0;
        for _ in 0..4 {
            match char::from(self.byte()?).to_digit(16) {
                Some(digit) => code = code * 16 + digit,
                None => return self.invalid("in \\u hexadecimal character escape"),
            }
            self.at += 1;
        }
        Ok(code)
    }

    /// The four digits of `\u`, and its second half when it is one of a surrogate pair. Halves that are alone become
    /// U+FFFD.
    fn unicode_escape(&mut self) -> Result<char, String> {
        let first = self.hex4()?;
        if (0xd800..0xdc00).contains(&first) && self.bytes[self.at..].starts_with(b"\\u") {
            let back = self.at;
            self.at += 2;
            let second = self.hex4()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = back;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

/// A byte as Go quotes it in syntax errors.
fn quote(byte: u8) -> String {
    let inner = match byte {
        b'\'' => "\\'".into(),
        b'\\' => "\\\\".into(),
        b'\n' => "\\n".into(),
        b'\r' => "\\r".into(),
        b'\t' => "\\t".into(),
        0x07 => "\\a".into(),
        0x08 => "\\b".into(),
        0x0b => "\\v".into(),
        0x0c => "\\f".into(),
        0..0x20 | 0x7f => format!("\\x{byte:02x}"),
        0x80..=0xa0 | 0xad => format!("\\u{byte:04x}"),
        _ => char::from(byte).to_string(),
    };
    format!("'{inner}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syntax_errors_have_gos_words() {
        let cases: [(&[u8], &str); 24] = [
            (b"", "EOF"),
            (b" \n", "EOF"),
            (b"{", "unexpected EOF"),
            (b"{\"a\":\"b", "unexpected EOF"),
            (b"x", "invalid character 'x' looking for beginning of value"),
            (b"{bad", "invalid character 'b' looking for beginning of object key string"),
            (b"{'a':1}", "invalid character '\\'' looking for beginning of object key string"),
            (b"{\"a\" 1}", "invalid character '1' after object key"),
            (b"{\"a\":1 1}", "invalid character '1' after object key:value pair"),
            (b"{\"a\":1,}", "invalid character '}' looking for beginning of object key string"),
            (b"{\"a\":tru3}", "invalid character '3' in literal true (expecting 'e')"),
            (b"{\"a\":01}", "invalid character '1' after object key:value pair"),
            (b"{\"a\":-}", "invalid character '}' in numeric literal"),
            (b"{\"a\":1.}", "invalid character '}' after decimal point in numeric literal"),
            (b"{\"a\":1e}", "invalid character '}' in exponent of numeric literal"),
            (b"{\"a\":\"\\x\"}", "invalid character 'x' in string escape code"),
            (b"{\"a\":\"\\u00zz\"}", "invalid character 'z' in \\u hexadecimal character escape"),
            (b"{\"a\":\"\tx\"}", "invalid character '\\t' in string literal"),
            (b"[1 2]", "invalid character '2' after array element"),
            (b"[1,]", "invalid character ']' looking for beginning of value"),
            ("{é".as_bytes(), "invalid character 'Ã' looking for beginning of object key string"),
            (b"\x01", "invalid character '\\x01' looking for beginning of value"),
            (b"\x7f", "invalid character '\\x7f' looking for beginning of value"),
            (b"\"", "unexpected EOF"),
        ];
        for (body, expected) in cases {
            assert_eq!(scan(body).expect_err("not JSON"), expected, "{}", body.escape_ascii());
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = "[".repeat(100_000);
        assert_eq!(scan(deep.as_bytes()).expect_err("too deep"), "exceeded max depth");
        let fine = format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        assert!(scan(fine.as_bytes()).is_ok());
    }

    #[test]
    fn strings_are_unescaped_and_bytes_after_the_value_are_ignored() {
        let body = br#"  ["a\n\u00e9\ud83d\ude00\ud83dx", 1.50, null] trailing"#;
        let expected = Json::List(vec![Json::Text("a\né\u{1f600}\u{fffd}x".into()), Json::Number("1.50"), Json::Null]);
        assert_eq!(scan(body), Ok(expected));
    }
}
