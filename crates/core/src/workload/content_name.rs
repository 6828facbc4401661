//! ConfigMap names that depend on the content.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

/// Whether a ConfigMap has a name of our form.
pub fn is_content_name(name: &str) -> bool {
    let hash = name.rsplit_once(MARK).map(|(_, hash)| hash);
    hash.is_some_and(|hash| hash.len() == HASH_LENGTH && hash.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Whether a ConfigMap has a name of our form for a resource.
pub fn is_content_name_of(resource: &str, name: &str) -> bool {
    // Most names are of others, which their first part shows.
    let parts = name.rsplit_once(MARK).filter(|(of, _)| resource.starts_with(of));
    parts.is_some_and(|(_, hash)| is_content_name(name) && name == named(resource, hash))
}

/// Between the resource's name and the hash.
const MARK: &str = "-direct-upload-";

/// Ten hex digits distinguish everything that one resource will ever render.
const HASH_LENGTH: usize = 10;

/// `<resource>-direct-upload-<hash of keys and bytes>`.
pub fn content_name(resource: &str, data: &BTreeMap<String, String>) -> String {
    named(resource, &content_hash(data))
}

fn named(resource: &str, hash: &str) -> String {
    format!("{}{MARK}{hash}", shortened(resource))
}

/// A resource's name as its ConfigMaps have it. 253 is the longest name of a ConfigMap.
pub(super) fn shortened(resource: &str) -> &str {
    const MOST: usize = 253 - MARK.len() - HASH_LENGTH;
    let end = resource.char_indices().nth(MOST).map_or(resource.len(), |(end, _)| end);
    resource[..end].trim_end_matches(['.', '-'])
}

/// The resource's part of a ConfigMap's name, if the name has our form.
pub(super) fn resource_of(name: &str) -> Option<&str> {
    name.rsplit_once(MARK).map(|(resource, _)| resource)
}

pub(crate) fn content_hash(data: &BTreeMap<String, String>) -> String {
    let mut hash = Sha256::new();
    for (key, text) in data {
        for part in [key, text] {
            hash.update(part.len().to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    let mut hex = format!("{:x}", hash.finalize());
    hex.truncate(HASH_LENGTH);
    hex
}
