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

/// What a reason says of what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// What is asked for holds.
    Holds,
    /// The operator is working, or waits for what is expected to come.
    Moves,
    /// Nothing happens until a person changes something.
    Stalls,
    /// Nothing happens, because a person asked for that.
    Rests,
}

/// One line for each reason: its meaning, the condition that it speaks of, and what comes next.
macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident => $condition:ident, $outlook:ident;)*) => {
        /// Every reason that a condition, an event or a plan may carry.
        ///
        /// The names are part of the API: scripts match on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
        }

        impl Reason {
            /// The condition that it speaks of.
            pub const fn condition(self) -> ConditionType {
                match self {
                    $(Self::$name => ConditionType::$condition,)*
                }
            }

            /// What it says of what comes next.
            pub const fn outlook(self) -> Outlook {
                match self {
                    $(Self::$name => Outlook::$outlook,)*
                }
            }
        }
    };
}

reasons! {
    /// The spec can be carried out.
    Accepted => Accepted, Holds;
    /// A value of the spec cannot be used; the message names field and value.
    InvalidSpec => Accepted, Stalls;
    /// DU010: the browser cannot reach this URL (cluster-internal name, loopback, single label).
    EndpointNotPublic => Accepted, Stalls;
    /// DU009: Horizon is https and Glance is http; browsers block it.
    MixedContent => Accepted, Stalls;
    /// No workload of that kind and name exists (yet).
    WorkloadNotFound => Accepted, Moves;
    /// More than one workload could be meant; name one.
    WorkloadAmbiguous => Accepted, Stalls;
    /// Another controller owns the workload.
    WorkloadOwned => Accepted, Stalls;
    /// An older resource already manages this workload.
    WorkloadClaimed => Accepted, Stalls;
    /// The workload has no such container, or several and none was named.
    ContainerUnknown => Accepted, Stalls;
    /// The layout cannot know where a file goes; say it in `spec.paths`.
    PathUnknown => Accepted, Stalls;
    /// The file's folder lies in a volume that nothing can be mounted into.
    PathReadOnly => Accepted, Stalls;
    /// The layout cannot know where a file goes: the operator asks the workload's own image, by a
    /// rehearsal that only looks.
    Looking => Accepted, Moves;
    /// The workload's image never reads a file from that place; a rehearsal found it.
    PathNotRead => Accepted, Stalls;
    /// The object's stored form cannot be decoded by this version.
    Undecodable => Accepted, Stalls;
    /// Origins and partner are known.
    Resolved => OriginsResolved, Holds;
    /// Nothing that the operator can see exposes the service to browsers.
    NotExposed => OriginsResolved, Stalls;
    /// Browsers load the dashboard by plain http only, and nobody has asked for that.
    PlainHttp => OriginsResolved, Stalls;
    /// No Glance resource fits; see the message for what was looked for.
    GlanceNotFound => OriginsResolved, Moves;
    /// Several Glance resources could be meant; set `directUpload.glanceRef`.
    GlanceAmbiguous => OriginsResolved, Stalls;
    /// The Glance does not allow this Horizon's namespace.
    GlanceNotAllowed => OriginsResolved, Stalls;
    /// The Glance allows this namespace, but not this origin: it is plain http, or one too many.
    OriginNotAllowed => OriginsResolved, Stalls;
    /// DU021: the Glance takes images by import only, which a direct upload goes round.
    ImportRequired => Accepted, Stalls;
    /// The Glance cannot take the origin in; its own status says why.
    GlanceNotReady => RolledOut, Moves;
    /// The operator has just started and is still reading; never stands in a status.
    ObservationPending => OriginsResolved, Moves;
    /// The operator cannot see something that the answer depends on; nothing is taken away.
    ObservationIncomplete => OriginsResolved, Moves;
    /// The files are in a ConfigMap.
    Rendered => ConfigRendered, Holds;
    /// There is nothing to render yet.
    NothingToRender => ConfigRendered, Holds;
    /// A rehearsal found that the new files would do harm, or nothing; no serving pod was touched.
    RehearsalFailed => ConfigRendered, Stalls;
    /// A rehearsal found that something which is read later takes the files' effect away.
    Overridden => ConfigRendered, Stalls;
    /// The cluster lets no rehearsal be: a quota, Pod Security, or the operator's own rights.
    RehearsalRefused => ConfigRendered, Stalls;
    /// A rehearsal has no answer (yet): its pod does not come up, or its time was up.
    RehearsalUnfinished => ConfigRendered, Moves;
    /// Every pod has the files.
    RolledOut => RolledOut, Holds;
    /// Pods are being replaced, or about to be: a rehearsal comes first.
    RollingOut => RolledOut, Moves;
    /// Horizon is on its way to direct: first Glance accepts its origins, then its pods are rolled.
    SwitchingToDirect => RolledOut, Moves;
    /// The public URL of Glance is not known: nothing says where the browser will upload to.
    EndpointUnknown => OriginsResolved, Stalls;
    /// Horizon waits until its Glance accepts its origins.
    WaitingForGlance => RolledOut, Moves;
    /// Glance waits until its Horizons no longer upload directly.
    WaitingForHorizons => RolledOut, Moves;
    /// A roll is due but held back by `rollout.notBefore` or `rollout.minInterval`.
    HeldBack => RolledOut, Moves;
    /// The workload is paused; unpause it.
    RolloutPaused => RolledOut, Stalls;
    /// The workload's update strategy is `OnDelete`; delete its pods when it suits you.
    RolloutOnDelete => RolledOut, Stalls;
    /// The StatefulSet's `partition` keeps some pods on the old files.
    RolloutPartitioned => RolledOut, Stalls;
    /// The workload is scaled to zero: no pod runs with the files.
    NoReplicas => RolledOut, Stalls;
    /// New pods crash; the message is the pod's own.
    PodsCrashing => RolledOut, Stalls;
    /// New pods cannot be created; the message is the controller's own.
    ReplicaFailure => RolledOut, Stalls;
    /// The rollout exceeded its progress deadline.
    RolloutStuck => RolledOut, Stalls;
    /// The roll failed, and the pods have what they had before; it is not tried again as it was.
    RollFailed => RolledOut, Stalls;
    /// Another field manager owns a field that must be ours; the message names it.
    FieldConflict => RolledOut, Stalls;
    /// Somebody keeps removing our fields; the operator stopped putting them back.
    Contended => RolledOut, Stalls;
    /// Nothing is mounted, and nothing has to be.
    NothingToRoll => RolledOut, Holds;
    /// The operator's last write was refused by the API server; it tries again.
    WriteFailed => RolledOut, Moves;
    /// No preflight has been made.
    NotVerified => Verified, Moves;
    /// The preflight was answered, and a browser would refuse the answer; the message names rule and
    /// fix.
    PreflightRefused => Verified, Stalls;
    /// The preflight passes, and the upload itself does not: something before Glance treats PUT otherwise than
    /// OPTIONS, or limits its size; the message names rule and fix.
    UploadRefused => Verified, Stalls;
    /// The browser itself keeps the dashboard's page from Glance, before any request: by the page's
    /// Content-Security-Policy (DU013), or because Glance's address is less public than the dashboard's
    /// (DU023).
    UploadBlocked => Verified, Stalls;
    /// No dashboard is at an origin whose port is a guess; set `spec.publicURL`.
    DashboardNotFound => Verified, Stalls;
    /// The operator got no answer to its preflight: nothing is known about what browsers get.
    PreflightUnanswered => Verified, Moves;
    /// The upload path broke after it had been verified: Horizon's own mode is in force until
    /// preflights pass again for as long.
    FallenBack => Verified, Moves;
    /// A browser-equivalent preflight passed for each origin.
    Verified => Verified, Holds;
    /// A whole upload of the operator's own passed, and so did the preflight for each origin.
    UploadVerified => Verified, Holds;
    /// In effect; no preflight has proven it.
    ReadyUnverified => Verified, Holds;
    /// Direct upload is switched off, and our files are gone from Horizon.
    DirectDisabled => Accepted, Holds;
    /// No Horizon and no `cors.allowedOrigins` asks anything of this Glance.
    NoOrigins => OriginsResolved, Holds;
    /// `spec.suspend`: reported, but nothing is changed.
    Suspended => RolledOut, Rests;
    /// All writes of the operator are frozen, by a ConfigMap or a flag; the message says by which, and what waits.
    Frozen => RolledOut, Rests;
    /// The resource is being deleted and the workload released.
    Releasing => Accepted, Moves;
    /// The resource waits for nothing.
    Settled => RolledOut, Holds;
}

impl Reason {
    /// True if only a person can change it: the operator waits for an edit, not for time.
    pub fn is_terminal(self) -> bool {
        self.outlook() == Outlook::Stalls
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
