//! Why a write failed, and whether trying again can help.

use direct_upload_api::Reason;
use direct_upload_core::model::Problem;
use kube::core::Status;
use thiserror::Error;

/// A failed write.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// Another field manager owns a field that must be ours.
    #[error("{object}: {message}; let that manager give the field up, or take this workload out of the resource")]
    FieldConflict { object: String, message: String },
    /// The cluster allows no Job for a rehearsal.
    #[error(
        "{object}: {message}; the operator needs create, list and watch of jobs.batch in this namespace (deploy/operator/rbac.yaml) and room for one pod, or go without a rehearsal by spec.rollout.rehearsal: 'Off'"
    )]
    Rehearsal { object: String, message: String },
    /// Our annotations may not stand on an exposing object. That is noted; all else goes on.
    #[error("{0}")]
    Left(String),
    /// The API server refused.
    #[error("{object}: {message}")]
    Refused { object: String, code: u16, message: String },
    /// The API server could not be reached, or its answer could not be read.
    #[error("{object}: {source}")]
    Transport { object: String, source: kube::Error },
}

impl ApplyError {
    /// Sorts a client error.
    pub fn new(object: &str, error: kube::Error) -> Self {
        let object = object.to_owned();
        match error {
            kube::Error::Api(status) if is_field_conflict(&status) => {
                Self::FieldConflict { object, message: status.message.clone() }
            }
            kube::Error::Api(status) => Self::Refused { object, code: status.code, message: status.message.clone() },
            source => Self::Transport { object, source },
        }
    }

    /// What the status says of it; nothing while the API server cannot be reached or the object
    /// just changed under our hands.
    pub fn problem(&self) -> Option<Problem> {
        match self {
            Self::FieldConflict { .. } => Some(Problem::new(Reason::FieldConflict, self.to_string())),
            Self::Rehearsal { .. } => Some(Problem::new(Reason::RehearsalRefused, self.to_string())),
            Self::Refused { code: 404 | 409 | 429 | 500..=599, .. } | Self::Transport { .. } => None,
            Self::Left(_) | Self::Refused { .. } => Some(Problem::new(Reason::WriteFailed, self.to_string())),
        }
    }
}

fn is_field_conflict(status: &Status) -> bool {
    status.code == 409 && status.details.iter().flat_map(|d| &d.causes).any(|c| c.reason == "FieldManagerConflict")
}
