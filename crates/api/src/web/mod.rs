//! Web addresses as browsers see them: origins (RFC 6454), public URLs, endpoints of the Keystone catalog; and
//! HTTP's tokens.

pub mod endpoint;
pub mod origin;
mod token;
pub use endpoint::Endpoint;
pub use origin::{Origin, OriginError, PublicUrl};
pub use token::is_token;
