//! A dashboard: what a Horizon says alone.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use direct_upload_api::web::Origin;
use direct_upload_api::{Fallback, GlanceProxy, HorizonSpec, Panel, Reason, Rehearsing, Rule, seconds};

use super::exposure::{self, Exposure, Exposures, Stated, scheme};
use super::snippet_place::Unplaced;
use super::tenure::Tenure;
use super::{reach, snippet_place};
use crate::model::{Advice, HorizonObject, Key, Problem, ResourceKind, Set, Snapshot};
use crate::openstack::layout;
use crate::render::{HorizonCorsSettings, HorizonHttpdSettings, HorizonSettings, TlsTerminationSettings};
use crate::workload::{Applied, annotations, is_for, rehearsal};

/// What the spec and its context require from Horizon's pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Set `direct`.
    Direct,
    /// Do not set the mode, and remove an existing setting.
    Own(OwnMode, Problem),
    /// Leave everything unchanged.
    Hold(Problem),
}

/// Why Horizon's own setting of the mode is in effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnMode {
    /// The spec switches direct upload off.
    Disabled,
    /// The resource is being deleted.
    Deleted,
    /// Glance accepts images by import only.
    ImportOnly,
    /// There is no Glance to which its users could upload directly.
    NoGlance,
}

/// What can be said about one Horizon without its Glances.
#[derive(Clone, Debug, PartialEq)]
pub struct Dashboard {
    pub object: Arc<HorizonObject>,
    /// The namespace is being deleted: nothing can be created in it.
    pub terminating: bool,
    pub tenure: Arc<Tenure>,
    pub exposures: Result<Exposures, Problem>,
    /// Settings with the mode as [`Intent::Direct`] wants it.
    pub settings: Result<HorizonSettings, Unplaced>,
    /// `spec.directUpload.probe.hostAliases`, by name.
    pub hosts: BTreeMap<String, IpAddr>,
    /// The image panel of its pods, as a rehearsal found it; none if there was none.
    pub seen: Option<Panel>,
    /// Nobody has said or seen it, and the image may be asked.
    pub panel_is_open: bool,
    /// The image panel that counts: what the spec says, else what a rehearsal found.
    pub panel: Panel,
    pub advice: Box<[Advice]>,
}

impl Dashboard {
    /// Reads one.
    pub fn derive(snapshot: &Snapshot, object: &Arc<HorizonObject>, tenure: Arc<Tenure>) -> Self {
        let spec = match &object.spec {
            Ok(spec) => spec,
            Err(why) => return Self::unreadable(snapshot, object, tenure, why),
        };
        let namespace = &object.meta.key.namespace;
        let stated = Stated { public_url: spec.public_url.as_deref(), exposed_by: spec.exposed_by.as_deref() };
        let exposures = exposure::derive(snapshot, stated, tenure.named.as_ref().map(|t| &*t.workload), namespace)
            .and_then(|found| scheme::asked_for(found, stated, namespace));
        let hosts = reach::hosts(spec);
        let rehearsals = || tenure.applied.as_ref().ok().map(|applied| &applied.rehearsals);
        let seen = tenure.named.as_ref().ok().and_then(|t| rehearsal::panel(&object.meta.key, t, rehearsals()));
        let panel = spec.direct_upload.panel.map_or(seen.unwrap_or_default(), Panel::from);
        let settings = settings(&object.meta.key, spec, &tenure, &exposures, snapshot.answers.are_assumed());
        let notes = exposures.iter().flat_map(|exposures| exposures.notes.iter().cloned());
        let advice = notes.chain(advice(spec, settings.as_ref().ok())).collect();
        Self {
            object: object.clone(),
            terminating: snapshot.is_terminating(namespace),
            tenure,
            exposures,
            settings: settings.and_then(|settings| hosts.as_ref().map(|_| settings).map_err(|why| why.clone().into())),
            hosts: hosts.unwrap_or_default(),
            panel_is_open: seen.is_none()
                && spec.direct_upload.panel.is_none()
                && spec.rollout.rehearsal != Rehearsing::Off
                && !snapshot.answers.are_assumed(),
            seen,
            panel,
            advice,
        }
    }

    /// One whose spec this version cannot read.
    fn unreadable(snapshot: &Snapshot, object: &Arc<HorizonObject>, tenure: Arc<Tenure>, why: &str) -> Self {
        let unread = Problem::new(Reason::Undecodable, why);
        Self {
            object: object.clone(),
            terminating: snapshot.is_terminating(&object.meta.key.namespace),
            tenure,
            exposures: Err(unread.clone()),
            settings: Err(unread.into()),
            hosts: BTreeMap::new(),
            seen: None,
            panel_is_open: false,
            panel: Panel::Unknown,
            advice: Box::default(),
        }
    }

    /// The spec, if it can be read.
    pub fn spec(&self) -> Option<&HorizonSpec> {
        self.object.spec.as_ref().ok()
    }

    /// All origins from which browsers load the dashboard.
    ///
    /// # Errors
    /// Why they are unknown.
    pub fn origins(&self) -> Result<BTreeSet<Origin>, Problem> {
        origins(&self.exposures)
    }

    /// Whether its status, if it has one, is about the present origins. If not, what it says about preflights
    /// concerns former ones.
    pub fn has_current_status(&self) -> bool {
        let (Some(status), Ok(origins)) = (&self.object.status, self.origins()) else { return true };
        status.origins.iter().map(String::as_str).eq(origins.iter().map(Origin::as_str))
    }

    /// What a roll should record about where the image reads snippets.
    pub fn reads(&self) -> Option<(String, String)> {
        let (spec, target) = (self.object.spec.as_ref().ok()?, self.tenure.target.as_ref().ok()?);
        let dir = &self.settings.as_ref().ok()?.local_settings_dir;
        let mounts = target.users_mounts();
        let asked = layout::asks_image(layout::layout(spec.layout, &mounts), &spec.paths, &mounts);
        asked.then(|| (annotations::READS.to_owned(), format!("{} {dir}", target.container.image)))
    }

    /// The origins from which browsers may also load it, because a part of its exposure is assumed.
    pub fn may_be_among<'a>(&self, origins: &'a Set<Origin>) -> Vec<&'a Origin> {
        let urls = self.exposures.iter().flat_map(|exposures| &exposures.urls);
        let near = |exposure: &Exposure| {
            let host = exposure.url.origin().without_port().to_owned();
            let first = origins.starting_at(|origin| origin.as_str() < host.as_str());
            first.take_while(move |origin| origin.as_str().starts_with(&host)).collect::<Vec<_>>()
        };
        let assumed = urls.filter(|exposure| exposure.port_assumed);
        assumed.flat_map(|exposure| near(exposure).into_iter().filter(|origin| exposure.may_be(origin))).collect()
    }

    /// Whether pods set `direct`, or may.
    pub fn holds(&self) -> bool {
        match &self.tenure.applied {
            Ok(applied) => applied.mount.is_some() || !applied.running.is_empty(),
            Err(problem) => problem.is_unknown(),
        }
    }

    /// Whether pods certainly upload directly because of our setting, or will.
    pub fn is_direct(&self) -> bool {
        self.tenure.applied.as_ref().is_ok_and(Applied::sets_direct)
    }

    /// Since when its own mode is in effect because preflights were refused. It is recorded on the
    /// ConfigMap that was removed from its pods.
    pub fn backed_out(&self) -> Option<&str> {
        let workload = &self.tenure.target.as_ref().ok()?.workload;
        let mut all = self
            .tenure
            .applied
            .as_ref()
            .ok()?
            .config_maps
            .values()
            .filter(|c| is_for(c, ResourceKind::Horizon, workload));
        all.find_map(|c| c.meta.ours.get(annotations::BACKED_OUT).map(String::as_str))
    }

    /// Why it is unknown what its pods run with, if so.
    pub fn unseen(&self) -> Option<Problem> {
        let key = &self.object.meta.key;
        if let Err(why) = &self.object.spec {
            return Some(Problem::new(Reason::ObservationIncomplete, format!("Horizon {key} cannot be read: {why}")));
        }
        let Tenure { target, applied, .. } = &*self.tenure;
        [target.as_ref().err(), applied.as_ref().err()].into_iter().flatten().find(|p| p.is_unknown()).cloned()
    }

    /// Whether it falls back when a path fails.
    pub fn falls_back(&self) -> bool {
        self.spec().is_some_and(|spec| spec.direct_upload.fallback == Fallback::Legacy)
    }
}

/// All origins that these URLs have.
fn origins(exposures: &Result<Exposures, Problem>) -> Result<BTreeSet<Origin>, Problem> {
    let exposures = exposures.as_ref().map_err(Clone::clone)?;
    Ok(exposures.urls.iter().map(|e| e.url.origin().clone()).collect())
}

/// What the spec alone shows. `settings`: what is rendered of it.
fn advice(spec: &HorizonSpec, settings: Option<&HorizonSettings>) -> Vec<Advice> {
    let mut advice = Vec::new();
    if spec.cors.as_ref().is_some_and(|cors| cors.enabled) {
        advice.push(
            Advice::new("spec.cors puts CORS headers on Horizon's own answers")
                .fix("remove spec.cors unless something else needs it: uploads depend only on Glance's [cors]"),
        );
    }
    if let (None, None, Rehearsing::Off, Some(settings)) =
        (spec.layout, &spec.paths.local_settings_dir, spec.rollout.rehearsal, settings)
    {
        let dir = &settings.local_settings_dir;
        advice.push(
            Advice::new(format!("spec.layout is not set and rehearsals are off, so nothing shows that the image reads snippets from {dir}"))
                .rule(Rule::NoEffect)
                .fix("set spec.layout or spec.paths.localSettingsDir"),
        );
    }
    advice
}

/// What to render.
fn settings(
    key: &Key,
    spec: &HorizonSpec,
    tenure: &Tenure,
    exposures: &Result<Exposures, Problem>,
    offline: bool,
) -> Result<HorizonSettings, Unplaced> {
    let target = tenure.named.as_ref().map_err(Clone::clone)?;
    let places = snippet_place::places(key, spec, target, tenure, offline)?;
    let tls_termination = match &spec.tls_termination {
        None => None,
        Some(tls) => {
            let origins = if tls.trust_origins || tls.allow_hosts { origins(exposures)? } else { BTreeSet::new() };
            let hosts: BTreeSet<_> = origins.iter().map(|o| o.host().to_owned()).collect();
            Some(TlsTerminationSettings {
                forwarded_proto_header: tls.forwarded_proto_header.clone(),
                trusted_origins: origins.into_iter().filter(|_| tls.trust_origins).collect(),
                allowed_hosts: hosts.into_iter().filter(|_| tls.allow_hosts).collect(),
            })
        }
    };
    let glance_proxy = glance_proxy(spec, exposures)?;
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

type Fragment = (Option<u64>, Option<u32>, Option<HorizonCorsSettings>);

/// What the httpd fragment has of limits and CORS.
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

/// The proxy that the spec requests.
///
/// # Errors
/// It conflicts with the dashboard's own URL.
fn glance_proxy(spec: &HorizonSpec, exposures: &Result<Exposures, Problem>) -> Result<Option<GlanceProxy>, Problem> {
    let Some(asked) = spec.httpd.as_ref().and_then(|httpd| httpd.glance_proxy.as_ref()) else { return Ok(None) };
    let urls = exposures.iter().flat_map(|exposures| &exposures.urls).map(|exposed| &exposed.url);
    let meets = |own: &str| !own.is_empty() && (is_below(&asked.path, own) || is_below(own, &asked.path));
    if let Some(url) = urls.into_iter().find(|url| meets(url.path())) {
        let message = format!(
            "spec.httpd.glanceProxy.path: {} and the dashboard's own {url} overlap; choose another path, for example /image",
            asked.path
        );
        return Err(Problem::new(Reason::InvalidSpec, message));
    }
    Ok(Some(asked.clone()))
}

/// Whether a path is another one, or below it.
pub(super) fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
