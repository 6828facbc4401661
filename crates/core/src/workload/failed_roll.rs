//! A roll that the operator undid, as an annotation of its `ConfigMap` notes it.

use super::annotations;
use crate::model::{ConfigMap, Problem, Workload};

/// The most characters of a note.
const LENGTH: usize = 1000;

/// What to note: with which pod it failed, and why.
pub fn note(pod: &str, problem: &Problem) -> String {
    format!("{pod} {}: {}", problem.reason, problem.message()).chars().take(LENGTH).collect()
}

/// Why the roll to a `ConfigMap` was undone, if it was with the current pod.
pub fn noted<'a>(config_map: &'a ConfigMap, workload: &Workload) -> Option<&'a str> {
    let noted = config_map.meta.ours.get(annotations::FAILED)?;
    Some(noted.strip_prefix(&workload.template.fingerprint)?.trim_start())
}
