//! When we last replaced a workload's pods.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// A time as Kubernetes writes it, in whole seconds.
pub fn rfc3339(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The value of [`annotations::ROLLED_AT`](super::annotations::ROLLED_AT): when we last changed the pods,
/// for which generation of the resource and which pod, and which ConfigMap of ours was replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastRoll {
    pub at: Timestamp,
    pub generation: i64,
    pub pod: String,
    pub instead_of: Option<String>,
}

impl LastRoll {
    /// As it is written.
    pub fn text(&self) -> String {
        let mut text = format!("{} generation={} pod={}", rfc3339(self.at), self.generation, self.pod);
        if let Some(name) = &self.instead_of {
            text.push_str(" instead-of=");
            text.push_str(name);
        }
        text
    }

    /// Reads it; an older release wrote time and generation only.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let at = words.next()?.parse().ok()?;
        let words: BTreeMap<&str, &str> = words.filter_map(|word| word.split_once('=')).collect();
        Some(Self {
            at,
            generation: words.get("generation")?.parse().ok()?,
            pod: words.get("pod").copied().unwrap_or_default().to_owned(),
            instead_of: words.get("instead-of").map(|name| (*name).to_owned()),
        })
    }
}
