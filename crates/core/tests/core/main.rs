//! What decides, held against the real programs that read what it writes. The folders are those of `src`.
#![allow(
    clippy::disallowed_methods,
    reason = "tests read files, run programs and have a clock; what they test does not"
)]
#![allow(clippy::too_many_lines, reason = "a test may tell one long story")]

mod derive;
mod judge;
mod manifests;
mod model;
mod openstack;
mod plan;
mod render;
mod simulate;
mod workload;
