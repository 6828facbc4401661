//! DU003, DU004: what an upload needs beside its origin.

use direct_upload_api::{Panel, Rule, Severity};
use direct_upload_core::openstack::Release;

use crate::facts::cloud::Cloud;
use crate::facts::filter::Reading;
use crate::facts::glance::GlanceFacts;
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
        let Reading::Runs(options) = &glance.reading else { continue };
        let listed = setting.as_ref().map(|_| options.allow_headers.clone());
        let has =
            |name: &str| listed.as_ref().is_some_and(|list| list.iter().any(|item| item.eq_ignore_ascii_case(name)));
        let place = setting.as_ref().map_or(&origin.place, |s| &s.place);
        if listed.is_some() && !has("X-Auth-Token") {
            findings.push(Finding::new(
                Rule::HeaderMissing,
                refused(cloud, at),
                place,
                format!(
                    "allow_headers lacks X-Auth-Token, which carries the user's token (it replaces Glance's default list; * is not understood){}",
                    hidden_in(listed.as_deref().unwrap_or_default(), "X-Auth-Token")
                ),
                format!("allow_headers = {WHOLE}"),
            ));
        } else if !has("X-CSRFToken")
            && let Some((severity, when)) = csrf(cloud, at, glance)
            // Neither the release is known nor does anybody upload directly.
            && (severity == Severity::Error || cloud.is_direct(at))
        {
            let severity = severity.max(refused(cloud, at));
            let found = match &listed {
                Some(listed) => {
                    format!("allow_headers lacks X-CSRFToken, which {when}{}", hidden_in(listed, "X-CSRFToken"))
                }
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
pub(crate) fn csrf(cloud: &Cloud<'_>, at: usize, glance: &GlanceFacts<'_>) -> Option<(Severity, String)> {
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

/// DU024 (and DU005): the Django panel's upload has credentials.
pub(crate) fn credentials(cloud: &Cloud<'_>) -> Vec<Finding> {
    (0..cloud.glances.len()).flat_map(|at| of_panel(cloud, at)).collect()
}

/// The same of one Glance. Where it is not known which panel the dashboard has, uploads of both must be let
/// through.
pub(crate) fn of_panel(cloud: &Cloud<'_>, at: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(glance) = cloud.glances.get(at) else { return findings };
    let Reading::Runs(options) = &glance.reading else { return findings };
    let (why, or_say) = match cloud.panel_of(at) {
        Panel::Angular => return findings,
        Panel::Django => {
            ("ANGULAR_FEATURES['images_panel'] is False, and the Django panel's upload has credentials", "")
        }
        Panel::Unknown => (
            "the input does not show which image panel the dashboard has (ANGULAR_FEATURES['images_panel']), so uploads of both must pass, and the Django panel's has credentials",
            "; or, if the dashboard has the Angular panel, add its settings to the input, or say so in the Horizon resource: spec.directUpload.panel: Angular",
        ),
    };
    let severity = refused(cloud, at);
    let off = !options.allow_credentials && !options.allowed_origin.is_empty();
    if let Some(setting) = glance.cors_in_effect("allow_credentials").filter(|_| off) {
        let found = format!("allow_credentials is off; {why}: browsers refuse it");
        let option = if setting.managed {
            "spec.cors.allowCredentials: true in the Glance resource"
        } else {
            "allow_credentials = true"
        };
        findings.push(Finding::new(Rule::NoCredentials, severity, &setting.place, found, format!("{option}{or_say}")));
    }
    if let Some(setting) = glance.cors_in_effect("allowed_origin").filter(|_| needs_origins(cloud, at, glance)) {
        let found = format!("allowed_origin is *; {why}: browsers do not accept * for it");
        let fix = format!("list the dashboards' exact origins, such as https://horizon.example.com{or_say}");
        findings.push(Finding::new(Rule::AnyOrigin, severity, &setting.place, found, fix));
    }
    findings
}

/// Whether some dashboard's upload passes by `*` alone, and may be one with credentials.
pub(crate) fn needs_origins(cloud: &Cloud<'_>, at: usize, glance: &GlanceFacts<'_>) -> bool {
    let Reading::Runs(options) = &glance.reading else { return false };
    let listed = |origin: &str| options.allowed_origin.iter().any(|allowed| allowed == origin);
    let mut origins = cloud.dashboards_near(&glance.unit.scope).filter_map(|d| d.origin.as_ref()).peekable();
    listed("*")
        && cloud.panel_of(at) != Panel::Angular
        && if origins.peek().is_some() {
            origins.any(|origin| !listed(origin.as_str()))
        } else {
            options.allowed_origin.iter().all(|allowed| allowed == "*")
        }
}

/// What makes an entry of a list another one than it looks like.
fn hidden_in(items: &[String], name: &str) -> &'static str {
    let begins = |item: &&String| item.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case(name));
    match items.iter().find(begins) {
        Some(item) if super::reading::has_comment(item) => {
            "; it stands there, but a comment behind a value is part of it: put the comment on a line of its own"
        }
        Some(item) if item.split_whitespace().count() > 1 => "; it stands there, but entries are separated by commas",
        _ => "",
    }
}

/// DU004: PUT is allowed.
pub fn methods(cloud: &Cloud<'_>) -> Vec<Finding> {
    let lacks = |(at, glance): (usize, &GlanceFacts<'_>)| {
        let Reading::Runs(options) = &glance.reading else { return None };
        let setting = glance.cors_in_effect("allow_methods")?;
        let methods = options.allow_methods.clone();
        if methods.iter().any(|m| m == "PUT") {
            return None;
        }
        let lower = methods.iter().find(|m| m.eq_ignore_ascii_case("PUT"));
        let found = match lower {
            Some(lower) => format!("allow_methods holds {lower:?}; methods are compared in upper case"),
            None => format!("allow_methods lacks PUT, by which image data is sent{}", hidden_in(&methods, "PUT")),
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
