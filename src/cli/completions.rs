//! `completions`: scripts for shells.

use std::io;

use clap::Args as ClapArgs;
use clap_complete::Shell;

use super::output;

/// Shown below the help.
pub const EXAMPLES: &str = "Examples:
  source <(direct-upload-operator completions bash)
  direct-upload-operator completions zsh > \"${fpath[1]}/_direct-upload-operator\"";

/// Arguments of `completions`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The shell that the script is for
    shell: Shell,
}

/// Prints the script.
pub fn main(args: &Args, mut command: clap::Command) -> io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, env!("CARGO_PKG_NAME"), &mut script);
    output::data(&String::from_utf8_lossy(&script))
}
