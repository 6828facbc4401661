//! `same_meaning`, held against the real parsers: it may only call equal what they read alike.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_core::render::{FileFormat, same_meaning};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use test_support::oracle::ask;

/// Lines that look alike, some of which mean the same.
type Family = &'static [&'static str];

const INI: &[Family] = &[
    &["[cors]\n", "[Cors]\n", "[cors] \n", "[core]\n"],
    &["a = 1\n", "a=1\n", "a: 1 \n", "a = 1 # c\n", "a = 2\n", "b = 1\n"],
    &["", "\n", "# c\n", "; c\n", " more\n"],
    &["allowed_origin = x,y\n", "allowed_origin = y, x,\n", "allowed_origin = y\n"],
    &["plugins = x,y\n", "plugins = y,x\n"],
];

const PYTHON: &[Family] = &[
    &["A = 'b'\n", "A = 'b' # c\n", "A = 'b'  \n", "A = 'b#'\n", "A = 'b#c'\n", "A = \"b\"\n"],
    &["A = 'b\\'#'\n", "A = 'b\\'#c'\n", "A = 'b\\'#'#c\n"],
    &["", "\n", "  \n", "# c\n", "    # c\n"],
    &["if A:\n    B = 1\n    C = 1\n", "if A:\n    B = 1\n\n    C = 1 \n", "if A:\n    B = 1\nC = 1\n"],
    &["'''\n# c\n'''\n", "'''\n# c\n\n'''\n", "'''\n'''\n", "'''\n# c\n''' # d\n"],
];

/// Two texts whose lines are of the same families.
fn pair_of(families: &'static [Family]) -> impl Strategy<Value = (String, String)> {
    let lines = select(families).prop_flat_map(|family| (select(family), select(family)));
    prop::collection::vec(lines, 0..4).prop_map(|lines| lines.into_iter().unzip())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn ini_files_of_the_same_meaning_are_read_alike((a, b) in pair_of(INI)) {
        if same_meaning(FileFormat::OsloConfig, &a, &b) && a != b {
            prop_assert_eq!(options(&a), options(&b));
        }
    }

    #[test]
    fn python_files_of_the_same_meaning_are_read_alike((a, b) in pair_of(PYTHON)) {
        let read = |text: &str| -> Value { ask(&json!({"ask": "tokens", "text": text})) };
        if same_meaning(FileFormat::Python, &a, &b) && a != b {
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
                    value.trim_end_matches(',').split(',').map(|item| item.trim().to_owned()).collect()
                } else {
                    BTreeSet::from([value.clone()])
                }
            };
            options.insert((section.clone(), name.clone()), values.iter().map(set).collect());
        }
    }
    options
}
