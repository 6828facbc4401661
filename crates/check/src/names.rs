//! Whose something is, by its name. Only where nothing better is known: [`glances`](crate::glances) asks for Services first.
//!
//! In: names of files, hosts, Services, labels. Out: whether they are Glance's or the dashboard's, as charts, packages and
//! people usually name them.

use serde_json::Value;

/// Whether a text in a value is of a kind.
pub fn any_text(value: &Value, is: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => is(text),
        Value::Array(items) => items.iter().any(|item| any_text(item, is)),
        Value::Object(map) => map.values().any(|item| any_text(item, is)),
        _ => false,
    }
}

/// Whether a name is Glance's.
pub(crate) fn is_glances(text: &str) -> bool {
    text.contains("glance")
}

/// Whether a name is the dashboard's.
pub(crate) fn is_dashboards(text: &str) -> bool {
    text.contains("horizon") || text.contains("dashboard")
}

/// Whether a name is Glance's or the dashboard's. Other programs have dashboards, too.
pub(crate) fn is_ours(text: &str) -> bool {
    is_glances(text) || text.contains("horizon")
}

/// What a target of a web server or proxy has, in lower case, if it is Glance: the name, or a port of its API or registry.
pub(crate) const GLANCES_TARGETS: [&str; 3] = ["glance", ":9292", ":9293"];

/// The same for the dashboard.
pub(crate) const DASHBOARDS_TARGETS: [&str; 3] = ["horizon", "openstack_dashboard", "openstack-dashboard"];

/// Whether a target in lower case is Glance.
pub(crate) fn is_glances_target(text: &str) -> bool {
    GLANCES_TARGETS.iter().any(|target| text.contains(target))
}
