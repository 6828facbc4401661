//! Durations, as Go writes them.

use direct_upload_api::Duration;
use proptest::prelude::*;
use rstest::rstest;

#[rstest]
#[case("90s", 90_000, "1m30s")]
#[case("1h30m", 5_400_000, "1h30m")]
#[case("1.5h", 5_400_000, "1h30m")]
#[case("250ms", 250, "250ms")]
#[case("0s", 0, "0s")]
#[case("999999h", 3_599_996_400_000, "999999h")]
fn read_and_written(#[case] text: &str, #[case] milliseconds: u64, #[case] written: &str) {
    let read: Duration = text.parse().unwrap();
    assert_eq!(std::time::Duration::from(read), std::time::Duration::from_millis(milliseconds));
    assert_eq!(read.to_string(), written);
}

/// What a hostile user might try: numbers that overflow, signs in the middle, other digits.
#[rstest]
#[case("")]
#[case("0")]
#[case("soon")]
#[case("-5s")]
#[case("5h-3h")]
#[case("9999999999999999999999999999999999999h")]
#[case("1e9h")]
#[case("1.h")]
#[case(".5h")]
#[case("1..5h")]
#[case("5")]
#[case("٣s")]
#[case("1h1h1h1h1h")]
fn refused(#[case] text: &str) {
    text.parse::<Duration>().unwrap_err();
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[0-9.hmsnuµ+-]{0,24}|.{0,12}") {
        let schema = schemars::schema_for!(Duration);
        let pattern = regex::Regex::new(schema.get("pattern").unwrap().as_str().unwrap()).unwrap();
        let read = text.parse::<Duration>();
        prop_assert_eq!(read.is_ok(), pattern.is_match(&text), "{:?}", text);
        if let Some(duration) = read.ok().filter(|d| std::time::Duration::from(*d).as_secs() < 3_600_000_000) {
            prop_assert_eq!(duration.to_string().parse::<Duration>().unwrap(), duration);
        }
    }
}
