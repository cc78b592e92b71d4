//! Text to tokens.

use super::{Position, SyntaxError};

/// Kind of a token; the names appear in messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Eof,
    Ident,
    Number,
    Float,
    Bool,
    Text,
    Heredoc,
    LeftBracket,
    LeftBrace,
    Comma,
    Period,
    RightBracket,
    RightBrace,
    Assign,
    Add,
    Sub,
}

impl Kind {
    /// The reference's name of the kind.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Eof => "EOF",
            Kind::Ident => "IDENT",
            Kind::Number => "NUMBER",
            Kind::Float => "FLOAT",
            Kind::Bool => "BOOL",
            Kind::Text => "STRING",
            Kind::Heredoc => "HEREDOC",
            Kind::LeftBracket => "LBRACK",
            Kind::LeftBrace => "LBRACE",
            Kind::Comma => "COMMA",
            Kind::Period => "PERIOD",
            Kind::RightBracket => "RBRACK",
            Kind::RightBrace => "RBRACE",
            Kind::Assign => "ASSIGN",
            Kind::Add => "ADD",
            Kind::Sub => "SUB",
        }
    }
}

/// A token and the source text that it covers. That may be a secret, so that neither tokens nor what is made of them have a
/// `Debug` form; a [`Tree`](super::tree::Tree) has one that hides values.
#[derive(Clone, Copy)]
pub struct Token<'a> {
    pub kind: Kind,
    pub position: Position,
    pub text: &'a str,
}

/// Reads tokens one by one; comments are skipped.
pub struct Scanner<'a> {
    source: &'a str,
    offset: usize,
    line: usize,
    column: usize,
}

impl<'a> Scanner<'a> {
    pub fn new(source: &'a str) -> Self {
        Scanner { source, offset: 0, line: 1, column: 0 }
    }

    fn peek(&self) -> Option<char> {
        self.source[self.offset..].chars().next()
    }

    /// Position of the next character, which the end of the text has too.
    fn next_position(&self) -> Position {
        Position { line: self.line, column: self.column + 1 }
    }

    fn bump(&mut self) -> Option<char> {
        let Some(c) = self.peek() else {
            // Every look past the end counts as a column; messages about the end show it.
            self.column += 1;
            return None;
        };
        self.offset += c.len_utf8();
        if c == '\n' {
            self.line += 1;
            self.column = 0;
        } else {
            self.column += 1;
        }
        Some(c)
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&accept) {
            self.bump();
        }
    }

    /// The next token that is not a comment.
    pub fn next(&mut self) -> Result<Token<'a>, SyntaxError> {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\n' | '\r'));
            let position = self.next_position();
            let start = self.offset;
            let kind = match self.bump() {
                None => Kind::Eof,
                Some('\0') => return Err(SyntaxError::at(position, "unexpected null character (0x00)")),
                Some('\u{e123}') => {
                    return Err(SyntaxError::at(position, "unicode code point U+E123 reserved for internal use"));
                }
                Some('#') => {
                    self.take_while(|c| c != '\n');
                    continue;
                }
                Some('/') => {
                    self.comment(position)?;
                    continue;
                }
                Some(c) => self.token(c, position)?,
            };
            let text = &self.source[start..self.offset];
            let kind = if kind == Kind::Ident && matches!(text, "true" | "false") { Kind::Bool } else { kind };
            return Ok(Token { kind, position, text });
        }
    }

    fn token(&mut self, first: char, position: Position) -> Result<Kind, SyntaxError> {
        Ok(match first {
            c if is_letter(c) => {
                self.take_while(|c| is_letter(c) || c.is_numeric() || c == '-' || c == '.');
                self.look_past_end();
                Kind::Ident
            }
            c if c.is_ascii_digit() => self.number(c)?,
            '"' => {
                self.text()?;
                Kind::Text
            }
            '<' => {
                self.heredoc()?;
                Kind::Heredoc
            }
            '.' if self.peek().is_some_and(|c| c.is_ascii_digit()) => {
                self.fraction();
                Kind::Float
            }
            '-' if self.peek().is_some_and(|c| c.is_ascii_digit()) => {
                let digit = self.bump().expect("a digit was seen");
                self.number(digit)?
            }
            '.' => Kind::Period,
            '[' => Kind::LeftBracket,
            ']' => Kind::RightBracket,
            '{' => Kind::LeftBrace,
            '}' => Kind::RightBrace,
            ',' => Kind::Comma,
            '=' => Kind::Assign,
            '+' => Kind::Add,
            '-' => Kind::Sub,
            _ => return Err(SyntaxError::at(position, "illegal char")),
        })
    }

    /// A word or number that ends with the text has looked once past the end.
    fn look_past_end(&mut self) {
        if self.peek().is_none() {
            self.bump();
        }
    }

    fn comment(&mut self, position: Position) -> Result<(), SyntaxError> {
        match self.peek() {
            Some('/') => self.take_while(|c| c != '\n'),
            Some('*') => {
                self.bump();
                let mut last = '\0';
                loop {
                    match self.bump() {
                        Some('/') if last == '*' => break,
                        Some(c) => last = c,
                        None => {
                            let at = Position { line: self.line, column: self.column };
                            return Err(SyntaxError::at(at, "comment not terminated"));
                        }
                    }
                }
            }
            _ => return Err(SyntaxError::at(position, "expected '/' for comment")),
        }
        Ok(())
    }

    fn number(&mut self, first: char) -> Result<Kind, SyntaxError> {
        if first == '0' && self.peek().is_some_and(|c| matches!(c, 'x' | 'X')) {
            self.bump();
            if !self.peek().is_some_and(|c| c.is_ascii_hexdigit()) {
                return Err(SyntaxError::at(self.next_position(), "illegal hexadecimal number"));
            }
            self.take_while(|c| c.is_ascii_hexdigit());
            self.look_past_end();
            return Ok(Kind::Number);
        }
        self.take_while(|c| c.is_ascii_digit());
        if first != '0' {
            self.look_past_end();
        }
        let kind = if self.peek().is_some_and(|c| matches!(c, '.' | 'e' | 'E')) {
            if self.peek() == Some('.') {
                self.bump();
            }
            self.fraction();
            Kind::Float
        } else {
            Kind::Number
        };
        self.look_past_end();
        Ok(kind)
    }

    /// Digits and an exponent, after the point.
    fn fraction(&mut self) {
        self.take_while(|c| c.is_ascii_digit());
        if self.peek().is_some_and(|c| matches!(c, 'e' | 'E')) {
            self.bump();
            if self.peek().is_some_and(|c| matches!(c, '+' | '-')) {
                self.bump();
            }
            self.take_while(|c| c.is_ascii_digit());
        }
    }

    fn text(&mut self) -> Result<(), SyntaxError> {
        let mut braces = 0usize;
        loop {
            let before = self.next_position();
            match self.bump() {
                None => return Err(SyntaxError::at(before, "literal not terminated")),
                Some('\0') => return Err(SyntaxError::at(before, "unexpected null character (0x00)")),
                Some('\n') if braces == 0 => {
                    return Err(SyntaxError::at(before, "literal not terminated"));
                }
                Some('"') if braces == 0 => return Ok(()),
                Some('$') if braces == 0 && self.peek() == Some('{') => {
                    self.bump();
                    braces = 1;
                }
                Some('{') if braces > 0 => braces += 1,
                Some('}') if braces > 0 => braces -= 1,
                Some('\\') => self.escape()?,
                Some(_) => {}
            }
        }
    }

    fn escape(&mut self) -> Result<(), SyntaxError> {
        let illegal = |at| SyntaxError::at(at, "illegal char escape");
        let at = self.next_position();
        let (base, more) = match self.bump() {
            Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' | '"') => return Ok(()),
            Some('0'..='7') => (8, 2),
            Some('x') => (16, 2),
            Some('u') => (16, 4),
            Some('U') => (16, 8),
            _ => return Err(illegal(at)),
        };
        for _ in 0..more {
            let at = self.next_position();
            match self.peek() {
                Some(c) if c.is_digit(base) => self.bump(),
                _ => return Err(illegal(at)),
            };
        }
        Ok(())
    }

    fn heredoc(&mut self) -> Result<(), SyntaxError> {
        let at = self.next_position();
        if self.bump() != Some('<') {
            return Err(SyntaxError::at(at, "heredoc expected second '<', didn't see it"));
        }
        let start = self.offset;
        if self.peek() == Some('-') {
            self.bump();
        }
        self.take_while(|c| is_letter(c) || c.is_numeric());
        let anchor = self.source[start..self.offset].trim_start_matches('-');
        let at = self.next_position();
        match self.bump() {
            None => return Err(SyntaxError::at(at, "heredoc not terminated")),
            Some('\n') => {}
            Some(_) => return Err(SyntaxError::at(at, "invalid characters in heredoc anchor")),
        }
        if anchor.is_empty() {
            return Err(SyntaxError::at(at, "zero-length heredoc anchor"));
        }
        let mut line_start = self.offset;
        loop {
            let at = self.next_position();
            match self.bump() {
                Some('\n') => {
                    let line = &self.source[line_start..self.offset - 1];
                    if line.trim_start().trim_end_matches('\r') == anchor {
                        return Ok(());
                    }
                    line_start = self.offset;
                }
                Some(_) => {}
                None => return Err(SyntaxError::at(at, "heredoc not terminated")),
            }
        }
    }
}

fn is_letter(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}
