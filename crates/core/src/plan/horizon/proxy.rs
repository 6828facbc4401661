//! Uploads through Horizon's own httpd. The proxy exists before any page uses it, and goes only when none
//! does. Each step takes its own roll, because only pods can show what pods answer.

use direct_upload_api::{ConditionType, Delivery, GlanceProxy, Reason};

use crate::model::Problem;
use crate::plan::horizon::{HorizonPlanner, back_out, rendered};
use crate::plan::outline::{Plan, State, Unmet};
use crate::plan::proof::Proven;
use crate::plan::step::{Action, Step};
use crate::render::{File, FileFormat, HTTPD_FILE, HorizonSettings};
use crate::workload::rfc3339;

impl HorizonPlanner<'_> {
    /// The plan while the proxy and the mode cannot change together; none if they can.
    pub(super) fn by_own_proxy(&self, settings: &HorizonSettings) -> Result<Option<Plan>, Unmet> {
        if let Some(plan) = self.retreat(settings)? {
            return Ok(Some(plan));
        }
        let view = self.view;
        if !self.direct || (view.pairing.proxies.wanted.is_none() && view.pairing.proxies.in_effect.is_empty()) {
            return Ok(None);
        }
        let (state, back) = match (self.gate(), self.proven()) {
            (Ok(()), Proven::Go) => return Ok(None),
            // A mode in effect needs more evidence before it changes.
            (Err(_), _) if self.applied.sets_direct() => return Ok(None),
            (Err(_), _) => (State::Switching(self.switching()), false),
            (_, Proven::Wait(state)) => (state, false),
            (_, Proven::Back(problem)) => (State::Unmet(ConditionType::Verified, problem), true),
        };
        let now = back.then(|| rfc3339(self.now));
        let base = HorizonPlanner {
            direct: false,
            since: view.dashboard.backed_out().map(str::to_owned).or(now),
            ..self.clone()
        };
        let files = rendered(settings, false)?;
        let mut plan = if files.is_empty() {
            back_out(view, self.target, self.applied, None, self.now)
        } else {
            base.bring(files)?
        };
        if matches!(plan.state, State::Done(_) | State::Off(_)) {
            plan.steps
                .push(Step::new(Action::AwaitProof, "Glance must answer at its path before a page uploads there"));
            plan.state = state;
        }
        Ok(Some(plan))
    }

    /// Pods upload through a path that will go or change, so the mode is withdrawn first.
    pub(super) fn retreat(&self, settings: &HorizonSettings) -> Result<Option<Plan>, Unmet> {
        let wanted = settings.httpd.as_ref().and_then(|httpd| httpd.glance_proxy.as_ref());
        let stays = |way: &GlanceProxy| wanted.is_some_and(|wanted| wanted.path == way.path);
        let leaves = self.view.pairing.proxies.in_effect.iter().find(|proxy| !stays(proxy));
        let (Some(way), true) = (leaves, self.applied.sets_direct()) else { return Ok(None) };
        let Some(fragment) = self.fragment() else { return Ok(None) };
        let mut files = rendered(settings, false)?;
        files.retain(|file| file.name != fragment.name);
        files.push(fragment);
        let base = HorizonPlanner { direct: false, ..self.clone() };
        let mut plan = base.bring(files)?;
        let message = format!(
            "uploads go through {} of Horizon's own httpd, which will be removed: first Horizon's own mode returns",
            way.path
        );
        plan.state = State::Rolling(Problem::new(Reason::RollingOut, message));
        Ok(Some(plan))
    }

    /// The fragment that is mounted now.
    fn fragment(&self) -> Option<File> {
        let mount = self.applied.mount.as_ref()?;
        let in_use = self.applied.in_use().filter(|config_map| !config_map.effects.glance_proxies.is_empty())?;
        let (path, name) = mount.mounted.iter().find(|(_, name)| *name == HTTPD_FILE)?;
        let contents = in_use.data.get(name)?.clone();
        let (name, path) = (name.clone(), path.clone());
        let (format, delivery) = (FileFormat::Httpd, Delivery::Mount);
        Some(File { name, path, contents, format, delivery, late_headers: Vec::new() })
    }
}
