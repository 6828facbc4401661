//! Web addresses as browsers see them: origins (RFC 6454), public URLs, endpoints of the Keystone catalog.

pub mod endpoint;
pub mod origin;
pub use endpoint::Endpoint;
pub use origin::{Origin, OriginError, PublicUrl};
