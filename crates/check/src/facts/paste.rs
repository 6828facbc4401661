//! Glance's paste file, as PasteDeploy reads it.
//!
//! In: the file's text, and the application that Glance requests. Out: the filters of its pipeline with
//! their options, or why the application does not load (Glance then does not start).

use std::fmt;

use direct_upload_core::render::configparser::{self, IniOption, Section, interpolated};

/// A paste file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paste {
    sections: Result<Vec<Section>, (usize, String)>,
}

/// A pipeline of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pipeline {
    /// The line that lists the filters.
    pub line: usize,
    pub filters: Vec<Filter>,
}

/// One filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// As the pipeline names it.
    pub name: String,
    /// `module:function`, or the entry point of an egg.
    pub factory: String,
    /// Its own options.
    pub local: Vec<IniOption>,
    /// Options from `[DEFAULT]`, and those that `set` adds.
    pub global: Vec<IniOption>,
}

/// Why an application does not load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// The file has no such application.
    NoApplication,
    /// Line, and what is wrong there.
    At(usize, Defect),
}

impl LoadError {
    fn missing(line: usize, kind: &'static str, name: &str) -> Self {
        Self::At(line, Defect::Missing { kind, name: name.to_owned() })
    }

    fn other(line: usize, why: impl Into<String>) -> Self {
        Self::At(line, Defect::Other(why.into()))
    }
}

/// What is wrong in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Defect {
    /// It names something for which the file has no section.
    Missing { kind: &'static str, name: String },
    /// Anything else, in words.
    Other(String),
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { kind, name } => {
                write!(f, "{name} is in the pipeline, but the file has no [{kind}:{name}]")
            }
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl Filter {
    /// An option as the filter gets it: its own options come before the common ones.
    pub fn option(&self, name: &str) -> Option<&IniOption> {
        let named = |option: &&IniOption| option.name == name;
        self.local.iter().rfind(named).or_else(|| self.global.iter().rfind(named))
    }

    /// Whether this filter is oslo.middleware's CORS filter.
    pub fn is_cors(&self) -> bool {
        matches!(
            self.factory.as_str(),
            "oslo_middleware.cors:filter_factory"
                | "oslo_middleware:CORS.factory"
                | "oslo_middleware.cors:CORS.factory"
                | "egg:oslo.middleware#cors"
        )
    }

    /// Whether another program answers for CORS here.
    pub fn is_foreign_cors(&self) -> bool {
        !self.is_cors() && (self.factory.to_lowercase().contains("cors") || self.name.to_lowercase().contains("cors"))
    }

    /// Whether the CORS filter's factory cannot find its options. It then raises a TypeError.
    pub fn lacks_source(&self) -> bool {
        let local = |name: &str| self.local.iter().any(|option| option.name == name);
        !local("oslo_config_project") && !local("allowed_origin")
    }

    /// Whether it requires a token.
    pub fn asks_for_token(&self) -> bool {
        self.name == "authtoken" || self.factory.contains("auth_token")
    }
}

impl Paste {
    /// Reads a file.
    pub fn read(text: &str) -> Self {
        Self { sections: configparser::read(text) }
    }

    /// Reads several files as one. Lines count on from text to text.
    pub fn read_all<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        Self { sections: configparser::read_all(texts).map(|read| read.sections) }
    }

    fn sections(&self) -> &[Section] {
        self.sections.as_deref().unwrap_or_default()
    }

    /// Whether it is the file of a whole API: a fragment has no application.
    pub fn is_whole(&self) -> bool {
        self.sections.is_err() || self.sections().iter().any(|section| section.name.contains(":glance-api"))
    }

    /// The pipeline of Glance's application for a flavor.
    ///
    /// # Errors
    /// [`LoadError`] if Glance does not start with it.
    pub fn pipeline(&self, flavor: &str) -> Result<Pipeline, LoadError> {
        if let Err((line, why)) = &self.sections {
            return Err(LoadError::other(*line, format!("Python refuses the whole file: the line {why}")));
        }
        let application = if flavor.is_empty() { "glance-api".to_owned() } else { format!("glance-api-{flavor}") };
        let section = self.application(&application).ok_or(LoadError::NoApplication)?;
        if section.name.starts_with("pipeline:") {
            return self.of_pipeline(section);
        }
        if !section.name.starts_with("composite:") && !section.name.starts_with("composit:") {
            return Ok(Pipeline { line: section.line, filters: Vec::new() });
        }
        let Some(root) = section.get("/") else { return Ok(Pipeline { line: section.line, filters: Vec::new() }) };
        let target =
            self.application(&root.value).ok_or_else(|| LoadError::missing(root.line, "application", &root.value))?;
        if target.name.starts_with("pipeline:") {
            return self.of_pipeline(target);
        }
        // Newer files lead to one composite with a key for each flavor.
        let key = if flavor.is_empty() { "default" } else { flavor };
        match target.get(key).or_else(|| target.get("default")) {
            Some(listed) => self.filters(listed),
            None => Ok(Pipeline { line: target.line, filters: Vec::new() }),
        }
    }

    /// The pipeline that PasteDeploy loads if nothing names another: `main`.
    pub fn main(&self) -> Option<Pipeline> {
        let section = self.named("pipeline", "main")?;
        self.of_pipeline(section).ok()
    }

    /// A filter of a fragment.
    pub fn loose(&self, name: &str) -> Option<Filter> {
        self.filter(name, 0, 0).ok()
    }

    fn application(&self, name: &str) -> Option<&Section> {
        const KINDS: [&str; 6] = ["app", "application", "composite", "composit", "pipeline", "filter-app"];
        KINDS.iter().find_map(|kind| self.named(kind, name))
    }

    fn named(&self, kind: &str, name: &str) -> Option<&Section> {
        let is = |section: &&Section| {
            section.name.split_once(':').is_some_and(|(own, rest)| own == kind && rest.trim() == name)
        };
        self.sections().iter().find(is)
    }

    fn of_pipeline(&self, section: &Section) -> Result<Pipeline, LoadError> {
        let own = |option: &&IniOption| self.default(&option.name).is_none();
        let Some(listed) = section.options.iter().filter(own).find(|option| option.name == "pipeline") else {
            return Err(LoadError::other(section.line, format!("[{}] lists no pipeline", section.name)));
        };
        let extra = |option: &&IniOption| {
            option.name != "pipeline" && !option.name.starts_with("set ") && option.name != "filter-with"
        };
        if let Some(extra) = section.options.iter().filter(own).find(extra) {
            return Err(LoadError::other(extra.line, format!("{} is not allowed in [{}]", extra.name, section.name)));
        }
        self.filters(listed)
    }

    fn filters(&self, listed: &IniOption) -> Result<Pipeline, LoadError> {
        let names: Vec<&str> = listed.value.split_whitespace().collect();
        let Some((application, names)) = names.split_last() else {
            return Err(LoadError::other(listed.line, "the pipeline is empty"));
        };
        let absent: Vec<&&str> =
            names.iter().filter(|name| !is_absolute(name) && self.named("filter", name).is_none()).collect();
        // If a file lacks several, it is an excerpt, provided that it has the one that matters here.
        let has_cors = || names.iter().any(|name| self.filter(name, listed.line, 0).is_ok_and(|f| f.is_cors()));
        let excerpt = absent.len() > 1 && has_cors();
        if !excerpt && !is_absolute(application) && self.application(application).is_none() {
            return Err(LoadError::missing(listed.line, "app", application));
        }
        let one = |name: &&str| match self.filter(name, listed.line, 0) {
            Err(_) if excerpt && absent.contains(&name) => Ok(Filter { name: (*name).to_owned(), ..Filter::default() }),
            found => found,
        };
        let filters = names.iter().map(one).collect::<Result<_, _>>()?;
        Ok(Pipeline { line: listed.line, filters })
    }

    fn filter(&self, name: &str, line: usize, depth: usize) -> Result<Filter, LoadError> {
        if is_absolute(name) {
            let factory = name.strip_prefix("call:").unwrap_or(name).to_owned();
            return Ok(Filter { name: name.to_owned(), factory, global: self.defaults(), ..Filter::default() });
        }
        let Some(section) = self.named("filter", name).filter(|_| depth < 8) else {
            return Err(LoadError::missing(line, "filter", name));
        };
        let mut filter = Filter { name: name.to_owned(), global: self.defaults(), ..Filter::default() };
        let mut used = None;
        for option in &section.options {
            let value = self.value(section, &option.value).ok_or_else(|| {
                let why = "% starts a substitution in a paste file; write %%";
                LoadError::other(option.line, format!("{}: {why}", option.name))
            })?;
            let option = IniOption { value, ..option.clone() };
            match option.name.as_str() {
                "paste.filter_factory" => filter.factory = option.value,
                "use" => used = Some(option),
                name if name.starts_with("set ") => {
                    filter.global.push(IniOption { name: name[4..].trim().to_owned(), ..option });
                }
                // PasteDeploy also leaves out what [DEFAULT] says.
                name if self.default(name).is_some() => {}
                _ => filter.local.push(option),
            }
        }
        if let Some(used) = used {
            let base = self.filter(&used.value, used.line, depth + 1)?;
            filter.factory = base.factory;
            filter.local.splice(0..0, base.local);
        }
        if filter.factory.is_empty() && section.options.iter().all(|o| o.name != "paste.filter_app_factory") {
            return Err(LoadError::other(section.line, format!("[{}] names no paste.filter_factory", section.name)));
        }
        Ok(filter)
    }

    fn default(&self, name: &str) -> Option<&IniOption> {
        self.sections().iter().filter(|section| section.name == "DEFAULT").find_map(|section| section.get(name))
    }

    fn defaults(&self) -> Vec<IniOption> {
        let sections = self.sections().iter().filter(|section| section.name == "DEFAULT");
        sections.flat_map(|section| section.options.iter().cloned()).collect()
    }

    fn value(&self, section: &Section, written: &str) -> Option<String> {
        let known = |name: &str| match name {
            "here" => Some("/etc/glance".to_owned()),
            "__file__" => Some("/etc/glance/glance-api-paste.ini".to_owned()),
            _ => section.get(name).or_else(|| self.default(name)).map(|option| option.value.clone()),
        };
        interpolated(written, &known, 0)
    }
}

/// `egg:…`, `call:…`, `config:…`: it names its own source.
fn is_absolute(name: &str) -> bool {
    name.split_once(':')
        .is_some_and(|(scheme, _)| !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphabetic()))
}
