//! The request headers that Glance needs from an upload. No server or route may remove them.

use direct_upload_api::Rule;

/// One needed header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needed {
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
pub(crate) const NEEDED: [Needed; 4] = [
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
pub(crate) fn of(name: &str) -> Option<Needed> {
    NEEDED.into_iter().find(|needed| needed.name.eq_ignore_ascii_case(name))
}
