//! The image panel's page: which panel it is, what it may connect to, and what its scripts send.

use direct_upload_api::Panel;

use super::{Break, Reply, Secret};
use crate::judge::csp::{Restriction, enforced, enforced_by_page};
use crate::judge::explain::signature;
use crate::judge::html::{forms, tags, text};
use crate::judge::page::blocked_by;
use crate::judge::preflight::Preflight;
use crate::openstack::upload::UploadRequest;

/// The page of project/images/.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanelPage {
    pub panel: Panel,
    /// The token that forms and scripts return to Horizon.
    pub csrf: Option<Secret>,
    /// What its policies restrict.
    pub policies: Vec<Restriction>,
    /// Where its scripts are.
    pub scripts: Vec<String>,
    /// The projects to which the user can switch: link and name.
    pub projects: Vec<Project>,
}

/// A project in the page's menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    pub id: String,
    pub name: String,
    /// Where a click leads.
    pub link: String,
}

impl PanelPage {
    /// Reads it.
    ///
    /// # Errors
    /// The user has no such page.
    pub fn read(reply: &Reply) -> Result<Self, Break> {
        let status = reply.head.status;
        let received = format!("status {status}{}", signature(&reply.head));
        match status {
            200..=299 => {}
            301..=308 | 401 => {
                return Err(Break::new(
                    received,
                    "the dashboard redirects the user away from the image panel",
                    "look at Horizon's log, and at SESSION_ENGINE and CACHES of its settings",
                ));
            }
            403 | 404 => {
                return Err(Break::new(
                    received,
                    "the user has no image panel (project/images/)",
                    "give the user a role in a project, and check that the catalog has a service of type image in the user's region",
                ));
            }
            _ => {
                return Err(Break::new(
                    received,
                    "the dashboard's image panel answers with an error",
                    "look at Horizon's log",
                ));
            }
        }
        let page = reply.text();
        let tags = tags(&page);
        // openstack_dashboard/templates/angular.html, which horizon.browsers.views.AngularIndexView shows.
        let is_angular = tags.iter().any(|tag| tag.starts("div") && tag.get("ng-view").is_some());
        let mut policies = enforced(&reply.head.headers);
        policies.extend(enforced_by_page(&tags));
        let projects = tags.iter().enumerate().filter(|(_, tag)| tag.starts("a")).filter_map(|(nth, tag)| {
            let link = tag.get("href")?;
            let id = link.split('?').next()?.trim_end_matches('/').rsplit_once("/auth/switch/")?.1;
            Some(Project { id: id.to_owned(), name: text(&page, &tags, nth), link: link.to_owned() })
        });
        Ok(Self {
            panel: if is_angular { Panel::Angular } else { Panel::Django },
            csrf: csrf(&page),
            policies,
            scripts: tags
                .iter()
                .filter(|t| t.starts("script"))
                .filter_map(|t| t.get("src"))
                .map(str::to_owned)
                .collect(),
            projects: projects.collect(),
        })
    }

    /// What in the page's policies forbids the upload.
    pub fn forbids(&self, asked: &Preflight) -> Option<Break> {
        blocked_by(&self.policies, asked).map(Break::from)
    }

    /// The upload of this page's scripts, for that panel.
    ///
    /// Angular: openstack_dashboard/static/app/app.module.js takes the header's value from the page's first
    /// `csrfmiddlewaretoken`, and sends no header if there is none. Since 27.0.0 framework.module.js
    /// removes it.
    pub fn upload(&self, panel: Panel, strips: Option<bool>) -> UploadRequest {
        match panel {
            Panel::Django => UploadRequest::django(),
            Panel::Angular | Panel::Unknown => {
                let mut upload = UploadRequest::angular();
                if self.csrf.is_none() || strips == Some(true) {
                    upload.headers.retain(|name| *name != CSRF);
                }
                upload
            }
        }
    }
}

const CSRF: &str = "x-csrftoken";

/// Whether an upload carries Horizon's CSRF token.
pub fn carries_csrf(upload: &UploadRequest) -> bool {
    upload.headers.contains(&CSRF)
}

/// The value of the first field `csrfmiddlewaretoken`, inside or outside a form.
pub fn csrf(page: &str) -> Option<Secret> {
    let tags = tags(page);
    let field = tags.iter().find(|tag| tag.starts("input") && tag.get("name") == Some("csrfmiddlewaretoken"))?;
    Some(Secret::new(field.get("value")?.to_owned()))
}

/// Whether the page's scripts remove X-CSRFToken from requests with a token of Keystone
/// (framework.module.js, `stripAjaxHeaderForCORS`); `None`: this script does not say.
pub fn strips_csrf(script: &str) -> Option<bool> {
    // Horizon's own framework module sets this, so the same file has what it removes.
    if !script.contains("xsrfHeaderName") || !script.contains("X-Auth-Token") {
        return None;
    }
    let strips = script.match_indices("X-CSRFToken").any(|(at, _)| {
        let before: String =
            script[..at].chars().rev().take(60).take_while(|c| !matches!(c, ';' | '{' | '}')).collect();
        before.contains(" eteled")
    });
    Some(strips)
}

/// The scripts to read, the likeliest to have Horizon's framework first.
pub fn worth_reading(scripts: &[String]) -> Vec<&String> {
    let mut sorted: Vec<_> = scripts.iter().collect();
    // As single files, or as django-compressor joins them: dashboard/js/….
    let rank = |script: &str| match script {
        s if s.contains("framework.module") => 0,
        s if s.contains("/dashboard/js/") || s.contains("/CACHE/js/") => 1,
        _ => 2,
    };
    sorted.sort_by_key(|script| rank(script));
    sorted
}

/// The form of the Django panel (project/images/create/) as a browser sends it for a local file.
///
/// # Errors
/// The page has no such form.
pub fn create_form(reply: &Reply, name: &str, format: &str, file: &str) -> Result<CreateForm, Break> {
    let status = reply.head.status;
    let page = reply.text();
    let Some(form) = forms(&page).into_iter().find(|form| form.has("disk_format") && form.has("csrfmiddlewaretoken"))
    else {
        return Err(Break::new(
            format!("status {status}{}", signature(&reply.head)),
            "the Django panel shows no form for a new image",
            "look at Horizon's log; policy may forbid it (image: add_image, upload_image)",
        ));
    };
    let takes_file = form.field("image_file").is_some_and(|field| field.kind == "file");
    if !takes_file {
        return Err(Break::new(
            "the form has no field for a file",
            "the Django panel offers this user no upload",
            "look at HORIZON_IMAGES_UPLOAD_MODE, and at the policy upload_image in Horizon's copy of Glance's policies",
        ));
    }
    let mut fields = form.sent();
    let mut set = |name: &str, value: &str| {
        fields.retain(|(found, _)| found != name);
        fields.push((name.to_owned(), value.to_owned()));
    };
    set("name", name);
    set("source_type", "file");
    set("disk_format", format);
    // The twin field that horizon.modals.js fills in if the data goes elsewhere (ExternalUploadMeta).
    let is_external = form.has("image_file__hidden");
    if is_external {
        set("image_file__hidden", file);
    }
    Ok(CreateForm { action: form.action, fields, is_external })
}

/// The filled form of a new image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateForm {
    pub action: String,
    pub fields: Vec<(String, String)>,
    /// Whether the page's script sends the file elsewhere.
    pub is_external: bool,
}
