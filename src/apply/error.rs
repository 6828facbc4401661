//! Why a write failed, and whether trying again can help.

use direct_upload_api::Reason;
use direct_upload_core::model::Problem;
use kube::core::Status;
use thiserror::Error;

use super::fence;

/// A failed write.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// Another field manager owns a field that we need.
    #[error(
        "{object}: {message}; configure that manager to release the field, or remove this workload from the resource"
    )]
    FieldConflict { object: String, message: String },
    /// The cluster refused to create the Job for a rehearsal.
    #[error(
        "{object}: {message}; the operator needs create, list and watch of jobs.batch in this namespace (deploy/operator/rbac.yaml) and resources for one pod; or turn rehearsals off with spec.rollout.rehearsal: 'Off'"
    )]
    Rehearsal { object: String, message: String },
    /// Another object already has the name of the ConfigMap.
    #[error(
        "{object}: another object has that name, and the operator did not create it, so it does not change it; rename or delete it"
    )]
    Foreign { object: String },
    /// The API server refused our annotations on an exposing object. The snapshot records it; everything
    /// else continues.
    #[error("{0}")]
    Left(String),
    /// This replica is no longer the leader, or it stops.
    #[error("{0}: not written, because this replica is no longer the leader, or stops")]
    Closed(String),
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
            error if fence::is_closed(&error) => Self::Closed(object),
            kube::Error::Api(status) => Self::Refused { object, code: status.code, message: status.message.clone() },
            source => Self::Transport { object, source },
        }
    }

    /// Whether there was no answer, or a failure of the server: a write may have been done all the same.
    pub fn is_unanswered(&self) -> bool {
        matches!(self, Self::Transport { .. } | Self::Refused { code: 500..=599, .. })
    }

    /// Whether RBAC gives the operator no right to make this patch. The API server's authorizer and its
    /// admission plugins answer with the same code, reason and details: both use `NewForbidden` (apiserver,
    /// `handlers/responsewriters/errors.go` and `admission/errors.go`). So only the message tells them apart.
    pub fn lacks_right(&self) -> bool {
        matches!(self, Self::Refused { code: 403, message, .. } if message.contains("cannot patch resource"))
    }

    /// What the status says about the first failure. Nothing, if the API server cannot be reached or the
    /// object changed in between.
    pub fn problem(&self) -> Option<Problem> {
        match self {
            Self::FieldConflict { .. } => Some(Problem::new(Reason::FieldConflict, self.to_string())),
            Self::Rehearsal { .. } => Some(Problem::new(Reason::RehearsalRefused, self.to_string())),
            Self::Refused { code: 404 | 409 | 429 | 500..=599, .. } | Self::Transport { .. } | Self::Closed(_) => None,
            Self::Left(_) | Self::Foreign { .. } | Self::Refused { .. } => {
                Some(Problem::new(Reason::WriteFailed, self.to_string()))
            }
        }
    }
}

impl ApplyError {
    /// What the status says about a repeated failure, in the API server's words. It includes failures that
    /// may end by themselves.
    pub fn lasting_problem(&self) -> Option<Problem> {
        match self {
            Self::Refused { .. } => {
                let message = format!("{self}; the API server refuses this write, and it is tried again");
                self.problem().or_else(|| Some(Problem::new(Reason::WriteFailed, message)))
            }
            _ => self.problem(),
        }
    }
}

fn is_field_conflict(status: &Status) -> bool {
    status.code == 409 && status.details.iter().flat_map(|d| &d.causes).any(|c| c.reason == "FieldManagerConflict")
}
