//! `${...}` in the names of binding rules.

use std::collections::BTreeMap;

/// Fills the places of a text; values come out in lower case. `$${` stands for `${`.
///
/// # Errors
/// A place that does not end, or that names no variable.
pub fn interpolate(text: &str, variables: &BTreeMap<String, String>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let column = text.len() - rest.len() + at + 1;
        if rest[..at].ends_with('$') {
            filled.push_str(&rest[..at - 1]);
            filled.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        filled.push_str(&rest[..at]);
        let inner = &rest[at + 2..];
        let end = inner.find('}').ok_or_else(|| format!("1:{column}: expected '}}' to end the interpolation"))?;
        let name = inner[..end].trim();
        let value = variables.get(name).ok_or_else(|| {
            if name.is_empty() {
                format!("1:{column}: expected expression but found \"}}\"")
            } else {
                format!("1:{}: unknown variable accessed: {name}", column + 2)
            }
        })?;
        filled.push_str(&value.to_lowercase());
        rest = &inner[end + 1..];
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_in_lower_case() {
        let variables = BTreeMap::from([("serviceaccount.name".to_owned(), "Web".to_owned())]);
        let cases = [
            ("k8s-${serviceaccount.name}", Ok("k8s-web")),
            ("${ serviceaccount.name }${serviceaccount.name}", Ok("webweb")),
            ("Plain", Ok("Plain")),
            ("$${serviceaccount.name}", Ok("${serviceaccount.name}")),
            ("a$b", Ok("a$b")),
            ("${x}", Err("1:3: unknown variable accessed: x")),
            ("a${", Err("1:2: expected '}' to end the interpolation")),
            ("${}", Err("1:1: expected expression but found \"}\"")),
        ];
        for (text, expected) in cases {
            assert_eq!(interpolate(text, &variables).as_deref().map_err(String::as_str), expected, "{text}");
        }
    }
}
