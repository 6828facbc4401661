//! One event after the other, and what must hold after each.

use std::collections::BTreeSet;

use direct_upload_api::web::Origin;
use direct_upload_core::plan::Action;
use jiff::{SignedDuration, Timestamp};

use super::cloud::{Cloud, key};
use super::event::Event;
use super::{GLANCES, NAMES, RETIRE};

impl Cloud {
    /// Runs one event; what the operator or a rollout does must take nothing away that is in need,
    /// or was within `retireAfter`.
    pub fn run(&mut self, event: &Event) {
        let before = GLANCES.map(|glance| self.accepted(glance));
        for glance in GLANCES {
            let (now, in_need) = (self.now, self.in_need(glance));
            self.needed.extend(in_need.into_iter().map(|o| ((glance, o), now)));
        }
        match event {
            Event::Reconcile(who, steps) => self.reconcile(*who, *steps),
            Event::Replace(who) => self.replace_pod(NAMES[*who]),
            Event::Rehearsals => self.rehearsals(),
            Event::Host(who, number) => self.host(NAMES[*who], *number),
            Event::Enable(who, on) => self.enable(*who, *on),
            Event::Region(second) => self.region(*second),
            Event::Import { glance, required, by_hand } => self.import(GLANCES[*glance], *required, *by_hand),
            Event::Delete(who) => self.delete(*who),
            Event::Wipe(who) => {
                self.set_mount(NAMES[*who], None);
                self.wiped.extend(GLANCES.get(*who));
            }
            Event::Unclaim(who) => {
                let mut workload = self.workload(NAMES[*who]);
                workload.meta.ours.clear();
                self.snapshot.deployments.insert(key(NAMES[*who]), workload);
            }
            Event::Wait(seconds) => self.now += SignedDuration::from_secs(*seconds),
            Event::Probe { broken, firm } => self.probe(*broken, *firm),
            Event::Blind(kind, blindness) => drop(self.blind.insert(*kind, *blindness)),
            Event::See => self.blind.clear(),
        }
        for (glance, before) in GLANCES.into_iter().zip(before) {
            let after = self.accepted(glance);
            // What is lost while Glance has somebody else's file is that person's doing.
            let wiped = self.wiped.contains(glance);
            if !self.is_bare(glance) {
                self.wiped.remove(glance);
            }
            for lost in before.difference(&after).filter(|_| !wiped) {
                let let_go = self.departing.get(glance).is_some_and(|origins| origins.contains(lost));
                assert!(let_go, "{event:?} took {lost} from {glance}, which the operator never let go");
            }
        }
    }

    /// The operator decides that a Glance accepts no more than this. Nobody may need what goes, or have
    /// needed it within `retireAfter`. Later changes by users come too late for the roll that starts here.
    pub fn let_go(&mut self, glance: &'static str, staying: &BTreeSet<Origin>) {
        let going = self.snapshot.glances.get(&key(glance)).unwrap().is_none_or(|g| g.meta.deleting.is_some());
        let in_need = self.in_need(glance);
        let departing: BTreeSet<_> = self.accepted(glance).difference(staying).cloned().collect();
        self.departing.insert(glance, departing.clone());
        for origin in departing {
            assert!(!in_need.contains(&origin), "{glance} lets {origin} go, and a direct dashboard needs it");
            let last = self.needed.get(&(glance, origin.clone())).copied().unwrap_or(Timestamp::UNIX_EPOCH);
            let age = self.now.duration_since(last).as_secs();
            assert!(going || age >= RETIRE, "{origin} is let go {age} s after its last use");
        }
    }

    /// The operator decides that a Glance refuses every upload.
    pub fn let_go_all(&self, glance: &'static str) {
        let direct: Vec<_> = self.direct_at(glance).collect();
        assert!(direct.is_empty(), "{glance} is to refuse uploads, and {direct:?} is direct");
        for ((_, origin), last) in self.needed.iter().filter(|((at, _), _)| *at == glance) {
            let age = self.now.duration_since(*last).as_secs();
            assert!(age >= RETIRE, "{glance} is to refuse uploads {age} s after the last from {origin}");
        }
    }

    /// The operator works on all resources, and one pod of each is replaced.
    pub fn round(&mut self) {
        for (who, name) in NAMES.iter().enumerate() {
            self.run(&Event::Reconcile(who, 20));
            self.run(&Event::Rehearsals);
            self.run(&Event::Reconcile(who, 20));
            self.run(&Event::Replace(who));
            self.count(name);
        }
    }

    /// Horizons change their hosts, and the operator acts at once; then all comes to rest.
    pub fn change_hosts(mut self, hosts: &[(usize, u8, i64)]) -> Self {
        for (who, number, wait) in hosts {
            self.run(&Event::Host(*who, *number));
            self.round();
            self.run(&Event::Wait(*wait));
        }
        self.settle();
        self
    }

    /// Lets everything come to rest. Each plan must come to an end.
    pub fn settle(&mut self) {
        self.run(&Event::See);
        for _ in 0..30 {
            self.round();
            self.run(&Event::Probe { broken: false, firm: true });
            self.run(&Event::Wait(25));
        }
        for (who, name) in NAMES.iter().enumerate() {
            let mut steps = self.plan(who).map(|p| p.steps).unwrap_or_default();
            // The catalog is read again once a day, forever.
            steps.retain(|step| !matches!(&step.action, Action::Rehearse(draft) if draft.asks_keystone()));
            assert!(steps.is_empty(), "{name} never comes to rest: {steps:?}");
        }
    }
}
