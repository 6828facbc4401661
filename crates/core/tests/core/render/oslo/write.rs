//! What a value, a list and a name may hold.

use direct_upload_core::render::oslo::write::{Writer, value};
use direct_upload_core::render::{FormatLimit, Unwritable};
use rstest::rstest;

fn list(items: [&str; 2]) -> Result<(), Unwritable> {
    Writer::default().set_list("option", items)
}

#[rstest]
#[case::plain("abc", "abc")]
#[case::dollar("a$b", "a$$b")]
#[case::dollar_behind_backslash(r"a\$b", r"a\\$b")]
#[case::two_dollars_behind_backslash(r"\$$", r"\\$$$")]
#[case::quoted("'a'", "\"'a'\"")]
#[case::blank(" a", "\" a\"")]
#[case::hash("#a", "#a")]
#[case::empty("", "")]
fn values(#[case] text: &str, #[case] written: &str) {
    assert_eq!(value(text).unwrap(), written);
}

#[rstest]
#[case("a\nb", FormatLimit::Control)]
#[case("a\r", FormatLimit::Control)]
#[case("a\0", FormatLimit::Control)]
#[case("a\u{85}", FormatLimit::Control)]
#[case("ä", FormatLimit::NonAscii)]
fn refused(#[case] text: &str, #[case] refusal: FormatLimit) {
    assert_eq!(value(text).unwrap_err(), Unwritable::new(text, refusal));
    assert_eq!(list(["fine", text]).unwrap_err(), Unwritable::new(text, refusal));
}

#[rstest]
#[case("a,b", FormatLimit::Comma)]
#[case(" a", FormatLimit::OuterBlank)]
#[case("a ", FormatLimit::OuterBlank)]
#[case("", FormatLimit::Empty)]
fn refused_items(#[case] item: &str, #[case] refusal: FormatLimit) {
    assert_eq!(list(["fine", item]).unwrap_err(), Unwritable::new(item, refusal));
}

#[rstest]
#[case("a]\n[b")]
#[case("")]
#[case("a=b")]
#[case("a:b")]
#[case("#a")]
fn names(#[case] name: &str) {
    Writer::default().section(name).unwrap_err();
    Writer::default().set(name, "").unwrap_err();
}
