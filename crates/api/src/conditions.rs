//! The vocabulary of statuses: condition types and the one list of reasons.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rule::Rule;

/// Condition types, all of polarity "True is good" except [`Reconciling`](Self::Reconciling) and
/// [`Stalled`](Self::Stalled), which follow kstatus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionType {
    /// What the spec asks is in effect.
    Ready,
    /// The spec makes sense here: workload, container, paths and endpoint are usable.
    Accepted,
    /// The browser-visible origins and the partner are known.
    OriginsResolved,
    /// The files exist as a ConfigMap.
    ConfigRendered,
    /// Every pod of the workload runs with the files.
    RolledOut,
    /// A browser-equivalent preflight passed.
    Verified,
    /// The operator is working or waiting for something that is expected to come (kstatus).
    Reconciling,
    /// Nothing will happen until somebody changes something (kstatus).
    Stalled,
}

impl ConditionType {
    /// The order in which a status lists them.
    pub const ALL: [Self; 8] = [
        Self::Ready,
        Self::Accepted,
        Self::OriginsResolved,
        Self::ConfigRendered,
        Self::RolledOut,
        Self::Verified,
        Self::Reconciling,
        Self::Stalled,
    ];
}

impl fmt::Display for ConditionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Every reason that a condition, an event or a plan may carry.
///
/// The names are part of the API: scripts match on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Reason {
    /// The spec can be carried out.
    Accepted,
    /// A value of the spec cannot be used; the message names field and value.
    InvalidSpec,
    /// DU010: the browser cannot reach this URL (cluster-internal name, loopback, single label).
    EndpointNotPublic,
    /// DU009: Horizon is https and Glance is http; browsers block it.
    MixedContent,
    /// No workload of that kind and name exists (yet).
    WorkloadNotFound,
    /// More than one workload could be meant; name one.
    WorkloadAmbiguous,
    /// Another controller owns the workload.
    WorkloadOwned,
    /// An older resource already manages this workload.
    WorkloadClaimed,
    /// The workload has no such container, or several and none was named.
    ContainerUnknown,
    /// The layout cannot know where a file goes; say it in `spec.paths`.
    PathUnknown,
    /// The file's folder lies in a volume that nothing can be mounted into.
    PathReadOnly,
    /// The layout cannot know where a file goes: the operator asks the workload's own image, by a
    /// rehearsal that only looks.
    Looking,
    /// The workload's image never reads a file from that place; a rehearsal found it.
    PathNotRead,
    /// The object's stored form cannot be decoded by this version.
    Undecodable,
    /// Origins and partner are known.
    Resolved,
    /// Nothing that the operator can see exposes the service to browsers.
    NotExposed,
    /// Browsers load the dashboard by plain http only, and nobody has asked for that.
    PlainHttp,
    /// No Glance resource fits; see the message for what was looked for.
    GlanceNotFound,
    /// Several Glance resources could be meant; set `directUpload.glanceRef`.
    GlanceAmbiguous,
    /// The Glance does not allow this Horizon's namespace.
    GlanceNotAllowed,
    /// The Glance allows this namespace, but not this origin: it is plain http, or one too many.
    OriginNotAllowed,
    /// DU021: the Glance takes images by import only, which a direct upload goes round.
    ImportRequired,
    /// The Glance cannot take the origin in; its own status says why.
    GlanceNotReady,
    /// The operator has just started and is still reading; never stands in a status.
    ObservationPending,
    /// The operator cannot see something that the answer depends on; nothing is taken away.
    ObservationIncomplete,
    /// The files are in a ConfigMap.
    Rendered,
    /// There is nothing to render yet.
    NothingToRender,
    /// A rehearsal found that the new files would do harm, or nothing; no serving pod was touched.
    RehearsalFailed,
    /// A rehearsal found that something which is read later takes the files' effect away.
    Overridden,
    /// The cluster lets no rehearsal be: a quota, Pod Security, or the operator's own rights.
    RehearsalRefused,
    /// A rehearsal has no answer (yet): its pod does not come up, or its time was up.
    RehearsalUnfinished,
    /// Every pod has the files.
    RolledOut,
    /// Pods are being replaced, or about to be: a rehearsal comes first.
    RollingOut,
    /// Horizon is on its way to direct: first Glance accepts its origins, then its pods are rolled.
    SwitchingToDirect,
    /// The public URL of Glance is not known: nothing says where the browser will upload to.
    EndpointUnknown,
    /// Horizon waits until its Glance accepts its origins.
    WaitingForGlance,
    /// Glance waits until its Horizons no longer upload directly.
    WaitingForHorizons,
    /// A roll is due but held back by `rollout.notBefore` or `rollout.minInterval`.
    HeldBack,
    /// The workload is paused; unpause it.
    RolloutPaused,
    /// The workload's update strategy is `OnDelete`; delete its pods when it suits you.
    RolloutOnDelete,
    /// The StatefulSet's `partition` keeps some pods on the old files.
    RolloutPartitioned,
    /// The workload is scaled to zero: no pod runs with the files.
    NoReplicas,
    /// New pods crash; the message is the pod's own.
    PodsCrashing,
    /// New pods cannot be created; the message is the controller's own.
    ReplicaFailure,
    /// The rollout exceeded its progress deadline.
    RolloutStuck,
    /// The roll failed, and the pods have what they had before; it is not tried again as it was.
    RollFailed,
    /// Another field manager owns a field that must be ours; the message names it.
    FieldConflict,
    /// Somebody keeps removing our fields; the operator stopped putting them back.
    Contended,
    /// Nothing is mounted, and nothing has to be.
    NothingToRoll,
    /// The operator's last write was refused by the API server; it tries again.
    WriteFailed,
    /// No preflight has been made.
    NotVerified,
    /// The preflight was answered, and a browser would refuse the answer; the message names rule and
    /// fix.
    PreflightRefused,
    /// The operator got no answer to its preflight: nothing is known about what browsers get.
    PreflightUnanswered,
    /// The upload path broke after it had been verified: Horizon's own mode is in force until
    /// preflights pass again for as long.
    FallenBack,
    /// A browser-equivalent preflight passed for each origin.
    Verified,
    /// In effect; no preflight has proven it.
    ReadyUnverified,
    /// Direct upload is switched off, and our files are gone from Horizon.
    DirectDisabled,
    /// No Horizon and no `cors.allowedOrigins` asks anything of this Glance.
    NoOrigins,
    /// `spec.suspend`: reported, but nothing is changed.
    Suspended,
    /// The resource is being deleted and the workload released.
    Releasing,
    /// The resource waits for nothing.
    Settled,
}

impl Reason {
    /// True if only a person can change it: the operator waits for an edit, not for time.
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::InvalidSpec
                | Self::EndpointNotPublic
                | Self::MixedContent
                | Self::WorkloadAmbiguous
                | Self::WorkloadOwned
                | Self::WorkloadClaimed
                | Self::ContainerUnknown
                | Self::PathUnknown
                | Self::PathReadOnly
                | Self::PathNotRead
                | Self::RehearsalFailed
                | Self::Overridden
                | Self::RehearsalRefused
                | Self::Undecodable
                | Self::NotExposed
                | Self::PlainHttp
                | Self::EndpointUnknown
                | Self::PreflightRefused
                | Self::GlanceAmbiguous
                | Self::GlanceNotAllowed
                | Self::OriginNotAllowed
                | Self::ImportRequired
                | Self::RolloutPaused
                | Self::RolloutOnDelete
                | Self::RolloutPartitioned
                | Self::NoReplicas
                | Self::PodsCrashing
                | Self::ReplicaFailure
                | Self::RolloutStuck
                | Self::RollFailed
                | Self::FieldConflict
                | Self::Contended
        )
    }

    /// The rule of the runbook that explains it, if there is one.
    pub const fn rule(self) -> Option<Rule> {
        match self {
            Self::EndpointNotPublic => Some(Rule::NotPublic),
            Self::MixedContent => Some(Rule::MixedContent),
            Self::ImportRequired => Some(Rule::ImportBypassed),
            _ => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
