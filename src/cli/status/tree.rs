//! The path of an upload from the dashboard to Glance, as the statuses describe it.
//!
//! In: the resources as the cluster has them. Out: a [`UploadPath`] for each Horizon, for each Glance that
//! no Horizon uses, and for each OpenStackAPI. Its checkpoints end at the first one that fails.

use direct_upload_api::{
    ConditionStatus, ConditionType, ConfiguredMode, ExposureStatus, Glance, GlanceRef, GlanceStatus, Horizon,
    HorizonStatus, OpenStackAPI, ProbeVerdict, Reason,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use serde::Deserialize;
use serde::de::value::{Error as Undecodable, StrDeserializer};

/// From the object that exposes a dashboard to the preflight of its users' browsers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadPath {
    /// `Horizon namespace/name`, or another kind.
    pub of: String,
    /// A Horizon's upload mode, or the role of the resource.
    pub mode: String,
    /// Whether everything is as the spec requests.
    pub readiness: Readiness,
    /// The checkpoints, in order.
    pub checkpoints: Vec<Checkpoint>,
    /// What works but is unwise, or is assumed.
    pub advice: Vec<String>,
}

/// What the condition `Ready` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    pub passed: Passed,
    /// The condition's reason.
    pub reason: String,
    /// When it started, RFC 3339; none if no operator has judged the resource.
    pub since: Option<String>,
    /// What the condition says in addition to the checkpoints.
    pub message: Option<String>,
}

/// One checkpoint of the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub name: &'static str,
    pub passed: Passed,
    /// What was found; for a failure, the cause.
    pub told: String,
    /// What to do about a failure.
    pub next: Vec<String>,
}

/// The state of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    Yes,
    /// The operator is working on it, or waits for something that will come.
    Working,
    /// A person must change something.
    No,
    /// Nothing is known about it.
    Unknown,
    /// An earlier checkpoint must pass first.
    Later,
}

/// All upload paths, Horizons first, each kind by namespace and name.
pub fn upload_paths(horizons: &[Horizon], glances: &[Glance], apis: &[OpenStackAPI]) -> Vec<UploadPath> {
    let horizons = sorted(horizons);
    let used = |g: &Glance| horizons.iter().flat_map(|h| destinations(h, glances)).any(|d| d.glance == Some(g));
    let idle = sorted(glances).into_iter().filter(|g| !used(g));
    let of_horizons = horizons.iter().map(|h| of_horizon(h, &destinations(h, glances)));
    let of_glances = idle.map(|g| accepting("Glance", g, "no Horizon uses it", g.status.as_ref()));
    let of_apis = sorted(apis)
        .into_iter()
        .map(|api| accepting("OpenStackAPI", api, &format!("{:?}", api.spec.service), api.status.as_ref()));
    of_horizons.chain(of_glances).chain(of_apis).collect()
}

fn sorted<K: ResourceExt>(objects: &[K]) -> Vec<&K> {
    let mut objects: Vec<_> = objects.iter().collect();
    objects.sort_by_key(|object| (object.namespace(), object.name_any()));
    objects
}

/// Where a Horizon's uploads go, in one region.
struct RegionPath<'a> {
    /// None if the resource names no regions.
    region: Option<&'a str>,
    glance: Option<&'a Glance>,
    url: Option<&'a str>,
}

/// What a Horizon's status names: one Glance, or one for each region.
fn destinations<'a>(horizon: &'a Horizon, glances: &'a [Glance]) -> Vec<RegionPath<'a>> {
    let find = |named: Option<&GlanceRef>| {
        let named = named?;
        let namespace = named.namespace.clone().or_else(|| horizon.namespace());
        glances.iter().find(|g| g.name_any() == named.name && g.namespace() == namespace)
    };
    let Some(status) = &horizon.status else { return Vec::new() };
    let regions = status.regions.iter().map(|region| RegionPath {
        region: Some(&region.name),
        glance: find(region.glance.as_ref()),
        url: region.glance_endpoint.as_deref(),
    });
    let single =
        RegionPath { region: None, glance: find(status.glance.as_ref()), url: status.glance_endpoint.as_deref() };
    if status.regions.is_empty() { vec![single] } else { regions.collect() }
}

fn of_horizon(horizon: &Horizon, destinations: &[RegionPath<'_>]) -> UploadPath {
    let status = horizon.status.clone().unwrap_or_default();
    let known = |type_| checkpoint_of(&status.conditions, type_);
    let mut checkpoints = vec![
        named("workload", known(ConditionType::Accepted), || "can be configured".to_owned()),
        named("exposure", known(ConditionType::OriginsResolved), || exposed(&status)),
        everywhere(GLANCE, destinations, partner),
        everywhere(ORIGIN, destinations, |destination| origins(&status, destination)),
        named(CONFIG, known(ConditionType::ConfigRendered), || maps(&status.config_maps)),
        Checkpoint { name: "rollout", ..known(ConditionType::RolledOut) },
        preflight(&status, known(ConditionType::Verified)),
    ];
    put_in_place(&mut checkpoints, &status);
    let mode = match status.upload_mode {
        Some(ConfiguredMode::Direct) => "direct",
        Some(ConfiguredMode::Own) => "own mode",
        None => "mode unknown",
    };
    upload_path(
        &format!("Horizon {}", full_name(horizon)),
        mode,
        &status.conditions,
        checkpoints,
        status.advice.clone(),
    )
}

/// The origins, each with the object that it was derived from.
fn exposed(status: &HorizonStatus) -> String {
    let from = |origin: &String| {
        let is_of =
            |url: &str| url.strip_prefix(origin.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        status.exposures.iter().find(|exposure| is_of(&exposure.url)).map(|exposure| exposure.from.as_str())
    };
    let one = |origin: &String| from(origin).map_or_else(|| origin.clone(), |from| format!("{origin} ({from})"));
    status.origins.iter().map(one).collect::<Vec<_>>().join(", ")
}

const GLANCE: &str = "Glance";
const ORIGIN: &str = "origin";
const CONFIG: &str = "config";

/// The checkpoint at which an upload fails for this reason, if it is not that of its condition.
fn place(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::EndpointNotPublic
        | Reason::MixedContent
        | Reason::EndpointUnknown
        | Reason::GlanceNotFound
        | Reason::GlanceAmbiguous
        | Reason::GlanceNotAllowed
        | Reason::ImportRequired => Some(GLANCE),
        Reason::OriginNotAllowed => Some(ORIGIN),
        Reason::PathUnknown | Reason::PathReadOnly | Reason::PathNotRead | Reason::Looking => Some(CONFIG),
        _ => None,
    }
}

/// A condition may fail at another checkpoint than its usual one; the failure goes there.
fn put_in_place(checkpoints: &mut [Checkpoint], status: &HorizonStatus) {
    let homes = [
        (ConditionType::Accepted, "workload", "can be configured".to_owned()),
        (ConditionType::OriginsResolved, "exposure", exposed(status)),
    ];
    for (type_, home, result) in homes {
        let Some(reason) = find(&status.conditions, type_).and_then(reason) else { continue };
        let broken =
            checkpoints.iter().position(|checkpoint| checkpoint.name == home && checkpoint.passed != Passed::Yes);
        let there = checkpoints.iter().position(|checkpoint| Some(checkpoint.name) == place(reason));
        if let (Some(broken), Some(there)) = (broken, there) {
            let passed =
                Checkpoint { name: checkpoints[broken].name, passed: Passed::Yes, told: result, next: Vec::new() };
            let broken = std::mem::replace(&mut checkpoints[broken], passed);
            checkpoints[there] = Checkpoint { name: checkpoints[there].name, ..broken };
        }
    }
}

/// A Glance or API alone, which accepts origins.
fn accepting(kind: &str, object: &impl ResourceExt, role: &str, status: Option<&GlanceStatus>) -> UploadPath {
    let status = status.cloned().unwrap_or_default();
    let known = |type_| checkpoint_of(&status.conditions, type_);
    let mut checkpoints = vec![
        named("workload", known(ConditionType::Accepted), || "can be configured".to_owned()),
        named("origins", known(ConditionType::OriginsResolved), || accepted(&status)),
        named("config", known(ConditionType::ConfigRendered), || maps(&status.config_maps)),
        Checkpoint { name: "rollout", ..known(ConditionType::RolledOut) },
    ];
    if kind == "OpenStackAPI" {
        let at = |exposure: &ExposureStatus| format!("{} ({})", exposure.url, exposure.from);
        let exposed = status.exposures.iter().map(at).collect::<Vec<_>>().join(", ");
        if !exposed.is_empty() {
            let told = Checkpoint { name: "exposure", passed: Passed::Yes, told: exposed, next: Vec::new() };
            checkpoints.insert(1, told);
        }
        checkpoints.push(Checkpoint { name: "preflight", ..known(ConditionType::Verified) });
    }
    upload_path(&format!("{kind} {}", full_name(object)), role, &status.conditions, checkpoints, status.advice)
}

/// Everything after the first failure depends on it, whatever its own condition says.
fn upload_path(
    of: &str,
    mode: &str,
    conditions: &[Condition],
    mut checkpoints: Vec<Checkpoint>,
    advice: Vec<String>,
) -> UploadPath {
    let ready = checkpoint_of(conditions, ConditionType::Ready);
    let settled = ready.passed == Passed::Yes;
    let end = checkpoints.iter().position(|checkpoint| checkpoint.passed != Passed::Yes).unwrap_or(checkpoints.len());
    let told = checkpoints.get(end).is_some_and(|checkpoint| checkpoint.told == ready.told);
    for checkpoint in checkpoints.iter_mut().skip(end + 1) {
        *checkpoint = Checkpoint { passed: Passed::Later, told: String::new(), next: Vec::new(), ..*checkpoint };
    }
    // If nothing more is requested, a checkpoint that was not reached is not a failure.
    if settled {
        checkpoints.retain(|checkpoint| checkpoint.passed == Passed::Yes);
    }
    let condition = find(conditions, ConditionType::Ready);
    let readiness = Readiness {
        passed: ready.passed,
        reason: condition.map_or_else(|| "NotSeen".to_owned(), |c| c.reason.clone()),
        since: condition.map(|c| c.last_transition_time.0.to_string()),
        message: match condition {
            None => Some(
                "no operator has looked at this resource yet; check that the operator runs and watches this namespace"
                    .to_owned(),
            ),
            Some(_) if told || settled => None,
            Some(c) => Some(c.message.clone()).filter(|message| !message.is_empty()),
        },
    };
    UploadPath { of: of.to_owned(), mode: mode.to_owned(), readiness, checkpoints, advice }
}

/// A condition as a checkpoint without a name.
fn checkpoint_of(conditions: &[Condition], type_: ConditionType) -> Checkpoint {
    let Some(condition) = find(conditions, type_) else {
        return Checkpoint {
            name: "",
            passed: Passed::Unknown,
            told: "not looked at yet".to_owned(),
            next: Vec::new(),
        };
    };
    let reason = reason(condition);
    let terminal = reason.is_some_and(Reason::is_terminal);
    let passed = match ConditionStatus::of(condition) {
        ConditionStatus::True => Passed::Yes,
        ConditionStatus::False if terminal => Passed::No,
        ConditionStatus::False => Passed::Working,
        ConditionStatus::Unknown => Passed::Unknown,
    };
    let next = match reason.and_then(Reason::rule) {
        Some(rule) if passed != Passed::Yes => vec![format!("for details run: direct-upload-operator explain {rule}")],
        _ => Vec::new(),
    };
    Checkpoint { name: "", passed, told: condition.message.clone(), next }
}

fn reason(condition: &Condition) -> Option<Reason> {
    Reason::deserialize(StrDeserializer::<Undecodable>::new(&condition.reason)).ok()
}

/// The checkpoint under its name. One that passed shows its result, not the condition's sentence.
fn named(name: &'static str, checkpoint: Checkpoint, result: impl FnOnce() -> String) -> Checkpoint {
    let told = if checkpoint.passed == Passed::Yes { result() } else { checkpoint.told };
    Checkpoint { name, told, ..checkpoint }
}

/// One checkpoint for all regions: the first that failed, or the results of each.
fn everywhere(
    name: &'static str,
    destinations: &[RegionPath<'_>],
    look: impl Fn(&RegionPath<'_>) -> Checkpoint,
) -> Checkpoint {
    let looked: Vec<_> = destinations
        .iter()
        .map(|destination| {
            let checkpoint = look(destination);
            let told = destination
                .region
                .map_or_else(|| checkpoint.told.clone(), |region| format!("{region}: {}", checkpoint.told));
            Checkpoint { name, told, ..checkpoint }
        })
        .collect();
    let told = looked.iter().map(|checkpoint| checkpoint.told.as_str()).collect::<Vec<_>>().join("; ");
    let passed = Checkpoint { name, passed: Passed::Yes, told, next: Vec::new() };
    looked.into_iter().find(|checkpoint| checkpoint.passed != Passed::Yes).unwrap_or(passed)
}

/// Whether Glance is configured to accept each of the dashboard's origins.
fn origins(status: &HorizonStatus, destination: &RegionPath<'_>) -> Checkpoint {
    let checkpoint = |passed, told| Checkpoint { name: "", passed, told, next: Vec::new() };
    let Some(of_glance) = destination.glance.and_then(|g| g.status.as_ref()) else {
        return match destination.url {
            Some(_) => checkpoint(Passed::Yes, "the administrator of that Glance decides".to_owned()),
            None => checkpoint(Passed::Unknown, "no Glance is known that could accept it".to_owned()),
        };
    };
    let listed = |origin: &&String| of_glance.origins.iter().any(|o| o.origin == **origin);
    // A status lists at most 100.
    let complete =
        of_glance.origin_count.is_none_or(|count| count <= i64::try_from(of_glance.origins.len()).unwrap_or(0));
    match status.origins.iter().find(|origin| !listed(origin)) {
        Some(missing) if complete => checkpoint(Passed::Working, format!("Glance does not accept {missing}")),
        _ => checkpoint(Passed::Yes, "accepted by Glance".to_owned()),
    }
}

/// Whether every pod of Glance runs with the origins.
fn partner(destination: &RegionPath<'_>) -> Checkpoint {
    let Some(glance) = destination.glance else {
        let (passed, told) = match destination.url {
            Some(url) => (Passed::Yes, format!("{url}, not managed here")),
            None => (Passed::Unknown, "none is known".to_owned()),
        };
        return Checkpoint { name: "", passed, told, next: Vec::new() };
    };
    let ready = checkpoint_of(&glance.status.clone().unwrap_or_default().conditions, ConditionType::Ready);
    let told = match ready.passed {
        Passed::Yes => format!("{} at {}", full_name(glance), destination.url.unwrap_or("an unknown URL")),
        _ => format!("{}: {}", full_name(glance), ready.told),
    };
    Checkpoint { told, ..ready }
}

/// The results of the preflights.
fn preflight(status: &HorizonStatus, known: Checkpoint) -> Checkpoint {
    let Some(verification) = &status.verification else {
        return named("preflight", known, || "passes".to_owned());
    };
    let since = verification.last_transition_time.0;
    let (passed, told) = match verification.verdict {
        ProbeVerdict::Granted => (known.passed, format!("passes for each origin, since {since}")),
        ProbeVerdict::Refused => (Passed::No, format!("refused since {since}")),
        ProbeVerdict::Unknown => (Passed::Unknown, format!("no answer since {since}")),
    };
    let next = verification.failures.iter().flat_map(|failure| {
        let rule = failure.rule.as_ref().map(|rule| format!("{rule}: ")).unwrap_or_default();
        let explain =
            failure.rule.as_ref().map(|rule| format!("for details run: direct-upload-operator explain {rule}"));
        let told = [format!("{rule}from {}: {}", failure.origin, failure.message), format!("fix: {}", failure.fix)];
        told.into_iter().chain(explain)
    });
    Checkpoint { name: "preflight", passed, told, next: next.collect() }
}

fn accepted(status: &GlanceStatus) -> String {
    match status.origins.as_slice() {
        [] => "none".to_owned(),
        some => some.iter().map(|o| o.origin.as_str()).collect::<Vec<_>>().join(", "),
    }
}

fn maps(names: &[String]) -> String {
    match names {
        [] => "no file is needed".to_owned(),
        some => format!("ConfigMap {}", some.join(", ")),
    }
}

fn find(conditions: &[Condition], type_: ConditionType) -> Option<&Condition> {
    let type_ = type_.to_string();
    conditions.iter().find(|condition| condition.type_ == type_)
}

fn full_name(object: &impl ResourceExt) -> String {
    format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any())
}
