//! The shipped binary on a real API server, with the shipped CRDs and RBAC.
//!
//! `cargo test --test control_plane` starts one control plane (tests/cluster) for all tests. Each test
//! works in its own namespace, with its own operator process. Tests that change cluster-wide objects start
//! their own control plane. The tests mostly wait for rollouts, so use twice as many threads as cores:
//! `-- --test-threads 4` on a machine with two.
#![allow(clippy::too_many_lines, reason = "a test may tell one long story")]

mod harness;

mod catalog;
mod check_live;
mod conflicts;
mod deletion;
mod docs;
mod drain;
mod exposing;
mod exposure_manage;
mod footprint;
mod gitops;
mod helm;
mod image_import;
mod install;
mod monitoring;
mod openstack_api;
mod pair;
#[path = "../operator/probe/server.rs"]
#[allow(dead_code, reason = "shared with the tests of the probe")]
mod preflight_server;
mod proof;
mod regions;
mod rehearsal;
mod releases;
mod repairs;
mod rollouts;
mod samples;
mod scale;
mod schema;
mod seeds;
mod several;
mod status;
mod switches;
mod tenants;
mod uninstall;
mod upgrade;
