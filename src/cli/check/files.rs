//! Paths → texts. The only part of `check` that reads files.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use direct_upload_check::Text;
use direct_upload_check::classify::{self, Kind};

/// Larger files are dumps, not configuration.
const MOST_BYTES: u64 = 16 << 20;

/// Reads files, folders and standard input (`-`). Returns the name of each path that cannot be read.
pub fn read(paths: &[PathBuf]) -> (Vec<Text>, Vec<String>) {
    let mut found = TextCollector::default();
    for path in paths {
        if path.as_os_str() == "-" {
            found.add("stdin".to_owned(), bounded(io::stdin().lock()), true);
        } else if path.is_dir() {
            found.walk(path);
        } else {
            found.add(path.display().to_string(), fs::File::open(path).and_then(bounded), true);
        }
    }
    (found.texts, found.errors)
}

#[derive(Default)]
struct TextCollector {
    texts: Vec<Text>,
    errors: Vec<String>,
}

impl TextCollector {
    fn add(&mut self, name: String, bytes: io::Result<Vec<u8>>, named: bool) {
        let text = bytes.and_then(|bytes| {
            let too_large = bytes.len() as u64 > MOST_BYTES;
            match readable(&name, bytes) {
                // Keys, images and databases are in the same folders as configuration.
                None if !named && !is_manifest(&name) => Ok(None),
                _ if too_large => Err(io::Error::other(format!("is larger than {} MiB", MOST_BYTES >> 20))),
                None => Err(io::Error::other("is not UTF-8; save it as UTF-8")),
                text => Ok(text),
            }
        });
        match text {
            Ok(None) => {}
            Ok(Some(text)) => {
                self.texts.push(Text { name, text, named });
            }
            Err(error) => self.errors.push(format!("{name}: {error}")),
        }
    }

    /// Skips hidden entries, because a mounted ConfigMap has each file twice, once below `..data`. Skips
    /// linked folders, because they may form circles.
    fn walk(&mut self, folder: &Path) {
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.errors.push(format!("{}: {error}", folder.display())),
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if name.starts_with('.') {
                continue;
            }
            if entry.file_type().is_ok_and(|t| t.is_dir()) {
                self.walk(&path);
            } else if may_matter(&path, &name) && (path.is_file() || is_broken_link(&path)) {
                self.add(path.display().to_string(), fs::File::open(&path).and_then(bounded), false);
            }
        }
    }
}

/// Whether a link leads to no file, where Glance or the dashboard reads one. Systems have many other such links.
fn is_broken_link(path: &Path) -> bool {
    let is_read = |kind| matches!(kind, Kind::Glance | Kind::Settings);
    path.is_symlink() && !path.exists() && classify::kind(&path.display().to_string(), "").is_some_and(is_read)
}

/// Replaces bytes that are not UTF-8. That they exist is a finding, because the programs refuse them.
fn readable(name: &str, bytes: Vec<u8>) -> Option<String> {
    String::from_utf8(bytes).map_or_else(
        |error| {
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            classify::kind(name, &text).is_some().then_some(text)
        },
        Some,
    )
}

fn is_manifest(name: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending))
}

/// Skips kustomizations, which describe files and not objects, and files whose ending is not one of a
/// configuration.
fn may_matter(path: &Path, name: &str) -> bool {
    const OTHERS: [&str; 14] =
        ["pem", "key", "crt", "log", "db", "sqlite", "png", "svg", "jpg", "js", "css", "html", "sh", "gz"];
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    (!classify::is_left_out(name) || classify::may_be_template(name))
        && !OTHERS.contains(&extension)
        && !name.starts_with("kustomization.")
}

/// One byte more than accepted, so that a larger file is noticed.
fn bounded(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
