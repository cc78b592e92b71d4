//! Tokens to items: keys with a literal, a list or an object.

use super::scanner::{Kind, Scanner, Token};
use super::{MAX_DEPTH, Position, SyntaxError};
use std::collections::HashSet;

/// One `key = value` or block; more than one key is a labelled block.
pub struct Item<'a> {
    pub keys: Vec<Token<'a>>,
    pub value: Node<'a>,
}

/// A value with its place.
pub enum Node<'a> {
    Literal(Token<'a>),
    List(Position, Vec<Node<'a>>),
    Object(Position, Vec<Item<'a>>),
}

impl Node<'_> {
    pub fn position(&self) -> Position {
        match self {
            Node::Literal(token) => token.position,
            Node::List(position, _) | Node::Object(position, _) => *position,
        }
    }
}

/// What becomes of an argument that is set twice in one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeated {
    /// Both items are kept.
    Allowed,
    /// An error.
    Refused,
}

/// Parses a whole text.
pub fn parse(source: &str, repeated: Repeated) -> Result<Vec<Item<'_>>, SyntaxError> {
    let scanner = Scanner::new(source);
    let start = Token { kind: Kind::Eof, position: Position::default(), text: "" };
    Parser { scanner, current: start, pending: false, depth: 0, repeated }.items(false)
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    current: Token<'a>,
    /// The current token is to be read again.
    pending: bool,
    depth: usize,
    repeated: Repeated,
}

/// What `keys` found after the keys.
enum After {
    Value,
    /// The text ended; legal when there are no keys.
    End,
}

impl<'a> Parser<'a> {
    fn scan(&mut self) -> Result<Token<'a>, SyntaxError> {
        if !std::mem::take(&mut self.pending) {
            self.current = self.scanner.next()?;
        }
        Ok(self.current)
    }

    fn unscan(&mut self) {
        self.pending = true;
    }

    /// Items up to the end of the text, or up to `}` inside an object.
    fn items(&mut self, inside: bool) -> Result<Vec<Item<'a>>, SyntaxError> {
        let mut items = Vec::new();
        let mut assigned = HashSet::new();
        loop {
            if inside {
                let token = self.scan()?;
                self.unscan();
                if token.kind == Kind::RightBrace {
                    break;
                }
            }
            let Some((item, is_argument)) = self.item()? else { break };
            if is_argument && self.repeated == Repeated::Refused {
                let key = &item.keys[0];
                if !assigned.insert(key.text) {
                    return Err(already_set(key.text, key.position));
                }
            }
            items.push(item);
            if self.scan()?.kind != Kind::Comma {
                self.unscan();
            }
        }
        Ok(items)
    }

    /// One item, and whether it is an assignment; `None` at the end of the text, also after `key =` (the reference drops such
    /// a key).
    fn item(&mut self) -> Result<Option<(Item<'a>, bool)>, SyntaxError> {
        let mut keys = Vec::new();
        if let After::End = self.keys(&mut keys)? {
            if keys.is_empty() {
                return Ok(None);
            }
            return Err(self.no_value(&keys));
        }
        let is_argument = self.current.kind == Kind::Assign;
        let value = match self.current.kind {
            Kind::Assign => match self.value()? {
                Some(value) => value,
                None => return Ok(None),
            },
            Kind::LeftBrace => self.object()?,
            _ => return Err(self.no_value(&keys)),
        };
        self.scan()?;
        self.unscan();
        Ok(Some((Item { keys, value }, is_argument)))
    }

    fn no_value(&self, keys: &[Token<'a>]) -> SyntaxError {
        let names: Vec<&str> = keys.iter().map(|key| key.text).collect();
        let names = names.join(" ");
        SyntaxError::at(
            self.current.position,
            format!("key '{names}' expected start of object ('{{') or assignment ('=')"),
        )
    }

    fn keys(&mut self, keys: &mut Vec<Token<'a>>) -> Result<After, SyntaxError> {
        loop {
            let token = self.scan()?;
            let fail = |message: String| Err(SyntaxError::at(token.position, message));
            match token.kind {
                Kind::Eof => return Ok(After::End),
                Kind::Assign if keys.len() > 1 => {
                    return fail("nested object expected: LBRACE got: ASSIGN".to_string());
                }
                Kind::Assign if keys.is_empty() => return fail("no object keys found!".to_string()),
                Kind::LeftBrace if keys.is_empty() => {
                    return fail("expected: IDENT | STRING got: LBRACE".to_string());
                }
                Kind::Assign | Kind::LeftBrace => return Ok(After::Value),
                Kind::RightBrace if !keys.is_empty() => return Ok(After::Value),
                Kind::Ident | Kind::Text if keys.len() < MAX_DEPTH => keys.push(token),
                Kind::Ident | Kind::Text => return fail("too many keys".to_string()),
                kind => return fail(format!("expected: IDENT | STRING | ASSIGN | LBRACE got: {}", kind.name())),
            }
        }
    }

    /// The value after `=`; `None` at the end of the text.
    fn value(&mut self) -> Result<Option<Node<'a>>, SyntaxError> {
        let token = self.scan()?;
        Ok(Some(match token.kind {
            Kind::Number | Kind::Float | Kind::Bool | Kind::Text | Kind::Heredoc => Node::Literal(token),
            Kind::LeftBrace => self.object()?,
            Kind::LeftBracket => self.list()?,
            Kind::Eof => return Ok(None),
            kind => {
                let message = format!("Unknown token: {} {} {}", token.position, kind.name(), token.text);
                return Err(SyntaxError::at(token.position, message));
            }
        }))
    }

    fn deeper(&mut self) -> Result<(), SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(SyntaxError::at(self.current.position, "nested too deeply"));
        }
        Ok(())
    }

    fn object(&mut self) -> Result<Node<'a>, SyntaxError> {
        self.deeper()?;
        let position = self.current.position;
        let items = self.items(true)?;
        let end = self.scan()?;
        if end.kind != Kind::RightBrace {
            let message = format!("object expected closing RBRACE got: {}", end.kind.name());
            return Err(SyntaxError::at(end.position, message));
        }
        self.depth -= 1;
        Ok(Node::Object(position, items))
    }

    fn list(&mut self) -> Result<Node<'a>, SyntaxError> {
        self.deeper()?;
        let position = self.current.position;
        let mut nodes = Vec::new();
        let mut need_comma = false;
        loop {
            let token = self.scan()?;
            if need_comma && !matches!(token.kind, Kind::Comma | Kind::RightBracket) {
                let message = format!("error parsing list, expected comma or list end, got: {}", token.kind.name());
                return Err(SyntaxError::at(token.position, message));
            }
            let within = |what: &str, error: SyntaxError| {
                SyntaxError::at(token.position, format!("error while trying to parse {what} within list: {error}"))
            };
            match token.kind {
                Kind::Bool | Kind::Number | Kind::Float | Kind::Text | Kind::Heredoc => {
                    nodes.push(Node::Literal(token));
                    need_comma = true;
                }
                Kind::Comma => {
                    self.scan()?;
                    self.unscan();
                    need_comma = false;
                }
                Kind::LeftBrace => {
                    nodes.push(self.object().map_err(|error| within("object", error))?);
                    need_comma = true;
                }
                Kind::LeftBracket => nodes.push(self.list().map_err(|error| within("list", error))?),
                Kind::RightBracket => break,
                kind => {
                    let message = format!("unexpected token while parsing list: {}", kind.name());
                    return Err(SyntaxError::at(token.position, message));
                }
            }
        }
        self.depth -= 1;
        Ok(Node::List(position, nodes))
    }
}

/// The error of an argument that is set twice.
pub fn already_set(key: &str, position: Position) -> SyntaxError {
    let key = crate::types::go_quote(key);
    SyntaxError::plain(format!(
        "The argument {key} at {position} was already set. Each argument can only be defined once"
    ))
}
