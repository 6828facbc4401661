//! Glance's options, as its CORS filter and Glance itself read them.

use std::ops::Deref;

use direct_upload_core::openstack::GLANCE;

use super::api::{ApiFacts, Conf, setup};
use super::filter;
use super::paste::{LoadError, Paste, Pipeline};
use super::uwsgi_options::Uwsgi;
use crate::classify::{self, Kind};
use crate::finding::{Location, OptionName};
use crate::unit::{ConfigFile, Unit};

/// One Glance: an API, and what only Glance has.
#[derive(Clone, Debug)]
pub struct GlanceFacts<'a> {
    pub api: ApiFacts<'a>,
    /// The pipeline of the flavor in effect, if the paste file is seen.
    pub pipeline: Option<Result<Pipeline, LoadError>>,
}

impl<'a> Deref for GlanceFacts<'a> {
    type Target = ApiFacts<'a>;

    fn deref(&self) -> &ApiFacts<'a> {
        &self.api
    }
}

impl<'a> GlanceFacts<'a> {
    /// Reads the files of a unit.
    pub fn read(unit: &'a Unit) -> Self {
        let files: Vec<&ConfigFile> = unit.of_kind(Kind::Glance).collect();
        let paste = unit.of_kind(Kind::Paste).next().map(|file| (file, Paste::read(&file.text)));
        let mut api = ApiFacts::new(unit, GLANCE.project, paste);
        api.environment.extend(Uwsgi::read(unit).iter().flat_map(Uwsgi::environment));
        api.sort(&files);
        let flavor = api.option("paste_deploy", "flavor").map(|s| s.value.trim().to_owned()).unwrap_or_default();
        let whole = api.paste.as_ref().filter(|(_, paste)| paste.is_whole() && !flavor.contains('$'));
        let pipeline = whole.map(|(_, paste)| paste.pipeline(&flavor));
        let filter = match &pipeline {
            Some(pipeline) => pipeline.iter().flat_map(|p| &p.filters).find(|filter| filter.is_cors()).cloned(),
            // A fragment: its pipelines are Glance's own.
            None => api.paste.as_ref().and_then(|(_, paste)| paste.loose("cors")),
        };
        if let Some(filter) = filter {
            api.filter = setup(unit, api.project, &filter);
            api.sort(&files);
        }
        api.reading = filter::reading(&api);
        Self { api, pipeline }
    }

    /// Where an option that nothing sets belongs: next to the first one of its section, in a file that the operator
    /// does not write.
    pub fn users_section(&self, section: &str, name: &str) -> Option<Location> {
        let all = self.confs.iter().chain(&self.outside).rev().filter(|conf| !conf.file.managed);
        let mut found = all.filter_map(|conf| {
            let first = conf.ini.assignments.iter().find(|assignment| assignment.section == section)?;
            Some(conf.file.option(first.line, OptionName::in_section(section, name)))
        });
        found.next()
    }

    /// Whether its main file is there, and not only fragments.
    pub fn has_main(&self) -> bool {
        let has = |conf: &Conf<'_>, section: &str| conf.ini.assignments.iter().any(|a| a.section == section);
        let named = |conf: &Conf<'_>| matches!(conf.file.name.as_str(), "glance-api.conf" | "glance.conf");
        let added = |conf: &Conf<'_>| conf.file.place.file.as_deref().is_some_and(classify::is_override);
        let main = |conf: &Conf<'_>| {
            let is_one = matches!(conf.rank, Some(0 | 1)) || named(conf) || has(conf, "keystone_authtoken");
            is_one && !added(conf)
        };
        self.confs.iter().chain(&self.outside).any(main)
    }

    /// Whether browsers reach Glance's own port: a public endpoint is known, and no proxy is needed.
    pub fn serves_itself(&self) -> bool {
        let own = |name: &str| self.option("DEFAULT", name).map(|s| s.value);
        let port = own("bind_port").unwrap_or_else(|| "9292".to_owned());
        let public = own("public_endpoint").unwrap_or_default();
        let local = own("bind_host").is_some_and(|host| matches!(host.as_str(), "127.0.0.1" | "::1" | "localhost"));
        let Ok(url) = url::Url::parse(&public) else { return false };
        !local && url.scheme() == "http" && url.port_or_known_default().is_some_and(|own| own.to_string() == port)
    }

    /// Whether everything that decides about `[cors]` is seen: not only a fragment, and all that is
    /// mounted.
    pub fn is_whole(&self) -> bool {
        self.has_main() && self.unit.unseen.is_empty() && !self.unit.files.iter().any(|file| file.partial)
    }

    /// uWSGI's options, if Glance runs in it.
    pub fn uwsgi(&self) -> Option<Uwsgi<'a>> {
        Uwsgi::read(self.unit)
    }
}
