//! Documents are read as kubectl reads them, each value with its line.

use direct_upload_core::manifests::{Document, Lines, documents};
use rstest::rstest;
use serde_json::{Value, json};

fn read(name: &str, text: &str) -> Vec<Document> {
    documents(name, text.as_bytes()).unwrap_or_else(|e| panic!("{e:?}\n{text}"))
}

#[rstest]
#[case::keys("{1: a, true: b, 0x10: c, ~x: d}", json!({"1": "a", "true": "b", "16": "c", "~x": "d"}))]
#[case::merge("a: &a {x: 1, y: 1}\nb: {<<: *a, x: 2}", json!({"a": {"x": 1, "y": 1}, "b": {"x": 2, "y": 1}}))]
#[case::merge_list("{<<: [{x: 1}, {x: 2, y: 2}], <<: {z: 3, y: 3}}", json!({"x": 1, "y": 2, "z": 3}))]
#[case::merge_nothing("{<<: [], a: 1}", json!({"a": 1}))]
#[case::no_merge("{<<: text}", json!({"<<": "text"}))]
#[case::octal("{mode: 0644, defaultMode: '0440', other: 0644}", json!({"mode": 0o644, "defaultMode": 0o440, "other": "0644"}))]
#[case::anchor_again("[&a 1, &a 2, &b 3, *a]", json!([1, 2, 3, 2]))]
#[case::key_alias("{&a x: 1, y: {*a : 2}}", json!({"x": 1, "y": {"x": 2}}))]
fn reads_as_kubectl(#[case] text: &str, #[case] value: Value) {
    assert_eq!(read("in.yaml", text)[0].value, value);
}

#[rstest]
#[case::twice("a: 1\nb: 2\na: 3", "line 3: key \"a\" appears twice")]
#[case::twice_as_text("1: a\n'1': b", "line 2: key \"1\" appears twice")]
#[case::null_key("a: 1\n~: b", "line 2: a key must be a string")]
#[case::mapping_key("a: {? {b: c} : d}", "line 1: a key must be a string")]
#[case::within_itself("a: &a\n  b: *a", "line 2: the alias is inside")]
#[case::infinite("a:\n  b: -.inf", "line 2: is not a finite number")]
#[case::tag("a:\n- !vault x", "line 2: the tag !vault means nothing")]
#[case::verbatim_tag("a: !<!x> [b]", "line 1: the tag !x means nothing")]
#[case::core_tag("a: !!int x", "line 1: is not of the type int")]
#[case::other_document("--- &a 1\n--- *a", "line 2: ")]
#[case::syntax("a:\n  b: [", "line 2: ")]
fn errors_have_lines(#[case] text: &str, #[case] said: &str) {
    let (_, what) = documents("in.yaml", text.as_bytes()).unwrap_err();
    assert!(what.starts_with(said), "{what}");
}

const TEXT: &str = "# c
---
kind: ConfigMap
data:
  a.conf: |

    [cors]
    allowed_origin = x
  b.conf: \"[cors]\\nx = 1\"
  'c d': |-   # comment
    one
---
null
---
- x
- y: z
  w: {v: 1}
";

#[rstest]
#[case::lf(TEXT.to_owned())]
#[case::crlf(TEXT.replace('\n', "\r\n"))]
fn lines_are_the_files(#[case] text: String) {
    let documents = read("in.yaml", &text);
    let line = |path: &[&str]| documents[0].node.at(path.iter().copied()).map(|n| (n.line, n.lines.clone()));
    assert_eq!(line(&["data", "a.conf"]), Some((5, Lines::From(6))));
    assert_eq!(line(&["data", "b.conf"]), Some((9, Lines::At(9))));
    assert_eq!(line(&["data", "c d"]), Some((10, Lines::From(11))));
    assert_eq!(documents[0].node.line_of(["data", "gone", "x"]), 4);
    assert_eq!((documents[1].number, documents[1].node.line_of(["1", "w", "v"])), (3, 17));
}

#[test]
fn json_has_lines() {
    let text = "{\"a\":\n  [1, {\"\\u0062\\\"\": \"\\ud83d\\ude00,}\"}]}\n{\n\"c\"\n:\nnull}";
    let documents = read("in.json", text);
    assert_eq!(documents[0].value, json!({"a": [1, {"b\"": "\u{1f600},}"}]}));
    assert_eq!(documents[0].node.line_of(["a", "1", "b\""]), 2);
    assert_eq!((documents[1].number, documents[1].node.line_of(["c"])), (2, 4));
}
