//! `copy`: the command of the operator's init container.
//!
//! In: files of a mounted ConfigMap. Out: copies in an `emptyDir`, which a start script may own.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::Args as ClapArgs;
use thiserror::Error;

use super::files;

/// Shown below the help.
pub const EXAMPLES: &str = "Example:
  direct-upload-operator copy --to /direct-upload/to /direct-upload/from/zz-direct-upload.py";

/// Arguments of `copy`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The folder for the copies; it must exist
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// The files to copy
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Why files could not be copied.
#[derive(Debug, Error)]
pub enum CopyError {
    /// `--to` is not a folder.
    #[error("--to {}: is not a folder", .0.display())]
    NoFolder(PathBuf),
    /// A path without a name, or whose name is not text.
    #[error("{}: names no file", .0.display())]
    NoName(PathBuf),
    /// Two files would have the same name.
    #[error("{}: another file has the same name", .0.display())]
    Twice(PathBuf),
    /// Reading or writing failed.
    #[error("{}: {error}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// Copies all files, or says which one failed.
pub fn main(args: &Args) -> Result<(), CopyError> {
    if !args.to.is_dir() {
        return Err(CopyError::NoFolder(args.to.clone()));
    }
    let mut names = BTreeSet::new();
    for path in &args.files {
        let name = path.file_name().and_then(OsStr::to_str).ok_or_else(|| CopyError::NoName(path.clone()))?;
        if !names.insert(name) {
            return Err(CopyError::Twice(path.clone()));
        }
        copy(path, &args.to, name)?;
    }
    Ok(())
}

fn copy(path: &Path, folder: &Path, name: &str) -> Result<(), CopyError> {
    let bytes = fs::read(path).map_err(|error| CopyError::Io { path: path.to_owned(), error })?;
    files::write(folder, name, &bytes).map_err(|error| CopyError::Io { path: folder.join(name), error })
}
