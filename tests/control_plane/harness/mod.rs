//! Tools for the tests: a control plane, operator processes, a namespace for each test, and the audit log.

mod audit;
mod cluster;
mod edge;
pub mod fixtures;
mod operator;
mod site;

pub use audit::{Write, workload_patches};
pub use cluster::{Cluster, SYSTEM, shared};
pub use edge::{Answer, Edge};
pub use operator::{BINARY, Operator};
pub use site::{Site, mounted, rolled_out};

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The longest wait. Nothing should need nearly as long.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// The repository's root.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository.
pub fn file(path: &str) -> PathBuf {
    repository().join(path)
}

/// Tries ten times a second until there is an answer, or returns `None` after the longest wait.
pub fn poll<T>(patience: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + patience;
    loop {
        if let Some(answer) = look() {
            return Some(answer);
        }
        if Instant::now() > end {
            return None;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
