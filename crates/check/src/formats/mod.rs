//! Texts → values with their lines. Tolerant: text of another format yields nothing.

pub mod directives;
pub mod haproxy;
pub mod python;
pub mod toml;
