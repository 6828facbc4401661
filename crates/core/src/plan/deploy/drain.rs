//! The drain: a preStop sleep that our apply adds. A pod that is replaced then continues to answer, and
//! uploads in flight finish.
//!
//! It is an `exec` hook, not the `sleep` action, because a hook has only one handler. If ours had another
//! type than one that a user's file sets later, the API server would refuse that file. Nearly every file
//! with a hook uses `exec`, and one `exec` replaces the other.

use crate::model::ResourceKind;
use crate::plan::step::{Action, Step};
use crate::workload::drain::absence;
use crate::workload::{Applied, Target};

/// What the next roll costs, to append to its description; empty if nothing.
pub fn cost(kind: ResourceKind, target: &Target, applied: &Applied) -> String {
    // Uploads do not pass through a Horizon that runs with our files, and other APIs get none.
    let through = match kind {
        ResourceKind::Glance => true,
        ResourceKind::Horizon => applied.mount.is_none(),
        ResourceKind::OpenStackApi => false,
    };
    let cuts = target.container.pre_stop.is_none() && through;
    let cuts = cuts.then(|| "its pods do not drain yet, so uploads in flight are cut".to_owned());
    cuts.into_iter().chain(absence(&target.workload)).fold(String::new(), |text, cost| text + "; " + &cost)
}

/// Adds it to the steps that roll pods, and so to their events.
pub fn tell(steps: &mut [Step], cost: &str) {
    let rolls = |step: &&mut Step| matches!(step.action, Action::Mount { .. } | Action::SwitchMode { .. });
    steps.iter_mut().filter(rolls).for_each(|step| step.why.push_str(cost));
}
