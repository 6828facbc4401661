//! The vocabulary of statuses: condition types and the one list of reasons.

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rule::Rule;

/// Condition types, all of polarity "True is good" except [`Reconciling`](Self::Reconciling) and
/// [`Stalled`](Self::Stalled), which follow kstatus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionType {
    /// What the spec requests is in effect.
    Ready,
    /// The spec is usable here: workload, container, paths and endpoint.
    Accepted,
    /// The browsers' origins are known and, for a Horizon, so is its Glance.
    OriginsResolved,
    /// The files exist as a ConfigMap.
    ConfigRendered,
    /// Every pod of the workload runs with the files.
    RolledOut,
    /// A preflight like a browser's has passed.
    Verified,
    /// The operator is working, or waits for something that will come (kstatus).
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

/// Whether a condition holds. Any other text says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum ConditionStatus {
    True,
    False,
    #[default]
    #[serde(other)]
    Unknown,
}

impl ConditionStatus {
    /// That of a condition.
    pub fn of(condition: &Condition) -> Self {
        match condition.status.as_str() {
            "True" => Self::True,
            "False" => Self::False,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for ConditionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What a reason says about the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// What is requested is in effect.
    Holds,
    /// The operator is working, or waits for something that will come.
    Moves,
    /// Nothing happens until a person changes something.
    Stalls,
    /// Nothing happens, because a person requested that.
    Rests,
}

/// One line for each reason: its meaning, its condition, what comes next, and the rule of the runbook that explains
/// it, if there is one.
macro_rules! reasons {
    (rule) => { None };
    (rule $rule:ident) => { Some(Rule::$rule) };
    ($($(#[$doc:meta])* $name:ident => $condition:ident, $outlook:ident $(, $rule:ident)?;)*) => {
        /// Every reason that a condition, an event or a plan may carry.
        ///
        /// The names are part of the API: scripts match on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
        }

        impl Reason {
            /// The condition that it belongs to.
            pub const fn condition(self) -> ConditionType {
                match self {
                    $(Self::$name => ConditionType::$condition,)*
                }
            }

            /// What it says about the next step.
            pub const fn outlook(self) -> Outlook {
                match self {
                    $(Self::$name => Outlook::$outlook,)*
                }
            }

            /// The rule of the runbook that explains it, if there is one.
            pub const fn rule(self) -> Option<Rule> {
                match self {
                    $(Self::$name => reasons!(rule $($rule)?),)*
                }
            }
        }
    };
}

reasons! {
    /// The spec is usable.
    Accepted => Accepted, Holds;
    /// A value of the spec is not usable. The message names the field and the value.
    InvalidSpec => Accepted, Stalls;
    /// DU010: browsers cannot reach this URL (cluster-internal name, loopback, single label).
    EndpointNotPublic => Accepted, Stalls, NotPublic;
    /// DU009: Horizon is https and Glance is http, so browsers block the upload.
    MixedContent => Accepted, Stalls, MixedContent;
    /// No workload of that kind and name exists (yet).
    WorkloadNotFound => Accepted, Moves;
    /// Several workloads match. Name one.
    WorkloadAmbiguous => Accepted, Stalls;
    /// Another controller owns the workload.
    WorkloadOwned => Accepted, Stalls;
    /// An older resource already manages this workload.
    WorkloadClaimed => Accepted, Stalls;
    /// The workload has no such container, or it has several and the resource names none.
    ContainerUnknown => Accepted, Stalls;
    /// The layout cannot know where a file goes. Set it in `spec.paths`.
    PathUnknown => Accepted, Stalls;
    /// The file's folder is in a volume into which nothing can be mounted.
    PathReadOnly => Accepted, Stalls;
    /// The layout cannot know where a file goes. The operator asks the workload's own image with a
    /// rehearsal that changes nothing.
    Looking => Accepted, Moves;
    /// A rehearsal found that the workload's image never reads a file from that folder.
    PathNotRead => Accepted, Stalls;
    /// This version cannot decode the stored object.
    Undecodable => Accepted, Stalls;
    /// The origins are known and, for a Horizon, so is its Glance.
    Resolved => OriginsResolved, Holds;
    /// Nothing that the operator can see exposes the service to browsers.
    NotExposed => OriginsResolved, Stalls;
    /// Browsers load the dashboard over plain http only, and nobody requested that.
    PlainHttp => OriginsResolved, Stalls;
    /// No Glance resource matches. The message says what the operator looked for.
    GlanceNotFound => OriginsResolved, Moves;
    /// Several Glance resources match. Set `directUpload.glanceRef`.
    GlanceAmbiguous => OriginsResolved, Stalls;
    /// The Glance does not allow this Horizon's namespace.
    GlanceNotAllowed => OriginsResolved, Stalls;
    /// The Glance allows this namespace, but not this origin: it is plain http, or exceeds the limit.
    OriginNotAllowed => OriginsResolved, Stalls;
    /// DU021: the Glance accepts images by import only, and a direct upload bypasses the import.
    ImportRequired => Accepted, Stalls, ImportBypassed;
    /// The Glance cannot accept the origin. Its own status says why.
    GlanceNotReady => RolledOut, Moves;
    /// The operator has just started and is still reading. No status ever has this reason.
    ObservationPending => OriginsResolved, Moves;
    /// The operator cannot see something that the answer depends on. It removes nothing.
    ObservationIncomplete => OriginsResolved, Moves;
    /// The files are in a ConfigMap.
    Rendered => ConfigRendered, Holds;
    /// There is nothing to render yet.
    NothingToRender => ConfigRendered, Holds;
    /// A rehearsal found that the new files do not work. No serving pod changed.
    RehearsalFailed => ConfigRendered, Stalls;
    /// A rehearsal found that the program reads something later that overrides the operator's file.
    Overridden => ConfigRendered, Stalls;
    /// The cluster refused to create the rehearsal Job or its pod: a quota, Pod Security, or a missing
    /// right of the operator.
    RehearsalRefused => ConfigRendered, Stalls;
    /// A rehearsal has no result (yet): its pod does not start, or its time is over.
    RehearsalUnfinished => ConfigRendered, Moves;
    /// Every pod has the files.
    RolledOut => RolledOut, Holds;
    /// Pods are being replaced, or will be after a rehearsal. The message names the pod for which the roll
    /// waits.
    RollingOut => RolledOut, Moves;
    /// Horizon switches to direct: first Glance accepts its origins, then its pods roll.
    SwitchingToDirect => RolledOut, Moves;
    /// The public URL of Glance is unknown: nothing says where browsers upload to.
    EndpointUnknown => OriginsResolved, Stalls;
    /// Horizon waits until its Glance accepts its origins.
    WaitingForGlance => RolledOut, Moves;
    /// Glance waits until its Horizons no longer upload directly.
    WaitingForHorizons => RolledOut, Moves;
    /// A roll is due, but `rollout.notBefore` or `rollout.minInterval` delays it.
    HeldBack => RolledOut, Moves;
    /// The workload is paused. Unpause it.
    RolloutPaused => RolledOut, Stalls;
    /// The workload's update strategy is `OnDelete`. Delete its pods when the time is right.
    RolloutOnDelete => RolledOut, Stalls;
    /// The StatefulSet's `partition` keeps some pods on the old files.
    RolloutPartitioned => RolledOut, Stalls;
    /// The workload is scaled to zero, so no pod runs with the files.
    NoReplicas => RolledOut, Stalls;
    /// New pods crash. The message is the pod's own.
    PodsCrashing => RolledOut, Stalls;
    /// New pods cannot be created. The message is the controller's own.
    ReplicaFailure => RolledOut, Stalls;
    /// The rollout exceeded its progress deadline.
    RolloutStuck => RolledOut, Stalls;
    /// The roll failed, and the operator undid it. It does not try the same roll again.
    RollFailed => RolledOut, Stalls;
    /// Another field manager owns a field that the operator needs. The message names it.
    FieldConflict => RolledOut, Stalls;
    /// Something keeps removing the operator's fields, so the operator stopped restoring them.
    Contended => RolledOut, Stalls;
    /// Nothing is mounted, and nothing needs to be.
    NothingToRoll => RolledOut, Holds;
    /// The API server refused the operator's last write. The operator tries again.
    WriteFailed => RolledOut, Moves;
    /// The operator has sent no preflight yet, or needs none. The message says why.
    NotVerified => Verified, Moves;
    /// Glance answered the preflight, and a browser would refuse the answer. The message names the rule and
    /// the fix.
    PreflightRefused => Verified, Stalls;
    /// The preflight passes, but the upload itself does not. Something in front of Glance treats PUT
    /// differently from OPTIONS, or limits its size. The message names the rule and the fix.
    UploadRefused => Verified, Stalls;
    /// The browser itself blocks the dashboard's page from Glance, before any request. The cause is the
    /// page's Content-Security-Policy (DU013), or an address of Glance that is less public than the
    /// dashboard's (DU023).
    UploadBlocked => Verified, Stalls;
    /// No dashboard answers at an origin whose port is a guess. Set `spec.publicURL`.
    DashboardNotFound => Verified, Stalls;
    /// The operator got no answer to its preflight, so nothing is known about browsers.
    PreflightUnanswered => Verified, Moves;
    /// The upload path failed after it had been verified. Horizon's own mode is in effect until preflights
    /// have passed again for as long.
    FallenBack => Verified, Moves;
    /// A preflight like a browser's has passed for each origin.
    Verified => Verified, Holds;
    /// A whole upload by the operator has passed, and so has the preflight for each origin.
    UploadVerified => Verified, Holds;
    /// The configuration is in effect, but no preflight has proven it.
    ReadyUnverified => Verified, Holds;
    /// Direct upload is off, and Horizon's own upload mode is in effect.
    DirectDisabled => Accepted, Holds;
    /// No Horizon and no `cors.allowedOrigins` uses this Glance.
    NoOrigins => OriginsResolved, Holds;
    /// `spec.suspend` is true: the operator reports, but changes nothing.
    Suspended => RolledOut, Rests;
    /// A ConfigMap or a flag freezes all writes of the operator. The message names it, and what waits.
    Frozen => RolledOut, Rests;
    /// The resource is being deleted, and the operator releases the workload.
    Releasing => Accepted, Moves;
    /// The resource waits for nothing.
    Settled => RolledOut, Holds;
}

impl Reason {
    /// Whether only a person can change it: the operator waits for an edit, not for time.
    pub fn is_terminal(self) -> bool {
        self.outlook() == Outlook::Stalls
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
