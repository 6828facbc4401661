//! Readers, held against the real programs.

mod python;
