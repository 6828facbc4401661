//! The two requests of an upload, as routes distinguish requests.
//!
//! What a browser sends: `OPTIONS` without token, credentials or cookie (Fetch standard, CORS-preflight fetch), then
//! `PUT` with Glance's token. Unknown stays unknown: a rule that only an unknown decides is not judged.

use regex::Regex;

/// The path below which Glance takes an image's bytes.
pub(super) const UPLOAD: &str = "/v2/images/00000000-0000-4000-8000-000000000000/file";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Preflight,
    Upload,
}

/// What is known of one of its headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Header {
    Missing,
    Is(&'static str),
    /// It has some value.
    Present,
    Unknown,
}

/// Name, and what the preflight and the upload have.
const HEADERS: [(&str, Header, Header); 7] = [
    (":method", Header::Is("OPTIONS"), Header::Is("PUT")),
    ("origin", Header::Present, Header::Present),
    ("access-control-request-method", Header::Is("PUT"), Header::Missing),
    ("x-auth-token", Header::Missing, Header::Present),
    ("content-type", Header::Missing, Header::Is("application/octet-stream")),
    ("authorization", Header::Missing, Header::Missing),
    ("cookie", Header::Missing, Header::Unknown),
];

impl Request {
    pub const BOTH: [Self; 2] = [Self::Preflight, Self::Upload];

    pub fn method(self) -> &'static str {
        match self {
            Self::Preflight => "OPTIONS",
            Self::Upload => "PUT",
        }
    }

    fn header(self, name: &str) -> Header {
        let known = HEADERS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name));
        known.map_or(Header::Unknown, |(_, preflight, upload)| match self {
            Self::Preflight => *preflight,
            Self::Upload => *upload,
        })
    }

    /// Whether a header of it meets a test; none if that is not known.
    pub fn has(self, name: &str, test: Test<'_>) -> Option<bool> {
        match (self.header(name), test) {
            (Header::Missing, _) => Some(false),
            (Header::Present, Test::Any | Test::Pattern(".+" | ".*")) => Some(true),
            (Header::Is(value), test) => test.meets(value),
            (Header::Present | Header::Unknown, _) => None,
        }
    }

    /// Whether it certainly lacks a header.
    pub fn lacks(self, name: &str) -> bool {
        self.header(name) == Header::Missing
    }
}

/// What a condition demands of a text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Test<'a> {
    Any,
    Exact(&'a str),
    Prefix(&'a str),
    Suffix(&'a str),
    Contains(&'a str),
    /// The pattern must match the whole text.
    Pattern(&'a str),
    /// The pattern must match a part of the text.
    Search(&'a str),
}

impl Test<'_> {
    pub fn meets(self, text: &str) -> Option<bool> {
        let matches = |pattern: &str| Regex::new(pattern).ok().map(|regex| regex.is_match(text));
        match self {
            Self::Any => Some(true),
            Self::Exact(own) => Some(own == text),
            Self::Prefix(own) => Some(text.starts_with(own)),
            Self::Suffix(own) => Some(text.ends_with(own)),
            Self::Contains(own) => Some(text.contains(own)),
            Self::Pattern(own) => matches(&format!("^(?:{own})$")),
            Self::Search(own) => matches(own),
        }
    }
}

/// Whether all hold; none if that is not known.
pub fn all(terms: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = Some(true);
    for term in terms {
        match term {
            Some(false) => return Some(false),
            None => known = None,
            Some(true) => {}
        }
    }
    known
}

/// Whether any holds.
pub fn any(terms: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    all(terms.into_iter().map(|term| term.map(|holds| !holds))).map(|none| !none)
}
