//! DU003, DU004: what an upload needs in addition to its origin.

use direct_upload_api::{CorsOption, Rule, Severity};
use direct_upload_core::openstack::Release;
use direct_upload_core::openstack::upload::HEADERS;

use crate::facts::cloud::{Cloud, PlacedIssue};
use crate::facts::filter::Reading;
use crate::facts::glance::GlanceFacts;
use crate::facts::horizon::HorizonFacts;
use crate::finding::Finding;
use crate::formats::python::Value;
use crate::rules::refused;

const ALWAYS_SENT: Release = Release::new(2026, 1);

const NEVER_SENT: Release = Release::new(2026, 2);

/// DU003: Horizon's headers must be allowed.
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
                format!("allow_headers = {}", with_needed(listed.as_deref(), csrf(cloud, at, glance).is_some())),
            ).changes(CorsOption::ALLOW_HEADERS.name));
        } else if !has("X-CSRFToken")
            && let Some((severity, when)) = csrf(cloud, at, glance)
            // The release is unknown, and nobody uploads directly.
            && (severity == Severity::Error || cloud.is_direct(at))
        {
            let severity = severity.max(refused(cloud, at));
            let found = match &listed {
                Some(listed) => {
                    format!("allow_headers lacks X-CSRFToken, which {when}{}", hidden_in(listed, "X-CSRFToken"))
                }
                None => format!("allow_headers is not set, and Glance's default lacks X-CSRFToken, which {when}"),
            };
            findings.push(
                Finding::new(
                    Rule::HeaderMissing,
                    severity,
                    place,
                    found,
                    format!("allow_headers = {}", with_needed(listed.as_deref(), true)),
                )
                .changes(CorsOption::ALLOW_HEADERS.name),
            );
        }
    }
    findings
}

/// Glance's default, and what Horizon sends in addition.
const WHOLE: &str = "Content-MD5,X-Image-Meta-Checksum,X-Storage-Token,Accept-Encoding,X-Auth-Token,X-Identity-Status,X-Roles,X-Service-Catalog,X-User-Id,X-Tenant-Id,X-OpenStack-Request-ID,X-CSRFToken";

/// The written list, and what uploads need in addition. A list replaces Glance's own.
pub(crate) fn with_needed(listed: Option<&[String]>, csrf: bool) -> String {
    let Some(listed) = listed else { return WHOLE.to_owned() };
    let is_name = |item: &&String| {
        let name = item.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$'));
        name && !item.is_empty() && !item.contains('$')
    };
    let mut names: Vec<&str> = listed.iter().filter(is_name).map(String::as_str).collect();
    for needed in ["X-Auth-Token", "X-CSRFToken"].into_iter().take(if csrf { 2 } else { 1 }) {
        if !names.iter().any(|name| name.eq_ignore_ascii_case(needed)) {
            names.push(needed);
        }
    }
    names.join(",")
}

/// `allow_headers`, if uploads need more than what is in effect.
pub(crate) fn to_write(cloud: &Cloud<'_>, at: usize, glance: &GlanceFacts<'_>) -> Option<String> {
    let sent = csrf(cloud, at, glance).is_some();
    match glance.cors_in_effect("allow_headers") {
        None => sent.then(|| WHOLE.to_owned()),
        Some(setting) => {
            let listed = setting.items();
            let written = with_needed(Some(&listed), sent);
            (written.split(',').count() > listed.len()).then_some(written)
        }
    }
}

/// Whether Horizon sends X-CSRFToken, and the source of this.
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

/// What a gateway does not allow, and no upload needs: X-CSRFToken, where Horizon's release does not send it. Without a known
/// release it is no error.
pub(crate) fn spare(cloud: &Cloud<'_>, issues: &mut [PlacedIssue]) {
    let [.., csrf_token] = HEADERS;
    let is_sent = |placed: &PlacedIssue| {
        let mut near = cloud.glances.iter().enumerate().filter(|(_, own)| own.unit.scope == placed.scope).peekable();
        near.peek().is_none()
            || near.any(|(at, glance)| csrf(cloud, at, glance).is_some_and(|(severity, _)| severity == Severity::Error))
    };
    let lacks_it_alone =
        |placed: &&mut PlacedIssue| placed.issue.rule == Rule::CorsOnTheWay && placed.issue.lacks == [csrf_token];
    for placed in issues.iter_mut().filter(lacks_it_alone) {
        if !is_sent(placed) {
            placed.issue.fails = false;
            placed.issue.found.push_str(", which Horizon sends from 2026.1 on");
        }
    }
}

/// Why an entry of a list is another one than it looks like.
fn hidden_in(items: &[String], name: &str) -> &'static str {
    let begins = |item: &&String| item.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case(name));
    match items.iter().find(begins) {
        Some(item) if super::reading::has_comment(item) => {
            "; it is there, but a comment after a value is part of the value: put the comment on a line of its own"
        }
        Some(item) if item.split_whitespace().count() > 1 => "; it is there, but commas must separate entries",
        _ => "",
    }
}

/// DU004: PUT must be allowed.
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
        Some(
            Finding::new(
                Rule::MethodMissing,
                severity,
                &setting.place,
                found,
                "allow_methods = GET,POST,PUT,DELETE,PATCH",
            )
            .changes("allow_methods"),
        )
    };
    cloud.glances.iter().enumerate().filter_map(lacks).collect()
}
