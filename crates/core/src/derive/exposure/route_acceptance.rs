//! What controllers say about a route at its parents.

use direct_upload_api::{ConditionStatus, Reason};

use super::exposing::Notes;
use super::parent::parent_of;
use crate::model::{Condition, Meta, ParentRef, Problem, RouteParentStatus, find_condition};

/// A route that wants to be attached.
#[derive(Clone, Copy)]
pub(crate) struct Attaching<'a> {
    pub kind: &'static str,
    pub meta: &'a Meta,
    pub parents: &'a [ParentRef],
    /// What the parents' controllers say.
    pub judged: &'a [RouteParentStatus],
}

/// Whether a controller has accepted the route for a parent; none if the route is not attached there.
///
/// # Errors
/// The controller has not yet processed the route as it stands.
pub(super) fn word(
    route: Attaching<'_>,
    reference: &ParentRef,
    parent: &str,
    notes: &mut Notes<'_>,
) -> Result<Option<bool>, Problem> {
    match acceptance(route, reference) {
        RouteAcceptance::Stale(generation) => {
            let why = format!(
                "the controller of {parent} has processed {} only up to generation {generation}, not {}",
                notes.object(),
                route.meta.generation
            );
            Err(Problem::new(Reason::ObservationIncomplete, why))
        }
        RouteAcceptance::Silent if route.meta.is_stored() => {
            notes.add(format!("no controller has accepted it for {parent}"));
            Ok(None)
        }
        RouteAcceptance::Refused(condition) => {
            notes.add(format!("{parent} does not accept it: {}: {}", condition.reason, condition.message));
            Ok(None)
        }
        RouteAcceptance::Silent => Ok(Some(false)),
        RouteAcceptance::Accepted => Ok(Some(true)),
    }
}

/// What the controllers say about the route at one parent.
enum RouteAcceptance<'a> {
    Accepted,
    Refused(&'a Condition),
    /// A condition of an earlier generation.
    Stale(i64),
    Silent,
}

fn acceptance<'a>(route: Attaching<'a>, parent: &ParentRef) -> RouteAcceptance<'a> {
    let same = |other: &ParentRef| {
        parent_of(route.meta, other) == parent_of(route.meta, parent)
            && other.section_name == parent.section_name
            && other.port == parent.port
    };
    let entries = route.judged.iter().filter(|entry| same(&entry.parent_ref));
    let conditions: Vec<_> = entries.filter_map(|entry| find_condition(&entry.conditions, "Accepted")).collect();
    let current = |t: &&&Condition| t.is_current(route.meta.generation);
    if conditions.iter().filter(current).any(|t| t.status == ConditionStatus::True) {
        return RouteAcceptance::Accepted;
    }
    match (conditions.iter().find(|t| !t.is_current(route.meta.generation)), conditions.first()) {
        (Some(stale), _) => RouteAcceptance::Stale(stale.observed_generation.unwrap_or_default()),
        (None, Some(refusal)) => RouteAcceptance::Refused(refusal),
        (None, None) => RouteAcceptance::Silent,
    }
}

/// Backends or other objects of a route that its controller cannot use.
pub(super) fn notes_of_refs(route: Attaching<'_>, parent: &ParentRef, notes: &mut Notes<'_>) {
    let entries =
        route.judged.iter().filter(|entry| parent_of(route.meta, &entry.parent_ref) == parent_of(route.meta, parent));
    let conditions = entries.filter_map(|entry| find_condition(&entry.conditions, "ResolvedRefs"));
    for condition in conditions
        .filter(|condition| condition.status == ConditionStatus::False && condition.is_current(route.meta.generation))
    {
        notes.add(format!(
            "it names something that its controller cannot use: {}: {}",
            condition.reason, condition.message
        ));
    }
}
