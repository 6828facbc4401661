//! Plans, applied to manifests until nothing is left to do.
//!
//! In: a cluster and the time. Out: the steps in order, and the final state of each resource. The plans are
//! the operator's own, so the ConfigMaps have the names and bytes that it would apply.

use std::collections::BTreeMap;

use direct_upload_api::Reason;
use jiff::Timestamp;

use super::cluster::Cluster;
use crate::derive::{ApiView, World};
use crate::model::{Advice, Key, Problem, ResourceId, ResourceKind};
use crate::plan::{self, Action, Options, OriginPlan, Plan, State, Step};

/// How far the rollout goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutStage {
    /// Glance accepts the origins; Horizon does not change.
    Glance,
    /// All of it.
    Horizon,
}

/// A step, and the resource whose plan has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    pub resource: ResourceId,
    pub step: Step,
}

/// The final state of a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    pub resource: ResourceId,
    pub state: State,
    /// The ConfigMap in use.
    pub config_map: Option<Key>,
    /// The ConfigMap of the internal API.
    pub internal: Option<Key>,
    pub advice: Vec<Advice>,
    /// Origins that leave later, of a Glance.
    pub retiring: Vec<OriginPlan>,
}

/// The whole simulation.
#[derive(Clone, Debug)]
pub struct Simulation {
    pub steps: Vec<Taken>,
    pub ends: Vec<End>,
    /// The plans still have steps after many rounds. This is a fault of the planner, never of the input.
    pub unsettled: bool,
    pub cluster: Cluster,
}

/// Rounds; a simulation takes two or three.
const ROUNDS: usize = 16;

/// Whose plans are carried out together. Each writes only its own objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// Glances and other APIs.
    Accepting,
    Horizons,
}

/// Carries out all plans.
pub fn simulate(cluster: Cluster, stage: RolloutStage, now: Timestamp, options: &Options) -> Simulation {
    let mut course = Course { cluster, now, options, steps: Vec::new(), conflicts: BTreeMap::new() };
    let sides: &[Side] = match stage {
        RolloutStage::Glance => &[Side::Accepting],
        RolloutStage::Horizon => &[Side::Accepting, Side::Horizons],
    };
    let mut rounds = 0..ROUNDS;
    let unsettled = loop {
        let acted: Vec<_> = sides.iter().map(|side| course.settle(*side)).collect();
        if !acted.contains(&true) {
            break false;
        }
        if rounds.next().is_none() {
            break true;
        }
    };
    let ends = ends(&course.cluster, stage, now, options, &course.conflicts);
    Simulation { steps: course.steps, ends, unsettled, cluster: course.cluster }
}

/// What has been done so far.
struct Course<'a> {
    cluster: Cluster,
    now: Timestamp,
    options: &'a Options,
    steps: Vec<Taken>,
    conflicts: BTreeMap<ResourceId, Problem>,
}

impl Course<'_> {
    /// Carries out one side's plans until none of them has steps. Returns true if any did. All plans of a
    /// round use one snapshot, so the cost for many resources grows slowly.
    fn settle(&mut self, side: Side) -> bool {
        let mut taken = Vec::new();
        for _ in 0..ROUNDS {
            let before = taken.len();
            for (resource, plan) in plans(&self.cluster.world(), side, self.now, self.options) {
                if self.conflicts.contains_key(&resource) || !acts(&plan) {
                    continue;
                }
                if let Err(problem) = follow(&mut self.cluster, &resource, plan, &mut taken) {
                    self.conflicts.insert(resource, problem);
                }
            }
            if taken.len() == before {
                break;
            }
        }
        // One resource after the other, as a user reads it.
        taken.sort_by(|a, b| a.resource.cmp(&b.resource));
        let acted = !taken.is_empty();
        self.steps.extend(taken);
        acted
    }
}

/// The plans of Glances and other APIs.
fn api_plans<'a>(
    world: &'a World,
    now: Timestamp,
    options: &'a Options,
) -> impl Iterator<Item = (&'a ApiView, Plan, Vec<OriginPlan>)> {
    let glances = world.glances.values().map(move |view| (&view.public, plan::glance(view, now, options)));
    let apis = world.apis.values().map(move |view| (view, plan::api(view, now, options)));
    glances.chain(apis).map(|(view, (plan, origins))| (view, plan, origins))
}

/// The plans of one side, by kind and key.
fn plans(world: &World, side: Side, now: Timestamp, options: &Options) -> Vec<(ResourceId, Plan)> {
    let apis = api_plans(world, now, options).map(|(view, plan, _)| (view.api.resource.id(), plan));
    match side {
        Side::Accepting => apis.collect(),
        Side::Horizons => world
            .horizons
            .iter()
            .map(|(key, view)| (ResourceId::new(ResourceKind::Horizon, key), plan::horizon(view, now, options)))
            .collect(),
    }
}

/// Whether a plan starts with something to do.
fn acts(plan: &Plan) -> bool {
    plan.steps.first().is_some_and(|step| !step.action.waits())
}

/// Where a plan waits for an answer of the workload's image, which nobody runs here.
fn unseen_path(plan: &Plan) -> Option<Problem> {
    let looks = |step: &Step| matches!(&step.action, Action::Rehearse(draft) if !draft.asks_keystone());
    let looking = matches!(plan.state, State::Looking(_));
    (looking && plan.steps.iter().any(looks)).then(|| {
        Problem::new(
            Reason::PathUnknown,
            "only the workload's image shows where its Horizon reads snippets, and nothing runs it here; set spec.paths.localSettingsDir to \
             <prefix>/lib/pythonX.Y/site-packages/openstack_dashboard/local/local_settings.d \
             (ask the image: python3 -c \"import sysconfig; print(sysconfig.get_path('platlib'))\")",
        )
    })
}

/// Takes a plan's steps up to and including the first that others must do.
fn follow(cluster: &mut Cluster, resource: &ResourceId, plan: Plan, steps: &mut Vec<Taken>) -> Result<(), Problem> {
    if let Some(problem) = unseen_path(&plan) {
        return Err(problem);
    }
    for step in plan.steps {
        let waits = step.action.waits();
        cluster.carry_out(resource, &step.action)?;
        steps.push(Taken { resource: resource.clone(), step });
        if waits {
            break;
        }
    }
    Ok(())
}

fn ends(
    cluster: &Cluster,
    stage: RolloutStage,
    now: Timestamp,
    options: &Options,
    conflicts: &BTreeMap<ResourceId, Problem>,
) -> Vec<End> {
    let world = cluster.world();
    let end = |kind, key: &Key, plan: Plan, advice: &[Advice], origins: Vec<OriginPlan>| {
        let resource = ResourceId::new(kind, key);
        let conflict = conflicts.get(&resource);
        let named = |name: String| Key::new(key.namespace.clone(), name);
        End {
            state: conflict.map_or(plan.state, |p| State::unmet(p.reason.condition(), p.clone())),
            config_map: plan.config_map.map(named),
            internal: plan.internal.map(named),
            resource,
            advice: advice.to_vec(),
            retiring: origins.into_iter().filter(|o| o.retires_at.is_some()).collect(),
        }
    };
    let mut ends = Vec::new();
    for (view, plan, origins) in api_plans(&world, now, options) {
        ends.push(end(view.api.resource.kind, &view.api.resource.meta.key, plan, &view.advice, origins));
    }
    for (key, view) in world.horizons.iter() {
        let mut plan = plan::horizon(view, now, options);
        if stage == RolloutStage::Glance && acts(&plan) {
            plan.state =
                State::Done(Problem::new(Reason::SwitchingToDirect, "--stage horizon prints what changes in Horizon"));
            plan.config_map = None;
        }
        ends.push(end(ResourceKind::Horizon, key, plan, &view.advice, Vec::new()));
    }
    ends
}
