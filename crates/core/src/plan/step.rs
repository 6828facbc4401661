//! One step, as a value and as a sentence.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use direct_upload_api::{DOMAIN, WorkloadKind};

use super::origin_change::OriginChange;
use crate::derive::Adjustment;
use crate::model::{Key, Workload, describe};
use crate::workload::rehearsal::RehearsalDraft;
use crate::workload::{ConfigMapDraft, Mount};

/// Something to do or to wait for, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub action: Action,
    pub why: String,
    /// What changes for origins once the step is done.
    pub origins: Vec<OriginChange>,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, strum::EnumDiscriminants)]
#[strum_discriminants(name(ActionKind), derive(strum::IntoStaticStr, strum::VariantArray))]
pub enum Action {
    /// Put our finalizer on the resource.
    AddFinalizer,
    /// Remove it.
    RemoveFinalizer,
    /// Create a ConfigMap. It replaces one of the same name with other bytes.
    ApplyConfigMap(ConfigMapDraft),
    /// Set annotations of one of our ConfigMaps; `None` removes one.
    Annotate { config_map: Key, annotations: BTreeMap<String, Option<String>> },
    /// Apply our fields to the workload: its pods roll.
    Mount { workload: Arc<Workload>, mount: Box<Mount> },
    /// The same for Horizon's pods, if it brings the mode `direct`.
    SwitchMode { workload: Arc<Workload>, mount: Box<Mount> },
    /// Apply our annotations alone: nothing rolls.
    Claim { workload: Arc<Workload>, mount: Box<Mount> },
    /// Release all our fields: pods roll.
    Release { workload: Arc<Workload> },
    /// Try the files in a Job of the workload's own image.
    Rehearse(Box<RehearsalDraft>),
    /// Wait for its result.
    AwaitRehearsal { job: Key },
    /// Wait until every pod is new.
    AwaitRollout { workload: Arc<Workload> },
    /// Wait until Glance accepts Horizon's origins.
    AwaitGlance { glance: Key },
    /// Wait until no Horizon uploads to this Glance any more.
    AwaitHorizons,
    /// Preflights have passed: nothing else is needed before the mode is switched.
    Probe,
    /// Wait until they pass.
    AwaitProof,
    /// Set our annotations on an object that leads browsers here, or remove them.
    Adjust(Adjustment),
    /// Delete a ConfigMap that no revision of such a workload refers to.
    Collect { config_map: Key, uid: String, workload: WorkloadKind },
}

impl Step {
    /// A step.
    pub fn new(action: Action, why: impl Into<String>) -> Self {
        Self { action, why: why.into(), origins: Vec::new() }
    }

    /// The same step, which changes this for origins.
    #[must_use]
    pub fn changes(self, origins: Vec<OriginChange>) -> Self {
        Self { origins, ..self }
    }
}

impl Action {
    /// Whether the step is done by others, and the next ones must wait for it.
    pub fn waits(&self) -> bool {
        ActionKind::from(self).waits()
    }

    /// Whether it writes one of our ConfigMaps, or its annotations.
    pub fn notes(&self) -> bool {
        matches!(self, Self::ApplyConfigMap(_) | Self::Annotate { .. })
    }

    /// The object to write, if it is not the resource itself: kind and key.
    pub fn object(&self) -> Option<(&'static str, Key)> {
        match self {
            Self::ApplyConfigMap(draft) => Some(("ConfigMap", draft.key.clone())),
            Self::Annotate { config_map, .. } | Self::Collect { config_map, .. } => {
                Some(("ConfigMap", config_map.clone()))
            }
            // The ConfigMap says more than the workload, which is always the same.
            Self::Mount { workload, mount }
            | Self::SwitchMode { workload, mount }
            | Self::Claim { workload, mount } => {
                Some(("ConfigMap", Key::new(workload.meta.key.namespace.clone(), mount.config_map.clone())))
            }
            Self::Adjust(adjustment) => Some((adjustment.kind.as_str(), adjustment.key.clone())),
            Self::Rehearse(draft) => Some(("Job", draft.key.clone())),
            Self::AwaitRehearsal { job } => Some(("Job", job.clone())),
            Self::Release { workload } | Self::AwaitRollout { workload } => {
                Some((workload.kind.as_str(), workload.meta.key.clone()))
            }
            Self::AddFinalizer
            | Self::RemoveFinalizer
            | Self::AwaitGlance { .. }
            | Self::AwaitHorizons
            | Self::AwaitProof
            | Self::Probe => None,
        }
    }

    /// The name in events and metrics.
    pub fn name(&self) -> &'static str {
        ActionKind::from(self).into()
    }

    /// The names of all steps that the operator does itself: those that do not [wait](Self::waits).
    pub fn names() -> impl Iterator<Item = &'static str> {
        let kinds = <ActionKind as strum::VariantArray>::VARIANTS;
        kinds.iter().filter(|kind| !kind.waits()).map(Into::into)
    }
}

impl ActionKind {
    fn waits(self) -> bool {
        match self {
            Self::AwaitRehearsal | Self::AwaitRollout | Self::AwaitGlance | Self::AwaitHorizons | Self::AwaitProof => {
                true
            }
            Self::AddFinalizer
            | Self::RemoveFinalizer
            | Self::ApplyConfigMap
            | Self::Annotate
            | Self::Mount
            | Self::SwitchMode
            | Self::Claim
            | Self::Release
            | Self::Rehearse
            | Self::Probe
            | Self::Adjust
            | Self::Collect => false,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |w: &Workload| describe(w.kind, &w.meta.key);
        match self {
            Self::AddFinalizer => f.write_str("add the finalizer"),
            Self::RemoveFinalizer => f.write_str("remove the finalizer"),
            Self::ApplyConfigMap(draft) => write!(f, "create ConfigMap {}", draft.key),
            Self::Annotate { config_map, .. } => write!(f, "annotate ConfigMap {config_map}"),
            Self::Mount { workload, mount } => write!(f, "mount {} in {}", mount.config_map, name(workload)),
            Self::SwitchMode { workload, mount } => {
                write!(f, "switch {} to direct by mounting {}", name(workload), mount.config_map)
            }
            Self::Claim { workload, .. } => write!(f, "claim {} (rolls nothing)", name(workload)),
            Self::Release { workload } => write!(f, "remove the operator's fields from {}", name(workload)),
            Self::Rehearse(draft) => write!(f, "rehearse {}", draft.subject()),
            Self::AwaitRehearsal { .. } => f.write_str("wait until the rehearsal has passed"),
            Self::AwaitRollout { workload } => write!(f, "wait until {} is rolled out", name(workload)),
            Self::AwaitGlance { glance } => write!(f, "wait until Glance {glance} accepts the origins"),
            Self::AwaitHorizons => f.write_str("wait until no Horizon uploads to this Glance directly"),
            Self::Probe => f.write_str("check that the preflight passes for each origin"),
            Self::AwaitProof => f.write_str("send preflights until they pass"),
            Self::Adjust(adjustment) if adjustment.annotations.is_empty() => {
                write!(f, "remove the operator's annotations from {adjustment}")
            }
            Self::Adjust(adjustment) => {
                let ours = format!("{DOMAIN}/");
                let all = adjustment.annotations.iter().filter(|(name, _)| !name.starts_with(&ours));
                let all: Vec<_> = all.map(|(name, value)| format!("{name}: {value:?}")).collect();
                write!(f, "annotate {adjustment} with {}", all.join(", "))
            }
            Self::Collect { config_map, .. } => write!(f, "delete ConfigMap {config_map}"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.action, self.why)
    }
}
