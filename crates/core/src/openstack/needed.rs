//! What uploads need: the request headers that no server or route may remove, and the headers of Glance's answers.

use direct_upload_api::Rule;

/// One needed header.
#[derive(Clone, Copy, Debug)]
pub struct Needed {
    /// In lower case.
    pub name: &'static str,
    /// The rule that reports that a server removes it.
    pub rule: Rule,
    /// What Glance does if it is missing.
    pub without: &'static str,
    pub fix: &'static str,
}

const fn cors(name: &'static str) -> Needed {
    let without = "without which Glance's CORS filter grants nothing";
    Needed { name, rule: Rule::CorsOnTheWay, without, fix: "remove it: Glance's own [cors] judges the origin" }
}

/// oslo_middleware's cors.py, and keystonemiddleware's auth_token.
pub const NEEDED: [Needed; 4] = [
    cors("origin"),
    cors("access-control-request-method"),
    cors("access-control-request-headers"),
    Needed {
        name: "x-auth-token",
        rule: Rule::OptionsFiltered,
        without: "without which Glance answers the image's PUT with 401",
        fix: "remove it: Glance checks the user's token itself",
    },
];

/// The needed header of this name.
pub fn of(name: &str) -> Option<Needed> {
    NEEDED.into_iter().find(|needed| needed.name.eq_ignore_ascii_case(name))
}

/// The header of an answer with the origin that may read it. In lower case.
pub const ALLOW_ORIGIN: &str = "access-control-allow-origin";

/// Each list, and what an upload needs in it. The type of its body is none that pages may send without asking.
pub const LISTS: [(&str, &[&str]); 2] =
    [("access-control-allow-headers", &["x-auth-token", "content-type"]), ("access-control-allow-methods", &["PUT"])];

/// What is needed and not in a list. The case of methods counts, that of headers does not (Fetch standard,
/// CORS-preflight fetch).
pub fn lacks<'n>(listed: &str, needed: &[&'n str]) -> Vec<&'n str> {
    let is = |item: &str, name: &str| item == "*" || item == name || (name != "PUT" && item.eq_ignore_ascii_case(name));
    let has = |name: &str| listed.split(',').any(|item| is(item.trim(), name));
    needed.iter().copied().filter(|name| !has(name)).collect()
}
