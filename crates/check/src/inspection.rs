//! The whole check, step by step.
//!
//! In: a [`CheckInput`]. Out: a [`Report`]; or, of the end state of the operator's plans, the panels whose uploads
//! are refused.

use direct_upload_api::Panel;
use direct_upload_core::derive::World;
use direct_upload_core::manifests::{Input as Manifests, Manifest};
use direct_upload_core::model::Snapshot;
use direct_upload_core::openstack::Release;
use serde_json::Value;

use crate::facts::answering;
use crate::facts::cloud::{Cloud, PlacedIssue};
use crate::facts::glance::GlanceFacts;
use crate::facts::listen;
use crate::facts::page_policy;
use crate::facts::server::Server;
use crate::finding::Finding;
use crate::glances::{self, Objects};
use crate::input::CheckInput;
use crate::objects::object_set::ObjectSet;
use crate::objects::{self, Object};
use crate::report::Report;
use crate::unit::{self, ConfigFile, Unit};
use crate::{controller, coverage, derived, managed, owner, redact, routes, rules, traefik};

/// Finds everything that is wrong.
pub fn check(input: CheckInput) -> Report {
    let CheckInput { objects, snapshot, files, release, mut unseen } = input;
    let objects = ObjectSet::new(objects);
    let units = units(&objects, &snapshot, files);
    let (world, backends) = (World::of(&snapshot), derived::backends(&snapshot, &units));
    let services = glances::services(&backends);
    let objects = Objects { all: &objects, backends: &backends, services: &services };
    let inspection = Inspection { objects, snapshot: &snapshot, units: &units, world: &world };
    let mut cloud = inspection.cloud(release);
    let issues = inspection.issues(&cloud, &mut unseen);
    inspection.note_who_answers(&mut cloud, &issues);
    let legacy = inspection.legacy_issues(&cloud, &mut unseen);
    unseen.extend(controller::missing_headers(&snapshot, &objects, &units));
    let findings = inspection.findings(&cloud, &issues, &legacy, &mut unseen);
    unseen.extend(coverage::gaps(&cloud, &world, &units, objects));
    for (object, why) in derived::unread(&snapshot, &units) {
        if !unseen.iter().any(|told| told.starts_with(&format!("{object}: "))) {
            unseen.push(format!("{object}: {why}"));
        }
    }
    Report {
        findings: tidied(findings, &units),
        checked: coverage::subjects(&cloud),
        unseen: unseen.iter().map(|what| redact::text(what)).collect(),
    }
}

/// The files that belong together: of workloads, of folders, and of controllers that carry out snippets.
fn units(objects: &ObjectSet, snapshot: &Snapshot, files: Vec<(String, ConfigFile)>) -> Vec<Unit> {
    let mut units: Vec<Unit> = objects::units(objects);
    units.extend(unit::of_files(files));
    let snippets = controller::snippets(snapshot, objects, &units);
    units.extend(snippets);
    units
}

/// With advice for whose files these are, without secrets, in order.
fn tidied(mut findings: Vec<Finding>, units: &[Unit]) -> Vec<Finding> {
    owner::advise(&mut findings, units);
    for finding in &mut findings {
        finding.found = redact::text(&finding.found);
        finding.fix = redact::text(&finding.fix);
    }
    findings.sort();
    findings.dedup();
    findings
}

/// What all steps look at. Each adds to `unseen` what the input does not show.
struct Inspection<'a> {
    objects: Objects<'a>,
    snapshot: &'a Snapshot,
    units: &'a [Unit],
    world: &'a World,
}

impl<'a> Inspection<'a> {
    /// The facts of all units.
    fn cloud(&self, release: Option<Release>) -> Cloud<'a> {
        let Self { objects, snapshot, units, world } = *self;
        let exposed = derived::dashboards(snapshot, &objects, units);
        let published = derived::endpoints(snapshot, &objects, units);
        let mut cloud = Cloud::new(units, exposed, published, derived::stated(world), release);
        let glances = &cloud.glances;
        cloud.servers.retain(|server| !is_aside(objects, glances, server));
        cloud
    }

    /// What objects in front of Glance do to uploads.
    fn issues(&self, cloud: &Cloud<'_>, unseen: &mut Vec<String>) -> Vec<PlacedIssue> {
        let Self { objects, snapshot, units, world } = *self;
        let mut issues = derived::issues(world, snapshot, &objects, units, &cloud.dashboards);
        unseen.extend(controller::apply(&objects, &mut issues));
        issues.extend(controller::logins(snapshot, &objects, units));
        unseen.extend(traefik::apply(&objects, units, &mut issues));
        issues.extend(routes::issues(objects));
        rules::headers::spare(cloud, &mut issues);
        routes::spare(objects, &cloud.dashboards, &mut issues);
        routes::unused(objects, &cloud.published, &mut issues);
        issues
    }

    /// Adds what answers browsers instead of Glance or the dashboard.
    fn note_who_answers(&self, cloud: &mut Cloud<'_>, issues: &[PlacedIssue]) {
        let Self { objects, snapshot, units, .. } = *self;
        cloud.answering = answering::find(objects, issues);
        cloud.answering.extend(rules::traefik::answering(cloud));
        cloud.page_policies = page_policy::find(&objects, &derived::exposing_dashboards(snapshot, units));
    }

    /// What objects in front of dashboards in legacy mode do to uploads.
    fn legacy_issues(&self, cloud: &Cloud<'_>, unseen: &mut Vec<String>) -> Vec<PlacedIssue> {
        let is_legacy = |unit: &Unit| cloud.horizons.iter().any(|h| std::ptr::eq(h.unit, unit) && h.is_legacy());
        let mut legacy = derived::legacy_issues(self.snapshot, &self.objects, self.units, is_legacy);
        unseen.extend(controller::apply(&self.objects, &mut legacy));
        legacy
    }

    fn findings(
        &self,
        cloud: &Cloud<'_>,
        issues: &[PlacedIssue],
        legacy: &[PlacedIssue],
        unseen: &mut Vec<String>,
    ) -> Vec<Finding> {
        let Self { objects, units, world, .. } = *self;
        let is_wanted = |namespace: &str| cloud.is_direct_in(&[namespace.to_owned()]);
        let mut findings = rules::all(cloud, issues, legacy);
        findings.extend(derived::findings(world, &objects, units));
        findings.extend(routes::redirects(objects, is_wanted));
        findings.extend(routes::answers(objects, &cloud.dashboards, is_wanted));
        let (paths, hosts) = routes::paths(objects, &cloud.published, is_wanted, |prefix| cloud.is_mounted(prefix));
        findings.extend(paths);
        findings.extend(routes::ports(objects, is_wanted));
        // The rules that the operator shares find some of these, too.
        let mut redirected = routes::redirected(objects, &cloud.published, is_wanted);
        redirected
            .retain(|new| !findings.iter().any(|known| known.rule == new.rule && known.place.is_within(&new.place)));
        findings.extend(redirected);
        let (cut, unread) = traefik::entry_points(objects, is_wanted);
        findings.extend(cut);
        unseen.extend(unread);
        unseen.extend(hosts);
        findings
    }
}

/// Whether a web server in pods is a side container for something else: Services lead to the port of Glance's uWSGI, and to
/// none of the server's own.
fn is_aside(objects: Objects<'_>, glances: &[GlanceFacts<'_>], server: &Server<'_>) -> bool {
    let is_its = |glance: &&GlanceFacts<'_>| glance.unit.files.iter().any(|file| std::ptr::eq(file, server.file));
    let Some(glance) = glances.iter().find(is_its) else { return false };
    let Some(((_, key), uwsgi)) = glance.unit.workload.as_ref().zip(glance.uwsgi()) else { return false };
    let sockets = uwsgi.options.iter().filter(|own| own.name.starts_with("http"));
    let sockets: Vec<u16> = sockets.filter_map(|own| listen::port(own.value.trim())).collect();
    let ports: Option<Vec<u16>> = server.listens.iter().map(|listen| listen.port).collect();
    let is_known = ports.filter(|ports| !ports.is_empty() && !sockets.is_empty());
    is_known.is_some_and(|ports| routes::lead_to(objects, key, &sockets) && !routes::lead_to(objects, key, &ports))
}

/// Whose uploads each Glance refuses because of the dashboard's image panel (DU024, DU005), after the
/// operator's plans: the panel, if the input shows it, and what is wrong. `end`: the objects as they are
/// then.
pub fn refused_panels(before: &Manifests, end: Vec<Value>) -> Vec<(Panel, Finding)> {
    let object = |m: &Manifest| Object { value: m.object.clone(), file: Some(m.place.file.clone()), node: None };
    let mut objects: Vec<Object> = before.manifests.iter().map(object).collect();
    managed::put(&mut objects, end);
    let objects = ObjectSet::new(objects);
    let units = objects::units(&objects);
    let exposed = derived::dashboards(&before.snapshot, &objects, &units);
    let stated = derived::stated(&World::of(&before.snapshot));
    let cloud = Cloud::new(&units, exposed, Vec::new(), stated, None);
    let refused = |at| {
        let findings = rules::credentials::of_panel(&cloud, at).into_iter();
        findings.map(|finding| (cloud.panel_of(at), finding)).collect::<Vec<_>>()
    };
    (0..cloud.glances.len()).flat_map(refused).collect()
}
