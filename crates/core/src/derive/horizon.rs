//! The view of one Horizon resource: all that its plan depends on.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use direct_upload_api::web::Origin;
use direct_upload_api::{HorizonSpec, Reason, Rehearsing, seconds};

use super::catalog::Observed;
use super::destination::Destination;
use super::exposure::{self, Exposures, Stated};
use super::proof::{self, Proof};
use super::target;
use crate::derive::exposure::scheme;
use crate::model::{Advice, HorizonObject, Key, Problem, Snapshot, Workload};
use crate::openstack::layout;
use crate::render::{HorizonCorsSettings, HorizonHttpdSettings, HorizonSettings, TlsTerminationSettings};
use crate::workload::{Applied, Target, annotations, is_for, rehearsal};

/// Names that a Horizon workload usually has.
pub const GUESSES: [&str; 1] = ["horizon"];

/// What the spec and its surroundings ask of Horizon's pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Set `direct`.
    Direct,
    /// Do not set the mode; take away what stands there.
    Own(Problem),
    /// Leave everything as it is.
    Hold(Problem),
}

/// The view of one Horizon.
#[derive(Clone, Debug, PartialEq)]
pub struct HorizonView {
    pub object: Arc<HorizonObject>,
    /// The namespace is being deleted: nothing can be created in it.
    pub terminating: bool,
    pub target: Result<Target, Problem>,
    pub exposures: Result<Exposures, Problem>,
    /// Settings with the mode as [`Intent::Direct`] wants it.
    pub settings: Result<HorizonSettings, Problem>,
    /// What Keystone's catalog says.
    pub catalog: Observed,
    /// Where its users upload to.
    pub destinations: Vec<Destination>,
    pub intent: Intent,
    /// What preflights must show, and have shown.
    pub proof: Proof,
    /// `spec.directUpload.probe.hostAliases`, by name.
    pub hosts: BTreeMap<String, IpAddr>,
    /// What stands in the target's cluster objects.
    pub applied: Option<Applied>,
    /// Other workloads that carry this resource's claim.
    pub strays: Vec<Arc<Workload>>,
    /// Another resource will manage the target when this one is gone.
    pub heir: bool,
    pub advice: Vec<Advice>,
}

impl HorizonView {
    /// Builds what can be said without looking at Glances.
    pub fn of(snapshot: &Snapshot, object: &Arc<HorizonObject>) -> Self {
        let blank = Problem::new(Reason::Undecodable, object.spec.as_ref().err().cloned().unwrap_or_default());
        let mut view = Self {
            object: object.clone(),
            terminating: super::world::terminating(snapshot, &object.meta.key.namespace),
            target: Err(blank.clone()),
            exposures: Err(blank.clone()),
            settings: Err(blank.clone()),
            catalog: Observed::default(),
            destinations: Vec::new(),
            intent: Intent::Hold(blank),
            proof: Proof::default(),
            hosts: BTreeMap::new(),
            applied: None,
            strays: Vec::new(),
            heir: false,
            advice: Vec::new(),
        };
        if let Ok(spec) = &object.spec {
            view.fill(snapshot, spec);
        }
        view
    }

    fn fill(&mut self, snapshot: &Snapshot, spec: &HorizonSpec) {
        let key = &self.object.meta.key;
        self.target = target::find(snapshot, key, &spec.workload_ref, &GUESSES);
        let workload = self.target.as_ref().ok().map(|t| t.workload.clone());
        let stated = Stated { public_url: spec.public_url.as_deref(), exposed_by: spec.exposed_by.as_deref() };
        self.exposures = exposure::of(snapshot, stated, self.target.as_ref().map(|t| &*t.workload), &key.namespace)
            .and_then(|found| scheme::asked_for(found, stated, &key.namespace));
        self.applied = workload.as_deref().map(|w| Applied::of(snapshot, w));
        self.settings = self.settings(spec).and_then(|settings| {
            self.hosts = proof::hosts(spec)?;
            Ok(settings)
        });
        if let Ok(exposures) = &self.exposures {
            self.advice.extend(exposures.notes.iter().cloned());
        }
        if spec.cors.as_ref().is_some_and(|cors| cors.enabled) {
            self.advice.push(
                Advice::new("spec.cors puts CORS headers on Horizon's own answers")
                    .fix("the upload does not need them, Glance's [cors] decides"),
            );
        }
    }

    fn settings(&self, spec: &HorizonSpec) -> Result<HorizonSettings, Problem> {
        let target = self.target.as_ref().map_err(Clone::clone)?;
        let mut paths = spec.paths.clone();
        if layout::asks_image(spec.layout, &paths, &target.users_mounts())
            && let Some(applied) = &self.applied
        {
            let may_ask = spec.rollout.rehearsal == Rehearsing::Required;
            paths.local_settings_dir =
                rehearsal::reads(&self.object.meta.key, target, may_ask.then_some(&applied.rehearsals))?;
        }
        let places = layout::horizon(spec.layout, &paths, &target.users_mounts())?;
        let tls_termination = match &spec.tls_termination {
            None => None,
            Some(tls) => {
                let origins = if tls.trust_origins || tls.allow_hosts { self.origins()? } else { BTreeSet::new() };
                let hosts: BTreeSet<_> = origins.iter().map(|o| o.host().to_owned()).collect();
                Some(TlsTerminationSettings {
                    forwarded_proto_header: tls.forwarded_proto_header.clone(),
                    trusted_origins: origins.into_iter().filter(|_| tls.trust_origins).collect(),
                    allowed_hosts: hosts.into_iter().filter(|_| tls.allow_hosts).collect(),
                })
            }
        };
        let glance_proxy = self.proxy(spec)?;
        let httpd = match httpd(spec)? {
            (None, None, None) if glance_proxy.is_none() => None,
            (limit_request_body, timeout, cors) => {
                let conf_dir = places.httpd_conf_dir?;
                Some(HorizonHttpdSettings { conf_dir, limit_request_body, timeout, cors, glance_proxy })
            }
        };
        Ok(HorizonSettings {
            direct: true,
            local_settings_dir: places.local_settings_dir,
            delivery: places.delivery,
            tls_termination,
            httpd,
        })
    }

    /// All origins from which browsers load the dashboard.
    ///
    /// # Errors
    /// Why they are not known.
    pub fn origins(&self) -> Result<BTreeSet<Origin>, Problem> {
        let exposures = self.exposures.as_ref().map_err(Clone::clone)?;
        Ok(exposures.urls.iter().map(|e| e.url.origin().clone()).collect())
    }

    /// Those that a Glance must accept: of one that it goes to, only where browsers ask.
    ///
    /// # Errors
    /// Why they are not known.
    pub fn origins_at(&self, glance: &Key) -> Result<BTreeSet<Origin>, Problem> {
        let origins = self.origins()?;
        let here: Vec<_> = self.destinations.iter().filter(|d| d.key() == Some(glance)).collect();
        if here.is_empty() {
            return Ok(origins);
        }
        Ok(here.into_iter().flat_map(|d| d.crossing(origins.clone())).collect())
    }

    /// What a roll shall note of where the image reads snippets.
    pub fn reads(&self) -> Option<(String, String)> {
        let (spec, target) = (self.object.spec.as_ref().ok()?, self.target.as_ref().ok()?);
        let dir = &self.settings.as_ref().ok()?.local_settings_dir;
        let asked = layout::asks_image(spec.layout, &spec.paths, &target.users_mounts());
        asked.then(|| (annotations::READS.to_owned(), format!("{} {dir}", target.container.image)))
    }

    /// Whether pods set `direct`, or may.
    pub fn holds(&self) -> bool {
        self.applied.as_ref().is_some_and(|a| a.mount.is_some() || !a.running.is_empty())
    }

    /// Since when its own mode is in force because preflights were refused: noted on the ConfigMap
    /// that was taken out of its pods.
    pub fn backed_out(&self) -> Option<&str> {
        let workload = &self.target.as_ref().ok()?.workload;
        let config_maps = self.applied.as_ref()?.config_maps.as_ref().ok()?;
        let mut all = config_maps.values().filter(|c| is_for(c, "Horizon", workload));
        all.find_map(|c| c.meta.ours.get(annotations::BACKED_OUT).map(String::as_str))
    }

    /// Why it is not known what its pods run with, if so.
    pub fn unseen(&self) -> Option<Problem> {
        let key = &self.object.meta.key;
        if let Err(why) = &self.object.spec {
            return Some(Problem::new(Reason::ObservationIncomplete, format!("Horizon {key} cannot be read: {why}")));
        }
        let applied = self.applied.as_ref();
        let config_maps = applied.and_then(|a| a.config_maps.as_ref().err().cloned()).map(Problem::from);
        let pods = applied.and_then(|a| a.rollout.as_ref().err().cloned());
        let target = self.target.as_ref().err().cloned();
        [target, config_maps, pods].into_iter().flatten().find(Problem::is_unknown)
    }

    /// The Glances whose acceptance this Horizon needs: those it goes to, and those that its pods
    /// still upload to.
    pub fn needs(&self) -> BTreeSet<Key> {
        let mut needs = self.applied.as_ref().map(Applied::partners).unwrap_or_default();
        if self.intent == Intent::Direct {
            needs.extend(self.partners());
        }
        needs
    }

    /// The Glance resources that it goes to.
    pub fn partners(&self) -> BTreeSet<Key> {
        self.destinations.iter().filter_map(Destination::key).cloned().collect()
    }
}

type Fragment = (Option<u64>, Option<u32>, Option<HorizonCorsSettings>);

/// What the httpd fragment holds of limits and CORS.
fn httpd(spec: &HorizonSpec) -> Result<Fragment, Problem> {
    let cors = match spec.cors.as_ref().filter(|cors| cors.enabled) {
        None => None,
        Some(cors) => {
            let origins = cors
                .allowed_origins
                .iter()
                .map(|text| Origin::parse(text))
                .collect::<Result<BTreeSet<_>, _>>()
                .map_err(|e| Problem::new(Reason::InvalidSpec, format!("spec.cors.allowedOrigins: {e}")))?;
            Some(HorizonCorsSettings {
                origins,
                allow_credentials: cors.allow_credentials,
                max_age: cors.max_age.and_then(|s| u32::try_from(s).ok()),
            })
        }
    };
    let own = spec.httpd.as_ref();
    let limit = own.and_then(|h| h.limit_request_body).and_then(|b| u64::try_from(b).ok());
    let timeout = own.and_then(|h| h.timeout).map(|t| u32::try_from(seconds(Some(t), 0)).unwrap_or(u32::MAX));
    Ok((limit, timeout, cors.filter(|cors| !cors.origins.is_empty())))
}
