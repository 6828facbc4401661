//! Traefik's rules of routers (doc.traefik.io, Rules & Priority): which requests a route takes.
//!
//! In: the text of a rule. Out: its matchers, if they are joined by `&&` alone, apart from several hosts.

use std::sync::LazyLock;

use direct_upload_core::derive::exposure_issue::policy::{all, any};
use regex::Regex;

static MATCHER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(\w+)\(([^()]*)\)").ok());

/// One matcher with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Matcher {
    pub name: String,
    pub arguments: Vec<String>,
}

/// The matchers of a rule; none if the rule is of another form.
pub(crate) fn matchers(rule: &str) -> Option<Vec<Matcher>> {
    let pattern = MATCHER.as_ref()?;
    let found: Vec<Matcher> = pattern
        .captures_iter(rule)
        .map(|found| Matcher { name: found[1].to_owned(), arguments: arguments(&found[2]) })
        .collect();
    let is_negated = rule.contains('!');
    // One host or another one.
    let parts: Vec<&str> = rule.split("&&").collect();
    let is_simple = parts.iter().all(|part| !part.contains("||") || part.split("||").all(|one| one.contains("Host(")));
    (!is_negated && is_simple && !found.is_empty()).then_some(found)
}

fn arguments(text: &str) -> Vec<String> {
    text.split(',').map(|own| own.trim().trim_matches(['`', '"', '\'']).to_owned()).collect()
}

/// The hosts that a rule names.
pub(crate) fn hosts(matchers: &[Matcher]) -> Vec<String> {
    matchers.iter().filter(|own| own.name == "Host").flat_map(|own| own.arguments.clone()).collect()
}

/// Whether a rule takes a path, whatever else it asks for.
pub(crate) fn takes(matchers: &[Matcher], path: &str) -> Option<bool> {
    all(matchers.iter().map(|own| {
        any(own.arguments.iter().map(|text| match own.name.as_str() {
            "Path" => Some(path == text),
            "PathPrefix" => Some(path.starts_with(text.as_str())),
            "PathRegexp" => Regex::new(text).ok().map(|pattern| pattern.is_match(path)),
            _ => Some(true),
        }))
    }))
}
