//! The internal API of a Glance, and what imports ask of either.

use std::collections::BTreeMap;

use direct_upload_api::Reason;

use super::exposure::Exposures;
use super::glance::GlanceView;
use super::{image_import, target};
use crate::model::{EnvValue, Problem, Snapshot};
use crate::openstack::policy;
use crate::render::{GlanceSettings, OwnSettings, PolicySettings};
use crate::workload::{Applied, Target};

impl GlanceView {
    /// The internal API, as the resource asks for it. No browser goes there: it has no exposure, no
    /// origins, and nobody's consent.
    pub fn add_internal(&mut self, snapshot: &Snapshot) {
        let Ok(spec) = &self.object.spec else { return };
        let Some(api) = spec.apis.internal.as_ref().filter(|_| self.object.meta.deleting.is_none()) else { return };
        let target = target::find(snapshot, &self.object.meta.key, &api.workload_ref, &[]);
        let is_own = |t: &Target| self.target.as_ref().is_ok_and(|own| own.workload.meta.uid == t.workload.meta.uid);
        let target = match target {
            Ok(target) if is_own(&target) => Err(Problem::new(
                Reason::InvalidSpec,
                "workloadRef names the resource's own workload, which is the public API; name another one",
            )),
            found => found,
        };
        let methods = api.import_methods.as_deref();
        let settings = self.settings.clone().and_then(|public| {
            let own =
                OwnSettings { import: image_import::settings(spec.image_import.as_deref(), methods), ..public.own };
            let policy = PolicySettings { rules: api.policy.clone(), ..public.policy };
            policy::known("policy", &policy.rules)?;
            if let Ok(target) = &target {
                image_import::staged(spec.image_import.as_deref(), methods, target)?;
            }
            Ok(GlanceSettings { own, policy, cors: None, httpd: None, ..public })
        });
        let applied = target.as_ref().ok().map(|t| Applied::of(snapshot, &t.workload));
        let internal = Self {
            target,
            settings,
            applied,
            exposures: Ok(Exposures::default()),
            api: Some("spec.apis.internal"),
            wanted: BTreeMap::new(),
            carried: BTreeMap::new(),
            advice: Vec::new(),
            ..self.clone()
        };
        self.internal = Some(Box::new(internal));
    }

    /// Whether uploads by `PUT …/file` are to be refused here.
    pub fn refuses_uploads(&self) -> bool {
        self.api.is_none() && self.object.spec.as_ref().is_ok_and(image_import::refuses_uploads)
    }

    /// Whether some pod may refuse them now.
    pub fn refuses_now(&self) -> bool {
        self.applied.iter().flat_map(Applied::present).any(|config_map| config_map.effects.refuses_uploads)
    }

    /// The variables of the container.
    pub fn env(&self) -> BTreeMap<String, EnvValue> {
        image_import::env(self.object.spec.as_ref().ok().and_then(|spec| spec.image_import.as_deref()))
    }
}
