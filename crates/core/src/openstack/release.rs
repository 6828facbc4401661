//! Which OpenStack release runs, if the input shows it.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A release by year and half: 2026.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    year: u16,
    half: u8,
}

impl Release {
    /// 2026.1 is `new(2026, 1)`.
    pub const fn new(year: u16, half: u8) -> Self {
        Self { year, half }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.year, self.half)
    }
}

/// A text that is not a release.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not a release; write it as 2026.1, or by its name")]
pub struct NotARelease(String);

/// Names that image tags still use, and the release of each.
const NAMES: [(&str, Release); 11] = [
    ("wallaby", Release::new(2021, 1)),
    ("xena", Release::new(2021, 2)),
    ("yoga", Release::new(2022, 1)),
    ("zed", Release::new(2022, 2)),
    ("antelope", Release::new(2023, 1)),
    ("bobcat", Release::new(2023, 2)),
    ("caracal", Release::new(2024, 1)),
    ("dalmatian", Release::new(2024, 2)),
    ("epoxy", Release::new(2025, 1)),
    ("flamingo", Release::new(2025, 2)),
    ("gazpacho", Release::new(2026, 1)),
];

impl FromStr for Release {
    type Err = NotARelease;
    fn from_str(text: &str) -> Result<Self, NotARelease> {
        let named = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, release)| *release);
        let numbered = text.split_once('.').and_then(|(year, half)| {
            let (year, half): (u16, u8) = (year.parse().ok()?, half.parse().ok()?);
            ((2010..2100).contains(&year) && (1..=2).contains(&half)).then_some(Self { year, half })
        });
        named.or(numbered).ok_or_else(|| NotARelease(text.to_owned()))
    }
}

/// The release that an image's tag names, if it names one.
pub fn of_image(image: &str) -> Option<Release> {
    // A port has its colon before the last slash, and a digest comes after an `@`.
    let name = image.split('@').next().unwrap_or_default();
    let tag = name.rsplit('/').next().unwrap_or_default().split_once(':')?.1;
    tag.split(['-', '_', '+']).find_map(|part| {
        let part = part.strip_prefix('v').unwrap_or(part);
        let digits = part.split('.').take(2).collect::<Vec<_>>().join(".");
        part.parse().or_else(|_| digits.parse()).ok()
    })
}
