//! What the operator's own derivation says about manifests: origins, pairs, and objections to them.
//!
//! In: a snapshot, and the operator's world for it. Out: the dashboards that Ingresses expose, what blocks
//! uploads on them, and the findings that custom resources would show in their conditions.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::web::Origin;
use direct_upload_api::{ExposureKind, Rule, Severity};
use direct_upload_core::derive::exposure_issue::policy::{self, PolicyObject};
use direct_upload_core::derive::exposure_issue::{quantity, tolerance};
use direct_upload_core::derive::{
    Backends, Exposure, ExposureIssue, Exposures, GlanceView, Intent, OwnMode, Stated, Unplaced, World, exposure_issue,
    exposures, names_service,
};
use direct_upload_core::model::{Advice, Id, Key, Problem, ResourceKind, Snapshot, Unread, Workload};
use serde_json::Value;

use super::finding::{Finding, Location};
use super::objects::Object;
use super::unit::{Program, Unit, WorkloadId};
use crate::facts::catalog::{Published, UrlSource};
use crate::facts::cloud::{Certainty, ExposedDashboard, PlacedIssue, StatedDashboard};
use crate::ingress_class;
use crate::objects::object_set::ObjectSet;

fn place(objects: &ObjectSet, kind: &str, key: &Key, field: &[&str]) -> Location {
    let missing = || Location { object: Some(Id::new(kind, key)), ..Location::default() };
    objects.named(kind, &key.namespace, &key.name).map_or_else(missing, |object| object.place(field))
}

fn place_of(objects: &ObjectSet, issue: &ExposureIssue) -> Location {
    let missing = || Location { object: Some(issue.object.clone()), ..Location::default() };
    let object = objects.of_id(&issue.object);
    object.map_or_else(|| missing().field(issue.field.clone()), |object| object.place_of(&issue.field))
}

/// What is written where an issue is.
fn value<'a>(objects: &'a ObjectSet, issue: &ExposureIssue) -> Option<&'a Value> {
    objects.of_id(&issue.object).and_then(|o| issue.field.value_in(&o.value))
}

fn workload<'a>(snapshot: &'a Snapshot, unit: &Unit) -> Option<&'a Workload> {
    let (kind, key) = unit.workload.as_ref()?;
    snapshot.workloads(*kind).get(key).ok()?.map(|workload| &**workload)
}

/// What exposes the workloads of a service.
pub(crate) fn exposures_of<'a>(snapshot: &Snapshot, units: &'a [Unit], service: Program) -> Vec<(&'a Unit, Exposures)> {
    let of_unit = |unit: &'a Unit| {
        let workload = workload(snapshot, unit)?;
        let stated = Stated { public_url: None, exposed_by: None };
        let namespace = &workload.meta.key.namespace;
        Some((unit, exposures(snapshot, stated, Ok(workload), namespace).ok()?))
    };
    units.iter().filter(|unit| unit.service() == Some(service)).filter_map(of_unit).collect()
}

/// The public URLs under which something exposes the workloads of a service.
fn exposed<'a>(
    snapshot: &Snapshot,
    objects: &ObjectSet,
    units: &'a [Unit],
    service: Program,
) -> Vec<(&'a Unit, Exposure, Location)> {
    let mut found = Vec::new();
    for (unit, exposures) in exposures_of(snapshot, units, service) {
        for exposure in exposures.urls.into_iter().filter(|e| e.url.origin().unreachable().is_none()) {
            let object = exposure.source.object();
            let place = object.map(|id| place(objects, &id.kind, &id.key, &["spec"])).unwrap_or_default();
            found.push((unit, exposure, place));
        }
    }
    found
}

/// What stops uploads on the objects that expose Glance.
pub(crate) fn issues(
    world: &World,
    snapshot: &Snapshot,
    objects: &ObjectSet,
    units: &[Unit],
    dashboards: &[ExposedDashboard],
) -> Vec<PlacedIssue> {
    let mut found = Vec::new();
    let resources = resources(world);
    let origins = |unit: &Unit| -> BTreeSet<&Origin> {
        let near = dashboards.iter().filter(|d| d.scope == unit.scope);
        let wanted = resource_of(&resources, unit).into_iter().flat_map(|view| view.public.wanted.keys());
        near.filter_map(|d| d.origin.as_ref()).chain(wanted).collect()
    };
    let mut add = |unit: &Unit, issue: ExposureIssue| {
        let view = resource_of(&resources, unit);
        if view.is_some_and(|view| sets(view, &issue)) {
            return;
        }
        let place = place_of(objects, &issue);
        let asked = view.is_some_and(|view| !view.public.wanted.is_empty());
        found.push(PlacedIssue { issue, place, asked, scope: unit.scope.clone() });
    };
    let written: Vec<PolicyObject<'_>> = objects.iter().filter(|o| !is_refused(o)).map(policy_object).collect();
    for (unit, exposures) in exposures_of(snapshot, units, Program::Glance) {
        let issues = exposure_issue::find(&ingress_class::told(objects, &exposures.exposing), &origins(unit));
        let backends = workload(snapshot, unit).and_then(|workload| Backends::find(snapshot, workload).ok());
        let is_answered =
            |issue: &ExposureIssue| backends.as_ref().is_some_and(|b| policy::is_answered(issue, &written, b));
        for mut issue in issues.into_iter().filter(|h| !is_answered(h)) {
            without_put(objects, &mut issue);
            // Read like any other text of nginx.
            if issue
                .field
                .annotation()
                .and_then(|name| name.rsplit_once('/'))
                .is_some_and(|(_, own)| SNIPPETS.contains(&own))
            {
                continue;
            }
            add(unit, issue);
        }
    }
    for unit in units.iter().filter(|unit| unit.service() == Some(Program::Glance)) {
        let backends = workload(snapshot, unit).and_then(|workload| Backends::find(snapshot, workload).ok());
        // In files, it may only lack in the input.
        let is_live = |issue: &ExposureIssue| objects.of_id(&issue.object).is_some_and(|o| o.file.is_none());
        let missing = backends.iter().flat_map(|b| policy::missing(&written, b)).map(|own| own.issue);
        let missing = missing.filter(is_live);
        let issues = backends.iter().flat_map(|b| policy::issues(&written, b, &origins(unit))).chain(missing);
        issues.for_each(|issue| add(unit, issue));
    }
    found
}

/// The Services of the workloads of Glance.
pub fn backends(snapshot: &Snapshot, units: &[Unit]) -> Vec<Backends> {
    let glances = units.iter().filter(|unit| unit.service() == Some(Program::Glance));
    glances.filter_map(|unit| Backends::find(snapshot, workload(snapshot, unit)?).ok()).collect()
}

/// Objects that lead to Glance or to a dashboard, and that nothing here reads: which, and why.
pub fn unread(snapshot: &Snapshot, units: &[Unit]) -> Vec<(String, String)> {
    let ours = units.iter().filter(|unit| unit.service().is_some());
    let backends: Vec<Backends> =
        ours.filter_map(|unit| Backends::find(snapshot, workload(snapshot, unit)?).ok()).collect();
    let named = |object: &Unread| backends.iter().find(|own| names_service(object, own));
    let told = |object: &Unread| {
        let (kind, version, services) = (&object.kind, &object.api_version, named(object)?.services.join(", "));
        Some((
            format!("{kind} {}", object.key),
            format!("it names Service {services}, and {version} {kind} is not read"),
        ))
    };
    snapshot.unread.iter().filter_map(told).collect()
}

/// Whether the operator itself will set the annotation that ends an issue.
fn sets(view: &GlanceView, issue: &ExposureIssue) -> bool {
    let Some((annotation, _)) = &issue.remedy else { return false };
    view.adjustments.iter().flatten().any(|own| {
        own.kind.to_string() == issue.object.kind
            && own.key == issue.object.key
            && own.annotations.contains_key(annotation)
    })
}

/// The Glance resources, by the workloads that they name.
fn resources(world: &World) -> BTreeMap<WorkloadId, &GlanceView> {
    let workload = |view: &GlanceView| Some(id_of(&view.public.api.tenure.named.as_ref().ok()?.workload));
    world.glances.values().filter_map(|view| Some((workload(view)?, view))).collect()
}

fn resource_of<'a>(resources: &BTreeMap<WorkloadId, &'a GlanceView>, unit: &Unit) -> Option<&'a GlanceView> {
    resources.get(unit.workload.as_ref()?).copied()
}

fn id_of(workload: &Workload) -> WorkloadId {
    (workload.kind, workload.meta.key.clone())
}

/// A controller that answers preflights with methods of its own, and without `PUT` (ingress-nginx and
/// haproxy-ingress: cors-allow-methods; their defaults have it).
fn without_put(objects: &ObjectSet, issue: &mut ExposureIssue) {
    let Some((prefix, name)) = issue.field.annotation().and_then(|name| name.rsplit_once('/')) else { return };
    if issue.rule != Rule::CorsOnTheWay || !matches!(name, "enable-cors" | "cors-enable") {
        return;
    }
    let object = objects.of_id(&issue.object);
    let methods = object.map(|o| &o.value["metadata"]["annotations"][format!("{prefix}/cors-allow-methods")]);
    let Some(methods) = methods.and_then(Value::as_str).filter(|methods| !methods.trim().is_empty()) else { return };
    if !direct_upload_core::openstack::needed::lacks(methods, &["PUT"]).is_empty() {
        issue.fails = true;
        issue.found =
            format!("the controller answers preflights instead of Glance, and {prefix}/cors-allow-methods lacks PUT");
    }
}

/// Whether an object is a policy that no controller accepts.
pub(crate) fn is_refused(object: &Object) -> bool {
    let generation = object.value["metadata"]["generation"].as_i64().unwrap_or_default();
    direct_upload_core::model::is_refused(&object.value["status"], generation)
}

/// An object as the operator's rules for policies see it.
pub(crate) fn policy_object(object: &Object) -> PolicyObject<'_> {
    let annotations = object.value["metadata"]["annotations"].as_object();
    let all = annotations.into_iter().flatten().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    PolicyObject {
        kind: object.policy_kind(),
        key: Key::new(object.namespace(), object.name()),
        annotations: all.collect(),
        labels: object.value["metadata"]["labels"]
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect(),
        controllers: object.value["status"]["parents"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|parent| parent["controllerName"].as_str())
            .collect(),
        spec: Cow::Borrowed(&object.value["spec"]),
    }
}

/// What limits bodies on the objects that expose the dashboard. Legacy uploads pass through them.
pub(crate) fn legacy_issues(
    snapshot: &Snapshot,
    objects: &ObjectSet,
    units: &[Unit],
    is_legacy: impl Fn(&Unit) -> bool,
) -> Vec<PlacedIssue> {
    let mut found = Vec::new();
    for (unit, exposures) in exposures_of(snapshot, units, Program::Horizon) {
        let issues = exposure_issue::find(&ingress_class::told(objects, &exposures.exposing), &BTreeSet::new());
        for mut issue in issues.into_iter().filter(|issue| issue.rule == Rule::BodyLimit && is_legacy(unit)) {
            let written = value(objects, &issue);
            if written
                .and_then(Value::as_str)
                .and_then(quantity::bytes)
                .is_some_and(|limit| limit >= tolerance::DELIBERATE)
            {
                issue.fails = false;
            }
            let place = place_of(objects, &issue);
            found.push(PlacedIssue { issue, place, asked: false, scope: unit.scope.clone() });
        }
    }
    found
}

/// Annotations with nginx's own text, of ingress-nginx and of F5's controller.
pub(crate) const SNIPPETS: [&str; 4] =
    ["configuration-snippet", "server-snippet", "location-snippets", "server-snippets"];

/// What leads to dashboards, each with the dashboard's scope.
pub fn exposing_dashboards(snapshot: &Snapshot, units: &[Unit]) -> Vec<(Vec<String>, Id)> {
    let all = exposures_of(snapshot, units, Program::Horizon).into_iter();
    all.flat_map(|(unit, own)| own.exposing.into_iter().map(|object| (unit.scope.clone(), object.object()))).collect()
}

/// The dashboards that Ingresses and the like expose.
pub(crate) fn dashboards(snapshot: &Snapshot, objects: &ObjectSet, units: &[Unit]) -> Vec<ExposedDashboard> {
    let found = exposed(snapshot, objects, units, Program::Horizon).into_iter();
    found
        .map(|(unit, exposure, place)| ExposedDashboard {
            host: exposure.url.origin().host().to_owned(),
            origin: Some(exposure.url.origin().clone()),
            place,
            source: exposure.source.to_string(),
            certainty: Certainty::Exposed,
            scope: unit.scope.clone(),
        })
        .collect()
}

/// Where Glance is exposed: the likely catalog URL, if nothing says what the catalog has.
pub(crate) fn endpoints(snapshot: &Snapshot, objects: &ObjectSet, units: &[Unit]) -> Vec<Published> {
    let stated = Published::find(objects);
    let found = exposed(snapshot, objects, units, Program::Glance).into_iter();
    let derived =
        found.filter(|(unit, ..)| stated.iter().all(|p| p.scope != unit.scope)).map(|(unit, exposure, place)| {
            Published { url: exposure.url.to_string(), place, scope: unit.scope.clone(), source: UrlSource::Exposed }
        });
    let derived: Vec<Published> = derived.collect();
    // A separate path is not an endpoint if the whole host is one.
    let is_part = |own: &Published| {
        let whole = |other: &Published| own.url.strip_prefix(other.url.trim_end_matches('/'));
        derived.iter().filter(|other| other.scope == own.scope).any(|other| {
            other.url.trim_end_matches('/') != own.url.trim_end_matches('/')
                && whole(other).is_some_and(|rest| rest.starts_with('/'))
        })
    };
    let whole: Vec<Published> = derived.iter().filter(|own| !is_part(own)).cloned().collect();
    stated.into_iter().chain(whole).collect()
}

/// What Horizons state, or a rehearsal found, by the workloads that they name.
pub fn stated(world: &World) -> BTreeMap<WorkloadId, StatedDashboard> {
    let stated = world.horizons.values().filter_map(|view| {
        let workload = &view.dashboard.tenure.named.as_ref().ok()?.workload;
        let size = view.dashboard.spec().and_then(|spec| spec.direct_upload.probe.put.size);
        let size = size.and_then(|size| u64::try_from(size).ok());
        Some((id_of(workload), StatedDashboard { panel: view.dashboard.panel, size }))
    });
    stated.collect()
}

/// What the conditions of custom resources would say with a rule's id.
pub(crate) fn findings(world: &World, objects: &ObjectSet, units: &[Unit]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let resources = resources(world);
    let glances = units.iter().filter(|unit| unit.service() == Some(Program::Glance));
    let read: Vec<&GlanceView> = glances.filter_map(|unit| resource_of(&resources, unit)).collect();
    // What `issues` finds, too, and with its line in the input.
    let is_found = |view: &GlanceView, issue: &ExposureIssue| {
        let kinds = [ExposureKind::Ingress, ExposureKind::Route, ExposureKind::HTTPRoute];
        let annotated = kinds.into_iter().any(|kind| issue.object.is_a(kind));
        let named = view.public.api.tenure.named.as_ref().map(|target| &target.workload.meta.key.namespace);
        let is_near = named.is_ok_and(|namespace| *namespace == issue.object.key.namespace);
        (!annotated || is_near) && read.iter().any(|own| std::ptr::eq(*own, view))
    };
    for (key, view) in world.horizons.iter() {
        let place = place(objects, ResourceKind::Horizon.name(), key, &["spec"]);
        let problems =
            [view.dashboard.exposures.as_ref().err(), view.dashboard.settings.as_ref().err().map(Unplaced::problem)];
        let endpoints = view.proof.destinations.iter().filter_map(|d| Some(d.to.endpoint.as_ref().err()?.problem()));
        let intent = match &view.intent {
            Intent::Own(OwnMode::ImportOnly, problem) => Some(problem),
            Intent::Own(OwnMode::Disabled | OwnMode::Deleted | OwnMode::NoGlance, _)
            | Intent::Direct
            | Intent::Hold(_) => None,
        };
        let problems = problems.into_iter().flatten().chain(endpoints).chain(intent);
        findings.extend(of_resource(&place, problems, &view.advice));
    }
    for view in world.accepting() {
        let (kind, key) = (view.api.resource.kind, &view.api.resource.meta.key);
        let glance = world.glances.get(key).filter(|_| kind == ResourceKind::Glance);
        let exposures = glance.and_then(|glance| glance.service.exposures.as_ref().err());
        let place = place(objects, kind.name(), key, &["spec"]);
        let problems = [exposures, view.api.asked.settings.as_ref().err()];
        let issue_of = |advice: &Advice| {
            glance.and_then(|glance| Some((glance, glance.issues.iter().find(|issue| issue.is_told_by(advice))?)))
        };
        let is_left = |advice: &&Advice| issue_of(advice).is_none_or(|(glance, issue)| !is_found(glance, issue));
        let advice: Vec<Advice> = view.advice.iter().filter(is_left).cloned().collect();
        // What it says about the user's own file has no rule here, because the rules report it with file
        // and line.
        findings.extend(of_resource(&place, problems.into_iter().flatten(), &advice));
    }
    findings
}

/// Problems and advice that name a rule, as findings.
fn of_resource<'a>(
    place: &'a Location,
    problems: impl Iterator<Item = &'a Problem>,
    advice: &'a [Advice],
) -> impl Iterator<Item = Finding> {
    let errors =
        problems.map(|problem| (Severity::Error, problem.rule, problem.found.to_string(), problem.fix.clone()));
    let advised = advice.iter().map(|advice| {
        (
            advice.severity,
            advice.rule,
            Advice { rule: None, fix: None, ..advice.clone() }.to_string(),
            advice.fix.clone(),
        )
    });
    errors.chain(advised).filter_map(|(severity, rule, found, fix)| {
        let fix = fix.unwrap_or_else(|| "see the runbook".to_owned());
        Some(Finding::new(rule?, severity, place, found, fix))
    })
}
