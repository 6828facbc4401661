//! The ini writer and reader, held against oslo.config.

use std::collections::BTreeMap;

use direct_upload_core::render::oslo::read::ListItem;
use direct_upload_core::render::oslo::write::Writer;
use direct_upload_core::render::{FormatLimit, Unwritable};
use proptest::prelude::*;
use serde_json::{Value, json};
use test_support::oracle::{ask, hostile};

mod write;

/// Sections, their options, and each option's values in order.
type Sections = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// Reads three options. The name of the one in the middle is one that no generated value holds: a
/// value that substitutes itself sends oslo.config into endless recursion.
fn read(text: &str, kind: &str) -> Value {
    let options = json!([["s", "before", "str"], ["s", "the_option", kind], ["s", "after", "str"]]);
    ask(&json!({"ask": "values", "text": text, "options": options}))
}

/// An option between two others, which must stay what they are.
fn between(set: impl FnOnce(&mut Writer) -> Result<(), Unwritable>) -> Result<String, Unwritable> {
    let mut ini = Writer::default();
    ini.section("s")?;
    ini.set("before", "1")?;
    set(&mut ini)?;
    ini.set("after", "2")?;
    Ok(ini.finish())
}

proptest! {
    #[test]
    fn a_value_is_refused_or_comes_out_as_it_went_in(value in hostile()) {
        match between(|ini| ini.set("the_option", &value)) {
            Ok(text) => prop_assert_eq!(read(&text, "str"), json!(["1", value, "2"])),
            Err(error) => {
                prop_assert_eq!(&error.value, &value);
                prop_assert!(!value.is_ascii() || value.contains(char::is_control), "refused without need: {}", error);
            }
        }
    }

    #[test]
    fn a_list_is_refused_or_comes_out_as_it_went_in(items in prop::collection::vec(hostile(), 0..5)) {
        match between(|ini| ini.set_list("the_option", items.iter().map(String::as_str))) {
            Ok(text) => prop_assert_eq!(read(&text, "list"), json!(["1", items, "2"])),
            Err(error) => {
                let item = &error.value;
                prop_assert!(items.contains(item));
                prop_assert!(
                    !item.is_ascii() || item.contains(char::is_control) || item.contains(',') || item.trim() != item || item.is_empty(),
                    "refused without need: {}", error
                );
            }
        }
    }

    #[test]
    fn the_reader_collects_what_oslo_config_collects(text in ini_text()) {
        let real: Option<Sections> = ask(&json!({"ask": "parse", "text": text}));
        let ours = direct_upload_core::render::oslo::read::parse(&text);
        let Some(real) = real else {
            prop_assert!(!ours.errors.is_empty(), "oslo.config refuses what we read: {:?}", ours);
            return Ok(());
        };
        prop_assert_eq!(&ours.errors, &vec![]);
        let mut collected = Sections::new();
        for a in &ours.assignments {
            let values = collected.entry(a.normalized_section()).or_default().entry(a.name.clone()).or_default();
            values.push(a.value.clone());
        }
        prop_assert_eq!(collected, real);
    }

    #[test]
    fn values_are_understood_as_oslo_config_does(raw in hostile()) {
        let raw = raw.replace(['\n', '\r'], " ");
        let text = format!("[s]\nbefore = 1\nthe_option = {raw}\nafter = 2\n");
        let parsed = direct_upload_core::render::oslo::read::parse(&text);
        let value = &parsed.get("S", "the_option").expect("set").value;

        let scalar = direct_upload_core::render::oslo::read::scalar(value);
        prop_assert_eq!(read(&text, "str"), json!(["1", scalar.known(), "2"]));

        let items: Option<Vec<String>> = direct_upload_core::render::oslo::read::list(value).iter().map(|i| i.known().map(str::to_owned)).collect();
        prop_assert_eq!(read(&text, "list"), json!(["1", items, "2"]));
    }
}

fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(texts).prop_map(str::to_owned)
}

/// Files that are nearly right, with every kind of line end.
fn ini_text() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        6 => one_of(&[
            "[cors]", "[CORS]", "[DEFAULT]", "[cors.a b]", "a = 1", "a=2", "b: c = d", "b = c: d", "a = \"q\"", "a = '", "a = 'b\"",
            "a =", " more", "\tmore", "    a = b", "# comment", "; comment", "", "   ", "a = 1 # not a comment",
            "a = x,", "  y,", "  z", "[x]  ", "a\u{a0}= \u{2003}b\u{1f}",
        ]),
        1 => one_of(&["[]", "[x", "[x] # comment", "= a", ": a", "words", "\u{feff}[cors]"]),
        1 => hostile(),
    ];
    let ended = (line, one_of(&["\n", "\n", "\r\n", "\r", ""])).prop_map(|(line, end)| format!("{line}{end}"));
    (prop::bool::weighted(0.9), prop::collection::vec(ended, 0..12))
        .prop_map(|(section, lines)| format!("{}{}", if section { "[s]\n" } else { "" }, lines.concat()))
}

#[test]
fn lines_are_numbered_and_the_last_assignment_counts() {
    let ini = direct_upload_core::render::oslo::read::parse(
        "# x\n[cors]\nallowed_origin = https://a,\n  https://b\n\nmax_age: 5\n[CORS]\nmax_age = 6\nwords\n",
    );
    let origin = ini.get("cors", "allowed_origin").expect("set");
    assert_eq!(origin.line, 3);
    assert_eq!(
        direct_upload_core::render::oslo::read::list(&origin.value),
        [ListItem::Known("https://a".into()), ListItem::Known("https://b".into())]
    );
    assert_eq!(ini.get("cors", "max_age").map(|a| (a.line, a.value.as_str())), Some((8, "6")));
    assert_eq!(ini.errors.len(), 1);
    assert_eq!(ini.errors[0].to_string(), "line 9: neither '=' nor ':': \"words\"");
}

#[test]
fn substitutions_cannot_be_known() {
    let items = direct_upload_core::render::oslo::read::list("https://$my_host:443,https://a$$b,${x.y},$1");
    let shown: Vec<Option<&str>> = items.iter().map(ListItem::known).collect();
    assert_eq!(shown, [None, Some("https://a$b"), None, Some("$1")]);
}

#[test]
fn refusals_say_why() {
    let refused = |text: &str| direct_upload_core::render::oslo::write::value(text).unwrap_err().refusal;
    assert_eq!(refused("a\n[DEFAULT]\ndebug = true"), FormatLimit::Control);
    assert_eq!(refused("münchen"), FormatLimit::NonAscii);
}
