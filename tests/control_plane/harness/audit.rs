//! Reads the operator's requests from the API server's audit log.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use serde_json::Value;

use super::Cluster;

const USER: &str = "system:serviceaccount:direct-upload-system:direct-upload-operator";

/// A request that changes something.
#[derive(Debug, Clone)]
pub struct Write {
    pub verb: String,
    pub resource: String,
    pub subresource: String,
    pub name: String,
    pub code: u64,
}

/// `patch deployments/glance`, `patch horizons/horizon/status`, with the code if the API server refused it.
impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.verb, self.resource, self.name)?;
        if !self.subresource.is_empty() {
            write!(f, "/{}", self.subresource)?;
        }
        if self.code >= 300 { write!(f, " ({})", self.code) } else { Ok(()) }
    }
}

impl Cluster {
    /// The current end of the audit log.
    pub fn mark(&self) -> u64 {
        self.audit_log().metadata().expect("the audit log").len()
    }

    /// The operator's writes in a namespace since that mark, in order, without events and leases.
    pub fn writes(&self, namespace: &str, since: u64) -> Vec<Write> {
        let is_write = |entry: &Value| {
            let verb = text(entry, "/verb");
            !["get", "list", "watch"].contains(&verb.as_str())
                && text(entry, "/objectRef/namespace") == namespace
                && !["events", "leases"].contains(&text(entry, "/objectRef/resource").as_str())
        };
        let entries = self.requests(since).into_iter().filter(is_write);
        entries
            .map(|entry| Write {
                verb: text(&entry, "/verb"),
                resource: text(&entry, "/objectRef/resource"),
                subresource: text(&entry, "/objectRef/subresource"),
                name: match text(&entry, "/objectRef/name") {
                    name if name.is_empty() => text(&entry, "/requestObject/metadata/name"),
                    name => name,
                },
                code: entry["responseStatus"]["code"].as_u64().unwrap_or_default(),
            })
            .collect()
    }

    /// All requests of the operator since that mark.
    pub fn requests(&self, since: u64) -> Vec<Value> {
        let mut log = self.audit_log();
        log.seek(SeekFrom::Start(since)).expect("the audit log");
        let mut text = String::new();
        log.read_to_string(&mut text).expect("the audit log");
        // The last line may be incomplete.
        let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
        let lines = whole.lines().filter(|line| line.contains(USER) && line.contains(r#""stage":"ResponseComplete""#));
        lines.map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    fn audit_log(&self) -> File {
        File::open(self.folder().join("audit.log")).expect("the audit log")
    }
}

fn text(entry: &Value, pointer: &str) -> String {
    entry.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The writes to workloads, as text: `patch deployments/glance`.
pub fn workload_patches(writes: &[Write]) -> Vec<String> {
    let workloads = ["deployments", "statefulsets", "daemonsets"];
    writes.iter().filter(|w| workloads.contains(&w.resource.as_str())).map(ToString::to_string).collect()
}
