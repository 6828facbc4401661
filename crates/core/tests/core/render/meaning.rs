//! `same_meaning`, held against the real parsers: it may only call equal what they read alike.

use rstest::rstest;
use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::{CorsKey, CorsValue, CorsValues};
use direct_upload_core::render::{ApiSettings, CorsSettings, File, FileFormat, glance, same_meaning, says_enough};
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

#[rstest]
#[case::comments("[cors]\na = 1\n", "# new header\n\n[cors]\na=1")]
#[case::order("[cors]\na = 1\nb = 2\n[x]\nc = 3", "[x]\nc: 3\n[cors]\nb = 2\na = 1\n")]
#[case::sets("[cors]\nallowed_origin = https://a,https://b", "[cors]\nallowed_origin = https://b, https://a")]
fn same_ini(#[case] a: &str, #[case] b: &str) {
    assert!(same_meaning(FileFormat::OsloConfig, a, b));
}

#[rstest]
#[case::value("[cors]\na = 1", "[cors]\na = 2")]
#[case::section("[cors]\na = 1", "[core]\na = 1")]
#[case::missing("[cors]\na = 1", "[cors]\na = 1\nb = 1")]
#[case::item("[cors]\nallowed_origin = https://a", "[cors]\nallowed_origin = https://a,https://b")]
#[case::list_elsewhere("[x]\nplugins = a,b", "[x]\nplugins = b,a")]
#[case::broken("[cors\na = 1", "[cors\n# x\na = 1")]
fn other_ini(#[case] a: &str, #[case] b: &str) {
    assert!(!same_meaning(FileFormat::OsloConfig, a, b));
}

#[rstest]
#[case("A = 'b'\n", "# new\n\nA = 'b'   # trailing\n\n")]
#[case("if x:\n    a()\n", "if x:\n\n    # y\n    a()  \n")]
fn same_python(#[case] a: &str, #[case] b: &str) {
    assert!(same_meaning(FileFormat::Python, a, b));
}

#[rstest]
#[case("A = 'b'", "A = 'c'")]
#[case("A = 'b#c'", "A = 'b#d'")]
#[case("A = 'b\\'#c'", "A = 'b\\'#d'")]
#[case("A = '''b\n\nc'''", "A = '''b\nc'''")]
#[case("if x:\n    a()\n    b()", "if x:\n    a()\nb()")]
#[case("A = 'b'", "A = 'b '")]
fn other_python(#[case] a: &str, #[case] b: &str) {
    assert!(!same_meaning(FileFormat::Python, a, b));
}

#[rstest]
#[case("Timeout 5\n", "# new\n\n  Timeout 5  \n")]
#[case("Timeout 5", "# a \\\n still a comment\nTimeout \\\n5")]
fn same_httpd(#[case] a: &str, #[case] b: &str) {
    assert!(same_meaning(FileFormat::Httpd, a, b));
}

#[rstest]
#[case("Timeout 5", "Timeout 6")]
#[case("Timeout 5\nTimeout 6", "Timeout 6\nTimeout 5")]
#[case("SetEnv a \"b  c\"", "SetEnv a \"b c\"")]
fn other_httpd(#[case] a: &str, #[case] b: &str) {
    assert!(!same_meaning(FileFormat::Httpd, a, b));
}

/// The file of a Glance whose resource states these headers.
fn stating(headers: &[&str]) -> File {
    let headers = headers.iter().map(|header| (*header).to_owned()).collect();
    let options = CorsValues::from([(CorsKey::AllowHeaders, CorsValue::List(headers))]);
    let cors = CorsSettings { options, ..CorsSettings::default() };
    let settings = ApiSettings { cors: Some(cors), config_dir: "/etc/glance".into(), ..ApiSettings::default() };
    glance(&settings).unwrap().remove(0)
}

/// An upgrade rolls nothing for headers that no spec requests. A spec that requests one gets it.
#[test]
fn a_file_that_lacks_only_late_headers_says_enough() {
    let file = stating(&[]);
    let earlier = file.contents.replace(",X-Image-Meta-Store,X-OpenStack-Image-Size", "");
    assert_ne!(file.contents, earlier);
    assert!(says_enough(&file, &file.contents) && says_enough(&file, &earlier));
    assert!(!says_enough(&file, &earlier.replace(",X-CSRFToken", "")), "another header is missing");
    assert!(!says_enough(&file, &earlier.replace("X-CSRFToken", "X-CSRFToken,X-Mine")), "one too many is there");
    assert!(!says_enough(&file, &earlier.replace("max_age = 3600", "max_age = 7")), "another option differs");
    assert!(!says_enough(&stating(&["X-OpenStack-Image-Size"]), &earlier), "it is asked for");
}
