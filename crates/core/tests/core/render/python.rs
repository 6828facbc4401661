//! Literals, read back by Python's `ast.literal_eval`.

use direct_upload_core::render::python::{Literal, string};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use test_support::oracle::{ask, hostile};

fn literal() -> impl Strategy<Value = Literal> {
    let leaf = prop_oneof![hostile().prop_map(Literal::Str), any::<bool>().prop_map(Literal::Bool)];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let items = prop::collection::vec(inner, 0..4);
        prop_oneof![items.clone().prop_map(Literal::List), items.prop_map(Literal::Tuple)]
    })
}

fn expected(literal: &Literal) -> Value {
    match literal {
        Literal::Str(text) => json!(text),
        Literal::Bool(value) => json!(value),
        Literal::List(items) => items.iter().map(expected).collect(),
        Literal::Tuple(items) => json!({"tuple": items.iter().map(expected).collect::<Vec<_>>()}),
    }
}

proptest! {
    #[test]
    fn literals_come_out_as_they_went_in(literals in prop::collection::vec(literal(), 0..20)) {
        let texts: Vec<String> = literals.iter().map(ToString::to_string).collect();
        prop_assert!(texts.iter().all(|text| text.is_ascii()));
        let read: Vec<Value> = ask(&json!({"ask": "literals", "texts": texts}));
        prop_assert_eq!(read, literals.iter().map(expected).collect::<Vec<_>>());
    }
}

#[test]
fn every_character_below_the_surrogates_and_some_above_come_out_as_they_went_in() {
    let texts: Vec<String> = (0..0xd800).chain(0xe000..0x1_0100).filter_map(char::from_u32).map(String::from).collect();
    let literals: Vec<String> = texts.iter().map(|text| string(text)).collect();
    let read: Vec<String> = ask(&json!({"ask": "literals", "texts": literals}));
    assert!(read == texts);
}

#[rstest]
#[case("a", "'a'")]
#[case("it's \"\\", r#"'it\'s "\\'"#)]
#[case("a\nb\0\u{7f}", r"'a\x0ab\x00\x7f'")]
#[case("é€😀", r"'\xe9\u20ac\U0001f600'")]
fn strings(#[case] text: &str, #[case] literal: &str) {
    assert_eq!(string(text), literal);
}

#[test]
fn sequences() {
    let tuple = Literal::Tuple(vec![Literal::strings(["a", "b"]), Literal::Bool(true)]);
    assert_eq!(tuple.to_string(), "(['a', 'b'], True)");
    assert_eq!(Literal::Tuple(vec!["a".into()]).to_string(), "('a',)");
    assert_eq!(Literal::Tuple(vec![]).to_string(), "()");
}
