//! Which of Horizon's two image panels the dashboard shows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The image panel: `ANGULAR_FEATURES['images_panel']` of Horizon's settings decides
/// (openstack_dashboard/dashboards/project/images/views.py). The two make different requests.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::Display,
    strum::EnumString,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", ascii_case_insensitive, parse_err_ty = String, parse_err_fn = no_panel)]
pub enum Panel {
    /// The panel in JavaScript, Horizon's default: its upload is a request without credentials.
    Angular,
    /// The panel in Python: its upload is a request with credentials
    /// (horizon/static/horizon/js/horizon.modals.js: `withCredentials`).
    Django,
    /// Not known: an upload must be let through from either.
    #[default]
    Unknown,
}

impl Panel {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Angular, Self::Django, Self::Unknown];

    /// As it is called in sentences, without an article.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Angular => "Angular panel",
            Self::Django => "Django panel",
            Self::Unknown => "unknown panel",
        }
    }
}

fn no_panel(text: &str) -> String {
    format!("{text:?} is no panel: angular, django or unknown")
}
