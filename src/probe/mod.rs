//! Sends requests, within limits.

pub mod address;
pub mod call;
pub mod canary;
pub mod certificates;
pub mod connect;
pub mod explain_tls;
pub mod gate;
mod host;
pub mod http;
pub mod keystone;
mod names;
pub mod page;
pub mod preflight;
pub mod proxy;
mod request;
pub mod session;
pub mod upload;
pub use call::call;
pub use connect::Trust;
pub use gate::Gate;
pub use host::Host;
pub use keystone::Credential;
pub use preflight::probe;
pub use request::{Depth, Probe, Uploads};
