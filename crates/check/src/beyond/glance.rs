//! What Glance itself reads or runs, and is not in the input or not read.
//!
//! In: a Glance. Out: one sentence.

use direct_upload_core::openstack::cors_request::CorsRequest;

use crate::classify;
use crate::facts::glance::GlanceFacts;
use crate::facts::uwsgi::{self, Routed};

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

/// uWSGI's own routing, where it is not known what it does to uploads.
pub(super) fn routes_of_uwsgi(glance: &GlanceFacts<'_>) -> Option<String> {
    let (file, ini) = glance.uwsgi()?;
    let unknown = |request| match uwsgi::routed(&ini, request) {
        Routed::Unknown(route) => Some(route.clone()),
        Routed::Passes | Routed::Ends(_) => None,
    };
    let route = CorsRequest::BOTH.into_iter().find_map(unknown)?;
    Some(format!("{}: check does not read what uWSGI's {} does to uploads", file.at(route.line), route.name))
}
