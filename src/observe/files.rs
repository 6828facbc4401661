//! Paths → bytes. Folders are walked in order of name.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use direct_upload_core::manifests::{Input, MOST_BYTES, ManifestError, ManifestPlace, reader};

/// One file's name and bytes, or why it cannot be read.
pub type Opened = (String, io::Result<Vec<u8>>);

/// Extensions of manifests.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// Reads files, folders and, for `-`, standard input.
pub fn open(paths: &[PathBuf]) -> Vec<Opened> {
    let mut opened = Vec::new();
    let mut stdin_read = false;
    for path in paths {
        if path.as_os_str() == "-" {
            // A second `-` would find nothing.
            if !std::mem::replace(&mut stdin_read, true) {
                opened.push(("stdin".to_owned(), bounded(io::stdin().lock())));
            }
        } else if path.is_dir() {
            walk(path, &mut opened);
        } else {
            opened.push(file(path));
        }
    }
    opened
}

/// Skips hidden entries, because a mounted ConfigMap has each file twice, once below `..data`. Skips linked
/// folders, because they may form circles.
fn walk(folder: &Path, opened: &mut Vec<Opened>) {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => return opened.push((folder.display().to_string(), Err(error))),
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            walk(&path, opened);
        } else if is_manifest(&path) && path.is_file() {
            opened.push(file(&path));
        }
    }
}

/// Skips kustomizations, which describe files and not objects.
fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str());
    let kustomization = path.file_stem().is_some_and(|stem| stem == "kustomization");
    !kustomization && extension.is_some_and(|e| EXTENSIONS.contains(&e))
}

fn file(path: &Path) -> Opened {
    (path.display().to_string(), fs::File::open(path).and_then(bounded))
}

/// One byte more than accepted, so that the reader of the text sees that there is more.
fn bounded(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads files, folders and (`-`) standard input.
///
/// # Errors
/// Everything that is wrong with them.
pub fn read(paths: &[PathBuf]) -> Result<Input, Vec<ManifestError>> {
    let mut reader = reader::ManifestReader::default();
    for (file, bytes) in open(paths) {
        match bytes {
            Ok(bytes) => reader.text(&file, &bytes),
            Err(error) => reader.fail(&ManifestPlace { file, document: None, items: vec![] }, None, error.to_string()),
        }
    }
    reader.finish()
}
