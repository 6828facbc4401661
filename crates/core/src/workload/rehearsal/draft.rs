//! A rehearsal to start.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::program::{LAUNCHER, SCRIPT};
use crate::model::{Key, Map, ResourceKind, Workload, describe};
use crate::render::{File, FileFormat, OWN_FILE, effects};
use crate::workload::mount::Mount;
use crate::workload::purpose::Purpose;
use crate::workload::target::Target;

/// The digest of the programs that a rehearsal runs. It is computed once: names of rehearsals are made very
/// often, and the programs are long.
static PROGRAM: LazyLock<String> = LazyLock::new(|| format!("{:x}", Sha256::digest([SCRIPT, LAUNCHER].concat())));

/// A rehearsal to start.
#[derive(Clone, Debug, PartialEq)]
pub struct RehearsalDraft {
    /// The Job.
    pub key: Key,
    pub purpose: Purpose,
    pub workload: Arc<Workload>,
    /// The container whose image and environment it uses.
    pub container: String,
    /// The fields that the roll would add; none for a Job that only looks.
    pub mount: Option<Mount>,
    /// For `rehearse.py`.
    pub args: Vec<String>,
}

impl RehearsalDraft {
    /// The rehearsal of a mount.
    pub fn for_files(kind: ResourceKind, resource: &Key, target: &Target, mount: &Mount, files: &[File]) -> Self {
        let args = files.iter().flat_map(arguments).collect();
        Self::new(Purpose::Files(kind), resource, target, Some(mount.clone()), args)
    }

    /// A draft that only looks where Horizon reads snippets.
    pub fn look(resource: &Key, target: &Target) -> Self {
        Self::new(Purpose::Files(ResourceKind::Horizon), resource, target, None, vec!["--look".into()])
    }

    /// A draft that reads Keystone's catalog and the user's own `[cors]`.
    pub fn catalog(resource: &Key, target: &Target) -> Self {
        Self::new(Purpose::Catalog, resource, target, None, vec!["--own-cors".into(), "--catalog".into()])
    }

    /// A draft that only reads the user's own `[cors]`.
    pub fn own_cors(resource: &Key, target: &Target) -> Self {
        Self::new(Purpose::Cors, resource, target, None, vec!["--own-cors".into()])
    }

    /// Whether it asks Keystone.
    pub fn asks_keystone(&self) -> bool {
        self.purpose == Purpose::Catalog
    }

    /// Whether it reads Glance's own configuration, and tries no file.
    pub fn reads_glance(&self) -> bool {
        self.purpose.reads_glance()
    }

    fn new(purpose: Purpose, resource: &Key, target: &Target, mount: Option<Mount>, args: Vec<String>) -> Self {
        let workload = target.workload.clone();
        // What is ours and changes with each roll does not affect the answer.
        let mount = mount.map(|m| Mount { annotations: Map::new(), ..m });
        let depends = json!([
            purpose.to_string(),
            workload.meta.uid,
            workload.template.edition,
            target.container.name,
            mount.as_ref().map(|m| m.patch(&workload)),
            args,
            *PROGRAM,
        ]);
        let name = name(&resource.name, &depends);
        let key = Key::new(resource.namespace.clone(), name);
        Self { key, purpose, workload, container: target.container.name.clone(), mount, args }
    }
}

impl RehearsalDraft {
    /// What is rehearsed, for a sentence.
    pub fn subject(&self) -> String {
        let name = describe(self.workload.kind, &self.workload.meta.key);
        match &self.mount {
            Some(mount) => format!("{} in the image of {name}", mount.config_map),
            None if self.asks_keystone() => format!("what Keystone's catalog says to the account of {name}"),
            None if self.reads_glance() => format!("what the user's own files say in [cors] in {name}"),
            None => format!("what the image of {name} says about its Horizon"),
        }
    }
}

/// What the script checks for a file; nothing for files whose effect only the service itself knows.
fn arguments(file: &File) -> Vec<String> {
    let mut args = vec![match file.format {
        FileFormat::Policy => return Vec::new(),
        FileFormat::OsloConfig if file.name == OWN_FILE => return Vec::new(),
        FileFormat::Python => "--snippet".to_owned(),
        FileFormat::OsloConfig => "--cors".to_owned(),
        FileFormat::SwiftProxy => "--swift".to_owned(),
        FileFormat::Httpd => "--httpd".to_owned(),
    }];
    args.push(file.path.clone());
    if effects(&BTreeMap::from([(file.name.clone(), file.contents.clone())])).direct {
        args.push("--direct".to_owned());
    }
    args
}

/// `<resource>-rehearsal-<hash>`. A pod's label contains it, so it has at most 63 characters.
pub fn name(resource: &str, depends: &Value) -> String {
    let mut hash = format!("{:x}", Sha256::digest(depends.to_string()));
    hash.truncate(10);
    let suffix = format!("-rehearsal-{hash}");
    let resource: String = resource.chars().take(63 - suffix.len()).collect();
    format!("{}{suffix}", resource.replace('.', "-").trim_end_matches('-'))
}
