//! Texts → values with the lines they stand on. Tolerant: what is of another format yields nothing.

pub mod configparser;
pub mod directives;
pub mod haproxy;
pub mod python;
