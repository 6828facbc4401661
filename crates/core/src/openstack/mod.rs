//! What OpenStack's programs want.

pub mod layout;
pub mod policy;
pub mod release;
pub mod service;
pub mod swift;
pub mod upload;
pub use policy::{NOBODY, UPLOAD};
pub use release::Release;
pub use service::{API, GLANCE, Service};
pub use swift::{MultiTenant, multi_tenant, named, unreferenced};
pub use upload::{HEADERS, METHOD};
