//! Literals to values, with the error texts of Go's `strconv`.

/// `strconv.ParseBool`.
pub fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(format!("strconv.ParseBool: parsing {text:?}: invalid syntax")),
    }
}

/// `strconv.ParseInt(text, 0, 64)`: decimal, `0x`, `0o` or `0`, `0b`, with `_` between digits.
pub fn parse_int(text: &str) -> Result<i64, String> {
    let error = |reason| format!("strconv.ParseInt: parsing {text:?}: {reason}");
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let value = magnitude(digits).map_err(error)?;
    let signed = if negative { -i128::from(value) } else { i128::from(value) };
    i64::try_from(signed).map_err(|_| error(OUT_OF_RANGE))
}

/// `strconv.ParseUint(text, 0, bits)`.
pub fn parse_uint(text: &str, bits: u32) -> Result<u64, String> {
    let error = |reason| format!("strconv.ParseUint: parsing {text:?}: {reason}");
    let value = magnitude(text).map_err(error)?;
    if bits < 64 && value >> bits != 0 { Err(error(OUT_OF_RANGE)) } else { Ok(value) }
}

const INVALID: &str = "invalid syntax";
const OUT_OF_RANGE: &str = "value out of range";

fn magnitude(text: &str) -> Result<u64, &'static str> {
    let prefixed = |prefixes: [&str; 2]| prefixes.iter().find_map(|prefix| text.strip_prefix(prefix));
    let (radix, digits) = if let Some(rest) = prefixed(["0x", "0X"]) {
        (16, rest)
    } else if let Some(rest) = prefixed(["0b", "0B"]) {
        (2, rest)
    } else if let Some(rest) = prefixed(["0o", "0O"]) {
        (8, rest)
    } else if text.len() > 1 && text.starts_with('0') {
        (8, &text[1..])
    } else {
        (10, text)
    };
    // An underscore stands between digits or after the base prefix.
    let lone = if radix == 10 { digits.starts_with('_') } else { digits.is_empty() };
    if lone || digits.is_empty() || digits.ends_with('_') || digits.contains("__") {
        return Err(INVALID);
    }
    let mut value: u64 = 0;
    let mut overflow = false;
    for c in digits.chars().filter(|c| *c != '_') {
        let digit = c.to_digit(radix).ok_or(INVALID)?;
        match value.checked_mul(u64::from(radix)).and_then(|v| v.checked_add(u64::from(digit))) {
            Some(next) => value = next,
            None => overflow = true,
        }
    }
    if overflow { Err(OUT_OF_RANGE) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_every_base() {
        for (text, value) in [
            ("8080", 8080),
            ("8_080", 8080),
            ("0x1f90", 8080),
            ("0x_1F90", 8080),
            ("017620", 8080),
            ("0o17620", 8080),
            ("0b11", 3),
            ("-5", -5),
            ("+5", 5),
            ("0", 0),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(parse_int(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn bad_numbers_get_gos_words() {
        for (text, reason) in [
            ("", INVALID),
            ("x", INVALID),
            ("1.5", INVALID),
            ("_1", INVALID),
            ("1_", INVALID),
            ("1__0", INVALID),
            ("08", INVALID),
            ("0x", INVALID),
            ("9223372036854775808", OUT_OF_RANGE),
            ("99999999999999999999", OUT_OF_RANGE),
        ] {
            assert_eq!(parse_int(text), Err(format!("strconv.ParseInt: parsing {text:?}: {reason}")), "{text}");
        }
        assert_eq!(parse_uint("256", 8), Err(format!("strconv.ParseUint: parsing \"256\": {OUT_OF_RANGE}")));
        assert_eq!(parse_uint("-1", 8), Err(format!("strconv.ParseUint: parsing \"-1\": {INVALID}")));
    }
}
