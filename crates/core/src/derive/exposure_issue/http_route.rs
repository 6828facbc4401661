//! Timeouts and filters of HTTPRoutes.

use std::collections::BTreeSet;

use direct_upload_api::web::Origin;
use direct_upload_api::{ExposureKind, Rule};

use crate::derive::exposure_issue::{ExposureIssue, lacks, quantity, tolerance};
use crate::model::{FieldPath, HttpCors, HttpFilter, HttpRoute, HttpRule, Id, PathElement};

pub fn issues(route: &HttpRoute, rules: &[usize], origins: &BTreeSet<&Origin>) -> Vec<ExposureIssue> {
    let object = Id { kind: ExposureKind::HTTPRoute.to_string(), key: route.meta.key.clone() };
    let mut found = Vec::new();
    for (at, rule) in rules.iter().filter_map(|at| Some((at, route.spec.rules.get(*at)?))) {
        let field = || self::rule(*at);
        let issue = |rule, fails, field, what: String, fix: &str| ExposureIssue {
            rule,
            fails,
            written: true,
            object: object.clone(),
            field,
            found: what,
            fix: fix.to_owned(),
            remedy: None,
            manifest: None,
            lacks: Vec::new(),
        };
        found.extend(timeouts(rule).map(|(name, written, what)| {
            let fix = "set timeouts: {request: 0s, backendRequest: 0s}, which is no limit";
            let place = field().field("timeouts").field(name);
            ExposureIssue { written, ..issue(Rule::TooSlow, false, place, what, fix) }
        }));
        for (nth, filter) in rule.filters.iter().enumerate() {
            let place = field().field("filters").then(PathElement::Index(nth));
            let lacks = filter.cors.as_ref().map(|cors| lacking(cors, origins)).unwrap_or_default();
            if let Some(what) = without(&lacks) {
                let fix = "remove the filter, or add them to it";
                found.push(ExposureIssue { lacks, ..issue(Rule::CorsOnTheWay, true, place, what, fix) });
            } else if let Some((what, fix)) = rewrites(filter) {
                found.push(issue(Rule::CorsOnTheWay, true, place, what.to_owned(), fix));
            }
        }
    }
    found
}

/// Where a rule is.
pub(super) fn rule(at: usize) -> FieldPath {
    FieldPath::new(&["spec", "rules"]).then(PathElement::Index(at))
}

/// Which of its timeouts limits a rule, whether somebody wrote it, and its effect.
fn timeouts(rule: &HttpRule) -> Option<(&'static str, bool, String)> {
    let limits = [("request", &rule.timeouts.request), ("backendRequest", &rule.timeouts.backend_request)];
    let written = limits.iter().filter_map(|(field, time)| Some((*field, time.as_deref()?)));
    let shortest = written
        .filter_map(|(field, text)| Some((quantity::milliseconds(text, 1000)?, field, text)))
        .filter(|(time, ..)| tolerance::whole_fails(*time).is_some())
        .min();
    if let Some((_, field, text)) = shortest {
        // Gateway API lets a gateway start to count at the request's start, or after its whole body.
        return Some((
            field,
            true,
            format!("{text}: an upload that takes longer is cut, where the gateway counts from the request's start"),
        ));
    }
    let what = "is missing, so the gateway's own limit applies";
    rule.timeouts.request.is_none().then(|| ("request", false, what.to_owned()))
}

/// What the grant of a CORS filter lacks: the gateway answers preflights, not Glance.
fn lacking(cors: &HttpCors, origins: &BTreeSet<&Origin>) -> Vec<String> {
    let HttpCors { allow_origins, allow_methods, allow_headers } = cors;
    let mut lacks = lacks(&texts(allow_origins), &texts(allow_headers), origins);
    if !allow_methods.iter().any(|method| method == "PUT" || method == "*") {
        lacks.push("PUT".into());
    }
    lacks
}

fn without(lacks: &[String]) -> Option<String> {
    let what = || format!("the CORS filter answers preflights instead of Glance, without {}", lacks.join(", "));
    (!lacks.is_empty()).then(what)
}

/// A filter that writes the header that Glance writes.
fn rewrites(filter: &HttpFilter) -> Option<(&'static str, &'static str)> {
    let headers = filter.response_header_modifier.as_ref()?;
    let is_it = |name: &str| name.eq_ignore_ascii_case("Access-Control-Allow-Origin");
    let what = if headers.add.iter().any(|h| is_it(&h.name)) {
        "adds a second Access-Control-Allow-Origin to Glance's own; browsers accept only one"
    } else if headers.remove.iter().any(|name| is_it(name)) {
        "removes Glance's Access-Control-Allow-Origin"
    } else if headers.set.iter().any(|h| is_it(&h.name)) {
        "replaces Glance's Access-Control-Allow-Origin with one value for every dashboard"
    } else {
        return None;
    };
    Some((what, "remove it: Glance's own [cors] answers the browser"))
}

fn texts(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}
