//! Inputs with the values and messages of HCL 1.

use super::*;
use proptest::prelude::*;
use serde_json::Value;

/// Text and the value that it gives, as JSON.
const VALUES: &[(&str, &str)] = &[
    ("a = 1", r#"{"a":1}"#),
    ("a=1", r#"{"a":1}"#),
    (" b = 2", r#"{"b":2}"#),
    ("p { a = 1, b = 2 }", r#"{"p":[{"a":1,"b":2}]}"#),
    ("x = 1, y = 2", r#"{"x":1,"y":2}"#),
    ("\"quoted\" = 1", r#"{"quoted":1}"#),
    ("a.b = 1", r#"{"a.b":1}"#),
    ("a = 0x10", r#"{"a":16}"#),
    ("a = 010", r#"{"a":8}"#),
    ("a = 1e3", r#"{"a":1000}"#),
    ("a = 1.5", r#"{"a":1.5}"#),
    ("a = -3", r#"{"a":-3}"#),
    ("a = -1.5", r#"{"a":-1.5}"#),
    ("a = ", "{}"),
    ("a = [1,,2]", r#"{"a":[1,2]}"#),
    ("a = [1,2,]", r#"{"a":[1,2]}"#),
    ("a = {b=1}", r#"{"a":[{"b":1}]}"#),
    ("a = [{b=1},{c=2}]", r#"{"a":[{"b":1},{"c":2}]}"#),
    ("service \"x\" \"y\" { z = 1 }", r#"{"service":[{"x":[{"y":[{"z":1}]}]}]}"#),
    ("service \"x\" { z = 1 } ", r#"{"service":[{"x":[{"z":1}]}]}"#),
    ("a = \"x\\ny\"", r#"{"a":"x\ny"}"#),
    ("a = \"${foo}\"", r#"{"a":"${foo}"}"#),
    ("a = \"${foo(\"bar\")}\"", r#"{"a":"${foo(\"bar\")}"}"#),
    ("a = \"$${x}\"", r#"{"a":"$${x}"}"#),
    ("a = true", r#"{"a":true}"#),
    ("// c", "{}"),
    ("# c", "{}"),
    ("a = \"\\u00e9\"", r#"{"a":"é"}"#),
    ("a = \"\\x41\"", r#"{"a":"A"}"#),
    ("a = \"\\101\"", r#"{"a":"A"}"#),
    ("a = [[1],[2]]", r#"{"a":[[1],[2]]}"#),
    ("a { b { c { d = 1 } } }", r#"{"a":[{"b":[{"c":[{"d":1}]}]}]}"#),
    ("a = 1.", r#"{"a":1}"#),
    ("a = .5", r#"{"a":0.5}"#),
    ("a = true b = 1", r#"{"a":true,"b":1}"#),
    ("a ={}", r#"{"a":[{}]}"#),
    ("a = []", r#"{"a":[]}"#),
    ("{\"a\": 1}", r#"{"a":1}"#),
    ("{\"a\": [1,{\"b\":2}]}", r#"{"a":[1,{"b":2}]}"#),
    ("a = 1,", r#"{"a":1}"#),
    ("a { b = 1 } c { d = 2 }", r#"{"a":[{"b":1}],"c":[{"d":2}]}"#),
    ("a { b = 1 }, c { d = 2 }", r#"{"a":[{"b":1}],"c":[{"d":2}]}"#),
    ("a-b = 1", r#"{"a-b":1}"#),
    ("a_b = 1", r#"{"a_b":1}"#),
    ("é = 1", r#"{"é":1}"#),
    ("a = [true, false, \"x\", 1.5]", r#"{"a":[true,false,"x",1.5]}"#),
    ("\"\" = 1", r#"{"":1}"#),
    ("a = \"\"", r#"{"a":""}"#),
    ("\"a b\" { c = 1 }", r#"{"a b":[{"c":1}]}"#),
    ("a \"\" { c = 1 }", r#"{"a":[{"":[{"c":1}]}]}"#),
    ("a = \"\\\"x\\\"\"", r#"{"a":"\"x\""}"#),
    ("a = \"x\\\\n\"", r#"{"a":"x\\n"}"#),
    ("a = -0x10", r#"{"a":-16}"#),
    ("a = 1.5e3", r#"{"a":1500}"#),
    ("a = 00", r#"{"a":0}"#),
    ("a = 0", r#"{"a":0}"#),
    ("a.b.c { x = 1 }", r#"{"a.b.c":[{"x":1}]}"#),
    ("a = \"a${\"b\"}c\"", r#"{"a":"a${\"b\"}c"}"#),
    ("a = \"$\"", r#"{"a":"$"}"#),
    ("a = \"\\UFFFFFFFF\"", r#"{"a":"\ufffd"}"#),
    ("a = 1\na = 2", r#"{"a":2}"#),
    ("a = [1]\na = [2]", r#"{"a":[1,2]}"#),
    ("a { b = 1 }\na { c = 2 }", r#"{"a":[{"b":1},{"c":2}]}"#),
    ("a { b = 1 }\na = { c = 2 }", r#"{"a":[{"b":1},{"c":2}]}"#),
    ("a = <<EOF\nx\ny\nEOF\nb = 1", r#"{"a":"x\ny\n","b":1}"#),
    ("a = <<-EOF\n   x\n  y\n  EOF\n", r#"{"a":" x\ny\n"}"#),
    ("a = 1\r\nb = 2\r\n", r#"{"a":1,"b":2}"#),
    ("a = 1\rb = 2", r#"{"a":1,"b":2}"#),
    ("p \"x\" { a = 1 }\np \"y\" { a = 2 }", r#"{"p":[{"x":[{"a":1}]},{"y":[{"a":2}]}]}"#),
    ("p \"x\" { a = 1 }\np \"x\" { b = 2 }", r#"{"p":[{"x":[{"a":1}]},{"x":[{"b":2}]}]}"#),
    ("a = [\n1,\n2,\n]\n", r#"{"a":[1,2]}"#),
    ("a = [ # c\n1 // d\n, 2 ]", r#"{"a":[1,2]}"#),
    ("a {\n b = 1\n b = 2\n}", r#"{"a":[{"b":2}]}"#),
    ("a\n= 1", r#"{"a":1}"#),
    ("a =\n1", r#"{"a":1}"#),
    ("a\n{\nb=1\n}", r#"{"a":[{"b":1}]}"#),
    ("a = {\n b = 1\n}\na = {\n b = 2\n}", r#"{"a":[{"b":1},{"b":2}]}"#),
    ("a = <<EOF\nEOF\n", r#"{"a":""}"#),
    ("a = <<EOF\nx${y\nEOF\n", r#"{"a":"x${y\n"}"#),
    ("a = \"x${a\nb}\"", r#"{"a":"x${a\nb}"}"#),
    ("a = [<<EOF\nx\nEOF\n,1]", r#"{"a":["x\n",1]}"#),
    ("a = <<-EOF\n\tx\n\n\t\ty\n\tEOF\n", r#"{"a":"\tx\n\n\t\ty\n"}"#),
    ("a = <<EOF\r\nx\r\nEOF\r\n", r#"{"a":"x\n"}"#),
    ("a = <<-EOF\n    x\n  y\n   EOF\n", r#"{"a":"    x\n  y\n"}"#),
    ("{\"a\":{\"b\":1}}", r#"{"a":[{"b":1}]}"#),
    ("{\"a\":[{\"b\":1},{\"b\":2}]}", r#"{"a":[{"b":1},{"b":2}]}"#),
    ("  {\"a\":1}", r#"{"a":1}"#),
    ("{\"a\":null}", r#"{"a":""}"#),
    ("{\"a\":\"x\\ny\"}", r#"{"a":"x\ny"}"#),
    ("{\"a\":1.5e3,\"b\":-1}", r#"{"a":1500,"b":-1}"#),
    ("a = \"\ttab\"", r#"{"a":"\ttab"}"#),
    ("a.0 = 1", r#"{"a.0":1}"#),
    ("_a = 1", r#"{"_a":1}"#),
    ("a = \"x\u{1}y\"", r#"{"a":"x\u0001y"}"#),
    ("/**/ a = 1", r#"{"a":1}"#),
    ("a /*x*/ = /*y*/ 1", r#"{"a":1}"#),
    ("a = \"☃\"", r#"{"a":"☃"}"#),
    ("a = 1 # c\n# d", r#"{"a":1}"#),
    ("a = \"b\" // c", r#"{"a":"b"}"#),
    ("foo \"bar\" baz { x = 1 }", r#"{"foo":[{"bar":[{"baz":[{"x":1}]}]}]}"#),
    ("a = [{\n b = 1\n}]\na = [{ c = 2 }]", r#"{"a":[{"b":1},{"c":2}]}"#),
    ("a b { c = 1}", r#"{"a":[{"b":[{"c":1}]}]}"#),
    ("a = {} b {}", r#"{"a":[{}],"b":[{}]}"#),
    ("a = -9223372036854775808", r#"{"a":-9223372036854775808}"#),
    ("a = 0777", r#"{"a":511}"#),
    ("a = 0x7fffffffffffffff", r#"{"a":9223372036854775807}"#),
    ("a=[{}]", r#"{"a":[{}]}"#),
    ("a=[{},]", r#"{"a":[{}]}"#),
    ("a=1\n,b=2", r#"{"a":1,"b":2}"#),
];

/// Text and the message that refuses it.
const ERRORS: &[(&str, &str)] = &[
    ("ports { dns = 8600", "At 1:22: object expected closing RBRACE got: EOF"),
    (" http = 8500 }", "At 1:14: expected: IDENT | STRING | ASSIGN | LBRACE got: RBRACE"),
    ("a = 9223372036854775808", "strconv.ParseInt: parsing \"9223372036854775808\": value out of range"),
    ("a = = 1", "At 1:5: Unknown token: 1:5 ASSIGN ="),
    ("= 1", "At 1:1: no object keys found!"),
    ("}", "At 1:1: expected: IDENT | STRING | ASSIGN | LBRACE got: RBRACE"),
    ("a {", "At 1:5: object expected closing RBRACE got: EOF"),
    ("a = [1,2", "At 1:11: error parsing list, expected comma or list end, got: EOF"),
    ("a = [1 2]", "At 1:8: error parsing list, expected comma or list end, got: NUMBER"),
    ("a = 1 b", "At 1:9: key 'b' expected start of object ('{') or assignment ('=')"),
    ("a b = 1", "At 1:5: nested object expected: LBRACE got: ASSIGN"),
    ("a \"b\" = 1", "At 1:7: nested object expected: LBRACE got: ASSIGN"),
    ("a = \"unterminated", "At 1:18: literal not terminated"),
    ("a = \"x\\qy\"", "At 1:8: illegal char escape"),
    ("a = <<EOF", "At 1:10: heredoc not terminated"),
    ("a = null", "At 1:5: Unknown token: 1:5 IDENT null"),
    ("a = yes", "At 1:5: Unknown token: 1:5 IDENT yes"),
    ("a = 1 + 2", "At 1:7: expected: IDENT | STRING | ASSIGN | LBRACE got: ADD"),
    ("/* unclosed", "At 1:12: comment not terminated"),
    ("a = 'x'", "At 1:5: illegal char"),
    ("a = @", "At 1:5: illegal char"),
    ("a = 08", "strconv.ParseInt: parsing \"08\": invalid syntax"),
    ("a = 0xZZ", "At 1:7: illegal hexadecimal number"),
    ("a = 1_000", "At 1:11: key '_000' expected start of object ('{') or assignment ('=')"),
    ("a = 5.5.5", "At 1:8: expected: IDENT | STRING | ASSIGN | LBRACE got: FLOAT"),
    ("a = 1,, b = 2", "At 1:7: expected: IDENT | STRING | ASSIGN | LBRACE got: COMMA"),
    ("a }", "At 1:3: key 'a' expected start of object ('{') or assignment ('=')"),
    ("}", "At 1:1: expected: IDENT | STRING | ASSIGN | LBRACE got: RBRACE"),
    ("]", "At 1:1: expected: IDENT | STRING | ASSIGN | LBRACE got: RBRACK"),
    ("a = ]", "At 1:5: Unknown token: 1:5 RBRACK ]"),
    ("a = \"x\" \"y\"", "At 1:12: key '\"y\"' expected start of object ('{') or assignment ('=')"),
    ("true = 1", "At 1:1: expected: IDENT | STRING | ASSIGN | LBRACE got: BOOL"),
    ("1 = 2", "At 1:1: expected: IDENT | STRING | ASSIGN | LBRACE got: NUMBER"),
    ("a : 1", "At 1:3: illegal char"),
    ("a = 1; b = 2", "At 1:6: illegal char"),
    ("a [1]", "At 1:3: expected: IDENT | STRING | ASSIGN | LBRACE got: LBRACK"),
    ("a = [b]", "At 1:6: unexpected token while parsing list: IDENT"),
    ("a = [b = 1]", "At 1:6: unexpected token while parsing list: IDENT"),
    ("a = \"multi", "At 1:11: literal not terminated"),
    ("a = +1", "At 1:5: Unknown token: 1:5 ADD +"),
    ("a = 1e", "strconv.ParseFloat: parsing \"1e\": invalid syntax"),
    ("a = 1e+", "strconv.ParseFloat: parsing \"1e+\": invalid syntax"),
    ("a = [1,", "At 1:8: unexpected token while parsing list: EOF"),
    ("a = [", "At 1:6: unexpected token while parsing list: EOF"),
    ("a = {", "At 1:7: object expected closing RBRACE got: EOF"),
    ("a = { b", "At 1:9: key 'b' expected start of object ('{') or assignment ('=')"),
    ("a = { b = ", "At 1:12: object expected closing RBRACE got: EOF"),
    ("a {{", "At 1:4: expected: IDENT | STRING got: LBRACE"),
    ("a b", "At 1:5: key 'a b' expected start of object ('{') or assignment ('=')"),
    ("a \"b", "At 1:5: literal not terminated"),
    ("a = \"${\"", "At 1:9: literal not terminated"),
    ("a = \"\\u12\"", "At 1:10: illegal char escape"),
    ("a = <<EOF\nx", "At 2:2: heredoc not terminated"),
    ("a = <<\nx\n", "At 1:7: zero-length heredoc anchor"),
    ("a = <<EOF x\nEOF\n", "At 1:10: invalid characters in heredoc anchor"),
    ("a = \"multi\nline\"", "At 1:11: literal not terminated"),
    ("\u{feff}a = 1", "At 1:1: illegal char"),
    ("a = 1\u{0}", "At 1:6: unexpected null character (0x00)"),
    ("a = 1\na { b = 1 }", "At 2:3: root.a: unknown type *ast.ObjectType"),
    ("a { b = 1 }\na = 1", "At 2:5: unknown slice type: *ast.LiteralType"),
    ("a = \"x\"\na = [1]", "At 2:5: root.a: unknown type for string *ast.ListType"),
    ("bogus = \nx = 1", "At 2:1: Unknown token: 2:1 IDENT x"),
    ("a = 1\n\n  = 2", "At 3:3: no object keys found!"),
    ("x = 1\ny {\n  z = [1, 2\n}\n", "At 4:1: error parsing list, expected comma or list end, got: RBRACE"),
    ("x {\n  y = 1\n", "At 3:2: object expected closing RBRACE got: EOF"),
    ("[1]", "At 1:1: expected: IDENT | STRING | ASSIGN | LBRACE got: LBRACK"),
    ("-a = 1", "At 1:1: expected: IDENT | STRING | ASSIGN | LBRACE got: SUB"),
    ("a = b", "At 1:5: Unknown token: 1:5 IDENT b"),
    ("a = 1e400", "strconv.ParseFloat: parsing \"1e400\": value out of range"),
    ("a = {}\n{}", "At 2:1: expected: IDENT | STRING got: LBRACE"),
    ("foo = \"a\" { }", "At 1:11: expected: IDENT | STRING got: LBRACE"),
    ("\"a\" \"b\" \"c\" = 1", "At 1:13: nested object expected: LBRACE got: ASSIGN"),
    ("a /", "At 1:3: expected '/' for comment"),
    ("a = /", "At 1:5: expected '/' for comment"),
    ("a = 1 / 2", "At 1:7: expected '/' for comment"),
    ("a = %", "At 1:5: illegal char"),
    ("a = !b", "At 1:5: illegal char"),
    ("a == 1", "At 1:4: Unknown token: 1:4 ASSIGN ="),
    ("a => 1", "At 1:4: illegal char"),
    ("a ? 1", "At 1:3: illegal char"),
    ("<<EOF\nx\nEOF\n = 1", "At 1:1: expected: IDENT | STRING | ASSIGN | LBRACE got: HEREDOC"),
    ("1 { a = 1}", "At 1:1: expected: IDENT | STRING | ASSIGN | LBRACE got: NUMBER"),
    ("true { a = 1 }", "At 1:1: expected: IDENT | STRING | ASSIGN | LBRACE got: BOOL"),
    ("a = {\"b\" = 1, \"c\" : 2}", "At 1:19: illegal char"),
    ("a = {b : 1}", "At 1:8: illegal char"),
    ("a = 1 {", "At 1:7: expected: IDENT | STRING got: LBRACE"),
    ("a [", "At 1:3: expected: IDENT | STRING | ASSIGN | LBRACE got: LBRACK"),
    ("[1]", "At 1:1: expected: IDENT | STRING | ASSIGN | LBRACE got: LBRACK"),
    ("\"a", "At 1:3: literal not terminated"),
    ("a = 18446744073709551616", "strconv.ParseInt: parsing \"18446744073709551616\": value out of range"),
    ("a=[{} {}]", "At 1:7: error parsing list, expected comma or list end, got: LBRACE"),
    ("a=[\"x\" \"y\"]", "At 1:8: error parsing list, expected comma or list end, got: STRING"),
    ("a=[=]", "At 1:4: unexpected token while parsing list: ASSIGN"),
    ("a={=}", "At 1:4: no object keys found!"),
    ("a={1=2}", "At 1:4: expected: IDENT | STRING | ASSIGN | LBRACE got: NUMBER"),
    ("a={,}", "At 1:4: expected: IDENT | STRING | ASSIGN | LBRACE got: COMMA"),
    (",", "At 1:1: expected: IDENT | STRING | ASSIGN | LBRACE got: COMMA"),
    ("a={b=1,,c=2}", "At 1:8: expected: IDENT | STRING | ASSIGN | LBRACE got: COMMA"),
];

/// Whole floats and integers are the same number here.
fn numbers_as_floats(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        Value::Array(values) => values.into_iter().map(numbers_as_floats).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, numbers_as_floats(value))).collect(),
        other => other,
    }
}

#[test]
fn texts_give_the_values_of_hcl_1() {
    for (input, expected) in VALUES {
        let map = parse(input.as_bytes()).unwrap_or_else(|error| panic!("{input:?}: {error}"));
        let value = serde_json::to_value(&map).expect("plain values");
        let expected: Value = serde_json::from_str(expected).expect("the table holds JSON");
        assert_eq!(numbers_as_floats(value), numbers_as_floats(expected), "{input:?}");
    }
}

#[test]
fn bad_texts_are_refused_with_place_and_reason() {
    let wrong: Vec<String> = ERRORS
        .iter()
        .filter_map(|(input, expected)| {
            let got = parse(input.as_bytes()).map_or_else(|error| error.to_string(), |map| format!("{map:?}"));
            (got != *expected).then(|| format!("{input:?}\n  expected {expected}\n  got      {got}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn bytes_that_are_not_utf8_are_named_by_place() {
    let error = parse(b"a = 1\nb = \"\xff\"").expect_err("not UTF-8");
    assert_eq!(error.to_string(), "At 2:6: illegal UTF-8 encoding");
}

#[test]
fn deep_nesting_is_refused_and_never_exhausts_the_stack() {
    for text in ["a = ".to_string() + &"[".repeat(100_000), "a {".repeat(100_000), "{\"a\":".repeat(100_000)] {
        parse(text.as_bytes()).expect_err("too deep");
    }
    parse("a ".repeat(10_000).as_bytes()).expect_err("too many labels");
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn no_text_of_tokens_makes_the_parser_panic(
        tokens in proptest::collection::vec(
            prop_oneof![
                Just("{"), Just("}"), Just("["), Just("]"), Just(","), Just("="), Just("a"), Just("\"x\\"), Just("\""),
                Just("0x"), Just("1e"), Just("<<EOF\n"), Just("<<-E\n"), Just("E\n"), Just("\n"), Just("${"), Just("\\u"),
                Just(":"), Just("/*"), Just("#"), Just("-"), Just("."), Just("true"), Just("é"),
            ],
            0..40,
        )
    ) {
        let _ = parse(tokens.concat().as_bytes());
    }
}

#[test]
fn debug_forms_tell_shape_and_place_and_hide_what_is_written() {
    let text = "acl { tokens { agent = \"s3cret\" } }\nencrypt = <<E\ns3cret\nE\nport = 4711\nserver = true";
    let tree = super::tree::parse(text.as_bytes()).expect("a tree");
    let json = super::tree::parse(br#"{"encrypt": "s3cret", "port": 4711}"#).expect("a tree");
    for shown in [format!("{tree:?}"), format!("{json:?}")] {
        assert!(!shown.contains("s3cret") && !shown.contains("4711"), "{shown}");
        assert!(shown.contains("encrypt") && shown.contains("<hidden>"), "{shown}");
    }
    assert!(format!("{:?}", json[0].value).contains("Text(<hidden>, 6 bytes)"), "{:?}", json[0]);
}
