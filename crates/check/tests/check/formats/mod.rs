//! Readers, held against the real programs.

mod directives;
mod haproxy;
mod python;
