//! What rendered files say.
//!
//! In: the files of one resource. Out: their settings, without the format of any one file.

use direct_upload_api::web::Origin;
use direct_upload_api::{CorsFilter, CorsKind, SwiftCredentials};

use super::{FragmentInput, Spec};
use crate::openstack::swift::CREDENTIALS_KEY;
use crate::render::file::HTTPD_FILE;
use crate::render::glance::policy;
use crate::render::horizon::snippet;
use crate::render::oslo::read::{self, ListItem};

/// The settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contents {
    /// Sections, in order, with the raw text of each value.
    pub options: Vec<(String, Vec<(String, String)>)>,
    /// The origins that the CORS filter accepts.
    pub origins: Vec<Origin>,
    /// Rules of oslo.policy: name and expression.
    pub policy: Vec<(String, String)>,
    /// Secrets with options of Swift stores.
    pub secrets: Vec<(String, SwiftCredentials)>,
    /// Whether the snippet sets the direct mode.
    pub direct: bool,
    /// What else it sets, as Python.
    pub python: String,
    /// Whether there are directives of httpd.
    pub httpd: bool,
}

/// The key of a Secret that has the options.
pub fn key(secret: &SwiftCredentials) -> &str {
    secret.key.as_deref().unwrap_or(CREDENTIALS_KEY)
}

impl Contents {
    pub fn read(source: &FragmentInput<'_>) -> Self {
        let mut contents = Self::default();
        if let Spec::Glance(spec) = source.spec {
            let secret =
                |store: &direct_upload_api::GlanceSwift| Some((store.store.clone(), store.credentials.clone()?));
            contents.secrets = spec.swift.iter().filter_map(secret).collect();
        }
        for (name, text) in source.files {
            match name.rsplit_once('.').map(|(_, format)| format) {
                _ if *name == HTTPD_FILE => contents.httpd = true,
                Some("conf") => contents.add_options(text),
                Some("py") => {
                    contents.direct |= snippet::is_direct(text);
                    contents.python.push_str(&snippet::beyond_mode(text));
                }
                _ => contents.policy.extend(policy::read(text)),
            }
        }
        contents
    }

    fn add_options(&mut self, text: &str) {
        for option in read::parse(text).assignments {
            let section = option.normalized_section();
            let known = CorsFilter::option(&section, &option.name);
            if known.is_some_and(|option| option.kind == CorsKind::Origins) {
                let items = read::list(&option.value);
                self.origins = items.iter().filter_map(ListItem::known).flat_map(Origin::parse).collect();
            }
            match self.options.iter_mut().find(|(section, _)| *section == option.section) {
                Some((_, options)) => options.push((option.name, option.value)),
                None => self.options.push((option.section, vec![(option.name, option.value)])),
            }
        }
    }

    /// Whether there is nothing that Glance or another API reads.
    pub fn is_empty(&self) -> bool {
        self.options.is_empty() && self.policy.is_empty()
    }

    /// The sections as oslo.config reads them.
    pub fn ini(&self) -> String {
        let section = |(name, options): &(String, Vec<(String, String)>)| {
            let lines: Vec<_> = options.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
            format!("[{name}]\n{}", lines.concat())
        };
        self.options.iter().map(section).collect::<Vec<_>>().join("\n")
    }

    /// The settings as Python.
    pub fn settings(&self) -> String {
        let mode = if self.direct { snippet::mode() + "\n" } else { String::new() };
        mode + &self.python
    }

    /// Whether there are options that Glance itself reads, in addition to `[cors]`.
    pub fn has_own_options(&self) -> bool {
        self.options.iter().any(|(section, _)| section != "cors")
    }
}
