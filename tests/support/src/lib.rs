//! Code that the tests of several crates share. Only tests depend on it.
#![forbid(unsafe_code)]
// In a test, to panic is to fail.
#![allow(clippy::missing_panics_doc, reason = "a test that cannot go on panics")]

use std::path::{Path, PathBuf};

pub mod gitops;
pub mod manifests;
pub mod oracle;
pub mod preflight;

/// A file of the repository, by its path from the root.
pub fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap().join(path)
}
