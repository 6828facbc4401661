//! Fragments for a deployment tool, from the end of a simulation.
//!
//! In: a [`Simulation`]. Out: one part for each resource, in the order of the stages. An internal API has none.

use std::collections::BTreeSet;

use direct_upload_api::Panel;
use direct_upload_api::web::{Endpoint, Origin};

use super::end_state::rendered_files;
use super::simulation::Simulation;
use crate::derive::{GlanceView, HorizonView, Partner, World};
use crate::model::{Key, ResourceId, ResourceKind};
use crate::render::deployer::{Component, Deployer, Fragment, FragmentInput, PreflightCommand, Spec, fragment};

/// One resource's fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceFragment {
    pub resource: ResourceId,
    pub service: Component,
    pub fragment: Fragment,
}

/// The parts: APIs, Glances, then Horizons.
pub fn fragments(deployer: Deployer, outcome: &Simulation) -> Vec<ResourceFragment> {
    let world = outcome.cluster.world();
    let rendered = rendered_files(outcome);
    let part = |resource: &ResourceId| {
        let files: Vec<_> =
            rendered.iter().filter(|(id, ..)| id == resource).map(|(_, name, text)| (*name, *text)).collect();
        let key = &resource.key;
        let asked = Asked { files: &files, world: &world };
        let fragment = match resource.kind {
            ResourceKind::Horizon => asked.horizon(deployer, world.horizons.get(key)?)?,
            ResourceKind::Glance => asked.glance(deployer, key, world.glances.get(key)?)?,
            ResourceKind::OpenStackApi => asked.api(deployer, key)?,
        };
        let (service, fragment) = fragment;
        Some(ResourceFragment { resource: resource.clone(), service, fragment })
    };
    let mut parts: Vec<_> = outcome.ends.iter().filter_map(|end| part(&end.resource)).collect();
    parts.sort_by_key(|part| match part.service {
        Component::Api(_) => 0,
        Component::Glance => 1,
        Component::Horizon => 2,
    });
    parts
}

struct Asked<'a> {
    files: &'a [(&'a str, &'a str)],
    world: &'a World,
}

impl Asked<'_> {
    fn horizon(&self, deployer: Deployer, view: &HorizonView) -> Option<(Component, Fragment)> {
        let spec = view.dashboard.spec()?;
        let origins = view.dashboard.origins().unwrap_or_default();
        let elsewhere = view.proof.destinations.iter().filter(|d| matches!(d.to.partner, Ok(Partner::External(_))));
        let preflights: BTreeSet<_> = elsewhere.flat_map(|d| uploads(view, &d.to, &origins)).collect();
        let preflights: Vec<_> = preflights.into_iter().collect();
        let urls = view.proof.destinations.iter().filter_map(|d| d.to.endpoint.as_ref().ok());
        let own: BTreeSet<&Endpoint> = urls.filter(|url| origins.contains(url.origin())).collect();
        let own: Vec<_> = own.into_iter().cloned().collect();
        let source = FragmentInput {
            service: Component::Horizon,
            spec: Spec::Horizon(spec),
            files: self.files,
            preflights: &preflights,
            own_paths: &own,
        };
        Some((Component::Horizon, fragment(deployer, &source)))
    }

    fn glance(&self, deployer: Deployer, key: &Key, view: &GlanceView) -> Option<(Component, Fragment)> {
        let spec = view.service.object.spec.as_ref().ok()?;
        let mut preflights: BTreeSet<PreflightCommand> = BTreeSet::new();
        for dashboard in self.world.horizons.values() {
            let origins = dashboard.dashboard.origins().unwrap_or_default();
            let here = dashboard.proof.destinations.iter().filter(|d| d.to.key() == Some(key));
            preflights.extend(here.flat_map(|d| uploads(dashboard, &d.to, &origins)));
        }
        let primary = view.service.exposures.as_ref().ok().and_then(|exposures| exposures.primary());
        let url = primary.cloned().map(Endpoint::from);
        let wanted = view.public.wanted.keys();
        preflights.retain(|asked| view.public.wanted.contains_key(&asked.origin));
        let asked: BTreeSet<Origin> = preflights.iter().map(|asked| asked.origin.clone()).collect();
        let others = wanted.filter(|origin| !asked.contains(*origin));
        preflights.extend(others.map(|origin| PreflightCommand {
            origin: origin.clone(),
            url: url.clone(),
            panel: None,
        }));
        let preflights: Vec<_> = preflights.into_iter().collect();
        let source = FragmentInput {
            service: Component::Glance,
            spec: Spec::Glance(spec),
            files: self.files,
            preflights: &preflights,
            own_paths: &[],
        };
        Some((Component::Glance, fragment(deployer, &source)))
    }

    fn api(&self, deployer: Deployer, key: &Key) -> Option<(Component, Fragment)> {
        let view = self.world.apis.get(key)?;
        let calls = view.calls.as_ref()?;
        let url = calls.exposures.as_ref().ok().and_then(|exposures| exposures.primary()).cloned().map(Endpoint::from);
        let crossing = view.wanted.keys().filter(|origin| url.as_ref().is_none_or(|url| url.origin() != *origin));
        let asked = |origin: &Origin| PreflightCommand { origin: origin.clone(), url: url.clone(), panel: None };
        let preflights: Vec<_> = crossing.map(asked).collect();
        let service = Component::Api(view.api.service.as_ref().ok()?);
        let source =
            FragmentInput { service, spec: Spec::Api, files: self.files, preflights: &preflights, own_paths: &[] };
        Some((service, fragment(deployer, &source)))
    }
}

/// The preflights of one dashboard's uploads to one destination.
fn uploads(view: &HorizonView, to: &crate::derive::Destination, origins: &BTreeSet<Origin>) -> Vec<PreflightCommand> {
    let Ok(endpoint) = &to.endpoint else { return Vec::new() };
    let panel = view.dashboard.spec().and_then(|spec| spec.direct_upload.panel).map(Panel::from);
    let asked = |origin| PreflightCommand { origin, url: Some(endpoint.clone()), panel };
    to.crossing(origins.clone()).into_iter().map(asked).collect()
}
