//! Which rules of a VirtualService lead to the workload, its own and those that it delegates to.

use super::names::{is_exported, service_of};
use crate::derive::exposure::backends::Backends;
use crate::derive::exposure::exposing::Notes;
use crate::model::{
    Delegate, IstioHttpMatch, IstioHttpRoute, IstioL4Route, IstioRouted, Key, Problem, Snapshot, StringMatch,
    VirtualService,
};

/// The parts of a VirtualService that lead to the workload.
pub(super) struct Leading<'a> {
    /// The matches of each rule; none: it takes all requests.
    pub http: Vec<Vec<IstioHttpMatch>>,
    pub tls: Vec<&'a IstioL4Route>,
    pub tcp: Vec<&'a IstioL4Route>,
}

impl<'a> Leading<'a> {
    pub fn of(
        snapshot: &Snapshot,
        service: &'a VirtualService,
        backends: &Backends,
        notes: &mut Notes<'_>,
    ) -> Result<Self, Problem> {
        let (own, spec) = (&service.meta.key.namespace, &service.spec);
        let mut http = Vec::new();
        let serves = |rule: &&IstioHttpRoute| rule.redirect.is_none() && rule.direct_response.is_none();
        let to_here =
            |rule: &IstioHttpRoute| rule.delegate.is_some() || (serves(&rule) && leads(own, &rule.route, backends));
        // The first rule that matches counts (virtual_service.proto, `http`).
        let takes_all = |rule: &IstioHttpRoute| is_catch_all(rule) && !to_here(rule);
        let end = spec.http.iter().position(takes_all).unwrap_or(spec.http.len());
        if spec.http[end..].iter().any(to_here) {
            notes.add(format!("spec.http[{end}] takes all requests, and leads elsewhere; rules after it get none"));
        }
        for rule in spec.http[..end].iter().filter(serves) {
            let Some(delegate) = &rule.delegate else {
                http.extend(leads(own, &rule.route, backends).then(|| rule.matches.clone()));
                continue;
            };
            let key = Key::new(delegate.namespace.as_deref().unwrap_or(own), delegate.name.clone());
            if key.namespace != *own && key.namespace != backends.namespace {
                notes.add(format!(
                    "it delegates to VirtualService {key}, which is in a third namespace, where this program does not look"
                ));
                continue;
            }
            let Some(to) = snapshot.virtual_services.get(&key)? else {
                notes.add(format!("it delegates to VirtualService {key}, which does not exist"));
                continue;
            };
            if !to.spec.hosts.is_empty() || !is_exported(to, own) {
                notes.add(format!("it delegates to VirtualService {key}, which has hosts or is not exported to {own}"));
                continue;
            }
            let further = to.spec.http.iter().filter(serves);
            for sub in further.filter(|sub| leads(&key.namespace, &sub.route, backends)) {
                match merged(&rule.matches, &sub.matches) {
                    Some(matches) => http.push(matches),
                    None => {
                        notes.add(format!("a rule of VirtualService {key} contradicts the one that delegates to it"));
                    }
                }
            }
        }
        let leading = |rule: &&IstioL4Route| leads(own, &rule.route, backends);
        Ok(Self {
            http,
            tls: spec.tls.iter().filter(leading).collect(),
            tcp: spec.tcp.iter().filter(leading).collect(),
        })
    }

    pub fn is_empty(&self) -> bool {
        self.http.is_empty() && self.tls.is_empty() && self.tcp.is_empty()
    }
}

/// Whether Istio reads no further rule after this one (`IsCatchAllRoute` in pilot/pkg/networking/core/route/route.go).
fn is_catch_all(rule: &IstioHttpRoute) -> bool {
    let root = StringMatch { prefix: Some("/".to_owned()), ..StringMatch::default() };
    let is_root =
        |own: &IstioHttpMatch| *own == IstioHttpMatch { uri: Some(root.clone()), ..IstioHttpMatch::default() };
    rule.matches.is_empty() || rule.matches.iter().any(is_root)
}

/// The matches of a rule that delegates and of one that is delegated to, together (`mergeHTTPMatchRequests`);
/// none if they contradict each other.
fn merged(root: &[IstioHttpMatch], leaf: &[IstioHttpMatch]) -> Option<Vec<IstioHttpMatch>> {
    if root.is_empty() || leaf.is_empty() {
        return Some([root, leaf].concat());
    }
    let mut merged = Vec::new();
    for leaf in leaf {
        let before = merged.len();
        for root in root.iter().filter(|root| agree(root, leaf)) {
            merged.push(IstioHttpMatch {
                uri: leaf.uri.clone().or_else(|| root.uri.clone()),
                scheme: leaf.scheme.clone().or_else(|| root.scheme.clone()),
                authority: leaf.authority.clone().or_else(|| root.authority.clone()),
                port: leaf.port.or(root.port),
                gateways: if leaf.gateways.is_empty() { root.gateways.clone() } else { leaf.gateways.clone() },
                headers: root.headers.iter().chain(&leaf.headers).map(|(k, v)| (k.clone(), v.clone())).collect(),
                query_params: root
                    .query_params
                    .iter()
                    .chain(&leaf.query_params)
                    .map(|(k, v)| (k.clone(), v.clone()))
                    .collect(),
            });
        }
        if merged.len() == before {
            return None;
        }
    }
    Some(merged)
}

fn agree(root: &IstioHttpMatch, leaf: &IstioHttpMatch) -> bool {
    let texts = [(&root.uri, &leaf.uri), (&root.scheme, &leaf.scheme), (&root.authority, &leaf.authority)];
    let ports = root.port.zip(leaf.port).is_none_or(|(root, leaf)| root == leaf);
    ports && texts.into_iter().all(|pair| !matches!(pair, (Some(root), Some(leaf)) if !holds(root, leaf)))
}

/// Whether the root matches everything that the leaf matches.
fn holds(root: &StringMatch, leaf: &StringMatch) -> bool {
    match (root, leaf) {
        (StringMatch { exact: Some(root), .. }, StringMatch { exact: Some(leaf), .. }) => root == leaf,
        (StringMatch { prefix: Some(root), .. }, StringMatch { exact: Some(leaf), .. })
        | (StringMatch { prefix: Some(root), .. }, StringMatch { prefix: Some(leaf), .. }) => leaf.starts_with(root),
        _ => false,
    }
}

/// Whether any of the shares that get something goes to one of the Services.
fn leads(own: &str, routes: &[IstioRouted], backends: &Backends) -> bool {
    // A single one gets all, whatever its weight.
    let gets = |routed: &&IstioRouted| routes.len() == 1 || routed.weight.is_some_and(|weight| weight > 0);
    routes.iter().filter(gets).any(|routed| service_of(own, routed).is_some_and(|service| backends.has(&service)))
}

/// A VirtualService without hosts, to which no VirtualService in the snapshot delegates.
pub(super) fn notes_of_delegate(snapshot: &Snapshot, service: &VirtualService, notes: &mut Notes<'_>) {
    let key = &service.meta.key;
    let names_it = |rule: &IstioHttpRoute, own: &str| {
        let is_it = |to: &Delegate| to.name == key.name && to.namespace.as_deref().unwrap_or(own) == key.namespace;
        rule.delegate.as_ref().is_some_and(is_it)
    };
    let mut all = snapshot.virtual_services.all();
    if !all.any(|(other, root)| root.spec.http.iter().any(|rule| names_it(rule, &other.namespace))) {
        notes.add(
            "it has no hosts, and no VirtualService that is seen delegates to it; if one of another namespace does, name \
             that one in spec.exposedBy",
        );
    }
}
