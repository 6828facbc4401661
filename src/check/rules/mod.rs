//! Facts → findings. Each rule is a function of the facts alone.

mod csp;
mod endpoint;
mod exposed;
mod haproxy;
mod headers;
mod import;
mod limits;
mod options;
mod origins;
mod reading;
mod settings;
mod start;
mod unknown;
mod way;

use super::facts::Cloud;
use super::finding::Finding;
use super::rule::Severity;

/// All that is wrong.
pub fn all(cloud: &Cloud<'_>) -> Vec<Finding> {
    type RuleOf = fn(&Cloud<'_>) -> Vec<Finding>;
    const RULES: [RuleOf; 22] = [
        origins::form,
        origins::missing,
        headers::headers,
        headers::methods,
        reading::subgroups,
        reading::not_read,
        reading::overridden,
        start::flavor,
        start::program,
        start::chunked,
        endpoint::published,
        way::cors,
        options::options,
        exposed::hindrances,
        haproxy::haproxy,
        csp::connect_src,
        limits::body,
        limits::time,
        settings::no_effect,
        unknown::settings,
        import::swift,
        import::bypassed,
    ];
    RULES.iter().flat_map(|rule| rule(cloud)).collect()
}

/// How bad it is that a Glance would refuse an upload: nobody uploads directly in legacy mode, and
/// under the dashboard's own origin the browser asks nothing.
fn refused(cloud: &Cloud<'_>, glance: usize) -> Severity {
    match cloud.glances.get(glance) {
        Some(found) if cloud.is_same_origin(found.unit) => Severity::Note,
        _ if cloud.is_direct(glance) => Severity::Error,
        _ => Severity::Warning,
    }
}
