//! Conditions of routes on the two requests of an upload. A header that is missing meets none. What only an unknown
//! text decides is unknown.

use regex::Regex;

use crate::openstack::cors_request::{CorsRequest, KnownText};

/// Whether a header of a request meets a test; none if that is not known.
pub(super) fn has(request: CorsRequest, name: &str, test: Test<'_>) -> Option<bool> {
    match (request.header(name), test) {
        (KnownText::Missing, _) => Some(false),
        (KnownText::Filled, Test::Any | Test::Pattern(".+" | ".*")) => Some(true),
        (KnownText::Is(value), test) => test.meets(&value),
        (KnownText::Filled | KnownText::Unknown, _) => None,
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
