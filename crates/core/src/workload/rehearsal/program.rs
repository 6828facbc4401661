//! The programs that a rehearsal's pod runs.

pub const SCRIPT: &str = include_str!("rehearse.py");

pub const LAUNCHER: &str = include_str!("rehearse.sh");
