//! What is found in files and manifests. The folders are those of `src`.
// Tests read files; what they test reads none.
#![allow(clippy::disallowed_methods)]

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
