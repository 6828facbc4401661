//! What decides, held against the real programs that read what it writes. The folders are those of `src`.
// Tests read files, run programs and have a clock; what they test has none of these.
#![allow(clippy::disallowed_methods)]
// A test may tell one long story.
#![allow(clippy::too_many_lines)]

mod derive;
mod judge;
mod manifests;
mod model;
mod openstack;
mod plan;
mod render;
mod simulate;
mod workload;
