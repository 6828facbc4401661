//! The view of an OpenStackAPI: that of a Glance to which nobody uploads.
//!
//! In: the resource, the Horizons and the dashboards that it names. Out: a [`GlanceView`] with the
//! table of its own [`OpenStackService`]. All that makes an API accept an origin, roll, and let go of it late is
//! the same for each service; only Glance has partners, httpd, drain and an exposure beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use direct_upload_api::web::Origin;
use direct_upload_api::{ApiCors, GlanceCors, GlancePaths, GlanceSpec, OpenStackApiSpec, WorkloadKind};

use super::exposure::{self, Stated};
use super::glance::GlanceView;
use super::horizon::HorizonView;
use crate::model::{Advice, ApiObject, GlanceObject, Key, Problem, Snapshot, describe};
use crate::openstack::{GLANCE, OpenStackService};

fn lowered(spec: &OpenStackApiSpec) -> GlanceSpec {
    let ApiCors { allowed_origins, allow_headers, expose_headers, allow_credentials, max_age, retire_after, .. } =
        spec.cors.clone();
    GlanceSpec {
        suspend: spec.suspend,
        workload_ref: spec.workload_ref.clone(),
        layout: spec.layout,
        paths: GlancePaths {
            config_file: spec.paths.config_file.clone(),
            config_dir: spec.paths.config_dir.clone(),
            ..GlancePaths::default()
        },
        cors: GlanceCors {
            allowed_origins,
            allow_headers,
            expose_headers,
            allow_credentials,
            max_age,
            retire_after,
            ..GlanceCors::default()
        },
        rollout: spec.rollout.clone(),
        deletion: spec.deletion.clone(),
        ..GlanceSpec::default()
    }
}

/// All of them, each with the origins that it is asked for.
pub fn views(snapshot: &Snapshot, horizons: &BTreeMap<Key, HorizonView>) -> BTreeMap<Key, GlanceView> {
    snapshot.apis.all().map(|(key, object)| (key.clone(), view(snapshot, horizons, object))).collect()
}

fn view(snapshot: &Snapshot, horizons: &BTreeMap<Key, HorizonView>, object: &ApiObject) -> GlanceView {
    let service = object.spec.as_ref().map_or(&UNREADABLE, |spec| spec.service.into());
    let lowered = GlanceObject {
        meta: object.meta.clone(),
        finalizer: object.finalizer,
        spec: object.spec.as_ref().map(lowered).map_err(Clone::clone),
        status: object.status.clone(),
    };
    let mut view = GlanceView::of(snapshot, &Arc::new(lowered), service);
    if let Ok(spec) = &object.spec {
        for named in &spec.cors.horizons {
            let key = Key::new(named.namespace.as_ref().unwrap_or(&object.meta.key.namespace), named.name.clone());
            let origins = of_horizon(snapshot, horizons, &key);
            accept(&mut view, &format!("Horizon {key}"), origins);
        }
        for named in &spec.cors.dashboards {
            let key = Key::new(object.meta.key.namespace.clone(), named.name.clone());
            let origins = of_dashboard(snapshot, named.kind, &key);
            accept(&mut view, &describe(named.kind, &key), origins);
        }
    }
    view
}

/// Stands for a service whose name this version cannot read: nothing is rendered for it.
const UNREADABLE: OpenStackService = OpenStackService { kind: crate::openstack::API, ..GLANCE };

/// The origins; none of a Horizon that is not there, or goes away.
fn of_horizon(
    snapshot: &Snapshot,
    horizons: &BTreeMap<Key, HorizonView>,
    key: &Key,
) -> Result<Vec<Origin>, (Problem, bool)> {
    match horizons.get(key) {
        Some(view) if view.object.meta.deleting.is_some() => Ok(Vec::new()),
        Some(view) => view.origins().map(|origins| origins.into_iter().collect()).map_err(graded),
        None => {
            snapshot.horizons.known(&key.namespace).map_err(|unknown| graded(unknown.into()))?;
            Err((Problem::new(direct_upload_api::Reason::NotExposed, "there is no such resource"), false))
        }
    }
}

fn of_dashboard(snapshot: &Snapshot, kind: WorkloadKind, key: &Key) -> Result<Vec<Origin>, (Problem, bool)> {
    let store = snapshot.workloads(kind);
    let workload = store.get(key).map_err(|unknown| graded(unknown.into()))?;
    let Some(workload) = workload else {
        return Err((Problem::new(direct_upload_api::Reason::WorkloadNotFound, "there is no such workload"), false));
    };
    let stated = Stated { public_url: None, exposed_by: None };
    let exposures = exposure::of(snapshot, stated, Ok(workload), &key.namespace).map_err(graded)?;
    Ok(exposures.urls.into_iter().map(|exposure| exposure.url.origin().clone()).collect())
}

fn graded(problem: Problem) -> (Problem, bool) {
    let unknown = problem.is_unknown();
    (problem, unknown)
}

/// Enters what somebody's scripts come from. What is not known lets nothing go; what is known to be
/// nowhere is said. Plain http is taken only where it is stated.
fn accept(view: &mut GlanceView, who: &str, origins: Result<Vec<Origin>, (Problem, bool)>) {
    match origins {
        Ok(origins) => {
            for origin in origins {
                if origin.is_https() {
                    let by = view.wanted.entry(origin).or_default();
                    if by.iter().all(|known| known != who) {
                        by.push(who.to_owned());
                    }
                } else {
                    let found = format!("{origin} is not accepted, since anybody on the way can write such a page");
                    let fix = "if it must be, list it in spec.cors.allowedOrigins";
                    view.advice.push(Advice::new(found).object(who).fix(fix));
                }
            }
        }
        Err((problem, true)) => view.incomplete = Some(problem),
        Err((problem, false)) => view.advice.push(Advice::new(format!("{who}: {problem}")).field("spec.cors")),
    }
}
