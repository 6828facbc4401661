//! What Glance itself reads or runs, and is not in the input or not read.
//!
//! In: a Glance. Out: one sentence.

use direct_upload_core::openstack::cors_request::CorsRequest;

use crate::classify;
use crate::facts::glance::GlanceFacts;
use crate::facts::uwsgi::{self, Routed};
use crate::unit::CONFIG_DIR;

/// `[paste_deploy] config_file`, which has the pipeline.
pub(super) fn paste_file(glance: &GlanceFacts<'_>) -> Option<String> {
    let named = glance.option("paste_deploy", "config_file")?;
    let path = named.value.trim();
    let name = classify::base(path);
    // Glance's own file is known.
    let is_usual = name == "glance-api-paste.ini";
    let is_there = glance.unit.files.iter().any(|file| file.name == name);
    (!path.is_empty() && !is_usual && !is_there)
        .then(|| format!("{path}, which [paste_deploy] config_file ({}) names, is not in the input", named.place))
}

/// Glance's main file in the folder that uWSGI names, if it is missing.
pub(super) fn main_file(glance: &GlanceFacts<'_>) -> Option<String> {
    let set = glance.uwsgi()?.environment();
    let (_, folder, place) = set.iter().rfind(|(name, ..)| name == CONFIG_DIR)?;
    glance.unit.lacks_main_in(folder, place)
}

/// What decides about uWSGI, and is not known: a condition, a further file, or the command line.
pub(super) fn options_of_uwsgi(glance: &GlanceFacts<'_>) -> Option<String> {
    glance.uwsgi()?.open.into_iter().next()
}

/// uWSGI's own routing, where it is not known what it does to uploads.
pub(super) fn routes_of_uwsgi(glance: &GlanceFacts<'_>) -> Option<String> {
    let own = glance.uwsgi()?;
    let unknown = |request| match uwsgi::routed(&own, request) {
        Routed::Unknown(route) => Some(route.clone()),
        Routed::Passes | Routed::Ends(_) => None,
    };
    let route = CorsRequest::BOTH.into_iter().find_map(unknown)?;
    Some(format!("{}: check does not read what uWSGI's {} does to uploads", route.place, route.name))
}
