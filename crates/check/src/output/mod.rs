//! Reports in words, in JSON and in SARIF.

pub mod json;
pub mod sarif;
pub mod text;

pub use json::json;
pub use sarif::sarif;
pub use text::text;
