//! The result of a check: findings, what was checked, what was not seen, and the verdict.

use std::fmt;

use direct_upload_api::Severity;

use crate::finding::Finding;

/// What was found, the worst first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub findings: Vec<Finding>,
    /// The services that were checked.
    pub checked: Vec<Subject>,
    /// What could not be seen. Nothing is claimed about it, so the verdict is then never "fine".
    pub unseen: Vec<String>,
}

/// One service that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// `Glance`, `dashboard`, or another service's name.
    pub service: &'static str,
    /// The workload, or the folder.
    pub name: String,
    /// The release, and what says so.
    pub release: Option<(String, &'static str)>,
    /// Configuration files that were read.
    pub files: Vec<String>,
    /// What is between browsers and it.
    pub before: Vec<String>,
}

/// The answer to "will uploads work?".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything that an upload needs was seen, and nothing makes it fail.
    Fine,
    /// Nothing that was seen makes uploads fail, but not everything was seen.
    Incomplete,
    /// Something makes uploads fail.
    Fails,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fine => "fine",
            Self::Incomplete => "incomplete",
            Self::Fails => "fails",
        })
    }
}

impl Report {
    /// How many findings are of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|f| f.severity == severity).count()
    }

    /// What is known about uploads.
    pub fn verdict(&self) -> Verdict {
        if self.count(Severity::Error) > 0 {
            Verdict::Fails
        } else if self.checked.is_empty() || !self.unseen.is_empty() {
            Verdict::Incomplete
        } else {
            Verdict::Fine
        }
    }
}
