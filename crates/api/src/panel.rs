//! Which of Horizon's two image panels the dashboard shows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The image panel. `ANGULAR_FEATURES['images_panel']` of Horizon's settings selects it
/// (openstack_dashboard/dashboards/project/images/views.py). The two panels send different requests.
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
#[schemars(description = "")] // as for Scheme
pub enum Panel {
    /// The JavaScript panel, Horizon's default. Its upload is a request without credentials.
    Angular,
    /// The Python panel. Its upload is a request with credentials
    /// (horizon/static/horizon/js/horizon.modals.js: `withCredentials`).
    Django,
    /// Unknown: uploads of both panels must work.
    #[default]
    Unknown,
}

impl Panel {
    /// All panels.
    pub const ALL: [Self; 3] = [Self::Angular, Self::Django, Self::Unknown];

    /// Its name in sentences, without an article.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Angular => "Angular panel",
            Self::Django => "Django panel",
            Self::Unknown => "unknown panel",
        }
    }
}

fn no_panel(text: &str) -> String {
    format!("{text:?} is not a panel; use angular, django or unknown")
}
