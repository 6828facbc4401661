//! A managed API: one service whose pods get our files, as far as its own resource decides.
//!
//! A Glance is one, its internal API is another, and so is each `OpenStackAPI`. Accepting an origin,
//! rolling, and dropping an origin late work in the same way for all of them. What uploads need in addition
//! is in [`ImageService`](super::glance::ImageService).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use direct_upload_api::web::Origin;
use direct_upload_api::{CorsFilter, CorsValues, Deletion, Duration, GlanceStatus, Reason, Rollout};

use super::destination::GlanceState;
use super::requester::Requester;
use super::tenure::Tenure;
use super::user_cors::{self, UserCors};
use crate::model::{
    Advice, Custom, EnvValue, Key, Known, Map, Meta, Problem, ResourceId, ResourceKind, Snapshot, UserFile,
};
use crate::openstack::OpenStackService;
use crate::render::ApiSettings;
use crate::workload::{Applied, Secrets, Target, Unfinished};

/// One API and its pods.
#[derive(Clone, Debug, PartialEq)]
pub struct ManagedApi {
    /// What is known of the service; or why it is not known which one this is.
    pub service: Result<&'static OpenStackService, Problem>,
    /// The part of the resource that requests it; none if the whole resource is about it.
    pub part: Option<&'static str>,
    pub resource: Resource,
    pub tenure: Arc<Tenure>,
    pub asked: Asked,
}

/// The resource that describes an API.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    pub kind: ResourceKind,
    pub meta: Meta,
    /// Whether it has our finalizer.
    pub finalizer: bool,
    pub status: Option<Arc<GlanceStatus>>,
    /// Its namespace is being deleted: nothing can be created in it.
    pub terminating: bool,
    /// How to make changes; or why that is unknown, if the spec cannot be read.
    pub terms: Result<Terms, Problem>,
}

/// How a resource wants changes to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    pub suspend: bool,
    pub rollout: Rollout,
    pub deletion: Deletion,
    /// How long an origin stays that nobody requests any more.
    pub retire_after: Option<Duration>,
}

/// What a resource requests in the pods of an API.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// What to render, without any origin.
    pub settings: Result<ApiSettings, Problem>,
    /// The ConfigMap with the user's own file.
    pub source: Option<Key>,
    /// Origins that the resource states.
    pub stated: BTreeSet<Origin>,
    /// Origins of the user's own file, which ours would replace. Ours repeats them if it has any origin.
    pub carried: BTreeMap<Origin, UserFile>,
    /// The same without what was read only after our file was in effect. Those come with the next roll, and
    /// cause none.
    pub without_late: Option<EarlierCors>,
    /// The Secrets to mount: httpd's, and those with credentials of stores.
    pub secrets: Secrets,
    /// The variables of the container.
    pub env: BTreeMap<String, EnvValue>,
    /// Whether to refuse uploads by `PUT …/file`.
    pub refuses_uploads: bool,
    /// What to record on its workload: annotations that roll nothing.
    pub notes: Vec<(String, String)>,
    pub advice: Box<[Advice]>,
}

/// What was known of the user's own files when ours came into effect.
#[derive(Clone, Debug, PartialEq)]
pub struct EarlierCors {
    pub options: CorsValues,
    pub carried: BTreeSet<Origin>,
}

impl Resource {
    /// Reads what resources that describe an API have in common.
    pub fn read<Spec>(
        snapshot: &Snapshot,
        kind: ResourceKind,
        object: &Custom<Spec, GlanceStatus>,
        terms: impl FnOnce(&Spec) -> Terms,
    ) -> Self {
        Self {
            kind,
            meta: object.meta.clone(),
            finalizer: object.finalizer,
            status: object.status.clone(),
            terminating: snapshot.is_terminating(&object.meta.key.namespace),
            terms: object.spec.as_ref().map(terms).map_err(|why| Problem::new(Reason::Undecodable, why.clone())),
        }
    }

    /// Its kind and key.
    pub fn id(&self) -> ResourceId {
        ResourceId::new(self.kind, &self.meta.key)
    }
}

impl Asked {
    /// Nothing is known about the request.
    pub fn unreadable(why: &str) -> Self {
        Self {
            settings: Err(Problem::new(Reason::Undecodable, why)),
            source: None,
            stated: BTreeSet::new(),
            carried: BTreeMap::new(),
            without_late: None,
            secrets: Secrets::new(),
            env: BTreeMap::new(),
            refuses_uploads: false,
            notes: Vec::new(),
            advice: Box::default(),
        }
    }
}

/// What the user's own file says to the filter, and where it is.
pub(crate) fn users_file(
    snapshot: &Snapshot,
    tenure: &Tenure,
    path: &str,
    filter: CorsFilter,
) -> (Known<UserCors>, Option<Key>) {
    match &tenure.named {
        Ok(Target { workload, container }) => {
            let users = user_cors::read(snapshot, workload, container, path, filter);
            (users, user_cors::config_map(workload, container, path))
        }
        Err(_) => (Ok(UserCors::default()), None),
    }
}

/// The origins of `spec.cors.allowedOrigins`, and the first that is invalid.
pub fn stated(texts: &[String]) -> (BTreeSet<Origin>, Result<(), Problem>) {
    let (mut origins, mut wrong) = (BTreeSet::new(), Ok(()));
    for text in texts {
        match Origin::parse(text) {
            Ok(origin) => drop(origins.insert(origin)),
            Err(error) => {
                let found = format!("spec.cors.allowedOrigins: {error}");
                wrong = wrong.and_then(|()| Err(Problem::new(Reason::InvalidSpec, found)));
            }
        }
    }
    (origins, wrong)
}

/// The user's own origins, and which file has each.
pub fn carried(users: &Known<UserCors>) -> BTreeMap<Origin, UserFile> {
    users.as_ref().map(|users| users.origins.clone()).unwrap_or_default()
}

impl ManagedApi {
    /// Who requests the origins of the resource itself.
    pub fn wanted(&self) -> Map<Origin, Vec<Requester>> {
        let stated = self.asked.stated.iter();
        stated.map(|origin| (origin.clone(), vec![Requester::Stated])).collect()
    }

    /// Origins that the mounted ConfigMap accepts.
    pub fn origins_in_use(&self) -> BTreeSet<Origin> {
        let config = self.tenure.applied.as_ref().ok().and_then(Applied::in_use);
        config.map(|config_map| config_map.effects.origins.clone()).unwrap_or_default()
    }

    /// Origins that every pod accepts now: those in the mounted ConfigMap and in each one that a
    /// pod still runs with.
    ///
    /// # Errors
    /// Why that is unknown.
    pub fn accepts(&self) -> Result<BTreeSet<Origin>, Problem> {
        self.tenure.target.as_ref().map_err(Clone::clone)?;
        let applied = self.tenure.applied.as_ref().map_err(Clone::clone)?;
        let mut accepted = self.origins_in_use();
        if applied.unconfigured {
            accepted.clear();
        }
        for name in &applied.running {
            let origins = applied.config_map(name).map(|config_map| &config_map.effects.origins);
            accepted.retain(|origin| origins.is_some_and(|origins| origins.contains(origin)));
        }
        Ok(accepted)
    }

    /// Whether some pod may refuse uploads now.
    pub fn refuses_now(&self) -> bool {
        match &self.tenure.applied {
            Ok(applied) => applied.present().any(|config_map| config_map.effects.refuses_uploads),
            Err(problem) => problem.is_unknown(),
        }
    }

    /// What a Horizon must know about it.
    pub fn state(&self) -> GlanceState {
        let Tenure { target, applied, .. } = &*self.tenure;
        let roll = || applied.as_ref().ok()?.obstacle(&target.as_ref().ok()?.workload);
        let unseen = |problem: &Problem| Unfinished::Blocked(problem.clone());
        let rolled_out = || {
            target.as_ref().map_err(unseen)?;
            applied.as_ref().map_err(unseen)?.rollout.clone()
        };
        GlanceState {
            key: self.resource.meta.key.clone(),
            accepts: self.accepts(),
            refuses: self.refuses_now(),
            rolled_out: rolled_out(),
            besides_origins: applied.as_ref().ok().and_then(Applied::besides_origins),
            blocked: self.asked.settings.as_ref().err().cloned().or_else(roll),
        }
    }
}
