//! Which of Horizon's two image panels the dashboard shows.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The image panel: `ANGULAR_FEATURES['images_panel']` of Horizon's settings decides
/// (openstack_dashboard/dashboards/project/images/views.py). The two make different requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
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

    /// As it is written in JSON, and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Angular => "angular",
            Self::Django => "django",
            Self::Unknown => "unknown",
        }
    }

    /// As it is called in sentences, without an article.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Angular => "Angular panel",
            Self::Django => "Django panel",
            Self::Unknown => "unknown panel",
        }
    }
}

impl fmt::Display for Panel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Panel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|panel| panel.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| format!("{text:?} is no panel: angular, django or unknown"))
    }
}
