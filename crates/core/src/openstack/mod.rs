//! What OpenStack's programs need: the options, defaults, files and requests that upstream's code reads.

mod cors;
pub mod cors_request;
pub mod layout;
pub mod needed;
pub mod policy;
pub mod release;
mod service;
pub mod swift;
pub mod upload;

pub use cors::{ALLOW_HEADERS, CORS_OPTIONS, CorsKind, CorsOption, SWIFT_ORIGINS, SWIFT_STRICT, is_token};
pub use release::Release;
pub use service::{CorsFilter, GLANCE, OpenStackService, PROGRAMS, SWIFT};
