//! What the running dashboard says about itself: `GET api/settings/`
//! (openstack_dashboard/api/rest/config.py).

use direct_upload_api::Rule;

use super::{Break, Reply};
use crate::judge::explain::signature;
use crate::judge::headers::shown;

/// Where the running dashboard sends images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Mode {
    /// Straight to Glance.
    Direct,
    /// Through Horizon.
    Legacy,
    /// Nowhere.
    Off,
}

/// The settings that matter here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub mode: Mode,
    /// The disk formats that the form offers.
    pub formats: Vec<String>,
}

impl Settings {
    /// Reads them. `https`: whether the dashboard is https; `has_secure`: whether it set cookies for https
    /// only.
    ///
    /// # Errors
    /// The answer has none: the login was lost, or something else answers.
    pub fn read(reply: &Reply, https: bool, has_secure: bool) -> Result<Self, Break> {
        logged_in(reply, https, has_secure)?;
        let json = reply.json().unwrap_or_default();
        let mode = json["HORIZON_IMAGES_UPLOAD_MODE"].as_str().and_then(|mode| mode.parse().ok());
        let Some(mode) = mode else {
            return Err(Break::new(
                "no HORIZON_IMAGES_UPLOAD_MODE among the settings",
                "this dashboard does not state its upload mode",
                "look at what answers below api/ of the dashboard; Horizon before Pike (2017) has no such setting",
            ));
        };
        let formats = json["OPENSTACK_IMAGE_FORMATS"].as_array().into_iter().flatten();
        Ok(Self { mode, formats: formats.filter_map(|f| f.as_str()).map(str::to_owned).collect() })
    }

    /// Whether uploads are possible, and the mode is the required one, if any.
    ///
    /// # Errors
    /// It is not.
    pub fn is_fit(&self, wanted: Option<Mode>) -> Result<(), Break> {
        let received = format!("HORIZON_IMAGES_UPLOAD_MODE {}", self.mode);
        if let Some(wanted) = wanted.filter(|wanted| *wanted != self.mode) {
            return Err(Break::new(
                received,
                format!("the running dashboard's upload mode is {}, not {wanted}", self.mode),
                "check which file sets it last, and whether all processes restarted since; an open page keeps the mode with which it was loaded",
            )
            .by(&[Rule::NoEffect]));
        }
        if self.mode == Mode::Off {
            return Err(Break::new(
                received,
                "the dashboard offers no upload of files",
                "set HORIZON_IMAGES_UPLOAD_MODE to 'direct' or 'legacy', and restart Horizon",
            ));
        }
        Ok(())
    }

    /// The format in which random bytes are an image: `raw`, or the first one offered.
    pub fn format(&self) -> &str {
        if self.formats.is_empty() || self.formats.iter().any(|format| format == "raw") {
            return "raw";
        }
        self.formats.first().map_or("raw", String::as_str)
    }
}

/// Whether the REST API accepts the session (openstack_dashboard/api/rest/utils.py, `ajax`).
///
/// # Errors
/// It does not.
fn logged_in(reply: &Reply, https: bool, has_secure: bool) -> Result<(), Break> {
    let status = reply.head.status;
    let received = format!("status {status}{}", signature(&reply.head));
    if status == 401 || (301..=308).contains(&status) {
        let fix = if has_secure && !https {
            "the dashboard's cookies are for https only (SESSION_COOKIE_SECURE): give its https URL"
        } else {
            "look at SESSION_ENGINE and CACHES of Horizon's settings: sessions that each pod, or each process, keeps for itself are lost at the next request"
        };
        return Err(Break::new(received, "the dashboard lost the user's session right after the login", fix));
    }
    if !(200..=299).contains(&status) || reply.json().is_none() {
        return Err(Break::new(
            received,
            "the dashboard's own REST API does not answer as Horizon's does; its image panel needs it, too",
            "check what is in front of Horizon (everything below api/ must reach it), and read Horizon's log",
        ));
    }
    Ok(())
}

/// The user and project of the session: `GET api/keystone/user-session/`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    pub user: Option<String>,
    pub domain: Option<String>,
    pub project: Option<String>,
    #[serde(skip)]
    pub project_id: Option<String>,
    pub region: Option<String>,
    #[serde(skip)]
    pub regions: Vec<String>,
}

impl Identity {
    /// What the dashboard says; nothing, if it says nothing.
    pub fn read(reply: &Reply) -> Self {
        let json = reply.json().unwrap_or_default();
        let text = |name: &str| json[name].as_str().map(shown);
        Self {
            user: text("username"),
            domain: text("user_domain_name"),
            project: text("project_name"),
            project_id: text("project_id"),
            region: text("services_region"),
            regions: json["available_services_regions"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|region| region.as_str())
                .map(shown)
                .collect(),
        }
    }
}
