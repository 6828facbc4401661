//! The way of an upload as a person looks at it: what the statuses say, in the order of the way.
//!
//! In: the resources as the cluster holds them. Out: a [`Way`] for each Horizon, for each Glance that
//! none of them uses, and for each OpenStackAPI, whose stages end at the first one that is not passed.

use direct_upload_api::{
    ConditionType, ConfiguredMode, Glance, GlanceRef, GlanceStatus, Horizon, HorizonStatus, OpenStackAPI, ProbeVerdict,
    Reason,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use serde::Deserialize;
use serde::de::value::{Error as Undecodable, StrDeserializer};

/// From what exposes a dashboard to the preflight that its users' browsers send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// `Horizon namespace/name`, or another kind.
    pub of: String,
    /// A Horizon's upload mode, or what role the resource has.
    pub mode: String,
    /// Whether all is as the spec asks.
    pub outcome: Outcome,
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// What works but is unwise, or assumed.
    pub advice: Vec<String>,
}

/// What the condition `Ready` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub passed: Passed,
    /// The condition's reason.
    pub reason: String,
    /// When it began, RFC 3339; none where no operator has judged the resource.
    pub since: Option<String>,
    /// What the condition says beyond what a stage says.
    pub message: Option<String>,
}

/// One stage of the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    pub name: &'static str,
    pub passed: Passed,
    /// What was found; for a break: why.
    pub told: String,
    /// What to do about a break.
    pub next: Vec<String>,
}

/// Whether a stage is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    Yes,
    /// The operator is at it, or waits for something that is expected to come.
    Working,
    /// A person has to change something.
    No,
    /// Nothing is known of it.
    Unknown,
    /// An earlier stage has to be passed first.
    Later,
}

/// All ways, Horizons first, each kind by namespace and name.
pub fn ways(horizons: &[Horizon], glances: &[Glance], apis: &[OpenStackAPI]) -> Vec<Way> {
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
struct Destination<'a> {
    /// None where the resource names no regions.
    region: Option<&'a str>,
    glance: Option<&'a Glance>,
    url: Option<&'a str>,
}

/// What a Horizon's status names: one Glance, or one for each region.
fn destinations<'a>(horizon: &'a Horizon, glances: &'a [Glance]) -> Vec<Destination<'a>> {
    let find = |named: Option<&GlanceRef>| {
        let named = named?;
        let namespace = named.namespace.clone().or_else(|| horizon.namespace());
        glances.iter().find(|g| g.name_any() == named.name && g.namespace() == namespace)
    };
    let Some(status) = &horizon.status else { return Vec::new() };
    let regions = status.regions.iter().map(|region| Destination {
        region: Some(&region.name),
        glance: find(region.glance.as_ref()),
        url: region.glance_endpoint.as_deref(),
    });
    let single =
        Destination { region: None, glance: find(status.glance.as_ref()), url: status.glance_endpoint.as_deref() };
    if status.regions.is_empty() { vec![single] } else { regions.collect() }
}

fn of_horizon(horizon: &Horizon, destinations: &[Destination<'_>]) -> Way {
    let status = horizon.status.clone().unwrap_or_default();
    let known = |type_| stage_of(&status.conditions, type_);
    let stages = vec![
        named("workload", known(ConditionType::Accepted), || "can be configured".to_owned()),
        named("exposure", known(ConditionType::OriginsResolved), || status.origins.join(", ")),
        everywhere("origin", destinations, |destination| origins(&status, destination)),
        everywhere("Glance", destinations, partner),
        named("config", known(ConditionType::ConfigRendered), || maps(&status.config_maps)),
        Stage { name: "rollout", ..known(ConditionType::RolledOut) },
        preflight(&status, known(ConditionType::Verified)),
    ];
    let mode = match status.upload_mode {
        Some(ConfiguredMode::Direct) => "direct",
        Some(ConfiguredMode::Own) => "own mode",
        None => "mode unknown",
    };
    way(&format!("Horizon {}", full_name(horizon)), mode, &status.conditions, stages, status.advice.clone())
}

/// What accepts origins, by itself.
fn accepting(kind: &str, object: &impl ResourceExt, role: &str, status: Option<&GlanceStatus>) -> Way {
    let status = status.cloned().unwrap_or_default();
    let known = |type_| stage_of(&status.conditions, type_);
    let stages = vec![
        named("workload", known(ConditionType::Accepted), || "can be configured".to_owned()),
        named("origins", known(ConditionType::OriginsResolved), || accepted(&status)),
        named("config", known(ConditionType::ConfigRendered), || maps(&status.config_maps)),
        Stage { name: "rollout", ..known(ConditionType::RolledOut) },
    ];
    way(&format!("{kind} {}", full_name(object)), role, &status.conditions, stages, status.advice)
}

/// What comes after the first break depends on it, whatever its own condition says.
fn way(of: &str, mode: &str, conditions: &[Condition], mut stages: Vec<Stage>, advice: Vec<String>) -> Way {
    let ready = stage_of(conditions, ConditionType::Ready);
    let settled = ready.passed == Passed::Yes;
    let end = stages.iter().position(|stage| stage.passed != Passed::Yes).unwrap_or(stages.len());
    let told = stages.get(end).is_some_and(|stage| stage.told == ready.told);
    for stage in stages.iter_mut().skip(end + 1) {
        *stage = Stage { passed: Passed::Later, told: String::new(), next: Vec::new(), ..*stage };
    }
    // Where nothing more is wanted, what was not reached is no break.
    if settled {
        stages.retain(|stage| stage.passed == Passed::Yes);
    }
    let condition = find(conditions, ConditionType::Ready);
    let outcome = Outcome {
        passed: ready.passed,
        reason: condition.map_or_else(|| "NotSeen".to_owned(), |c| c.reason.clone()),
        since: condition.map(|c| c.last_transition_time.0.to_string()),
        message: match condition {
            None => Some("no operator has looked at this resource; does it run, and watch this namespace?".to_owned()),
            Some(_) if told || settled => None,
            Some(c) => Some(c.message.clone()).filter(|message| !message.is_empty()),
        },
    };
    Way { of: of.to_owned(), mode: mode.to_owned(), outcome, stages, advice }
}

/// A condition as a stage without a name.
fn stage_of(conditions: &[Condition], type_: ConditionType) -> Stage {
    let Some(condition) = find(conditions, type_) else {
        return Stage { name: "", passed: Passed::Unknown, told: "not looked at yet".to_owned(), next: Vec::new() };
    };
    let reason = Reason::deserialize(StrDeserializer::<Undecodable>::new(&condition.reason)).ok();
    let terminal = reason.is_some_and(Reason::is_terminal);
    let passed = match condition.status.as_str() {
        "True" => Passed::Yes,
        "False" if terminal => Passed::No,
        "False" => Passed::Working,
        _ => Passed::Unknown,
    };
    let next = match reason.and_then(Reason::rule) {
        Some(rule) if passed != Passed::Yes => vec![format!("check --explain {rule} tells more")],
        _ => Vec::new(),
    };
    Stage { name: "", passed, told: condition.message.clone(), next }
}

/// The stage under its name; one that is passed tells its result, not the condition's sentence.
fn named(name: &'static str, stage: Stage, result: impl FnOnce() -> String) -> Stage {
    let told = if stage.passed == Passed::Yes { result() } else { stage.told };
    Stage { name, told, ..stage }
}

/// One stage for all regions: the first that is not passed, or what was found in each.
fn everywhere(name: &'static str, destinations: &[Destination<'_>], look: impl Fn(&Destination<'_>) -> Stage) -> Stage {
    let looked: Vec<_> = destinations
        .iter()
        .map(|destination| {
            let stage = look(destination);
            let told =
                destination.region.map_or_else(|| stage.told.clone(), |region| format!("{region}: {}", stage.told));
            Stage { name, told, ..stage }
        })
        .collect();
    let told = looked.iter().map(|stage| stage.told.as_str()).collect::<Vec<_>>().join("; ");
    let passed = Stage { name, passed: Passed::Yes, told, next: Vec::new() };
    looked.into_iter().find(|stage| stage.passed != Passed::Yes).unwrap_or(passed)
}

/// Whether Glance is to accept each of the dashboard's origins.
fn origins(status: &HorizonStatus, destination: &Destination<'_>) -> Stage {
    let stage = |passed, told| Stage { name: "", passed, told, next: Vec::new() };
    let Some(of_glance) = destination.glance.and_then(|g| g.status.as_ref()) else {
        return match destination.url {
            Some(_) => stage(Passed::Yes, "up to the administrator of that Glance".to_owned()),
            None => stage(Passed::Unknown, "no Glance is known that could accept it".to_owned()),
        };
    };
    let listed = |origin: &&String| of_glance.origins.iter().any(|o| o.origin == **origin);
    // A status lists the first hundred.
    let complete =
        of_glance.origin_count.is_none_or(|count| count <= i64::try_from(of_glance.origins.len()).unwrap_or(0));
    match status.origins.iter().find(|origin| !listed(origin)) {
        Some(missing) if complete => stage(Passed::Working, format!("{missing} is not among what Glance accepts")),
        _ => stage(Passed::Yes, "accepted by Glance".to_owned()),
    }
}

/// Whether every pod of Glance runs with the origins.
fn partner(destination: &Destination<'_>) -> Stage {
    let Some(glance) = destination.glance else {
        let (passed, told) = match destination.url {
            Some(url) => (Passed::Yes, format!("{url}, not managed here")),
            None => (Passed::Unknown, "none is known".to_owned()),
        };
        return Stage { name: "", passed, told, next: Vec::new() };
    };
    let ready = stage_of(&glance.status.clone().unwrap_or_default().conditions, ConditionType::Ready);
    let told = match ready.passed {
        Passed::Yes => format!("{} at {}", full_name(glance), destination.url.unwrap_or("a URL that is not known")),
        _ => format!("{}: {}", full_name(glance), ready.told),
    };
    Stage { told, ..ready }
}

/// What the preflights have shown.
fn preflight(status: &HorizonStatus, known: Stage) -> Stage {
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
        let explain = failure.rule.as_ref().map(|rule| format!("check --explain {rule} tells more"));
        let told = [format!("{rule}from {}: {}", failure.origin, failure.message), format!("fix: {}", failure.fix)];
        told.into_iter().chain(explain)
    });
    Stage { name: "preflight", passed, told, next: next.collect() }
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
