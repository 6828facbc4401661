//! Which rule decides for each request of an upload, and what is wrong with that.
//!
//! In: the routes to Glance. Out: for each host the rules that its preflight and its PUT meet ([`Decisions`]), and
//! issues where one of the two does not reach Glance although the other does.

use std::collections::BTreeSet;

use direct_upload_api::Rule;
use serde_json::Value;

use super::route::Route;
use super::rules::{self, Candidate};
use crate::derive::exposure_issue::ExposureIssue;
use crate::model::{Id, RouteKind};
use crate::openstack::cors_request::{CorsRequest, UPLOAD_PATH};

/// The rules that may take a request of an upload.
#[derive(Default)]
pub(super) struct Decisions {
    /// Host, and the path below which Glance is published there.
    places: BTreeSet<(String, String)>,
    taking: BTreeSet<(usize, usize)>,
    found: Vec<ExposureIssue>,
}

/// The rules that one request meets: the one that certainly takes it, and those that may take it before.
struct Met<'a> {
    sure: Option<&'a Candidate<'a>>,
    maybe: Vec<&'a Candidate<'a>>,
}

/// The routes of a kind that one host's requests may meet.
struct Group<'a> {
    kind: RouteKind,
    /// Empty unless a route names it.
    host: &'a str,
    issue: Option<ExposureIssue>,
    /// Whether these routes take no upload either.
    unused: bool,
}

impl Met<'_> {
    /// No rule takes the request, or one that does not lead to Glance.
    fn misses(&self) -> bool {
        self.maybe.is_empty() && self.sure.is_none_or(|own| !own.leads)
    }
}

impl Decisions {
    /// `others`: routes that do not lead to Glance, and whose rules may take its requests.
    pub fn new<'a>(routes: &[Route<'a>], others: &[Route<'a>], services: &[&str]) -> Self {
        let all = routes.iter().chain(others);
        let all: Vec<Candidate<'_>> = all.flat_map(|route| rules::of(*route, services)).collect();
        let number = |route: Route<'_>| routes.iter().position(|own| own.is(route.object));
        let mut hosts: BTreeSet<&str> =
            all.iter().filter(|own| own.leads).flat_map(|own| &own.hosts).map(String::as_str).collect();
        if hosts.is_empty() {
            hosts.insert("");
        }
        let mut decisions = Self::default();
        let mut groups: Vec<Group<'_>> = Vec::new();
        for host in hosts {
            for anchor in routes {
                let mut group: Vec<&Candidate<'_>> =
                    all.iter().filter(|own| own.serves(host) && meet(*anchor, own.route)).collect();
                if !group.iter().any(|own| own.leads && own.route.is(anchor.object)) {
                    continue;
                }
                group.sort_by(|a, b| (b.precision(host), &b.rank).cmp(&(a.precision(host), &a.rank)));
                let Some(base) = base(&group) else {
                    decisions.taking.extend(group.iter().filter_map(|own| Some((number(own.route)?, own.at))));
                    continue;
                };
                decisions.places.insert((host.to_owned(), base.clone()));
                let [preflight, upload] = CorsRequest::BOTH.map(|request| met(&group, &base, request));
                for own in [&preflight, &upload] {
                    let taking = own.maybe.iter().chain(&own.sure);
                    decisions.taking.extend(taking.filter_map(|own| Some((number(own.route)?, own.at))));
                }
                let named = group.iter().any(|own| own.hosts.iter().any(|own| own == host));
                let issue = issue(&group, &preflight, &upload);
                let host = if named { host } else { "" };
                groups.push(Group { kind: anchor.kind, host, issue, unused: upload.misses() });
            }
        }
        for group in &groups {
            let mut others = groups.iter().filter(|own| own.issue.is_none());
            // Another kind of route may serve the host instead; one that takes no image may be for other users.
            let is_spared = others.any(|own| {
                group.unused || (!group.host.is_empty() && own.host == group.host && own.kind != group.kind)
            });
            let Some(issue) = group.issue.as_ref().filter(|_| !is_spared) else { continue };
            if !decisions.found.contains(issue) {
                decisions.found.push(issue.clone());
            }
        }
        decisions
    }

    /// Whether a rule, or an Ingress's path, may take a request of an upload.
    pub fn take(&self, route: usize, at: usize) -> bool {
        self.taking.contains(&(route, at))
    }

    /// Whether any rule of a route may.
    pub(super) fn take_any(&self, route: usize) -> bool {
        self.taking.range((route, 0)..=(route, usize::MAX)).next().is_some()
    }

    /// The URLs of an upload, at hosts that are known.
    pub fn urls(&self) -> impl Iterator<Item = String> {
        let known = self.places.iter().filter(|(host, _)| !host.is_empty() && !host.contains('*'));
        known.map(|(host, base)| format!("https://{host}{base}{UPLOAD_PATH}"))
    }

    pub fn issues(self) -> Vec<ExposureIssue> {
        self.found
    }
}

/// Whether two routes of one kind serve the same requests: at one Gateway or entry point.
fn meet(a: Route<'_>, b: Route<'_>) -> bool {
    let list = |own: Route<'_>, name: &str| own.spec[name].as_array().cloned().unwrap_or_default();
    let shared = |name: &str| {
        let (a, b) = (list(a, name), list(b, name));
        a.is_empty() || b.is_empty() || a.iter().any(|own| b.contains(own))
    };
    let same_parent = |x: &Value, y: &Value| {
        let same = |name: &str, default: [&str; 2]| {
            x[name].as_str().unwrap_or(default[0]) == y[name].as_str().unwrap_or(default[1])
        };
        let either = |name: &str| x[name].is_null() || y[name].is_null() || x[name] == y[name];
        same("name", ["", ""])
            && same("namespace", [&a.key.namespace, &b.key.namespace])
            && either("sectionName")
            && either("port")
    };
    a.kind == b.kind
        && match a.kind {
            RouteKind::HTTPRoute => {
                let (x, y) = (list(a, "parentRefs"), list(b, "parentRefs"));
                a.is(b.object) || x.iter().any(|x| y.iter().any(|y| same_parent(x, y)))
            }
            RouteKind::VirtualService => shared("gateways"),
            RouteKind::IngressRoute => shared("entryPoints"),
            RouteKind::Ingress | RouteKind::HTTPProxy => true,
        }
}

/// The path below which Glance is published: none where a rule to it takes the usual path.
fn base(group: &[&Candidate<'_>]) -> Option<String> {
    let leading = || group.iter().filter(|own| own.leads);
    if leading().any(|own| own.covers("")) {
        return Some(String::new());
    }
    leading().filter_map(|own| own.base()).min_by_key(String::len)
}

fn met<'a>(group: &[&'a Candidate<'a>], base: &str, request: CorsRequest) -> Met<'a> {
    let mut maybe = Vec::new();
    for own in group {
        match own.takes(base, request) {
            Some(true) => return Met { sure: Some(own), maybe },
            None => maybe.push(*own),
            Some(false) => {}
        }
    }
    Met { sure: None, maybe }
}

/// What is wrong where Glance's own rules take an upload's requests.
fn issue(group: &[&Candidate<'_>], preflight: &Met<'_>, upload: &Met<'_>) -> Option<ExposureIssue> {
    let first = || group.iter().find(|own| own.leads).copied();
    let (at, found, fix) = if preflight.misses() {
        let putting =
            upload.sure.filter(|own| own.leads).or_else(|| upload.maybe.iter().find(|own| own.leads).copied());
        let at = putting.or_else(first)?;
        let header = at.never_met();
        match (preflight.sure, header) {
            (Some(other), _) => (
                other,
                "it matches the preflight of an upload and sends it elsewhere, so the preflight never reaches Glance"
                    .to_owned(),
                "remove it, or except OPTIONS of /v2/images: Glance answers preflights itself",
            ),
            (None, Some(name)) => (
                at,
                format!("it forwards only requests with {name}; a preflight has none, and never reaches Glance"),
                "match only host and path: Glance checks the token itself",
            ),
            (None, None) => (
                at,
                "it forwards only some methods, and OPTIONS is not one of them, so the preflight never reaches Glance"
                    .to_owned(),
                "add OPTIONS to the methods, or match only path and host",
            ),
        }
    } else if upload.sure.is_none() && upload.maybe.is_empty() {
        (
            preflight.sure.filter(|own| own.leads).or_else(first)?,
            "it forwards the preflight, but no rule forwards the PUT of the image after it".to_owned(),
            "add PUT to the methods, or match only path and host",
        )
    } else {
        return None;
    };
    Some(ExposureIssue {
        rule: Rule::OptionsFiltered,
        fails: true,
        written: true,
        object: Id::new(at.route.object.kind, &at.route.key),
        field: at.field.clone(),
        found,
        fix: fix.to_owned(),
        remedy: None,
        manifest: None,
        lacks: Vec::new(),
    })
}
