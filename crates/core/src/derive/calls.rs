//! Stage 5, of an OpenStackAPI: where pages call it, and what preflights show of such calls.
//!
//! In: the API, and the origins that it is to accept. Out: [`Calls`]: its exposure, the questions of its own
//! methods and headers, and the evidence. Nothing waits for it, because no mode depends on an API without uploads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use direct_upload_api::web::{Endpoint, Origin};
use direct_upload_api::{CorsKey, CorsValue, OpenStackApiSpec, Panel, ProbeCheck, Severity};

use super::api::ManagedApi;
use super::evidence::{self, Evidence, Failed};
use super::exposure::{self, Exposures, Stated};
use super::exposure_issue::calls as issues;
use super::reach;
use crate::judge::call::CallPreflight;
use crate::model::{Advice, ApiCall, Epoch, FieldPath, Key, ProbeTarget, Problem, Reach, Snapshot};
use crate::openstack::OpenStackService;
use crate::openstack::upload::Credentials;

/// Where pages call an API, and what is known of that.
#[derive(Clone, Debug, PartialEq)]
pub struct Calls {
    pub exposures: Result<Exposures, Problem>,
    /// The ConfigMap with certificate authorities.
    pub authorities: Option<Key>,
    pub questions: BTreeSet<Arc<ProbeTarget>>,
    pub epoch: Epoch,
    pub evidence: Evidence,
    /// What on the exposing objects keeps pages from calling it.
    pub advice: Vec<Advice>,
}

/// An origin that the API is to accept, and whether its pages send cookies.
pub type Origins = BTreeMap<Origin, bool>;

impl Calls {
    /// What is asked of one API, and what is known.
    pub fn derive(snapshot: &Snapshot, api: &ManagedApi, spec: &OpenStackApiSpec, origins: &Origins) -> Self {
        let namespace = &api.resource.meta.key.namespace;
        let stated = Stated { public_url: spec.public_url.as_deref(), exposed_by: spec.exposed_by.as_deref() };
        let workload = api.tenure.named.as_ref().map(|target| &*target.workload);
        let exposures = exposure::derive(snapshot, stated, workload, namespace);
        let service = spec.service.into();
        let through = exposures.iter().flat_map(|exposures| &exposures.exposing);
        let found = issues::find(through, service, &origins.keys().collect(), &headers(service, spec));
        let notes = exposures.iter().flat_map(|exposures| exposures.notes.iter().cloned());
        let objections = exposures.iter().flat_map(|exposures| objections(exposures, service, spec, origins));
        let advice = notes.chain(found).chain(objections).collect();
        let named = spec.verification.ca_config_map.as_ref();
        let authorities = named.map(|named| Key::new(namespace.clone(), named.name.clone()));
        let mut calls =
            Self { exposures, authorities, questions: BTreeSet::new(), epoch: None, evidence: Evidence::None, advice };
        let is_asked = spec.verification.preflight == ProbeCheck::Check && api.resource.meta.deleting.is_none();
        let primary = calls.exposures.as_ref().ok().and_then(Exposures::primary).cloned();
        if let Some(url) = primary.filter(|_| is_asked && api.tenure.target.is_ok()) {
            calls.ask(snapshot, api, spec, &Endpoint::from(url), origins);
        }
        calls
    }

    /// Asks for each origin whether its pages may call the URL, and reads what the answers show.
    fn ask(
        &mut self,
        snapshot: &Snapshot,
        api: &ManagedApi,
        spec: &OpenStackApiSpec,
        endpoint: &Endpoint,
        origins: &Origins,
    ) {
        // A browser sends no preflight to the page's own origin.
        let crossing: Origins =
            origins.iter().filter(|(origin, _)| *origin != endpoint.origin()).map(|(o, c)| (o.clone(), *c)).collect();
        if crossing.is_empty() {
            return;
        }
        let hosts = match reach::named_hosts(&spec.verification.host_aliases, "spec.verification.hostAliases") {
            Ok(hosts) => hosts,
            Err(problem) => {
                let field = FieldPath::new(&["spec", "verification", "hostAliases"]);
                return self.advice.push(Advice::new(problem.message()).field(field));
            }
        };
        self.epoch = epoch(api, &crossing);
        let item = spec.verification.ca_config_map.as_ref().and_then(|named| named.key.as_deref());
        match reach::reach_by(snapshot, hosts, self.authorities.as_ref(), item).map(Arc::new) {
            Ok(reach) => {
                let asked =
                    crossing.iter().map(|(origin, credentials)| question(endpoint, spec, &reach, origin, *credentials));
                self.questions = asked.map(Arc::new).collect();
                self.evidence = evidence::evidence(snapshot, None, &self.questions, &self.epoch);
            }
            Err(unknown) if unknown.pending => self.evidence = Evidence::Pending,
            Err(unknown) => {
                let reply = reach::no_ca(unknown.why, "spec.verification.caConfigMap");
                let origin = endpoint.to_string();
                self.evidence = Evidence::Unknown(vec![Failed { region: None, origin, check: None, reply }]);
            }
        }
    }
}

/// The preflight of a call from one origin.
fn question(
    endpoint: &Endpoint,
    spec: &OpenStackApiSpec,
    reach: &Arc<Reach>,
    origin: &Origin,
    credentials: bool,
) -> ProbeTarget {
    let service: &OpenStackService = spec.service.into();
    ProbeTarget {
        origin: origin.clone(),
        endpoint: endpoint.clone(),
        panel: Panel::Unknown,
        uploads: None,
        page: None,
        address_spaces: false,
        call: Some(ApiCall {
            service: service.name,
            methods: service.allow_methods.to_vec(),
            headers: headers(service, spec),
            credentials,
        }),
        reach: reach.clone(),
    }
}

/// Why browsers of these pages send nothing to the primary URL, whatever the API would answer.
fn objections(
    exposures: &Exposures,
    service: &'static OpenStackService,
    spec: &OpenStackApiSpec,
    origins: &Origins,
) -> Vec<Advice> {
    let Some(exposure) = exposures.urls.first() else { return Vec::new() };
    let endpoint = Endpoint::from(exposure.url.clone());
    let host = endpoint.origin().host();
    let is_named = spec.verification.host_aliases.iter().any(|alias| alias.hostnames.iter().any(|name| name == host));
    let at = |advice: Advice| exposure.source.advised(advice);
    let mut all: Vec<Advice> = Vec::new();
    for origin in origins.keys().filter(|origin| *origin != endpoint.origin()) {
        let asked = CallPreflight {
            origin: origin.clone(),
            endpoint: endpoint.clone(),
            service: service.name,
            method: "GET",
            headers: Vec::new(),
            credentials: Credentials::SameOrigin,
        };
        let Some(failure) = asked.objection(is_named) else { continue };
        let found = format!("{endpoint}: {}", failure.message);
        let advice = at(Advice::new(found).rule(failure.rule).severity(Severity::Error).fix(failure.fix));
        if !all.contains(&advice) {
            all.push(advice);
        }
    }
    // Keystone's catalog puts the project's id there (`keystone/catalog/core.py`, format_url).
    if ["%(", "$("].iter().any(|placeholder| endpoint.path().contains(placeholder)) {
        let found = format!("{endpoint} has a placeholder of Keystone's catalog, and no page calls such a URL");
        all.push(at(Advice::new(found)
            .severity(Severity::Warning)
            .fix("leave out the placeholder and what follows it")));
    }
    all
}

/// The state of the API that an answer would be about; none during a roll.
fn epoch(api: &ManagedApi, crossing: &Origins) -> Epoch {
    let state = api.state();
    let accepted = state.accepts.as_ref().is_ok_and(|accepts| crossing.keys().all(|origin| accepts.contains(origin)));
    state.epoch().filter(|_| accepted && state.rolled_out.is_ok())
}

/// The headers that pages may send: the service's own, and those that the resource adds. Browsers also ask
/// for `Content-Type` if its value is that of JSON.
fn headers(service: &OpenStackService, spec: &OpenStackApiSpec) -> Vec<String> {
    let added = match spec.cors.options().remove(&CorsKey::AllowHeaders) {
        Some(CorsValue::List(names)) => names,
        _ => Vec::new(),
    };
    let own = service.allow_headers.iter().map(|name| (*name).to_owned());
    let all: BTreeSet<_> =
        own.chain(added).chain(["content-type".to_owned()]).map(|name| name.to_ascii_lowercase()).collect();
    all.into_iter().collect()
}
