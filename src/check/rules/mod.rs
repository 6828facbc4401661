//! Facts → findings. Each rule is a function of the facts alone.

mod csp;
mod endpoint;
mod headers;
mod import;
mod limits;
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
    const RULES: [RuleOf; 18] = [
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
        way::options,
        csp::connect_src,
        limits::body,
        limits::time,
        settings::no_effect,
        unknown::settings,
    ];
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(cloud)).collect();
    findings.extend(import::swift(cloud));
    findings.extend(import::bypassed(cloud));
    findings
}

/// How bad it is that a Glance would refuse an upload: nobody uploads directly in legacy mode.
fn refused(cloud: &Cloud<'_>, glance: usize) -> Severity {
    if cloud.is_direct(glance) { Severity::Error } else { Severity::Warning }
}
