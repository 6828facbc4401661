//! Which policies hold for a route.
//!
//! In: the routes to Glance, and the policies among the objects. Out: what they say together ([`Effective`]).
//!
//! Envoy Gateway (API reference, PolicyTargetReferences and mergeType; internal/gatewayapi): a rule's policy counts
//! before its route's, then a ListenerSet's, then a Gateway's; the one for a single listener before the one for all. It
//! replaces the others, unless its `mergeType` merges it into the nearest of them. NGINX Gateway Fabric: a
//! ClientSettingsPolicy becomes directives of nginx, which a location inherits one by one.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube_core::labels::{Selector, SelectorExt as _};
use serde_json::{Value, json};

use super::PolicyObject;
use super::parents::{Parent, parents};
use super::path::{Path, kind_of, targets};
use super::route::Route;
use crate::derive::exposure::parent::ParentKind;
use crate::model::{FieldPath, Key, PolicyKind, RouteKind};

const KINDS: [PolicyKind; 4] = [
    PolicyKind::ClientTrafficPolicy,
    PolicyKind::BackendTrafficPolicy,
    PolicyKind::SecurityPolicy,
    PolicyKind::ClientSettingsPolicy,
];

/// A policy that holds for some routes, with those that it is merged into.
pub(super) struct Effective<'a> {
    pub policy: &'a PolicyObject<'a>,
    /// The nearest first.
    parents: Vec<&'a PolicyObject<'a>>,
    /// The routes for which it holds.
    pub routes: Vec<Route<'a>>,
}

impl<'a> Effective<'a> {
    /// An object that holds by itself.
    pub fn alone(policy: &'a PolicyObject<'a>) -> Self {
        Self { policy, parents: Vec::new(), routes: Vec::new() }
    }

    /// What the policies say together.
    pub fn spec(&self) -> Cow<'a, Value> {
        if self.parents.is_empty() {
            return Cow::Borrowed(&self.policy.spec);
        }
        let mut spec = Value::Null;
        for own in self.parents.iter().rev().chain([&self.policy]) {
            merge(&mut spec, &own.spec);
        }
        Cow::Owned(spec)
    }

    /// The object in which a field is written.
    pub fn writer(&self, field: &FieldPath) -> &'a PolicyObject<'a> {
        let has = |own: &&PolicyObject<'_>| field.value_in_spec(&own.spec).is_some();
        [self.policy].into_iter().chain(self.parents.iter().copied()).find(has).unwrap_or(self.policy)
    }

    fn is(&self, other: &Self) -> bool {
        let same = |a: &&PolicyObject<'_>, b: &&PolicyObject<'_>| std::ptr::eq(*a, *b);
        std::ptr::eq(self.policy, other.policy)
            && self.parents.len() == other.parents.len()
            && self.parents.iter().zip(&other.parents).all(|(a, b)| same(a, b))
    }
}

/// Writes what the nearer one says over the other.
fn merge(value: &mut Value, nearer: &Value) {
    match (value, nearer) {
        (Value::Object(fields), Value::Object(nearer)) => {
            for (name, own) in nearer {
                merge(fields.entry(name.clone()).or_insert(Value::Null), own);
            }
        }
        (value, nearer) => *value = nearer.clone(),
    }
}

/// One parent of a route to Glance.
struct Attachment<'a> {
    route: Route<'a>,
    parent: Option<Parent>,
    /// The parent, or that of the parent.
    gateway: Option<Key>,
    /// The listener that the route names.
    section: Option<&'a str>,
}

/// All policies that hold for routes to Glance.
pub(super) fn effective<'a>(objects: &'a [PolicyObject<'a>], through: &Path<'a>) -> Vec<Effective<'a>> {
    let mut found: Vec<Effective<'a>> = Vec::new();
    for attachment in attachments(objects, through) {
        for kind in KINDS {
            for own in of_attachment(objects, through, &attachment, kind) {
                match found.iter_mut().find(|other| other.is(&own)) {
                    Some(other) => other.routes.push(attachment.route),
                    None => found.push(Effective { routes: vec![attachment.route], ..own }),
                }
            }
        }
    }
    found
}

fn of_attachment<'a>(
    objects: &'a [PolicyObject<'a>],
    through: &Path<'a>,
    attachment: &Attachment<'a>,
    kind: PolicyKind,
) -> Vec<Effective<'a>> {
    let policies = objects.iter().filter(|own| own.kind == kind);
    let mut applied: Vec<(u8, &PolicyObject<'_>)> =
        policies.filter_map(|own| Some((attachment.nearness(objects, through, own)?, own))).collect();
    applied.sort_by_key(|(nearness, _)| Reverse(*nearness));
    let Some((nearest, first)) = applied.first().copied() else { return Vec::new() };
    let farther: Vec<_> = applied.iter().filter(|(own, _)| *own < nearest).copied().collect();
    if kind == PolicyKind::ClientSettingsPolicy {
        let parents = applied.iter().skip(1).map(|(_, own)| *own).collect();
        return vec![Effective { policy: first, parents, routes: Vec::new() }];
    }
    let next = farther.first().map(|(own, _)| *own);
    let of = |policy: &'a PolicyObject<'a>| {
        let merges = policy.spec["mergeType"].is_string();
        let parents = farther.iter().filter(|(own, _)| merges && Some(*own) == next).map(|(_, own)| *own).take(1);
        Effective { policy, parents: parents.collect(), routes: Vec::new() }
    };
    applied.iter().filter(|(own, _)| *own == nearest).map(|(_, own)| of(own)).collect()
}

fn attachments<'a>(objects: &'a [PolicyObject<'a>], through: &Path<'a>) -> Vec<Attachment<'a>> {
    let mut found = Vec::new();
    for route in through.routes.iter().copied().filter(|route| route.kind == RouteKind::HTTPRoute) {
        if route.spec["parentRefs"].as_array().is_none_or(Vec::is_empty) {
            found.push(Attachment { route, parent: None, gateway: None, section: None });
        }
        for (parent, reference) in parents(route.object) {
            let (gateway, section) = (parent.gateway(objects), reference["sectionName"].as_str());
            found.push(Attachment { route, parent: Some(parent), gateway, section });
        }
    }
    found
}

impl Attachment<'_> {
    /// How near a policy is to the requests; none if it does not hold for them.
    fn nearness(&self, objects: &[PolicyObject<'_>], through: &Path<'_>, policy: &PolicyObject<'_>) -> Option<u8> {
        let named = targets(&policy.spec).filter_map(|target| {
            let key = Key::new(policy.key.namespace.clone(), target["name"].as_str().unwrap_or_default());
            self.of_target(through, kind_of(target), &key, target["sectionName"].as_str())
        });
        let selected = policy.spec["targetSelectors"].as_array().into_iter().flatten().filter_map(|selector| {
            let kind = kind_of(selector);
            let near = |own: &&PolicyObject<'_>| own.kind == kind && own.key.namespace == policy.key.namespace;
            let mut chosen = objects.iter().filter(near).filter(|own| selects(selector, &own.labels));
            chosen.find_map(|own| self.of_target(through, kind, &own.key, None))
        });
        named.chain(selected).max()
    }

    fn of_target(&self, through: &Path<'_>, kind: PolicyKind, key: &Key, section: Option<&str>) -> Option<u8> {
        // Where the route names no listener, it may be at any.
        let listens = || section.is_none_or(|name| self.section.is_none_or(|own| own == name));
        let single = u8::from(section.is_some());
        match ParentKind::of(kind) {
            Some(ParentKind::Gateway) => {
                let is_parent = self.parent.as_ref().is_none_or(|own| own.kind == ParentKind::Gateway);
                // A section of the Gateway is no listener of a ListenerSet.
                let may_listen = is_parent || section.is_none();
                (self.gateway.as_ref() == Some(key) && may_listen && listens()).then_some(single)
            }
            Some(set @ ParentKind::Set(_)) => {
                let is_it = self.parent.as_ref().is_some_and(|own| own.kind == set && own.key == *key);
                (is_it && listens()).then_some(2 + single)
            }
            None => {
                // A section of an HTTPRoute is a rule by name.
                let takes =
                    |name: &str| through.met(&self.route).iter().any(|(_, rule)| rule["name"].as_str() == Some(name));
                let is_it = kind == self.route.object.kind && self.route.key == *key;
                (is_it && section.is_none_or(takes)).then_some(4 + single)
            }
        }
    }
}

/// Whether a LabelSelector (meta/v1) selects what has these labels. An empty one selects everything.
pub fn selects(selector: &Value, labels: &BTreeMap<String, String>) -> bool {
    let own = json!({"matchLabels": selector["matchLabels"], "matchExpressions": selector["matchExpressions"]});
    let own = serde_json::from_value::<LabelSelector>(own).ok().and_then(|own| Selector::try_from(own).ok());
    own.is_some_and(|own| own.matches(labels))
}
