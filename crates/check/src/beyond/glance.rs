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

/// What decides about uWSGI from outside of its file: the environment, a further file, or the command line.
pub(super) fn options_of_uwsgi(glance: &GlanceFacts<'_>) -> Option<String> {
    let (file, _) = glance.uwsgi()?;
    let depends = || {
        let own = uwsgi::depends(&file.text)?;
        Some(format!("{}: what uWSGI's {} = {} is for uploads", file.at(own.line), own.name, own.value.trim()))
    };
    let mut commands = glance.unit.commands.iter();
    let on_command_line = commands.find_map(|(command, place)| {
        let name = uwsgi::on_command_line(command)?;
        Some(format!("{place}: what uWSGI's option {name} on the command line does to uploads"))
    });
    let of_environment = || {
        let mut all = glance.unit.environment.iter();
        let (name, place) = all.find_map(|(name, _, place)| uwsgi::is_of_environment(name).then_some((name, place)))?;
        Some(format!("{place}: what {name}, an option of uWSGI, does to uploads"))
    };
    on_command_line.or_else(of_environment).or_else(depends)
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
