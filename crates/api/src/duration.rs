//! Durations as users write them: `30s`, `1h30m`, `1.5h`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// What [`Duration`] reads. The API server enforces it, so every stored resource can be decoded.
const PATTERN: &str = r"^([0-9]{1,6}(\.[0-9]{1,3})?(h|m|s|ms)){1,4}$";

/// A duration, never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(std::time::Duration);

/// A text that is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not a duration; write numbers with the units h, m, s or ms, e.g. 90s or 1h30m")]
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

/// One number with its unit, in milliseconds, and the rest of the text.
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

impl From<std::time::Duration> for Duration {
    fn from(duration: std::time::Duration) -> Self {
        Self(duration)
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
