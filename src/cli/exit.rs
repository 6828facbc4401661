//! How a command ends.
//!
//! In: a result. Out: the exit code, after an error on standard error.

use std::fmt::Display;
use std::process::ExitCode;

use super::output;

/// Runs what waits for the network.
pub(super) fn on_runtime(work: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(work);
            // A name lookup that was abandoned must not delay the exit.
            runtime.shutdown_background();
            code
        }
        Err(error) => failed(format_args!("no runtime: {error}")),
    }
}

/// The exit code of a command, after its error.
pub(super) fn ended<E: Display>(result: Result<(), E>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(error),
    }
}

/// Prints an error.
pub(super) fn failed(error: impl Display) -> ExitCode {
    output::say(format_args!("error: {error}"));
    ExitCode::FAILURE
}
