//! `same_meaning`, held against the real parsers: it may only call equal what they read alike.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_operator::render::{Format, same_meaning};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::render_oracle::ask;

fn text_of(lines: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(lines), 0..5).prop_map(|lines| lines.concat())
}

const INI: &[&str] = &[
    "[cors]\n", "[Cors]\n", "a = 1\n", "a=1\n", "a = 2\n", "b = 1\n", "# c\n", "\n", " more\n",
    "allowed_origin = x,y\n", "allowed_origin = y, x\n", "allowed_origin = y\n",
];

const PYTHON: &[&str] = &[
    "A = 'b'\n", "A = 'b' # c\n", "A = 'b#'\n", "A = \"b\"\n", "# c\n", "\n", "  \n", "if A:\n", "    B = 1\n", "    B = 1  \n",
    "B = 1\n", "'''\n# c\n\n'''\n", "A = 'b\\'#'\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn ini(a in text_of(INI), b in text_of(INI)) {
        if same_meaning(Format::OsloConfig, &a, &b) && a != b {
            prop_assert_eq!(options(&a), options(&b));
        }
    }

    #[test]
    fn python(a in text_of(PYTHON), b in text_of(PYTHON)) {
        let read = |text: &str| -> Value { ask(&json!({"ask": "tokens", "text": text})) };
        if same_meaning(Format::Python, &a, &b) && a != b {
            prop_assert_eq!(read(&a), read(&b));
        }
    }
}

/// What oslo.config collects, the origins as a set.
fn options(text: &str) -> BTreeMap<(String, String), Vec<BTreeSet<String>>> {
    let read: Option<BTreeMap<String, BTreeMap<String, Vec<String>>>> = ask(&json!({"ask": "parse", "text": text}));
    let mut options = BTreeMap::new();
    for (section, of_section) in read.expect("files with errors are the same only byte for byte") {
        for (name, values) in of_section {
            let set = |value: &String| -> BTreeSet<String> {
                if name == "allowed_origin" {
                    value.split(',').map(|item| item.trim().to_owned()).collect()
                } else {
                    BTreeSet::from([value.clone()])
                }
            };
            options.insert((section.clone(), name.clone()), values.iter().map(set).collect());
        }
    }
    options
}
