//! What is found in files and manifests. The folders are those of `src`.

mod derived;
mod formats;
mod rules;
mod runbook;
