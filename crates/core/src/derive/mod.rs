//! What the cluster means: origins, endpoints, pairs and consent. Pure.
//!
//! In: a [`Snapshot`](crate::model::Snapshot). Out: a [`World`], with one view for each resource, which has
//! everything its plan depends on.

pub mod adjust;
pub mod api;
mod api_view;
pub mod calls;
pub mod canary;
pub mod catalog;
pub mod conflict;
pub mod consent;
mod derivation;
pub mod destination;
mod destination_view;
mod evidence;
mod exposing_object;
pub mod exposure;
pub mod exposure_issue;
pub mod glance;
pub mod glance_proxies;
mod glance_view;
pub mod grant;
pub mod horizon;
mod horizon_view;
pub mod image_import;
pub mod openstack_api;
pub mod pairing;
pub mod proof;
mod reach;
pub mod requester;
pub mod snippet_place;
mod stage;
pub mod swift;
pub mod target;
pub mod tenure;
pub mod throttle;
pub mod user_cors;
pub mod vantage;
mod views;
pub mod world;
pub use adjust::Adjustment;
pub use api::{ManagedApi, Terms};
pub use api_view::ApiView;
pub use calls::Calls;
pub use catalog::{CatalogAnswer, CatalogState};
pub use derivation::Derivation;
pub use destination::{Destination, GlanceState, NoEndpoint, NoPartner, Partner};
pub use destination_view::DestinationView;
pub use evidence::{Evidence, Failed, Weight};
pub use exposing_object::ExposingObject;
pub use exposure::backends::Backends;
pub use exposure::traefik_rule::alternatives as traefik_alternatives;
pub use exposure::{Exposure, Exposures, Stated, derive as exposures, names_service};
pub use exposure_issue::{ExposureIssue, lacks};
pub use glance::ImageService;
pub use glance_view::GlanceView;
pub use horizon::{Dashboard, Intent, OwnMode};
pub use horizon_view::HorizonView;
pub use requester::Requester;
pub use snippet_place::Unplaced;
pub use swift::stores;
pub use target::container;
pub use tenure::{Handover, Tenure};
pub use throttle::Throttle;
pub use views::Views;
pub use world::{CanaryQueries, CatalogQueries, ProbeTargets, World};

impl World {
    /// Derives the world.
    pub fn of(snapshot: &crate::model::Snapshot) -> Self {
        Derivation::default().advance(snapshot)
    }
}
