//! DU003, DU004: what an upload needs beside its origin.

use direct_upload_api::{Rule, Severity};
use direct_upload_core::openstack::Release;

use crate::facts::cloud::Cloud;
use crate::facts::glance::{GlanceFacts, Setting};
use crate::facts::horizon::HorizonFacts;
use crate::finding::Finding;
use crate::formats::python::Value;
use crate::rules::refused;

const ALWAYS_SENT: Release = Release::new(2026, 1);

const NEVER_SENT: Release = Release::new(2026, 2);

/// DU003: Horizon's headers are allowed.
pub fn headers(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, glance) in cloud.glances.iter().enumerate() {
        let Some(origin) = glance.cors_in_effect("allowed_origin").filter(|s| !s.items().is_empty()) else { continue };
        let setting = glance.cors_in_effect("allow_headers");
        if setting.as_ref().is_some_and(Setting::is_substituted) {
            continue;
        }
        let listed = setting.as_ref().map(Setting::items);
        let has =
            |name: &str| listed.as_ref().is_some_and(|list| list.iter().any(|item| item.eq_ignore_ascii_case(name)));
        let place = setting.as_ref().map_or(&origin.place, |s| &s.place);
        if listed.is_some() && !has("X-Auth-Token") {
            findings.push(Finding::new(
                Rule::HeaderMissing,
                refused(cloud, at),
                place,
                "allow_headers lacks X-Auth-Token, which carries the user's token (it replaces Glance's default list; * is not understood)",
                format!("allow_headers = {WHOLE}"),
            ));
        } else if !has("X-CSRFToken")
            && let Some((severity, when)) = csrf(cloud, at, glance)
        {
            let severity = severity.max(refused(cloud, at));
            let found = match &listed {
                Some(_) => format!("allow_headers lacks X-CSRFToken, which {when}"),
                None => format!("allow_headers is not set, and Glance's default lacks X-CSRFToken, which {when}"),
            };
            findings.push(Finding::new(
                Rule::HeaderMissing,
                severity,
                place,
                found,
                format!("allow_headers = {WHOLE}"),
            ));
        }
    }
    findings
}

/// Glance's default and what Horizon sends beyond it.
const WHOLE: &str = "Content-MD5,X-Image-Meta-Checksum,X-Storage-Token,Accept-Encoding,X-Auth-Token,X-Identity-Status,X-Roles,X-Service-Catalog,X-User-Id,X-Tenant-Id,X-OpenStack-Request-ID,X-CSRFToken";

/// Whether Horizon sends X-CSRFToken, and who says so.
fn csrf(cloud: &Cloud<'_>, at: usize, glance: &GlanceFacts<'_>) -> Option<(Severity, String)> {
    let release =
        cloud.horizons_of(at).find_map(|h| cloud.release_of(h.unit)).or_else(|| cloud.release_of(glance.unit));
    let only = |h: &HorizonFacts<'_>| h.value("CSRF_COOKIE_HTTPONLY") == Some(&Value::Bool(true));
    let only = cloud.horizons_of(at).any(only);
    match release {
        Some(release) if release >= NEVER_SENT => None,
        Some(release) if release >= ALWAYS_SENT => Some((Severity::Error, format!("Horizon {release} always sends"))),
        _ if only => Some((Severity::Error, "Horizon sends because CSRF_COOKIE_HTTPONLY is set".into())),
        Some(_) => None,
        None => Some((Severity::Warning, "Horizon 2026.1 always sends (say which release runs with --release)".into())),
    }
}

/// DU004: PUT is allowed.
pub fn methods(cloud: &Cloud<'_>) -> Vec<Finding> {
    let lacks = |(at, glance): (usize, &GlanceFacts<'_>)| {
        let setting = glance.cors_in_effect("allow_methods").filter(|s| !s.is_substituted())?;
        let methods = setting.items();
        if methods.iter().any(|m| m == "PUT") {
            return None;
        }
        let lower = methods.iter().find(|m| m.eq_ignore_ascii_case("PUT"));
        let found = match lower {
            Some(lower) => format!("allow_methods holds {lower:?}; methods are compared in upper case"),
            None => "allow_methods lacks PUT, by which image data is sent".into(),
        };
        let severity = refused(cloud, at);
        Some(Finding::new(
            Rule::MethodMissing,
            severity,
            &setting.place,
            found,
            "allow_methods = GET,POST,PUT,DELETE,PATCH",
        ))
    };
    cloud.glances.iter().enumerate().filter_map(lacks).collect()
}
