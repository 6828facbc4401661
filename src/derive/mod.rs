//! What the cluster means: origins, endpoints, pairs and consent. Pure.
//!
//! In: a [`Snapshot`](crate::observe::Snapshot). Out: a [`World`], with one view per resource that
//! holds all that its plan depends on.

pub mod adjust;
mod applied;
mod catalog;
mod conflict;
mod consent;
mod destination;
pub mod drain;
mod exposure;
mod glance;
pub mod grant;
pub mod hindrance;
mod horizon;
pub mod image_import;
mod internal;
pub mod layout;
mod openstack_api;
pub mod origin;
mod pairing;
mod problem;
mod proof;
mod rehearsal;
pub mod service;
pub mod swift;
mod target;
mod user_cors;
mod way;
mod world;

pub use applied::{Applied, backed_out_annotation, partner_annotation};
pub use catalog::{Observed, Says};
pub use destination::{Destination, GlanceState, Partner};
pub use exposure::{Exposure, Exposures, Stated, of as exposures};
pub use glance::GlanceView;
pub use horizon::{HorizonView, Intent};
pub use origin::{Origin, OriginError, PublicUrl};
pub use problem::Problem;
pub use proof::{Evidence, Failed, Proof, Turn, Weight};
pub use rehearsal::{Answer, Code, Objection, Rehearsal};
pub use target::Target;
pub use user_cors::UserCors;
pub use world::World;
