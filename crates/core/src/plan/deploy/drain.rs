//! The drain: a preStop sleep that our apply brings along, so that a pod which is replaced goes on
//! answering, and uploads in flight finish.
//!
//! It is an `exec` hook, not the `sleep` action. A hook has one handler: were ours of another type
//! than the one that a user's file sets later, the API server would refuse that file. Nearly every
//! file that has a hook has `exec`, and one replaces the other.

use crate::plan::step::{Action, Step};
use crate::workload::drain::absence;
use crate::workload::{Applied, Target};

/// What the next roll costs, to be put after what is said of it; empty if nothing.
pub fn cost(kind: &str, target: &Target, applied: &Applied) -> String {
    // Once a Horizon runs with our files, uploads do not pass through it; and other APIs take none.
    let through = kind == "Glance" || (kind == "Horizon" && applied.mount.is_none());
    let cuts = target.container.pre_stop.is_none() && through;
    let cuts = cuts.then(|| "its pods do not drain yet, so uploads in flight are cut".to_owned());
    cuts.into_iter().chain(absence(&target.workload)).fold(String::new(), |text, cost| text + "; " + &cost)
}

/// Says it in the steps that roll pods, and so in their events.
pub fn tell(steps: &mut [Step], cost: &str) {
    let rolls = |step: &&mut Step| matches!(step.action, Action::Mount { .. } | Action::SwitchMode { .. });
    steps.iter_mut().filter(rolls).for_each(|step| step.why.push_str(cost));
}
