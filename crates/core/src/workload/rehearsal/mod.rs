//! Rehearsals: new files are tried in a Job of the workload's own image.

mod catalog;
mod cors;
mod draft;
mod job;
mod outcome;
mod place;
mod program;
mod seen_cors;

pub use catalog::{CatalogLook, LookState};
pub use cors::CorsLook;
pub use draft::{RehearsalDraft, name};
pub use job::{NoJob, job};
pub use outcome::{Code, Objection, Rehearsal, SnippetDir, list, panel, panel_note, reads};
pub use place::SnippetPlace;
pub use seen_cors::{CorsValueSeen, SeenCors};
