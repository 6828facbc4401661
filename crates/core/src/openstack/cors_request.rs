//! The two requests of an upload, as conditions of servers and routes see them.
//!
//! What a browser sends: `OPTIONS` without token, credentials or cookie (Fetch standard, CORS-preflight fetch), then
//! `PUT` with Glance's token. Unknown stays unknown: what only an unknown text decides is not judged.

use regex::Regex;

/// Where an image's bytes go: the path that Glance itself gives them.
pub const UPLOAD_PATH: &str = "/v2/images/00000000-0000-4000-8000-000000000000/file";

/// One of the two requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CorsRequest {
    /// `OPTIONS`, with neither credentials nor a token.
    Preflight,
    /// `PUT`, with Glance's token and no other login.
    Upload,
}

/// What is known of a text that a condition looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KnownText {
    Missing,
    Is(String),
    /// It is not empty.
    Filled,
    Unknown,
}

use KnownText::{Filled, Missing, Unknown};

impl CorsRequest {
    /// The preflight, then the upload.
    pub const BOTH: [Self; 2] = [Self::Preflight, Self::Upload];

    /// Its method.
    pub const fn method(self) -> &'static str {
        match self {
            Self::Preflight => "OPTIONS",
            Self::Upload => "PUT",
        }
    }

    /// What is known of one of its headers, whichever page sends it.
    pub fn header(self, name: &str) -> KnownText {
        let is = KnownText::is;
        let [preflight, upload] = match name.to_ascii_lowercase().as_str() {
            // Envoy calls the method so.
            ":method" => return is(self.method()),
            "access-control-request-method" => [is("PUT"), Missing],
            "access-control-request-headers" => [Filled, Missing],
            "accept" => [is("*/*"), Filled],
            "origin" | "accept-language" | "accept-encoding" => [Filled, Filled],
            "content-type" => [Missing, is("application/octet-stream")],
            "x-auth-token" | "content-length" => [Missing, Filled],
            "x-csrftoken" | "x-requested-with" | "cookie" => [Missing, Unknown],
            "authorization"
            | "proxy-authorization"
            | "expect"
            | "transfer-encoding"
            | "upgrade"
            | "range"
            | "sec-fetch-user" => [Missing, Missing],
            _ => [Unknown, Unknown],
        };
        match self {
            Self::Preflight => preflight,
            Self::Upload => upload,
        }
    }
}

impl KnownText {
    /// A text that is known.
    pub fn is(text: impl Into<String>) -> Self {
        Self::Is(text.into())
    }

    /// The text, where a missing one is empty.
    pub fn text(&self) -> Option<&str> {
        match self {
            Missing => Some(""),
            Self::Is(text) => Some(text),
            Filled | Unknown => None,
        }
    }

    /// Whether there is any.
    pub const fn is_found(&self) -> Option<bool> {
        match self {
            Missing => Some(false),
            Self::Is(_) | Filled => Some(true),
            Unknown => None,
        }
    }

    /// Whether it meets a test of texts. A test that no text but the empty one meets fails for a filled one.
    pub fn meets(&self, test: impl Fn(&str) -> bool) -> Option<bool> {
        // Neither is a text that people write.
        const ANY: [&str; 2] = ["\u{1}", "\u{2}\u{2}"];
        match self {
            Filled => (!ANY.iter().any(|any| test(any)) && test("")).then_some(false),
            _ => self.text().map(test),
        }
    }

    /// The same for a pattern, which may be one that this code does not understand.
    pub fn matches(&self, pattern: &str, nocase: bool) -> Option<bool> {
        if *self == Filled && matches!(pattern, "." | ".+" | ".*" | "^.+$" | "^.*$" | "^." | "") {
            return Some(true);
        }
        let pattern = if nocase { format!("(?i){pattern}") } else { pattern.to_owned() };
        let regex = Regex::new(&pattern).ok()?;
        self.meets(|text| regex.is_match(text))
    }
}
