//! Policies of gateways that are separate objects.

use serde_json::Value;

use super::meta::Meta;

/// A policy, as it was written: those who read it know the fields that matter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    pub meta: Meta,
    pub spec: Value,
    /// No controller accepts it, so it has no effect.
    pub refused: bool,
}

/// Whether a policy has no effect: for each of its ancestors the controller has refused this generation (Gateway API,
/// PolicyStatus: `ancestors[].conditions`, type Accepted).
pub fn is_refused(status: &Value, generation: i64) -> bool {
    let ancestors = status["ancestors"].as_array().into_iter().flatten();
    let accepted = ancestors.map(|ancestor| {
        let mut conditions = ancestor["conditions"].as_array().into_iter().flatten();
        conditions.find(|condition| condition["type"] == "Accepted")
    });
    let refused = |condition: Option<&Value>| {
        condition.is_some_and(|condition| {
            let seen = condition["observedGeneration"].as_i64();
            condition["status"] == "False" && (generation == 0 || seen.is_none_or(|seen| seen >= generation))
        })
    };
    let mut accepted = accepted.peekable();
    accepted.peek().is_some() && accepted.all(refused)
}
