//! The settings reader against Python itself: what it claims to know is what Python makes of it.

use std::collections::BTreeMap;

use direct_upload_check::formats::python::{Value, read};
use proptest::prelude::*;
use rstest::rstest;
use serde::Deserialize;
use serde_json::json;
use test_support::oracle::ask;

#[derive(Debug, Deserialize)]
struct Ran {
    values: BTreeMap<String, serde_json::Value>,
    ended: Option<String>,
}

/// Whether a claim holds for what Python has.
fn agrees(claim: &Value, value: &serde_json::Value) -> bool {
    match claim {
        Value::Unknown => true,
        Value::Text(text) => value == text,
        Value::Number(number) => *value == json!(number),
        Value::Bool(truth) => *value == json!(truth),
        Value::None => value.is_null(),
        Value::Dict(entries) => {
            let found = value.as_object();
            found.is_some_and(|found| found.len() == entries.len())
                && entries.iter().all(|(key, claim)| agrees(claim, &value[key]))
        }
        Value::List(items) => {
            let found = value.as_array().map(Vec::as_slice).unwrap_or_default();
            // A list that grew by something unknown ends in it.
            let known = items.iter().take_while(|item| **item != Value::Unknown);
            known.zip(found).all(|(claim, value)| agrees(claim, value))
                && (items.contains(&Value::Unknown) || items.len() == found.len())
        }
    }
}

fn compare(text: &str) -> (BTreeMap<String, Value>, Ran) {
    let mut known = BTreeMap::new();
    let settings = read(text, &mut known, None);
    let ran: Ran = ask(&json!({"ask": "folded", "text": text}));
    assert_eq!(settings.error.is_some(), ran.ended.as_deref() == Some("SyntaxError"), "{text}\n{settings:?}\n{ran:?}");
    if settings.raises.is_some() {
        assert!(ran.ended.is_some(), "{text}\n{settings:?}\n{ran:?}");
    }
    for (name, claim) in &known {
        if let Some(value) = ran.values.get(name) {
            assert!(agrees(claim, value), "{name} in {text}\n{claim:?}\n{value}");
        }
    }
    (known, ran)
}

#[rstest]
#[case("A = {'a': 1}\nA['b'] = 2\nA['a'] = 3", Value::Dict(BTreeMap::from([("a".into(), Value::Number(3)), ("b".into(), Value::Number(2))])))]
#[case("A = {'a': 1}\nA.update({'b': 2}, c=3)", Value::Dict(BTreeMap::from([("a".into(), Value::Number(1)), ("b".into(), Value::Number(2)), ("c".into(), Value::Number(3))])))]
#[case("A = {'a': 1}\nA |= {'b': 2}", Value::Dict(BTreeMap::from([("a".into(), Value::Number(1)), ("b".into(), Value::Number(2))])))]
#[case("A = {'a': 1}\nA.pop('a')", Value::Unknown)]
#[case("A = {'a': {'b': 1}}\nA['a']['b'] = 2", Value::Unknown)]
#[case("A = [1]\nA[0] = 2", Value::Unknown)]
#[case("A = 'a' + 'b'", Value::Text("ab".into()))]
#[case("A = 'a' 'b'", Value::Text("ab".into()))]
#[case("A = {'a': 'b', 'c': [1]}", Value::Dict(BTreeMap::from([("a".into(), Value::Text("b".into())), ("c".into(), Value::List(vec![Value::Number(1)]))])))]
#[case("A = {'a': 1, **{'b': 2}}", Value::Unknown)]
#[case("A = '' or 'b'", Value::Text("b".into()))]
#[case("A = None or '' or 'c'", Value::Text("c".into()))]
#[case("A = 'x' and 'y'", Value::Text("y".into()))]
#[case("import os\nA = os.environ.get('X', 'd')", Value::Text("d".into()))]
#[case("import os\nA = os.getenv('X') or 'd'", Value::Text("d".into()))]
#[case("from os import environ\nA = environ.get('X', 'D').lower()", Value::Text("d".into()))]
#[case("B = 'x'\nA = B", Value::Text("x".into()))]
#[case("A = 'x' if not False else 'y'", Value::Text("x".into()))]
#[case("if None:\n    A = 1\nelif True:\n    A = 2\nelse:\n    A = 3", Value::Number(2))]
#[case("A = ['a']\nA += ['b']\nA.append('c')\nA.extend(['d'])", Value::List(["a", "b", "c", "d"].map(|t| Value::Text(t.into())).to_vec()))]
#[case("A = ('a', 'b')", Value::List(["a", "b"].map(|t| Value::Text(t.into())).to_vec()))]
#[case("A = 'a,b'.split(',')", Value::List(["a", "b"].map(|t| Value::Text(t.into())).to_vec()))]
#[case("try:\n    import gone\n    A = 1\nexcept ImportError:\n    A = 2", Value::Unknown)]
#[case("A = len('x')", Value::Unknown)]
#[case("A = 'x' % 1 if 0 else f'{1}'", Value::Unknown)]
#[case("A = 1\nfor A in []:\n    pass", Value::Unknown)]
#[case("A = 1\ndef f():\n    A = 2\nf()", Value::Number(1))]
fn expressions_are_folded_as_python_evaluates_them(#[case] text: &str, #[case] expected: Value) {
    let (known, _) = compare(text);
    assert_eq!(known.get("A"), Some(&expected), "{text}");
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "'a'",
        "''",
        "'direct'",
        "None",
        "True",
        "False",
        "0",
        "7",
        "A",
        "B",
        "os.environ.get('X')",
        "os.environ.get('X', 'y')",
        "[]",
        "['a', 'b']",
        "('a',)",
        "'L'.lower()",
        "' s '.strip()",
        "len('x')",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(3, 12, 2, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            pair.clone().prop_map(|(a, b)| format!("({a} or {b})")),
            pair.clone().prop_map(|(a, b)| format!("({a} and {b})")),
            pair.clone().prop_map(|(a, b)| format!("({a} + {b})")),
            pair.prop_map(|(a, b)| format!("({a} if {b} else {a})")),
            inner.prop_map(|a| format!("(not {a})")),
        ]
    })
}

fn statement() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["A", "B", "C"]);
    prop_oneof![
        (name.clone(), expression()).prop_map(|(name, value)| format!("{name} = {value}")),
        (name.clone(), expression())
            .prop_map(|(name, value)| format!("if {value}:\n    {name} = 'then'\nelse:\n    {name} = 'else'")),
        (name.clone(), expression())
            .prop_map(|(name, value)| format!("try:\n    {name} = {value}\nexcept Exception:\n    {name} = 'caught'")),
        (name.clone(), name).prop_map(|(a, b)| format!("for {a} in {b}:\n    {b} = {a}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Python may end early; up to there nothing that is claimed is wrong.
    #[test]
    fn what_is_claimed_of_settings_is_what_python_makes_of_them(statements in prop::collection::vec(statement(), 1..6)) {
        let text = format!("import os\nA = 'a'\nB = ['b']\n{}\n", statements.join("\n"));
        let ran: Ran = ask(&json!({"ask": "folded", "text": text}));
        if ran.ended.is_none() {
            compare(&text);
        }
    }
}
