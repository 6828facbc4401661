//! Spans of time as users write them: `30s`, `1h30m`, `1.5h`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// What [`Duration`] reads. The API server holds users to it, so that no stored resource is one that
/// cannot be decoded.
const PATTERN: &str = r"^([0-9]{1,6}(\.[0-9]{1,3})?(h|m|s|ms)){1,4}$";

/// A span of time, never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(std::time::Duration);

/// A text that is no span of time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is no duration; write numbers with the units h, m, s or ms, e.g. 90s or 1h30m")]
pub struct NoDuration(String);

impl FromStr for Duration {
    type Err = NoDuration;

    fn from_str(text: &str) -> Result<Self, NoDuration> {
        let no = || NoDuration(text.chars().take(40).collect());
        let (mut rest, mut milliseconds) = (text, 0);
        for _ in 0..4 {
            let (part, after) = part(rest).ok_or_else(no)?;
            milliseconds += part;
            rest = after;
            if rest.is_empty() {
                return Ok(Self(std::time::Duration::from_millis(milliseconds)));
            }
        }
        Err(no())
    }
}

/// One number with its unit, in milliseconds, and what comes after it.
fn part(text: &str) -> Option<(u64, &str)> {
    let number = &text[..text.find(|c: char| !c.is_ascii_digit() && c != '.')?];
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || whole.len() > 6 || fraction.is_empty() || fraction.len() > 3 {
        return None;
    }
    let rest = &text[number.len()..];
    let units = [("ms", 1), ("h", 3_600_000), ("m", 60_000), ("s", 1000)];
    let (unit, rest) = units.iter().find_map(|(name, unit)| Some((*unit, rest.strip_prefix(name)?)))?;
    let thousandths: u64 = format!("{fraction:0<3}").parse().ok()?;
    Some((whole.parse::<u64>().ok()? * unit + thousandths * unit / 1000, rest))
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        duration.0
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_zero() {
            return f.write_str("0s");
        }
        let seconds = self.0.as_secs();
        let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
        for (number, unit) in parts.into_iter().chain([(u64::from(self.0.subsec_millis()), "ms")]) {
            if number > 0 {
                write!(f, "{number}{unit}")?;
            }
        }
        Ok(())
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Duration {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": PATTERN})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        assert_eq!(read.0, std::time::Duration::from_millis(milliseconds));
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
            let pattern = regex::Regex::new(PATTERN).unwrap();
            let read = text.parse::<Duration>();
            prop_assert_eq!(read.is_ok(), pattern.is_match(&text), "{:?}", text);
            if let Some(duration) = read.ok().filter(|d| d.0.as_secs() < 3_600_000_000) {
                prop_assert_eq!(duration.to_string().parse::<Duration>().unwrap(), duration);
            }
        }
    }
}
