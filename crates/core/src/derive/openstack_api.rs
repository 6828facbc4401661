//! An OpenStackAPI: an API to which nobody uploads.
//!
//! In: the resource, and its dashboards. Out: an [`ApiView`] with the table of its own
//! [`OpenStackService`].

use std::collections::BTreeSet;
use std::sync::Arc;

use direct_upload_api::web::Origin;
use direct_upload_api::{CorsFilter, GlancePaths, Layout, OpenStackApiSpec, Reason, Rule, SWIFT_ORIGINS, WorkloadKind};

use super::api::{Asked, ManagedApi, Resource, Terms, carried, stated, users_file};
use super::api_view::ApiView;
use super::calls::Calls;
use super::exposure::{self, Stated};
use super::grant::Grants;
use super::horizon::Dashboard;
use super::requester::Requester;
use super::stage::Stage;
use super::tenure::Tenure;
use super::user_cors;
use crate::model::{Advice, ApiObject, FieldPath, Id, Key, Map, Problem, ResourceKind, Set, Snapshot};
use crate::openstack::OpenStackService;
use crate::openstack::layout::{self, SwiftPlaces, SwiftUnplaced};
use crate::render::{ApiSettings, CorsSettings};
use crate::workload::{Target, mountable};

/// The view of one, with the origins that it should accept.
pub fn view(snapshot: &Snapshot, dashboards: &Stage<Dashboard>, object: &ApiObject, tenure: Arc<Tenure>) -> ApiView {
    let (service, asked) = match &object.spec {
        Ok(spec) => {
            let service = spec.service.into();
            (Ok(service), asked(snapshot, spec, service, &tenure))
        }
        Err(why) => (Err(Problem::new(Reason::Undecodable, why)), Asked::unreadable(why)),
    };
    let resource = Resource::read(snapshot, ResourceKind::OpenStackApi, object, terms);
    let api = Arc::new(ManagedApi { service, part: None, resource, tenure, asked });
    let unasked = ApiView::unasked(api);
    let mut callers = Callers {
        wanted: unasked.wanted.clone(),
        sources: Map::new(),
        credentialed: BTreeSet::new(),
        incomplete: None,
        advice: unasked.advice.to_vec(),
    };
    let namespace = &object.meta.key.namespace;
    for named in object.spec.iter().flat_map(|spec| &spec.cors.horizons) {
        let key = Key::new(named.namespace.as_ref().unwrap_or(namespace), named.name.clone());
        let origins = of_horizon(snapshot, dashboards, &key);
        callers.accept(&Id::new(ResourceKind::Horizon, &key), origins, named.with_credentials);
    }
    for named in object.spec.iter().flat_map(|spec| &spec.cors.dashboards) {
        let key = Key::new(namespace, named.name.clone());
        let origins = of_workload(snapshot, named.kind, &key);
        callers.accept(&Id::new(named.kind.to_string(), &key), origins, named.with_credentials);
    }
    if let (Ok(spec), Ok(service)) = (&object.spec, &unasked.api.service)
        && service.filter == CorsFilter::Swift
    {
        let found = of_swift(spec, &unasked.api.tenure, &callers);
        callers.advice.extend(found);
    }
    let Callers { wanted, sources, credentialed, incomplete, mut advice } = callers;
    let origins = wanted.keys().map(|origin| (origin.clone(), credentialed.contains(origin))).collect();
    let spec = object.spec.as_ref().ok();
    let calls = spec.map(|spec| Box::new(Calls::derive(snapshot, &unasked.api, spec, &origins)));
    advice.extend(calls.iter().flat_map(|calls| calls.advice.iter().cloned()));
    let grants = Arc::new(Grants { sources, ..Grants::default() });
    ApiView { wanted, grants, incomplete, calls, advice: advice.into(), ..unasked }
}

fn terms(spec: &OpenStackApiSpec) -> Terms {
    Terms {
        suspend: spec.suspend,
        rollout: spec.rollout.clone(),
        deletion: spec.deletion.clone(),
        retire_after: spec.cors.retire_after,
    }
}

fn asked(snapshot: &Snapshot, spec: &OpenStackApiSpec, service: &'static OpenStackService, tenure: &Tenure) -> Asked {
    let (stated, wrong) = stated(&spec.cors.allowed_origins);
    let (config_file, config_dir) = match places(spec, service, tenure) {
        Ok(places) => places,
        Err(problem) => return Asked { settings: Err(problem), stated, ..Asked::unreadable("") },
    };
    let (users, source) = users_file(snapshot, tenure, &config_file, service.filter);
    let (carried, advice) = (carried(&users), users.iter().flat_map(|users| users.notes.iter().cloned()).collect());
    let settings = wrong.and_then(|()| {
        let options = user_cors::merged(spec.cors.options(), users?.options);
        let cors = Some(CorsSettings { origins: BTreeSet::new(), options });
        Ok(ApiSettings { cors, config_dir, ..ApiSettings::default() })
    });
    Asked { settings, source, stated, carried, advice, ..Asked::unreadable("") }
}

/// The user's main file, and the folder of ours.
fn places(
    spec: &OpenStackApiSpec,
    service: &'static OpenStackService,
    tenure: &Tenure,
) -> Result<(String, String), Problem> {
    match service.filter {
        CorsFilter::OsloMiddleware => {
            let (config_file, config_dir) = (spec.paths.config_file.clone(), spec.paths.config_dir.clone());
            let paths = GlancePaths { config_file, config_dir, ..GlancePaths::default() };
            let places = layout::glance(layout_of(spec, service, tenure), &paths, service)?;
            Ok((places.config_file, places.config_dir))
        }
        CorsFilter::Swift => {
            let places = swift_places(spec, tenure)?;
            Ok((places.config_file, places.config_dir))
        }
    }
}

fn swift_places(spec: &OpenStackApiSpec, tenure: &Tenure) -> Result<SwiftPlaces, SwiftUnplaced> {
    let target = tenure.named.as_ref().ok();
    let mounts = target.map(Target::users_mounts).unwrap_or_default();
    let started_with = target.and_then(|target| target.container.swift_config.as_deref());
    layout::swift(spec.paths.config_dir.as_deref(), spec.paths.config_file.as_deref(), started_with, &mounts)
}

/// What Swift cannot do, and what a person writes into its file if the operator has no folder for it.
fn of_swift(spec: &OpenStackApiSpec, tenure: &Tenure, callers: &Callers) -> Vec<Advice> {
    let mut advice = Vec::new();
    let names = |names: &BTreeSet<Origin>| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    if matches!(swift_places(spec, tenure), Err(SwiftUnplaced::NoFolder(_))) && !callers.wanted.is_empty() {
        let origins = names(&callers.wanted.keys().cloned().collect());
        let found = "until then, only you can change the file with which Swift's proxy is started";
        let fix = format!("write {SWIFT_ORIGINS} = {origins} into its [DEFAULT], and restart the proxy");
        advice.push(Advice::new(found).field(FieldPath::new(&["spec", "paths", "configDir"])).fix(fix));
    }
    if spec.cors.allow_credentials == Some(true) || !callers.credentialed.is_empty() {
        let found = "Swift never sends Access-Control-Allow-Credentials, so browsers refuse calls with cookies";
        let fix = "send the token in X-Auth-Token, without cookies, and remove allowCredentials and withCredentials";
        advice.push(Advice::new(found).rule(Rule::NoCredentials).field(FieldPath::new(&["spec", "cors"])).fix(fix));
    }
    if spec.cors.max_age.is_some() {
        let found =
            "Swift takes the cache time of preflights from each container's metadata, so this field has no effect";
        let fix = "remove it, or set X-Container-Meta-Access-Control-Max-Age on the containers";
        advice.push(Advice::new(found).field(FieldPath::new(&["spec", "cors", "maxAge"])).fix(fix));
    }
    advice
}

/// The stated layout. Otherwise the one in whose folder our file is. Before the first file: openstack-helm's, if its
/// read-only volume is over the project's own folder.
fn layout_of(spec: &OpenStackApiSpec, service: &OpenStackService, tenure: &Tenure) -> Layout {
    const HELM: Layout = Layout::OpenStackHelm;
    let (Some(target), None) = (tenure.named.as_ref().ok(), spec.layout) else {
        return spec.layout.unwrap_or_default();
    };
    let takes = |layout: Layout| mountable(target, &format!("{}/x.conf", service.config_dir(layout))).is_ok();
    let mount = tenure.applied.as_ref().ok().and_then(|applied| applied.mount.as_ref());
    let in_helm = format!("{}/", service.config_dir(HELM));
    let stays = mount.is_some_and(|mount| mount.mounted.keys().any(|path| path.starts_with(&in_helm)));
    if takes(HELM) && (stays || !takes(Layout::Debian)) { HELM } else { Layout::Debian }
}

/// The origins of pages that call the API, with the objects that give each; or why they are unknown, or
/// that there are none.
type Origins = Result<Vec<(Origin, BTreeSet<Id>)>, Problem>;

/// The origins; none of a Horizon that is being deleted.
fn of_horizon(snapshot: &Snapshot, dashboards: &Stage<Dashboard>, key: &Key) -> Origins {
    match dashboards.get(key) {
        Some(dashboard) if dashboard.object.meta.deleting.is_some() => Ok(Vec::new()),
        Some(dashboard) => {
            let exposures = dashboard.exposures.as_ref().map_err(Clone::clone)?;
            let who = Id::new(ResourceKind::Horizon, key);
            let origins = dashboard.origins()?.into_iter();
            Ok(origins.map(|origin| (origin.clone(), exposures.sources_of(&origin, &who))).collect())
        }
        None => {
            snapshot.horizons.known(&key.namespace)?;
            Err(Problem::new(Reason::NotExposed, "there is no such resource"))
        }
    }
}

fn of_workload(snapshot: &Snapshot, kind: WorkloadKind, key: &Key) -> Origins {
    let Some(workload) = snapshot.workloads(kind).get(key)? else {
        return Err(Problem::new(Reason::WorkloadNotFound, "there is no such workload"));
    };
    let stated = Stated { public_url: None, exposed_by: None };
    let exposures = exposure::derive(snapshot, stated, Ok(workload), &key.namespace)?;
    let origins = exposures.urls.iter().map(|exposure| exposure.url.origin());
    let who = Id::new(kind.to_string(), key);
    Ok(origins.map(|origin| (origin.clone(), exposures.sources_of(origin, &who))).collect())
}

/// Who calls the API from their own pages.
struct Callers {
    wanted: Map<Origin, Vec<Requester>>,
    /// The objects that give each origin.
    sources: Map<Origin, Set<Id>>,
    /// Whose pages send cookies.
    credentialed: BTreeSet<Origin>,
    incomplete: Option<Problem>,
    advice: Vec<Advice>,
}

impl Callers {
    /// Adds the origins of somebody's scripts. While origins are unknown, none is dropped. If there are
    /// certainly none, that is reported. Plain http counts only if it is stated.
    fn accept(&mut self, who: &Id, origins: Origins, with_credentials: bool) {
        let requester = Requester::Dashboard(who.clone());
        match origins {
            Ok(origins) => {
                for (origin, sources) in origins {
                    if origin.is_https() {
                        if with_credentials {
                            self.credentialed.insert(origin.clone());
                        }
                        self.sources.entry(origin.clone()).or_default().extend(sources);
                        let by = self.wanted.entry(origin).or_default();
                        if !by.contains(&requester) {
                            by.push(requester.clone());
                        }
                    } else {
                        let found = format!(
                            "{origin} is not accepted, because anyone between browser and dashboard can forge a plain http page"
                        );
                        let fix = "to accept it anyway, list it in spec.cors.allowedOrigins";
                        self.advice.push(Advice::new(found).object(who.clone()).fix(fix));
                    }
                }
            }
            Err(problem) if problem.is_unknown() => self.incomplete = Some(problem),
            Err(problem) => {
                self.advice.push(Advice::new(format!("{who}: {problem}")).field(FieldPath::new(&["spec", "cors"])));
            }
        }
    }
}
