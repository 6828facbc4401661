//! Redaction: the last filter before any output, so that no secret is ever printed.
//!
//! In: a text for people. Out: the same text without passwords in URLs and after the names that secrets have.
//! Rules quote only what they judge, which is not secret. This filter is for secrets in a wrong place.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Replaces a secret.
const MASK: &str = "***";

static USER_INFO: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"(://)[^/\s@'"]*@"#).ok());

static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?i)([a-z0-9_.-]*(?:passw(?:or)?d|secret|token|api_?key|private_?key|access_?key|secret_?key|hmac_keys|credential)[a-z0-9_.-]*["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;]+)"#)
        .ok()
});

/// Quotes of decoders for a value of the wrong type.
static QUOTED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(string |integer |floating point |boolean )("(?:[^"\\]|\\.)*"|`[^`]*`)"#).ok());

fn replace(regex: &LazyLock<Option<Regex>>, text: &str, with: &str) -> String {
    // The patterns are constants; a test checks that each compiles.
    regex.as_ref().map_or_else(|| MASK.to_owned(), |regex| regex.replace_all(text, with).into_owned())
}

/// A text that may be printed.
pub fn text(text: &str) -> String {
    let text = replace(&USER_INFO, text, "${1}***@");
    let Some(named) = NAMED.as_ref() else { return MASK.to_owned() };
    let masked = |found: &Captures<'_>| {
        if is_harmless(&found[1]) { found[0].to_owned() } else { format!("{}{MASK}", &found[1]) }
    };
    named.replace_all(&text, masked).into_owned()
}

/// A CORS option, and a field of Envoy Gateway's SecurityPolicy, have names like secrets, but are none.
fn is_harmless(name: &str) -> bool {
    let name = name.to_lowercase();
    let bare = name.trim_end_matches(['=', ':', '"', '\'', ' ', '\t']);
    ["allow_credentials", "allow-credentials", "allowcredentials", "spec.apikeyauth"]
        .iter()
        .any(|option| bare.ends_with(option))
}

/// The message of a decoder or parser, without its quotes of the value.
pub fn error(message: &str) -> String {
    text(&replace(&QUOTED, message, "${1}***"))
}
