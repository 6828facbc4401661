//! The view of one Glance resource, or of another API: all that its plan depends on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use direct_upload_api::web::{Origin, PublicUrl};
use direct_upload_api::{GlanceServer, GlanceSpec, Reason, seconds};

use super::adjust::{self, Adjustment};
use super::destination::GlanceState;
use super::exposure::{self, Exposures, Stated};
use super::grant::Grants;
use super::hindrance::{self, Hindrance, Through};
use super::user_cors::{self, UserCors};
use super::{image_import, swift, target};
use crate::model::{Advice, GlanceObject, Id, Key, Problem, Snapshot, Workload};
use crate::openstack::{OpenStackService, layout, policy};
use crate::render::{
    CorsSettings, GlanceHttpdSettings, GlanceSettings, HttpdServer, OwnSettings, PolicySettings, TlsHost,
};
use crate::workload::{Applied, SecretMount, Secrets, TLS_VOLUME, Target};

/// Where the TLS Secret is mounted.
const TLS_DIR: &str = "/etc/direct-upload/tls";

/// The view of one Glance, or of what an OpenStackAPI would be as one.
#[derive(Clone, Debug, PartialEq)]
pub struct GlanceView {
    pub object: Arc<GlanceObject>,
    pub service: &'static OpenStackService,
    /// The namespace is being deleted: nothing can be created in it.
    pub terminating: bool,
    pub target: Result<Target, Problem>,
    pub exposures: Result<Exposures, Problem>,
    /// Settings without any Horizon's origins.
    pub settings: Result<GlanceSettings, Problem>,
    /// The ConfigMap that holds the main file.
    pub source: Option<Key>,
    /// Each origin and who asks for it.
    pub wanted: BTreeMap<Origin, Vec<String>>,
    /// Origins of the user's own file, which ours would replace: carried on once ours has any.
    pub carried: BTreeMap<Origin, Vec<String>>,
    /// The internal API of the same resource.
    pub internal: Option<Box<GlanceView>>,
    /// Its name in messages; none of the resource's own workload.
    pub api: Option<&'static str>,
    /// What is granted to Horizons.
    pub grants: Grants,
    /// Why no origin may be removed now.
    pub incomplete: Option<Problem>,
    /// Horizons whose pods upload here directly, or may.
    pub holders: BTreeSet<Key>,
    /// What stands in the target's cluster objects.
    pub applied: Option<Applied>,
    /// Other workloads that carry this resource's claim.
    pub strays: Vec<Arc<Workload>>,
    /// Another resource will manage the target when this one is gone.
    pub heir: bool,
    /// What on the exposing objects stands in the way of uploads.
    pub hindrances: Vec<Hindrance>,
    /// Exposing objects that are to be written.
    pub adjustments: Vec<Adjustment>,
    pub advice: Vec<Advice>,
}

impl GlanceView {
    /// Builds what can be said without looking at Horizons.
    pub fn of(snapshot: &Snapshot, object: &Arc<GlanceObject>, service: &'static OpenStackService) -> Self {
        let mut view = Self {
            object: object.clone(),
            service,
            terminating: super::world::terminating(snapshot, &object.meta.key.namespace),
            target: Err(Problem::new(Reason::Undecodable, "")),
            exposures: Err(Problem::new(Reason::NotExposed, "")),
            settings: Err(Problem::new(Reason::Undecodable, "")),
            source: None,
            wanted: BTreeMap::new(),
            carried: BTreeMap::new(),
            internal: None,
            api: None,
            grants: Grants::default(),
            incomplete: None,
            holders: BTreeSet::new(),
            applied: None,
            strays: Vec::new(),
            heir: false,
            hindrances: Vec::new(),
            adjustments: Vec::new(),
            advice: Vec::new(),
        };
        match &object.spec {
            Ok(spec) => view.fill(snapshot, spec),
            Err(why) => {
                let problem = Problem::new(Reason::Undecodable, why.clone());
                view.target = Err(problem.clone());
                view.settings = Err(problem.clone());
                view.exposures = Err(problem);
            }
        }
        view
    }

    fn fill(&mut self, snapshot: &Snapshot, spec: &GlanceSpec) {
        let key = &self.object.meta.key;
        self.target = target::find(snapshot, key, &spec.workload_ref, self.service.workloads);
        let workload = self.target.as_ref().ok().map(|t| t.workload.clone());
        let stated = Stated { public_url: spec.public_url.as_deref(), exposed_by: spec.exposed_by.as_deref() };
        // Of another API only those matter who may call it.
        self.exposures = if self.service.takes_uploads() {
            exposure::of(snapshot, stated, self.target.as_ref().map(|t| &*t.workload), &key.namespace)
        } else {
            Ok(Exposures::default())
        };
        self.applied = workload.as_deref().map(|w| Applied::of(snapshot, w));
        self.settings = self.settings(snapshot, spec);
        if let Ok(exposures) = &self.exposures {
            self.advice.extend(exposures.notes.iter().cloned());
        }
    }

    fn settings(&mut self, snapshot: &Snapshot, spec: &GlanceSpec) -> Result<GlanceSettings, Problem> {
        let places = layout::glance(spec.layout, &spec.paths, self.service)?;
        for text in &spec.cors.allowed_origins {
            let origin = Origin::parse(text)
                .map_err(|e| Problem::new(Reason::InvalidSpec, format!("spec.cors.allowedOrigins: {e}")))?;
            self.wanted.entry(origin).or_default().push("spec.cors.allowedOrigins".into());
        }
        let users = match &self.target {
            Ok(Target { workload, container }) => {
                self.source = user_cors::config_map(workload, container, &places.config_file);
                user_cors::read(snapshot, workload, container, &places.config_file)?
            }
            Err(_) => UserCors::default(),
        };
        for origin in &users.origins {
            self.carried.insert(origin.clone(), vec![users.source.clone()]);
        }
        self.advice.extend(users.notes.iter().cloned());
        self.advice.extend(swift::beside(&spec.swift, &users)?);
        let options = user_cors::merged(spec.cors.options(), users.options);
        let cors = CorsSettings { origins: BTreeSet::new(), options };
        let httpd = match spec.httpd.server {
            GlanceServer::None => None,
            GlanceServer::ModWSGI => Some(HttpdServer::ModWsgi),
            GlanceServer::ModProxy => Some(HttpdServer::ModProxy),
            GlanceServer::ModProxyUwsgi => Some(HttpdServer::ModProxyUwsgi),
        };
        let httpd = httpd.map(|server| self.httpd(spec, server, places.httpd_conf_dir)).transpose()?;
        let import = spec.image_import.as_deref();
        let own = OwnSettings {
            dir: places.service_config_dir,
            import: image_import::settings(import, None),
            swift: swift::stores(&spec.swift),
        };
        let policy = PolicySettings { dir: places.policy_dir, rules: spec.apis.public.policy.clone() };
        policy::known("spec.apis.public.policy", &policy.rules)?;
        if let Ok(target) = &self.target {
            image_import::staged(import, None, target)?;
        }
        Ok(GlanceSettings { cors: Some(cors), config_dir: places.config_dir, own, policy, httpd })
    }

    fn httpd(
        &self,
        spec: &GlanceSpec,
        server: HttpdServer,
        conf_dir: Result<String, Problem>,
    ) -> Result<GlanceHttpdSettings, Problem> {
        let own = &spec.httpd;
        let tls = spec.tls.as_ref().filter(|tls| tls.enabled).map(|_| TlsHost {
            port: own.port.and_then(|p| u16::try_from(p).ok()).unwrap_or(9292),
            certificate_dir: TLS_DIR.to_owned(),
            server_name: self.url().map(|url| url.origin().host().to_owned()),
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

    /// The Secrets that are mounted: httpd's, and those with credentials of stores.
    pub fn secrets(&self) -> Secrets {
        let Ok(spec) = &self.object.spec else { return Secrets::new() };
        let tls = spec.tls.as_ref().filter(|tls| tls.enabled && spec.httpd.server != GlanceServer::None);
        let tls = tls.filter(|_| self.api.is_none()).and_then(|tls| {
            let mounted = BTreeMap::from([(TLS_DIR.to_owned(), None)]);
            Some((TLS_VOLUME.to_owned(), SecretMount { secret: tls.secret_name.clone()?, mounted }))
        });
        let own = self.settings.as_ref().ok().map(|settings| swift::secrets(&spec.swift, &settings.own.dir));
        tls.into_iter().chain(own.into_iter().flatten()).collect()
    }

    /// Looks at the objects that lead browsers here, once it is known where those come from.
    pub fn look_ahead(&mut self, snapshot: &Snapshot) {
        let manages = self.object.spec.as_ref().is_ok_and(|spec| spec.exposure.manage);
        let found = adjust::of(snapshot, self);
        self.advice.extend(found.refusals());
        if let Ok(exposures) = &self.exposures {
            self.hindrances = hindrance::of(&exposures.through, &self.wanted.keys().collect());
            let tell = |hindrance: &Hindrance| {
                if manages { found.advice(hindrance, &exposures.through) } else { hindrance.advice() }
            };
            self.advice.extend(self.hindrances.iter().map(tell));
            if manages && exposures.is_stated() {
                let found = "with spec.publicURL no exposing object is looked at, and so none is managed";
                let advice = Advice::new(found).field("spec.exposure.manage");
                self.advice.push(advice.fix("name them in spec.exposedBy instead"));
            }
        }
        self.adjustments = found.adjustments;
    }

    /// The objects whose annotations it manages.
    pub fn manages(&self) -> Vec<Id> {
        let manages = self.object.spec.as_ref().is_ok_and(|spec| spec.exposure.manage);
        let through = self.exposures.iter().filter(|_| manages).flat_map(|exposures| &exposures.through);
        through.filter(|through| through.annotations().is_some()).map(Through::object).collect()
    }

    /// The primary public URL.
    pub fn url(&self) -> Option<&PublicUrl> {
        self.exposures.as_ref().ok()?.primary()
    }

    /// Origins that the mounted ConfigMap accepts.
    pub fn origins_in_use(&self) -> BTreeSet<Origin> {
        let config = self.applied.as_ref().and_then(Applied::in_use);
        config.map(|config_map| config_map.effects.origins.clone()).unwrap_or_default()
    }

    /// Origins that every pod accepts now: those in the mounted ConfigMap and in each one that a
    /// pod still runs with.
    ///
    /// # Errors
    /// Why that is not known.
    pub fn accepts(&self) -> Result<BTreeSet<Origin>, Problem> {
        let applied = match (&self.applied, &self.target) {
            (Some(applied), Ok(_)) => applied,
            (_, Err(problem)) => return Err(problem.clone()),
            (None, Ok(_)) => return Ok(BTreeSet::new()),
        };
        applied.config_maps.as_ref().map_err(Clone::clone)?;
        let mut accepted = self.origins_in_use();
        if applied.bare {
            accepted.clear();
        }
        for name in &applied.running {
            let origins = applied.config_map(name).map(|config_map| &config_map.effects.origins);
            accepted.retain(|origin| origins.is_some_and(|origins| origins.contains(origin)));
        }
        Ok(accepted)
    }

    /// What a Horizon must know of it.
    pub fn state(&self) -> GlanceState {
        GlanceState {
            key: self.object.meta.key.clone(),
            accepts: self.accepts(),
            refuses: self.refuses_now(),
            rolled_out: self.rolled_out(),
            config_map: self.applied.as_ref().and_then(|a| a.mount.as_ref()).map(|m| m.config_map.clone()),
            blocked: self.obstacle(),
        }
    }

    /// Why it takes nothing in, if so.
    pub fn obstacle(&self) -> Option<Problem> {
        let roll = || self.applied.as_ref()?.obstacle(&self.target.as_ref().ok()?.workload);
        self.settings.as_ref().err().cloned().or_else(roll)
    }

    /// Whether the rollout is complete.
    ///
    /// # Errors
    /// Why it is not.
    pub fn rolled_out(&self) -> Result<(), Problem> {
        self.target.as_ref().map_err(Clone::clone)?;
        self.applied.as_ref().map_or(Ok(()), |a| a.rollout.clone())
    }
}
