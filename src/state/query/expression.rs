//! Texts with `${...}` in them, as the templates of prepared queries use them (`spec/semantics.md` 17.4): names, the function
//! `match`, numbers, quoted texts and arithmetic. Parsed once, evaluated for every lookup.

use std::iter::Peekable;
use std::str::CharIndices;

/// Deepest nesting of an expression.
const MAX_DEPTH: u32 = 32;

/// Everything that is not an expression reads like this.
const SYNTAX: &str = "parse error: syntax error";

/// What names and functions mean.
pub trait Scope {
    /// The value of a name such as `name.full`.
    fn variable(&self, name: &str) -> Option<String>;
    /// The text of group `number` of the query's regular expression.
    fn group(&self, number: i64) -> String;
}

/// A text, parsed.
#[derive(Clone, Debug, PartialEq)]
pub struct Text(Vec<Part>);

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Literal(String),
    Expression(Node),
}

/// Line and column, both from 1.
type Place = (usize, usize);

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Integer(i64),
    Float(f64),
    Quoted(Text),
    Name(String, Place),
    Call(String, Vec<Node>, Place),
    Negated(Box<Node>),
    Arithmetic(Box<Node>, char, Box<Node>),
}

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
}

impl Text {
    /// Reads a text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(source: &str) -> Result<Text, String> {
        let mut parser = Parser { rest: source.char_indices().peekable(), source, depth: 0 };
        parser.text(None).ok_or_else(|| SYNTAX.to_owned())
    }

    /// Fills in names and groups.
    ///
    /// # Errors
    /// An unknown name or function, or a value that does not fit.
    pub fn render(&self, scope: &impl Scope) -> Result<String, String> {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Expression(node) => out.push_str(&node.evaluate(scope)?.into_text()),
            }
        }
        Ok(out)
    }
}

struct Parser<'a> {
    rest: Peekable<CharIndices<'a>>,
    source: &'a str,
    depth: u32,
}

impl Parser<'_> {
    fn peek(&mut self) -> Option<char> {
        self.rest.peek().map(|(_, letter)| *letter)
    }

    fn eat(&mut self, wanted: char) -> bool {
        self.rest.next_if(|(_, letter)| *letter == wanted).is_some()
    }

    fn skip_blanks(&mut self) {
        while self.rest.next_if(|(_, letter)| letter.is_whitespace()).is_some() {}
    }

    fn place(&mut self) -> Place {
        let at = self.rest.peek().map_or(self.source.len(), |(at, _)| *at);
        let before = &self.source[..at];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// A text up to its end, or up to the quote that ends it.
    fn text(&mut self, end: Option<char>) -> Option<Text> {
        let (mut parts, mut literal) = (Vec::new(), String::new());
        loop {
            let Some((_, letter)) = self.rest.next() else {
                if end.is_some() {
                    return None;
                }
                break;
            };
            match letter {
                letter if Some(letter) == end => break,
                '\\' if end.is_some() => literal.push(match self.rest.next()?.1 {
                    'n' => '\n',
                    't' => '\t',
                    letter @ ('"' | '\\') => letter,
                    _ => return None,
                }),
                '$' if self.eat('{') => {
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(Part::Expression(self.braced()?));
                }
                '$' if self.starts_escape() => {
                    self.rest.next();
                    self.rest.next();
                    literal.push_str("${");
                }
                letter => literal.push(letter),
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Some(Text(parts))
    }

    /// Behind a dollar: another one and a brace.
    fn starts_escape(&mut self) -> bool {
        self.rest.peek().is_some_and(|(at, _)| self.source[*at..].starts_with("${"))
    }

    fn braced(&mut self) -> Option<Node> {
        let node = self.sum()?;
        self.eat('}').then_some(node)
    }

    fn sum(&mut self) -> Option<Node> {
        self.chain(&['+', '-'], Self::product)
    }

    fn product(&mut self) -> Option<Node> {
        self.chain(&['*', '/', '%'], Self::operand)
    }

    /// Operands of one rank from left to right.
    fn chain(&mut self, operators: &[char], operand: fn(&mut Self) -> Option<Node>) -> Option<Node> {
        let mut node = operand(self)?;
        while let Some(operator) = self.peek().filter(|letter| operators.contains(letter)) {
            self.rest.next();
            node = Node::Arithmetic(Box::new(node), operator, Box::new(operand(self)?));
        }
        Some(node)
    }

    fn operand(&mut self) -> Option<Node> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        self.skip_blanks();
        let node = match self.peek()? {
            '"' => {
                self.rest.next();
                Node::Quoted(self.text(Some('"'))?)
            }
            '(' => {
                self.rest.next();
                let node = self.sum()?;
                self.eat(')').then_some(node)?
            }
            '-' => {
                self.rest.next();
                Node::Negated(Box::new(self.operand()?))
            }
            letter if letter.is_ascii_digit() => self.number()?,
            letter if letter.is_alphabetic() || letter == '_' => self.name()?,
            _ => return None,
        };
        self.skip_blanks();
        self.depth -= 1;
        Some(node)
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        std::iter::from_fn(|| self.rest.next_if(|(_, letter)| wanted(*letter))).map(|(_, letter)| letter).collect()
    }

    fn number(&mut self) -> Option<Node> {
        let digits = self.take_while(|letter| letter.is_ascii_digit() || letter == '.');
        if digits.contains('.') { digits.parse().ok().map(Node::Float) } else { digits.parse().ok().map(Node::Integer) }
    }

    fn name(&mut self) -> Option<Node> {
        let place = self.place();
        let name = self.take_while(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | '*'));
        if !self.eat('(') {
            return Some(Node::Name(name, place));
        }
        let mut arguments = Vec::new();
        self.skip_blanks();
        if !self.eat(')') {
            loop {
                arguments.push(self.sum()?);
                if self.eat(')') {
                    break;
                }
                self.eat(',').then_some(())?;
            }
        }
        Some(Node::Call(name, arguments, place))
    }
}

impl Node {
    fn evaluate(&self, scope: &impl Scope) -> Result<Value, String> {
        Ok(match self {
            Node::Integer(number) => Value::Integer(*number),
            Node::Float(number) => Value::Float(*number),
            Node::Quoted(text) => Value::Text(text.render(scope)?),
            Node::Name(name, (line, column)) => Value::Text(
                scope.variable(name).ok_or_else(|| format!("{line}:{column}: unknown variable accessed: {name}"))?,
            ),
            Node::Call(name, arguments, (line, column)) => match (name.as_str(), arguments.as_slice()) {
                ("match", [number]) => Value::Text(scope.group(number.evaluate(scope)?.into_integer()?)),
                ("match", arguments) => {
                    return Err(format!("{line}:{column}: match: expected 1 arguments, got {}", arguments.len()));
                }
                _ => return Err(format!("{line}:{column}: unknown function called: {name}")),
            },
            Node::Negated(node) => match node.evaluate(scope)? {
                Value::Float(number) => Value::Float(-number),
                value => Value::Integer(value.into_integer()?.wrapping_neg()),
            },
            Node::Arithmetic(left, operator, right) => {
                arithmetic(left.evaluate(scope)?, *operator, right.evaluate(scope)?)?
            }
        })
    }
}

/// Numbers meet as floats when one of them is, otherwise as integers.
fn arithmetic(left: Value, operator: char, right: Value) -> Result<Value, String> {
    if matches!(left, Value::Float(_)) || matches!(right, Value::Float(_)) {
        let (left, right) = (left.into_float()?, right.into_float()?);
        return Ok(Value::Float(match operator {
            '+' => left + right,
            '-' => left - right,
            '*' => left * right,
            '/' => left / right,
            _ => left % right,
        }));
    }
    let (left, right) = (left.into_integer()?, right.into_integer()?);
    let done = match operator {
        '+' => Some(left.wrapping_add(right)),
        '-' => Some(left.wrapping_sub(right)),
        '*' => Some(left.wrapping_mul(right)),
        '/' => left.checked_div(right),
        _ => left.checked_rem(right),
    };
    done.map(Value::Integer).ok_or_else(|| "divide by zero".to_owned())
}

impl Value {
    fn into_text(self) -> String {
        match self {
            Value::Text(text) => text,
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
        }
    }

    fn into_integer(self) -> Result<i64, String> {
        match self {
            Value::Integer(number) => Ok(number),
            Value::Float(number) => Ok(number as i64),
            Value::Text(text) => text
                .parse()
                .map_err(|_| format!("__builtin_StringToInt: strconv.ParseInt: parsing {text:?}: invalid syntax")),
        }
    }

    fn into_float(self) -> Result<f64, String> {
        match self {
            Value::Integer(number) => Ok(number as f64),
            Value::Float(number) => Ok(number),
            Value::Text(text) => text
                .parse()
                .map_err(|_| format!("__builtin_StringToFloat: strconv.ParseFloat: parsing {text:?}: invalid syntax")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Scope for Fixed {
        fn variable(&self, name: &str) -> Option<String> {
            (name == "name.full").then(|| "t1".to_owned())
        }

        fn group(&self, number: i64) -> String {
            format!("<{number}>")
        }
    }

    fn render(source: &str) -> Result<String, String> {
        Text::parse(source)?.render(&Fixed)
    }

    #[test]
    fn names_groups_and_arithmetic_are_filled_in() {
        let cases = [
            ("plain", "plain"),
            ("", ""),
            ("${name.full}}", "t1}"),
            ("a-${ name.full }-b", "a-t1-b"),
            ("$${x}", "${x}"),
            ("$x$", "$x$"),
            ("${match(1+0)}", "<1>"),
            ("${match(-1)}", "<-1>"),
            ("${match(1.5)}", "<1>"),
            ("${match(\"2\")}", "<2>"),
            ("${1 + 2 * 3}", "7"),
            ("${(1 + 2) * 3 % 4}", "1"),
            ("${\"a${name.full}\"}", "at1"),
            ("ü${name.full}", "üt1"),
        ];
        for (source, expected) in cases {
            assert_eq!(render(source), Ok(expected.to_owned()), "{source}");
        }
    }

    #[test]
    fn what_is_no_expression_or_has_no_value_is_told() {
        let number =
            |text: &str| format!("__builtin_StringToInt: strconv.ParseInt: parsing \"{text}\": invalid syntax");
        let cases = [
            ("${", SYNTAX.to_owned()),
            ("${}", SYNTAX.into()),
            ("${name.full", SYNTAX.into()),
            ("${1+}", SYNTAX.into()),
            ("${@}", SYNTAX.into()),
            ("${\"a}", SYNTAX.into()),
            ("${name full}", SYNTAX.into()),
            ("${foo}", "1:3: unknown variable accessed: foo".into()),
            ("a\n ${name.}", "2:4: unknown variable accessed: name.".into()),
            ("${match(a)}", "1:9: unknown variable accessed: a".into()),
            ("${match()}", "1:3: match: expected 1 arguments, got 0".into()),
            ("${match(1,2)}", "1:3: match: expected 1 arguments, got 2".into()),
            ("${foo(1)}", "1:3: unknown function called: foo".into()),
            ("${match(\"x\")}", number("x")),
            ("${name.full + 1}", number("t1")),
            ("${1 / 0}", "divide by zero".into()),
        ];
        for (source, expected) in cases {
            assert_eq!(render(source), Err(expected), "{source}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = format!("${{{}1{}}}", "(".repeat(1000), ")".repeat(1000));
        assert_eq!(render(&deep), Err(SYNTAX.into()));
        let deep = "${\"".repeat(1000);
        assert_eq!(render(&deep), Err(SYNTAX.into()));
    }
}
