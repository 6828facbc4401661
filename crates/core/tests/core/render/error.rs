//! What an error says about a value that no file can express.

use direct_upload_core::render::{FormatLimit, Unwritable};

#[test]
fn names_setting_value_and_way_out() {
    let error = Unwritable::new("a\nb", FormatLimit::Control).in_setting("spec.cors.allowHeaders");
    insta::assert_snapshot!(error, @r#"spec.cors.allowHeaders: "a\nb" contains a control character; remove it"#);
}

#[test]
fn long_values_are_cut() {
    let text = Unwritable::new(&"x".repeat(100_000), FormatLimit::Comma).to_string();
    assert!(text.len() < 300, "{} bytes", text.len());
}
