//! What is found in files and manifests. The folders are those of `src`.
#![allow(clippy::disallowed_methods, reason = "tests read files; what they test reads none")]
#![allow(clippy::too_many_lines, reason = "a test may tell one long story")]

mod chosen;
mod classify;
mod conditions;
mod derived;
mod effects;
mod fixes;
mod formats;
mod har;
mod kubernetes;
mod output;
mod owner;
mod public;
mod redact;
mod reports;
mod rules;
mod runbook;
mod started;
mod values;
mod verdict;
