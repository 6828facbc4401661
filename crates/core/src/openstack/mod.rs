//! What OpenStack's programs need: the options, defaults, files and requests that upstream's code reads.

pub mod cors_request;
pub mod layout;
pub mod needed;
pub mod policy;
pub mod release;
mod service;
pub mod swift;
pub mod upload;

pub use release::Release;
pub use service::{GLANCE, OpenStackService, PROGRAMS, SWIFT};
