//! The whole check, step by step.
//!
//! In: a [`CheckInput`]. Out: a [`Report`]; or, of the end state of the operator's plans, the panels whose uploads
//! are refused.

use direct_upload_api::Panel;
use direct_upload_core::derive::World;
use direct_upload_core::manifests::{Input as Manifests, Manifest};
use serde_json::Value;

use crate::facts::answering;
use crate::facts::cloud::Cloud;
use crate::facts::glance::GlanceFacts;
use crate::facts::listen;
use crate::facts::page_policy;
use crate::facts::server::Server;
use crate::finding::Finding;
use crate::glances::Objects;
use crate::input::CheckInput;
use crate::objects::{self, Object};
use crate::report::Report;
use crate::unit::{self, Unit};
use crate::{controller, coverage, derived, managed, owner, redact, routes, rules, traefik};

/// Finds everything that is wrong.
pub fn check(input: CheckInput) -> Report {
    let mut units: Vec<Unit> = objects::units(&input.objects);
    units.extend(unit::of_files(input.files));
    let snippets = controller::snippets(&input.snapshot, &input.objects, &units);
    units.extend(snippets);
    let exposed = derived::dashboards(&input.snapshot, &input.objects, &units);
    let published = derived::endpoints(&input.snapshot, &input.objects, &units);
    let world = World::of(&input.snapshot);
    let mut cloud = Cloud::new(&units, exposed, published, derived::stated(&world), input.release);
    let mut issues = derived::issues(&world, &input.snapshot, &input.objects, &units, &cloud.dashboards);
    let mut lacking = controller::apply(&input.objects, &mut issues);
    issues.extend(controller::logins(&input.snapshot, &input.objects, &units));
    lacking.extend(traefik::apply(&input.objects, &units, &mut issues));
    let backends = derived::backends(&input.snapshot, &units);
    let objects = Objects { all: &input.objects, backends: &backends };
    issues.extend(routes::issues(objects));
    let glances = &cloud.glances;
    cloud.servers.retain(|server| !is_aside(objects, glances, server));
    rules::headers::spare(&cloud, &mut issues);
    routes::spare(objects, &cloud.dashboards, &mut issues);
    routes::unused(objects, &cloud.published, &mut issues);
    cloud.answering = answering::find(objects, &issues);
    cloud.answering.extend(rules::traefik::answering(&cloud));
    cloud.page_policies = page_policy::find(&input.objects, &derived::exposing_dashboards(&input.snapshot, &units));
    let is_legacy = |unit: &Unit| cloud.horizons.iter().any(|h| std::ptr::eq(h.unit, unit) && h.is_legacy());
    let mut legacy = derived::legacy_issues(&input.snapshot, &input.objects, &units, is_legacy);
    lacking.extend(controller::apply(&input.objects, &mut legacy));
    let mut findings = rules::all(&cloud, &issues, &legacy);
    findings.extend(derived::findings(&world, &input.objects, &units));
    let is_wanted = |namespace: &str| cloud.is_direct_in(&[namespace.to_owned()]);
    findings.extend(routes::redirects(objects, is_wanted));
    findings.extend(routes::answers(objects, &cloud.dashboards, is_wanted));
    let (paths, hosts) = routes::paths(objects, &cloud.published, is_wanted, |prefix| cloud.is_mounted(prefix));
    findings.extend(paths);
    findings.extend(routes::ports(objects, is_wanted));
    // The rules that the operator shares find some of these, too.
    let mut redirected = routes::redirected(objects, &cloud.published, is_wanted);
    redirected.retain(|new| !findings.iter().any(|known| known.rule == new.rule && known.place.is_within(&new.place)));
    findings.extend(redirected);
    let (cut, unread) = traefik::entry_points(objects, is_wanted);
    findings.extend(cut);
    owner::advise(&mut findings, &units);
    for finding in &mut findings {
        finding.found = redact::text(&finding.found);
        finding.fix = redact::text(&finding.fix);
    }
    findings.sort();
    findings.dedup();
    let mut unseen = input.unseen;
    unseen.extend(lacking);
    unseen.extend(controller::missing_headers(&input.snapshot, &input.objects, &units));
    unseen.extend(unread);
    unseen.extend(hosts);
    unseen.extend(coverage::gaps(&cloud, &world, &units, objects));
    for (object, why) in derived::unread(&input.snapshot, &units) {
        if !unseen.iter().any(|told| told.starts_with(&format!("{object}: "))) {
            unseen.push(format!("{object}: {why}"));
        }
    }
    Report {
        findings,
        checked: coverage::subjects(&cloud),
        unseen: unseen.iter().map(|what| redact::text(what)).collect(),
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
