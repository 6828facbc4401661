//! The command line.
//!
//! In: arguments. Out: data on standard output, messages on standard error, and an exit code: 0 success, 1
//! faulty input or a negative result, 2 wrong usage.

pub mod check;
pub mod completions;
pub mod copy;
pub mod crd;
pub mod detach;
mod exit;
pub mod explain;
pub mod files;
mod network;
pub mod output;
pub mod preflight;
pub mod render;
pub mod run;
pub mod status;
pub mod verify;
pub mod yaml;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use exit::{ended, on_runtime};

/// The name under which kubectl finds the program as `kubectl direct-upload`.
const PLUGIN: &str = "kubectl-direct_upload";

/// Lets users of OpenStack Horizon upload images straight from the browser to Glance
#[derive(Debug, Parser)]
#[command(
    name = "direct-upload-operator",
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    after_help = "Exit codes: 0 fine; 1 the input has errors or a check failed; 2 wrong usage.\n\
                  Data goes to standard output, everything else to standard error.\n\
                  Installed as kubectl-direct_upload, it is also `kubectl direct-upload`."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the operator in (or against) a cluster
    Run(run::Args),
    /// Print the custom resource definitions
    #[command(after_help = crd::EXAMPLES)]
    Crd,
    /// Print what the operator would apply, from manifests only
    #[command(after_help = render::EXAMPLES)]
    Render(render::Args),
    /// Find out from files or a cluster why browser uploads fail
    #[command(after_help = check::EXAMPLES)]
    Check(check::Args),
    /// Explain a rule, a reason, or the browser's network log (HAR) of a failed upload
    #[command(after_help = explain::EXAMPLES)]
    Explain(explain::Args),
    /// Send a browser's preflight to Glance, and judge the answer as a browser does
    #[command(after_help = preflight::EXAMPLES)]
    Preflight(preflight::Args),
    /// Log in to a dashboard as a user, upload a small image as its page does, and delete it
    #[command(after_help = verify::EXAMPLES)]
    Verify(Box<verify::Args>),
    /// Show how far uploads get, and what blocks them
    #[command(after_help = status::EXAMPLES)]
    Status(status::Args),
    /// Remove the operator's finalizers without changing workloads, if you remove the operator or it is gone
    #[command(after_help = detach::EXAMPLES)]
    Detach(detach::Args),
    /// Print a completion script for a shell
    #[command(after_help = completions::EXAMPLES)]
    Completions(completions::Args),
    /// Copy files into a folder (used by the operator's init container)
    #[command(after_help = copy::EXAMPLES)]
    Copy(copy::Args),
}

/// The command line as data, for the manual pages.
pub fn definition() -> clap::Command {
    Cli::command()
}

/// Runs the program with this process's arguments.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if arguments.first().is_some_and(|name| is_called(name, completions::FOR_KUBECTL)) {
        return ended(completions::for_kubectl(Cli::command(), arguments));
    }
    dispatch(parse(arguments).command)
}

/// Ends the process for wrong usage, `--help` and `--version`, as clap does.
fn parse(arguments: Vec<OsString>) -> Cli {
    let mut command = Cli::command();
    if arguments.first().is_some_and(|name| is_called(name, PLUGIN)) {
        command = command.bin_name("kubectl direct-upload").display_name("kubectl-direct-upload");
    }
    let matches = command.get_matches_from(arguments);
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

fn is_called(path: &OsString, name: &str) -> bool {
    Path::new(path).file_name().is_some_and(|found| found == name)
}

fn dispatch(command: Command) -> ExitCode {
    match command {
        Command::Run(args) => on_runtime(async { ended(run::main(args).await) }),
        Command::Crd => ended(crd::main()),
        Command::Render(args) => render::main(&args, &mut Cli::command()),
        Command::Check(args) => check::main(args),
        Command::Explain(args) => explain::main(&args),
        Command::Preflight(args) => on_runtime(preflight::main(args)),
        Command::Verify(args) => on_runtime(verify::main(*args)),
        Command::Status(args) => on_runtime(status::main(args)),
        Command::Detach(args) => on_runtime(async { ended(detach::main(args).await) }),
        Command::Completions(args) => ended(completions::main(&args, Cli::command())),
        Command::Copy(args) => ended(copy::main(&args)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_plugin_is_known_by_its_name() {
        assert!(is_called(&"/usr/local/bin/kubectl-direct_upload".into(), PLUGIN));
        assert!(!is_called(&"/usr/local/bin/direct-upload-operator".into(), PLUGIN));
    }
}
