//! DU012, DU014, DU015, DU020: the Ingress, Route or HTTPRoute that leads to Glance.

use direct_upload_api::{Rule, Severity};

use crate::facts::cloud::{Cloud, Hindered};
use crate::finding::Finding;

/// What the operator's own derivation finds in the way.
pub fn hindrances(cloud: &Cloud<'_>) -> Vec<Finding> {
    cloud.hindrances.iter().map(|hindered| told(cloud, hindered)).collect()
}

fn told(cloud: &Cloud<'_>, hindered: &Hindered) -> Finding {
    let Hindered { hindrance, place, written, scope } = hindered;
    let rule = hindrance.rule;
    let severity = match (hindrance.fails && cloud.is_direct_in(scope), *written) {
        (true, _) => Severity::Error,
        // A controller's usual body limit refuses nearly every image; its usual patience does for most.
        (false, false) if rule != Rule::BodyLimit => Severity::Note,
        (false, _) => Severity::Warning,
    };
    let annotation = hindrance.field.strip_prefix("metadata.annotations[").and_then(|name| name.strip_suffix(']'));
    let found = format!("{}: {}", annotation.unwrap_or(&hindrance.field), hindrance.found);
    Finding::new(rule, severity, place, found, hindrance.fix.clone())
}
