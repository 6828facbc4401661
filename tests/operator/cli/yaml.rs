//! YAML that is printed, read back.

use direct_upload_operator::cli::yaml::document;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

#[test]
fn reads_like_kubectls() {
    let value = json!({
        "kind": "ConfigMap", "data": {"a.conf": "[cors]\nx = 1\n\n  y\n", "b": "no newline\nat end"},
        "list": [{"name": "a", "empty": {}}, ["x"], "yes", 5], "none": [], "mode": "0644", "time": "12:30", "tag": "!x",
    });
    insta::assert_snapshot!(document(&value), @r#"
    data:
      a.conf: |
        [cors]
        x = 1

          y
      b: |-
        no newline
        at end
    kind: ConfigMap
    list:
    - empty: {}
      name: a
    - - x
    - "yes"
    - 5
    mode: "0644"
    none: []
    tag: "!x"
    time: "12:30"
    "#);
}

fn any_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        ".{0,12}",
        "[ \t\na:#|>'\"{}\\[\\],&*!%@`~?-]{0,10}",
        "[0-9eE.+_xob:-]{1,8}",
        prop::sample::select(vec!["yes", "No", "~", "null", "", "y", ".inf", "0644", "1e3", "=", "<<", "2020-01-01"])
            .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text.clone().prop_filter("merge key", |k| k != "<<"), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn comes_back_as_it_was(value in any_value()) {
        let text = document(&value);
        let read: Value = serde_yaml::from_str(&text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        prop_assert_eq!(read, value, "{}", text);
    }
}
