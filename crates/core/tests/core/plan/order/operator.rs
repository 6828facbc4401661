//! What the operator does: its plans are the real ones, and are carried out here.

use std::collections::BTreeSet;
use std::sync::Arc;

use direct_upload_api::{ConditionType, Rule};
use direct_upload_core::derive::{Evidence, World};
use direct_upload_core::model::{Cause, ConfigMap, Job, Observation, ProbeAnswer, ProbeRecord};
use direct_upload_core::plan::{self, Action, Options, OriginEvent, Plan, State, Step};
use direct_upload_core::render::effects;
use direct_upload_core::workload::{LastRoll, Mount, annotations};
use serde_json::json;
use test_support::manifests::origins_in;

use super::cloud::{Cloud, key, meta};
use super::uploads::upload_refused;
use super::{GLANCES, HORIZONS, INTERVAL, NAMES};

/// When what somebody removed was restored, on the ConfigMap.
const PUT_BACK: &str = "direct-upload.openstack.org/put-back";

impl Cloud {
    pub fn plan(&self, who: usize) -> Option<Plan> {
        let world = World::of(&self.seen());
        let options = Options { image: "image".into() };
        let plan = if who < GLANCES.len() {
            let (plan, origins) = plan::glance(world.glances.get(&key(NAMES[who]))?, self.now, &options);
            // What leaves later is looked at again then.
            let next = origins.iter().filter_map(|origin| origin.retires_at).filter(|at| *at > self.now).min();
            let wakes = |at| plan.wake.is_some_and(|wake| wake <= at);
            assert!(
                !matches!(plan.state, State::Done(_) | State::Off(_)) || next.is_none_or(wakes),
                "{next:?}: {plan:?}"
            );
            plan
        } else {
            let plan = plan::horizon(world.horizons.get(&key(NAMES[who]))?, self.now, &options);
            self.asks_settled_pods(NAMES[who], &plan);
            plan
        };
        assert!(plan.wake.is_none_or(|wake| wake > self.now), "it wakes at once, again and again: {plan:?}");
        Some(plan)
    }

    pub fn reconcile(&mut self, who: usize, steps: usize) {
        let Some(plan) = self.plan(who) else { return };
        let acts: Vec<&Step> = plan.steps.iter().take_while(|s| !s.action.waits()).take(steps).collect();
        if acts.is_empty() {
            self.report(who, &plan);
        }
        for step in acts {
            self.tells(who, step);
            self.carry_out(who, &step.action);
        }
    }

    /// Writes the status, as far as later plans read it.
    fn report(&mut self, who: usize, plan: &Plan) {
        if matches!(plan.state, State::Pending | State::Gone) {
            return;
        }
        let key = key(NAMES[who]);
        let mounted = Mount::observed(&self.workload(NAMES[who])).map(|mount| mount.config_map);
        let lacks = plan.state.lacks().filter(|(unmet, _)| *unmet != ConditionType::Verified);
        let rolled_out = if lacks.is_none() && mounted == plan.config_map { "True" } else { "False" };
        let condition = json!({
            "type": "RolledOut", "status": rolled_out, "reason": "x", "message": "", "lastTransitionTime": self.now,
        });
        let told = |generation: i64| json!({"observedGeneration": generation, "configMaps": plan.config_map.as_slice(), "conditions": [condition]});
        if who < GLANCES.len() {
            let mut object = (**self.snapshot.glances.get(&key).unwrap().unwrap()).clone();
            object.status = Some(Arc::new(serde_json::from_value(told(object.meta.generation)).unwrap()));
            self.snapshot.glances.insert(key, object);
        } else {
            let mut object = (**self.snapshot.horizons.get(&key).unwrap().unwrap()).clone();
            object.status = Some(Arc::new(serde_json::from_value(told(object.meta.generation)).unwrap()));
            self.snapshot.horizons.insert(key, object);
        }
    }

    /// How often the operator has restored what somebody removed, as its ConfigMaps say.
    pub fn restored(&self, name: &str) -> usize {
        let of = |config_map: &&Arc<ConfigMap>| config_map.meta.key.name.starts_with(&format!("{name}-"));
        let all = self.snapshot.config_maps.seen("cloud").filter(of);
        all.filter_map(|config_map| config_map.meta.ours.get(PUT_BACK)).map(|times| times.split(' ').count()).sum()
    }

    pub fn carry_out(&mut self, who: usize, action: &Action) {
        match action {
            Action::AddFinalizer => self.set_finalizer(who, true),
            Action::RemoveFinalizer => self.set_finalizer(who, false),
            Action::ApplyConfigMap(draft) => {
                let mut meta = meta(&draft.key.name);
                meta.ours = draft.annotations.clone().into_iter().collect();
                let config_map =
                    ConfigMap { meta, managed: true, data: draft.data.clone(), effects: effects(&draft.data) };
                self.snapshot.config_maps.insert(draft.key.clone(), config_map);
            }
            Action::Annotate { config_map, annotations } => {
                let mut object = (**self.snapshot.config_maps.get(config_map).unwrap().unwrap()).clone();
                for (name, value) in annotations {
                    match value {
                        Some(value) => drop(object.meta.ours.insert(name.clone(), value.clone())),
                        None => drop(object.meta.ours.remove(name)),
                    }
                }
                self.snapshot.config_maps.insert(config_map.clone(), object);
            }
            Action::Mount { workload, mount } | Action::Claim { workload, mount } => {
                let name = workload.meta.key.name.clone();
                if matches!(action, Action::Mount { .. }) {
                    self.may_roll(who);
                }
                if let Some(glance) = GLANCES.iter().find(|g| **g == name) {
                    let text = self.text(Some(&mount.config_map));
                    self.let_go(glance, &origins_in(&text));
                    if upload_refused(&text) {
                        self.let_go_all(glance);
                    }
                }
                self.set_mount(&name, Some(mount));
            }
            Action::SwitchMode { workload, mount } => {
                let name = workload.meta.key.name.clone();
                for glance in self.served(&name) {
                    let takes = self.takes(glance);
                    let enough = self.origins(&name).is_subset(&takes);
                    assert!(enough, "{name} switches, but {glance} takes uploads from {takes:?}");
                    assert!(!self.refuses(glance), "{name} switches, but {glance} refuses uploads");
                }
                assert!(self.is_direct(&name) || self.is_proven(&name), "{name} switches, and nothing has proven it");
                self.set_mount(&name, Some(mount));
            }
            Action::Release { workload } => {
                let name = workload.meta.key.name.clone();
                if let Some(glance) = GLANCES.iter().find(|g| **g == name) {
                    self.let_go(glance, &BTreeSet::new());
                }
                self.set_mount(&name, None);
            }
            Action::Collect { config_map, .. } => drop(self.snapshot.config_maps.remove(config_map)),
            Action::Rehearse(draft) => {
                let mut meta = meta(&draft.key.name);
                meta.ours.insert(annotations::FOR.to_owned(), draft.purpose.note(&draft.workload));
                self.snapshot.jobs.insert(
                    draft.key.clone(),
                    Job { meta, config_map: draft.mount.as_ref().map(|m| m.config_map.clone()), outcome: None },
                );
            }
            Action::Probe
            | Action::AwaitProof
            | Action::AwaitRehearsal { .. }
            | Action::AwaitRollout { .. }
            | Action::AwaitGlance { .. }
            | Action::AwaitHorizons
            | Action::Adjust(_) => {}
        }
    }

    /// A Job asks an image for its panel only if no rehearsal will do so: its pods run, and nothing rolls; or they fall back.
    fn asks_settled_pods(&self, name: &str, plan: &Plan) {
        let asks = |step: &&Step| matches!(&step.action, Action::Rehearse(draft) if draft.args == ["--look"]);
        if plan.steps.iter().find(asks).is_none() {
            return;
        }
        let replaces =
            |step: &Step| matches!(step.action, Action::Mount { .. } | Action::SwitchMode { .. } | Action::Rehearse(_));
        assert_eq!(plan.steps.iter().filter(|step| replaces(step)).count(), 1, "{name} rolls: {:?}", plan.steps);
        let refused = matches!(World::of(&self.seen()).horizons[&key(name)].proof.evidence, Evidence::Refused(..));
        assert!(
            refused || self.direct_pods(name) == 2,
            "{name} has {} direct pods: {:?}",
            self.direct_pods(name),
            plan.steps
        );
    }

    /// A step that rolls a Glance names the origins that its file adds and removes.
    fn tells(&self, who: usize, step: &Step) {
        let (Some(glance), Action::Mount { mount, .. }) = (GLANCES.get(who), &step.action) else { return };
        let mounted = Mount::observed(&self.workload(glance)).map(|mount| mount.config_map);
        let [before, after] = [mounted.as_ref(), Some(&mount.config_map)].map(|file| origins_in(&self.text(file)));
        let told = |what| -> BTreeSet<_> {
            step.origins.iter().filter(|change| change.what == what).map(|change| change.origin.clone()).collect()
        };
        assert_eq!(told(OriginEvent::AcceptOrigin), &after - &before, "{step}");
        assert_eq!(told(OriginEvent::DropOrigin), &before - &after, "{step}");
    }

    /// A Glance rolls again for the same spec only after `rollout.minInterval`.
    fn may_roll(&self, who: usize) {
        let Some(glance) = GLANCES.get(who) else { return };
        let generation = self.snapshot.glances.get(&key(glance)).unwrap().unwrap().meta.generation;
        let rolled = self.workload(glance).meta.ours.get(annotations::ROLLED_AT).and_then(|text| LastRoll::parse(text));
        for roll in rolled.into_iter().filter(|roll| roll.generation == generation) {
            let age = self.now.duration_since(roll.at).as_secs();
            assert!(age >= INTERVAL, "{glance} rolls again after {age} s");
        }
    }

    /// Without its finalizer an object that is being deleted is gone.
    pub fn set_finalizer(&mut self, who: usize, on: bool) {
        let key = key(NAMES[who]);
        if who < GLANCES.len() {
            let mut object = (**self.snapshot.glances.get(&key).unwrap().unwrap()).clone();
            if !on {
                self.is_given_back(who);
            }
            object.finalizer = on;
            self.snapshot.glances.insert(key.clone(), object.clone());
            if !on && object.meta.deleting.is_some() {
                self.snapshot.glances.remove(&key);
            }
        } else {
            let mut object = (**self.snapshot.horizons.get(&key).unwrap().unwrap()).clone();
            if !on {
                self.is_given_back(who);
                assert_eq!(self.direct_pods(NAMES[who]), 0, "{} goes, and pods of it upload directly", NAMES[who]);
            }
            object.finalizer = on;
            self.snapshot.horizons.insert(key.clone(), object.clone());
            if !on && object.meta.deleting.is_some() {
                self.snapshot.horizons.remove(&key);
            }
        }
    }

    /// A finalizer may go only when nothing of ours is left.
    fn is_given_back(&self, who: usize) {
        let left = Mount::observed(&self.workload(NAMES[who]));
        assert_eq!(left, None, "{} goes, and its workload keeps our files", NAMES[who]);
    }

    /// Asks as the operator does, and answers as Glance's pods would.
    pub fn probe(&mut self, broken: bool, firm: bool) {
        for (question, epoch) in &*World::of(&self.snapshot).probe_targets {
            let of = |name: &&str| self.wants(name) && self.origins(name).contains(&question.origin);
            assert!(HORIZONS.iter().any(of), "nobody wants an answer for {question:?}");
            let Some(epoch) = epoch.clone() else { continue };
            let host = question.endpoint.origin().host();
            let glance = GLANCES.iter().find(|name| host.starts_with(**name)).unwrap();
            let takes = self.takes(glance);
            let refused = Cause {
                rule: Some(Rule::OriginMissing),
                requirement: "allow-origin".into(),
                message: String::new(),
                received: String::new(),
                fix: String::new(),
            };
            let preflight = if broken || !takes.contains(&question.origin) {
                ProbeAnswer::Refused(refused)
            } else {
                ProbeAnswer::Granted(vec![])
            };
            let observation = Observation::of_preflight(question.panel, preflight);
            self.answered.insert(question.clone(), self.besides_origins(glance));
            self.snapshot
                .answers
                .set(question.clone(), Some(ProbeRecord { observation, epoch, firm, passed: BTreeSet::new() }));
        }
    }
}
