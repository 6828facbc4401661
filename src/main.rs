//! The binary; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    direct_upload_operator::cli::main()
}
