//! An image service: what a Glance says alone, of its public API, its internal one, and what leads browsers to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use direct_upload_api::web::{Origin, PublicUrl};
use direct_upload_api::{
    CatalogRehearsal, CorsOption, GlanceServer, GlanceSpec, InternalApi, Layout, Rehearsing, seconds,
};

use super::api::{Asked, EarlierCors, ManagedApi, Resource, Terms, carried, stated, users_file};
use super::exposure::{self, Exposures, Stated};
use super::tenure::Tenure;
use super::{image_import, swift, user_cors};
use crate::model::{Advice, AdviceField, GlanceObject, Map, Problem, ResourceKind, Snapshot, UserFile};
use crate::openstack::layout::GlancePlaces;
use crate::openstack::{GLANCE, layout, policy, release};
use crate::render::{
    ApiSettings, CorsSettings, GlanceHttpdSettings, HttpdServer, OwnSettings, PolicySettings, TlsHost,
};
use crate::workload::rehearsal::{CatalogLook, CorsLook};
use crate::workload::{Applied, SecretMount, Secrets, TLS_VOLUME, Target};

/// Where the TLS Secret is mounted.
const TLS_DIR: &str = "/etc/direct-upload/tls";

/// What can be said about one Glance without its Horizons.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageService {
    pub object: Arc<GlanceObject>,
    pub public: Arc<ManagedApi>,
    /// The internal API, if the resource requests one. Browsers do not use it, so it has no exposure, no
    /// origins and no consent.
    pub internal: Option<Arc<ManagedApi>>,
    pub exposures: Result<Exposures, Problem>,
    /// What Keystone's catalog publishes, as Glance's own account reads it.
    pub catalog: CatalogLook,
    /// What the user's own files say in `[cors]`, as Glance's own image reads them.
    pub cors: CorsLook,
}

impl ImageService {
    /// Reads one.
    pub fn derive(
        snapshot: &Snapshot,
        object: &Arc<GlanceObject>,
        tenure: Arc<Tenure>,
        internal: Option<Arc<Tenure>>,
    ) -> Self {
        let resource = Resource::read(snapshot, ResourceKind::Glance, &**object, terms);
        let exposures = match &object.spec {
            Ok(spec) => {
                let stated = Stated { public_url: spec.public_url.as_deref(), exposed_by: spec.exposed_by.as_deref() };
                let workload = tenure.named.as_ref().map(|target| &*target.workload);
                exposure::derive(snapshot, stated, workload, &object.meta.key.namespace)
            }
            Err(why) => Err(Problem::new(direct_upload_api::Reason::Undecodable, why.clone())),
        };
        let catalog = match (&object.spec, &tenure.target) {
            (Ok(spec), Ok(target)) if asks_keystone(spec) && !snapshot.answers.are_assumed() => {
                CatalogLook::find(snapshot, &object.meta.key, target)
            }
            _ => CatalogLook::default(),
        };
        let cors = match (&object.spec, &tenure.target) {
            (Ok(spec), Ok(target)) if rehearses(spec) && !snapshot.answers.are_assumed() => {
                let is_new = tenure.applied.as_ref().is_ok_and(|applied| applied.mount.is_none());
                CorsLook::find(snapshot, &object.meta.key, target, asks_keystone(spec), is_new)
            }
            (_, Ok(target)) => CorsLook::known(target),
            _ => CorsLook::default(),
        };
        let asked = match &object.spec {
            Ok(spec) => {
                let asked = asked(snapshot, spec, &tenure, &exposures, &cors);
                Asked { notes: catalog.note.iter().chain(&cors.note).cloned().collect(), ..asked }
            }
            Err(why) => Asked::unreadable(why),
        };
        let spec = object.spec.as_ref().ok();
        let internal = spec.zip(internal).and_then(|(spec, tenure)| {
            let asked = of_internal(spec, spec.apis.internal.as_ref()?, &asked, &tenure);
            let (part, resource) = (Some("spec.apis.internal"), resource.clone());
            Some(Arc::new(ManagedApi { service: Ok(&GLANCE), part, resource, tenure, asked }))
        });
        let public = Arc::new(ManagedApi { service: Ok(&GLANCE), part: None, resource, tenure, asked });
        Self { object: object.clone(), public, internal, exposures, catalog, cors }
    }
}

/// Whether a Job may read Glance's own configuration.
fn rehearses(spec: &GlanceSpec) -> bool {
    spec.rollout.rehearsal != Rehearsing::Off && !spec.suspend
}

/// Whether a Job may read Keystone's catalog with Glance's own account.
fn asks_keystone(spec: &GlanceSpec) -> bool {
    spec.rehearsal.catalog == CatalogRehearsal::Ask && rehearses(spec)
}

fn terms(spec: &GlanceSpec) -> Terms {
    Terms {
        suspend: spec.suspend,
        rollout: spec.rollout.clone(),
        deletion: spec.deletion.clone(),
        retire_after: spec.cors.retire_after,
    }
}

fn asked(
    snapshot: &Snapshot,
    spec: &GlanceSpec,
    tenure: &Tenure,
    exposures: &Result<Exposures, Problem>,
    look: &CorsLook,
) -> Asked {
    let exposed = exposures.iter().flat_map(|exposures| exposures.notes.iter().cloned());
    let places = match layout::glance(layout_of(spec, tenure), &spec.paths, &GLANCE) {
        Ok(places) => places,
        Err(problem) => return Asked { settings: Err(problem), advice: exposed.collect(), ..Asked::unreadable("") },
    };
    let (stated, wrong) = stated(&spec.cors.allowed_origins);
    let (file, source) = users_file(snapshot, tenure, &places.config_file, GLANCE.filter);
    let users = file.clone().map(|file| user_cors::joined(file, source.is_some(), look));
    let carried = carried(&users);
    let without_late = file.ok().filter(|_| look.late).map(|file| EarlierCors {
        options: user_cors::merged(spec.cors.options(), file.options),
        carried: file.origins.into_keys().collect(),
    });
    let mut advice = users.iter().flat_map(|users| users.notes.iter().cloned()).collect::<Vec<_>>();
    advice.extend(late(tenure, &carried).filter(|_| look.late));
    let settings = wrong.and_then(|()| {
        let users = users?;
        let image = tenure.named.as_ref().ok().map(|target| target.container.image.as_str());
        advice.extend(swift::beside(&spec.swift, &users, image.and_then(release::of_image))?);
        let options = user_cors::merged(spec.cors.options(), users.options);
        settings(spec, tenure, exposures, places, CorsSettings { origins: BTreeSet::new(), options })
    });
    advice.extend(exposed);
    let own_dir = settings.as_ref().ok().map(|settings| settings.own.dir.as_str());
    Asked {
        secrets: tls(spec).into_iter().chain(of_stores(spec, own_dir)).collect(),
        env: image_import::env(spec.image_import.as_deref()),
        refuses_uploads: image_import::refuses_uploads(spec),
        settings,
        source,
        stated,
        carried,
        without_late,
        notes: Vec::new(),
        advice: advice.into(),
    }
}

/// What to report about the user's own origins that come with the next roll.
fn late(tenure: &Tenure, carried: &BTreeMap<Origin, UserFile>) -> Option<Advice> {
    let in_use = tenure.applied.as_ref().ok().and_then(Applied::in_use)?;
    let lacking: Vec<&str> =
        carried.keys().filter(|origin| !in_use.effects.origins.contains(origin)).map(Origin::as_str).take(5).collect();
    let found = format!(
        "your own files accept {}, but the operator's file replaced that list; Glance accepts it again after its next roll",
        lacking.join(", ")
    );
    let fix = "to accept it now, list it in spec.cors.allowedOrigins";
    (!lacking.is_empty()).then(|| {
        Advice::new(found)
            .field(AdviceField::Option { section: "cors", option: CorsOption::ALLOWED_ORIGIN.name })
            .fix(fix)
    })
}

/// What the internal API is asked for: the same except imports and policy.
fn of_internal(spec: &GlanceSpec, api: &InternalApi, public: &Asked, tenure: &Tenure) -> Asked {
    let (import, methods) = (spec.image_import.as_deref(), api.import_methods.as_deref());
    let settings = public.settings.clone().and_then(|public| {
        let own = OwnSettings { import: image_import::settings(import, methods), ..public.own };
        let policy = PolicySettings { rules: api.policy.clone(), ..public.policy };
        policy::known("policy", &policy.rules)?;
        if let Ok(target) = &tenure.named {
            image_import::staged(import, methods, target)?;
        }
        Ok(ApiSettings { own, policy, cors: None, httpd: None, ..public })
    });
    let own_dir = settings.as_ref().ok().map(|settings| settings.own.dir.as_str());
    let secrets = of_stores(spec, own_dir);
    Asked { secrets, env: public.env.clone(), settings, ..Asked::unreadable("") }
}

fn settings(
    spec: &GlanceSpec,
    tenure: &Tenure,
    exposures: &Result<Exposures, Problem>,
    places: GlancePlaces,
    cors: CorsSettings,
) -> Result<ApiSettings, Problem> {
    let server = match spec.httpd.server {
        GlanceServer::None => None,
        GlanceServer::ModWSGI => Some(HttpdServer::ModWsgi),
        GlanceServer::ModProxy => Some(HttpdServer::ModProxy),
        GlanceServer::ModProxyUwsgi => Some(HttpdServer::ModProxyUwsgi),
    };
    let url = exposures.as_ref().ok().and_then(Exposures::primary);
    let httpd = server.map(|server| httpd(spec, server, places.httpd_conf_dir, url)).transpose()?;
    let import = spec.image_import.as_deref();
    let own = OwnSettings {
        dir: places.service_config_dir,
        import: image_import::settings(import, None),
        swift: swift::stores(&spec.swift),
    };
    let policy = PolicySettings { dir: places.policy_dir, rules: spec.apis.public.policy.clone() };
    policy::known("spec.apis.public.policy", &policy.rules)?;
    if let Ok(target) = &tenure.named {
        image_import::staged(import, None, target)?;
    }
    Ok(ApiSettings { cors: Some(cors), config_dir: places.config_dir, own, policy, httpd })
}

fn httpd(
    spec: &GlanceSpec,
    server: HttpdServer,
    conf_dir: Result<String, Problem>,
    url: Option<&PublicUrl>,
) -> Result<GlanceHttpdSettings, Problem> {
    let own = &spec.httpd;
    let tls = spec.tls.as_ref().filter(|tls| tls.enabled).map(|_| TlsHost {
        port: own.port.and_then(|p| u16::try_from(p).ok()).unwrap_or(9292),
        certificate_dir: TLS_DIR.to_owned(),
        server_name: url.map(|url| url.origin().host().to_owned()),
        backend: own.backend.clone().unwrap_or_else(|| "127.0.0.1:9293".into()),
        wsgi_script: own.wsgi_script.clone().unwrap_or_else(|| "/usr/bin/glance-wsgi-api".into()),
    });
    Ok(GlanceHttpdSettings {
        conf_dir: conf_dir?,
        server,
        tls,
        timeout: u32::try_from(seconds(own.timeout, 3600)).unwrap_or(u32::MAX),
        limit_request_body: own.limit_request_body.and_then(|b| u64::try_from(b).ok()).unwrap_or_default(),
        legacy_headers: own.legacy_headers,
    })
}

/// The Secret with httpd's certificate.
fn tls(spec: &GlanceSpec) -> Option<(String, SecretMount)> {
    let tls = spec.tls.as_ref().filter(|tls| tls.enabled && spec.httpd.server != GlanceServer::None)?;
    let mounted = Map::from_iter([(TLS_DIR.to_owned(), None)]);
    Some((TLS_VOLUME.to_owned(), SecretMount { secret: tls.secret_name.clone()?, mounted }))
}

/// The Secrets with credentials of stores.
fn of_stores(spec: &GlanceSpec, dir: Option<&str>) -> Secrets {
    dir.map(|dir| swift::secrets(&spec.swift, dir)).unwrap_or_default()
}

/// The stated layout, or the one that the container's mounts show.
fn layout_of(spec: &GlanceSpec, tenure: &Tenure) -> Layout {
    let mounts = tenure.named.as_ref().map(Target::users_mounts).unwrap_or_default();
    layout::layout(spec.layout, &mounts)
}

impl ImageService {
    /// Whether a Job must read what the user's own files say in `[cors]`, because some of them are in
    /// Secrets.
    pub fn hides_cors(&self) -> bool {
        let (Ok(spec), Ok(target)) = (&self.object.spec, &self.public.tenure.target) else { return false };
        layout::glance(layout_of(spec, &self.public.tenure), &spec.paths, &GLANCE)
            .is_ok_and(|places| user_cors::is_in_secret(&target.workload, &target.container, &places.config_file))
    }

    /// Whether the operator should write on the objects that lead browsers to it.
    pub fn manages_exposure(&self) -> bool {
        self.object.spec.as_ref().is_ok_and(|spec| spec.exposure.manage)
    }
}
