//! `completions`: scripts for shells, and the answers that kubectl asks for, because kubectl has its own
//! scripts.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io;

use clap::Args as ClapArgs;
use clap_complete::Shell;
use clap_complete::engine::complete;

use super::output;

/// Shown below the help.
pub const EXAMPLES: &str = "Examples:
  source <(direct-upload-operator completions bash)
  direct-upload-operator completions zsh > \"${fpath[1]}/_direct-upload-operator\"

For kubectl's own completion, put a link to this program named kubectl_complete-direct_upload into the PATH.";

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

/// The name under which kubectl asks for completions of a command line.
pub(crate) const FOR_KUBECTL: &str = "kubectl_complete-direct_upload";

/// Answers like cobra's `__complete`: one line for each matching word, then a directive for the shell.
pub(crate) fn for_kubectl(mut command: clap::Command, arguments: Vec<OsString>) -> io::Result<()> {
    let last = arguments.len().saturating_sub(1);
    let words = complete(&mut command, arguments, last, None)?;
    let mut answer = String::new();
    for word in words.iter().filter(|word| !word.is_hide_set()) {
        let help = word.get_help().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(answer, "{}\t{}", word.get_value().to_string_lossy(), help.lines().next().unwrap_or_default());
    }
    // ShellCompDirectiveNoFileComp, or the default: names of files.
    answer.push_str(if words.is_empty() { ":0\n" } else { ":4\n" });
    output::data(&answer)
}
