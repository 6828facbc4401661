//! Why an upload from the browser would fail, found without sending one.
//!
//! In: configuration files and manifests, or the objects of a cluster. Out: a [`Report`] of findings,
//! each with its [`Rule`](direct_upload_api::Rule), its place, what was found and what to change.
//!
//! All of it is pure: [`formats`] are read → [units](mod@unit) of files that one
//! program reads → [`facts`] about one cloud → [`rules`] → findings. `derived` adds what the operator
//! itself derives from custom resources and exposures.

pub mod classify;
pub mod derived;
pub mod facts;
pub mod finding;
pub mod formats;
pub mod managed;
pub mod manifests;
pub mod objects;
pub mod output;
pub mod policies;
pub mod redact;
pub mod rules;
pub mod template;
pub mod text;
pub mod unit;
pub use finding::{Finding, Location};
pub use objects::Object;
pub use redact::error;
pub use text::Text;

use direct_upload_api::Severity;
use direct_upload_core::derive::World;
use direct_upload_core::model::Snapshot;
use direct_upload_core::openstack::Release;
use serde::Serialize;

use crate::facts::cloud::Cloud;
use crate::unit::{ConfigFile, Unit};

/// What was found, the worst first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub findings: Vec<Finding>,
    /// What was looked at: services by the name of the workload or folder.
    pub checked: Vec<String>,
    /// What could not be seen, so that nothing is claimed of it.
    pub unseen: Vec<String>,
}

impl Report {
    /// How many findings are of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|f| f.severity == severity).count()
    }

    /// Whether nothing was found that makes uploads fail.
    pub fn is_fine(&self) -> bool {
        self.count(Severity::Error) == 0
    }
}

/// Everything that is looked at together.
#[derive(Clone, Debug)]
pub struct CheckInput {
    /// Objects of manifests or of a cluster.
    pub objects: Vec<Object>,
    /// The same, as far as the operator's derivation knows them.
    pub snapshot: Snapshot,
    /// Configuration files on their own, with their names.
    pub files: Vec<(String, ConfigFile)>,
    /// The release, where the user says it.
    pub release: Option<Release>,
    /// What could not be looked at, and why.
    pub unseen: Vec<String>,
}

impl CheckInput {
    /// Nothing yet.
    pub fn new(release: Option<Release>) -> Self {
        let snapshot = Snapshot::complete();
        Self { objects: Vec::new(), snapshot, files: Vec::new(), release, unseen: Vec::new() }
    }
}

/// Finds all that is wrong.
pub fn check(input: CheckInput) -> Report {
    let mut units: Vec<Unit> = objects::units(&input.objects);
    units.extend(unit::of_files(input.files));
    let exposed = derived::dashboards(&input.snapshot, &input.objects, &units);
    let published = derived::endpoints(&input.snapshot, &input.objects, &units);
    let mut cloud = Cloud::new(&units, exposed, published, input.release);
    let world = World::of(&input.snapshot);
    cloud.issues = derived::issues(&world, &input.snapshot, &input.objects, &units, &cloud.dashboards);
    let mut findings = rules::all(&cloud);
    findings.extend(derived::findings(&world, &input.objects));
    for finding in &mut findings {
        finding.found = redact::text(&finding.found);
        finding.fix = redact::text(&finding.fix);
    }
    findings.sort();
    findings.dedup();
    let seen = cloud.glances.iter().map(|g| g.unit).chain(cloud.horizons.iter().map(|h| h.unit));
    let (mut checked, mut unseen) = (Vec::new(), input.unseen);
    for unit in seen {
        checked.push(unit.name.clone());
        unseen.extend(unit.unseen.iter().map(|what| format!("{}: {what}", unit.name)));
    }
    Report { findings, checked, unseen }
}
