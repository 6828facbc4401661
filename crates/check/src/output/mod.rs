//! Reports in words, in JSON, in SARIF and as a page.

pub mod html;
pub mod json;
pub mod sarif;
pub mod text;

pub use html::html;
pub use json::json;
pub use sarif::sarif;
pub use text::text;
