//! YAML from which a tool generates configuration: Helm values of openstack-helm's charts (also as
//! Atmosphere's variables and in Flux's HelmReleases), variables of openstack-ansible, and uWSGI's own YAML.
//!
//! In: a document. Out: the generated files, each line with the line of the YAML that it comes from. Charts
//! add what values leave out, so nothing is claimed about what is missing there.

use std::fmt::Write as _;

use direct_upload_core::manifests::{Document, Lines, Node, documents};
use direct_upload_core::model::FieldPath;
use serde_json::{Map, Value};

use crate::classify::{self, Kind};
use crate::finding::Location;
use crate::unit::ConfigFile;

/// A text that grows line by line, each with the line that it comes from.
#[derive(Default)]
struct Written {
    text: String,
    lines: Vec<usize>,
}

impl Written {
    fn line(&mut self, line: usize, text: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{text}");
        self.lines.extend(std::iter::repeat_n(line, text.matches('\n').count() + 1));
    }
}

/// Where values are in a document, and the name of the place.
struct Holder<'a> {
    value: &'a Value,
    node: Option<&'a Node>,
    path: FieldPath,
}

impl<'a> Holder<'a> {
    fn at(&self, steps: &[&str]) -> Option<Holder<'a>> {
        let value = steps.iter().try_fold(self.value, |value, step| value.get(*step))?;
        let node = self.node.and_then(|node| node.at(steps.iter().copied()));
        let path = steps.iter().fold(self.path.clone(), |path, step| path.field(step));
        Some(Holder { value, node, path })
    }

    fn line(&self) -> usize {
        self.node.map_or(1, |node| node.line)
    }

    fn children(&self) -> impl Iterator<Item = (&'a String, Holder<'a>)> {
        let names = self.value.as_object().into_iter().flat_map(Map::keys);
        names.filter_map(|name| Some((name, self.at(&[name])?)))
    }

    fn text(&self, steps: &[&str]) -> Option<&'a str> {
        self.at(steps)?.value.as_str().filter(|text| !text.contains("{{"))
    }

    fn file(&self, file: &str, kind: Kind, path: &str, written: Written) -> ConfigFile {
        let name = path.rsplit('/').next().unwrap_or(path).to_owned();
        let place = Location {
            file: Some(file.to_owned()),
            line: Some(self.line()),
            object: None,
            field: Some(self.path.clone().into()),
        };
        let lines = Lines::Each(written.lines);
        ConfigFile {
            kind,
            path: Some(path.to_owned()),
            name,
            text: written.text,
            place,
            lines,
            managed: false,
            partial: true,
        }
    }
}

/// The generated files of a document; none if it is something else.
pub fn files(file: &str, document: &Document) -> Vec<ConfigFile> {
    let root = Holder { value: &document.value, node: Some(&document.node), path: FieldPath::default() };
    let mut holders: Vec<Holder<'_>> = Vec::new();
    if document.value["kind"].is_string() && document.value["apiVersion"].is_string() {
        holders.extend(root.at(&["spec", "values"]));
        holders.extend(root.at(&["spec", "source", "helm", "valuesObject"]));
    } else {
        holders.extend(root.children().filter(|(name, _)| name.ends_with("_helm_values")).map(|(_, holder)| holder));
        if let Some(uwsgi) = root.at(&["uwsgi"]).filter(|holder| holder.value.is_object()) {
            return vec![plain_uwsgi(file, &uwsgi)];
        }
        holders.push(root);
    }
    let ansible = Holder { value: &document.value, node: Some(&document.node), path: FieldPath::default() };
    holders.iter().flat_map(|values| of_chart(file, values)).chain(of_ansible(file, &ansible)).collect()
}

/// openstack-ansible's variables: `NAME_overrides` for config_template, by the name of the template, and what the
/// dashboard's template takes (os_glance and os_horizon: defaults/main.yml, templates, vars/main.yml).
fn of_ansible(file: &str, variables: &Holder<'_>) -> Vec<ConfigFile> {
    let mut files = glance_of_ansible(file, variables);
    for (name, own) in variables.children() {
        let Some(template) = name.strip_suffix("_overrides").filter(|_| is_map(&own)) else { continue };
        if template == "glance_api_uwsgi_ini" {
            files.push(sections(file, &own, Kind::Uwsgi, "/etc/uwsgi/glance-api.ini"));
        } else if let Some(service) = classify::service_of(template)
            && template == format!("{service}_{service}_conf")
        {
            files.extend(of_service(file, service, &own));
        }
    }
    files.extend(settings_of_ansible(file, variables));
    files
}

/// Glance's files: the template's `[cors]`, then the overrides; and its paste file.
fn glance_of_ansible(file: &str, variables: &Holder<'_>) -> Vec<ConfigFile> {
    // The template's list, wherever it writes [cors].
    const HEADERS: &str = "origin,content-md5,x-image-meta-checksum,x-storage-token,accept-encoding,x-auth-token,x-identity-status,x-roles,x-service-catalog,x-user-id,x-tenant-id,x-openstack-request-id";
    const FLAVOR: &str = "keystone";
    const MANAGING: &str = "keystone+cachemanagement";
    const CONF: &str = "/etc/glance/glance-api.conf";
    let named = |name: &str| variables.at(&[name]).filter(is_map);
    let paste = named("glance_glance_api_paste_ini_overrides").filter(|own| own.children().next().is_some());
    let conf = named("glance_glance_api_conf_overrides");
    let mut files = Vec::new();
    if let Some(origin) = variables.text(&["glance_cors_allowed_origin"]) {
        let own = variables.at(&["glance_cors_allowed_origin"]);
        let own = own.as_ref().unwrap_or(variables);
        let mut written = Written::default();
        let text = format!("[cors]\nallow_headers = {HEADERS}\nallowed_origin = {origin}");
        written.line(own.line(), &text);
        let found = own.file(file, Kind::Glance, CONF, written);
        files.push(ConfigFile { place: Location { field: None, ..found.place.clone() }, ..found });
    }
    if let Some(paste) = &paste {
        let has = |flavor: &str| paste.at(&[&format!("pipeline:glance-api-{flavor}")]).is_some();
        // The role's default depends on the stores.
        let usual = if has(MANAGING) && !has(FLAVOR) { MANAGING } else { FLAVOR };
        let flavor = variables.text(&["glance_flavor"]).unwrap_or(usual);
        let mut written = Written::default();
        written.line(paste.line(), &format!("[paste_deploy]\nflavor = {flavor}"));
        let found = paste.file(file, Kind::Glance, CONF, written);
        files.push(ConfigFile { place: Location { field: None, ..found.place.clone() }, ..found });
        files.push(whole_paste(file, paste));
    }
    files.extend(conf.map(|own| sections(file, &own, Kind::Glance, CONF)));
    files
}

/// The dashboard's settings. `horizon_config_overrides` changes HORIZON_CONFIG, not the settings;
/// `horizon_extra_local_settings` has Python.
fn settings_of_ansible(file: &str, variables: &Holder<'_>) -> Option<ConfigFile> {
    let mut written = Written::default();
    let mut first = None;
    let mut line = |own: &Holder<'_>, text: &str| {
        written.line(own.line(), text);
        first.get_or_insert_with(|| own.path.clone());
    };
    let mode = ["horizon_images_upload_mode"];
    if let (Some(own), Some(text)) = (variables.at(&mode), variables.text(&mode)) {
        line(&own, &format!("HORIZON_IMAGES_UPLOAD_MODE = {}", quoted(text)));
    }
    if let Some(own) = variables.at(&["horizon_allowed_hosts"]) {
        let hosts: Option<Vec<&str>> = own.value.as_array().and_then(|all| all.iter().map(Value::as_str).collect());
        if let Some(hosts) = hosts.filter(|hosts| hosts.iter().all(|host| !host.contains("{{"))) {
            let hosts: Vec<String> = hosts.into_iter().map(quoted).collect();
            line(&own, &format!("ALLOWED_HOSTS = [{}]", hosts.join(", ")));
        }
    }
    for (name, own) in
        variables.at(&["horizon_config_overrides"]).iter().flat_map(|all| all.children().collect::<Vec<_>>())
    {
        if let Value::String(text) = own.value {
            line(&own, &format!("HORIZON_CONFIG = {{{}: {}}}", quoted(name), quoted(text)));
        }
    }
    for (name, own) in
        variables.at(&["horizon_extra_local_settings"]).iter().flat_map(|all| all.children().collect::<Vec<_>>())
    {
        let python = match own.value {
            Value::Bool(own) => (if *own { "True" } else { "False" }).to_owned(),
            other => scalar(other),
        };
        if !python.contains("{{") && !python.contains('\n') {
            line(&own, &format!("{name} = {python}"));
        }
    }
    let path = first?;
    let own = variables.at(&[path.names().next()?])?;
    Some(own.file(file, Kind::Settings, "/etc/openstack-dashboard/local_settings.py", written))
}

/// Sections of Glance's own paste file (etc/glance-api-paste.ini), to which overrides are added.
const PASTE: [(&str, &[(&str, &str)]); 15] = [
    (
        "pipeline:glance-api-keystone",
        &[("pipeline", "cors http_proxy_to_wsgi versionnegotiation authtoken context rootapp")],
    ),
    (
        "pipeline:glance-api-keystone+caching",
        &[("pipeline", "cors http_proxy_to_wsgi versionnegotiation authtoken context cache rootapp")],
    ),
    (
        "pipeline:glance-api-keystone+cachemanagement",
        &[("pipeline", "cors http_proxy_to_wsgi versionnegotiation authtoken context cache cachemanage rootapp")],
    ),
    ("composite:rootapp", &[("paste.composite_factory", "glance.api:root_app_factory")]),
    (
        "filter:cors",
        &[
            ("paste.filter_factory", "oslo_middleware.cors:filter_factory"),
            ("oslo_config_project", "glance"),
            ("oslo_config_program", "glance-api"),
        ],
    ),
    (
        "filter:authtoken",
        &[("paste.filter_factory", "keystonemiddleware.auth_token:filter_factory"), ("delay_auth_decision", "true")],
    ),
    ("filter:healthcheck", &[("paste.filter_factory", "oslo_middleware:Healthcheck.factory")]),
    ("filter:http_proxy_to_wsgi", &[("paste.filter_factory", "oslo_middleware:HTTPProxyToWSGI.factory")]),
    (
        "filter:versionnegotiation",
        &[("paste.filter_factory", "glance.api.middleware.version_negotiation:VersionNegotiationFilter.factory")],
    ),
    ("filter:osprofiler", &[("paste.filter_factory", "osprofiler.web:WsgiMiddleware.factory")]),
    ("filter:context", &[("paste.filter_factory", "glance.api.middleware.context:ContextMiddleware.factory")]),
    (
        "filter:unauthenticated-context",
        &[("paste.filter_factory", "glance.api.middleware.context:UnauthenticatedContextMiddleware.factory")],
    ),
    ("filter:cache", &[("paste.filter_factory", "glance.api.middleware.cache:CacheFilter.factory")]),
    ("filter:cachemanage", &[("paste.filter_factory", "glance.api.middleware.cache_manage:CacheManageFilter.factory")]),
    ("filter:gzip", &[("paste.filter_factory", "glance.api.middleware.gzip:GzipMiddleware.factory")]),
];

/// Overrides of the paste file, with what they leave as it is.
fn whole_paste(file: &str, overrides: &Holder<'_>) -> ConfigFile {
    let mut written = Written::default();
    for (name, own) in overrides.children().filter(|(_, own)| is_map(own)) {
        section(&mut written, name, &own);
        let usual = PASTE.iter().find(|(usual, _)| usual == name).map_or(&[][..], |(_, options)| options);
        for (option, value) in usual.iter().filter(|(option, _)| own.at(&[option]).is_none()) {
            written.line(own.line(), &format!("{option} = {value}"));
        }
    }
    for (name, options) in PASTE.iter().filter(|(name, _)| overrides.at(&[name]).is_none()) {
        written.line(overrides.line(), &format!("[{name}]"));
        for (option, value) in *options {
            written.line(overrides.line(), &format!("{option} = {value}"));
        }
    }
    overrides.file(file, Kind::Paste, "/etc/glance/glance-api-paste.ini", written)
}

/// All sections of a file.
fn sections(file: &str, holder: &Holder<'_>, kind: Kind, path: &str) -> ConfigFile {
    let mut written = Written::default();
    holder.children().filter(|(_, own)| is_map(own)).for_each(|(name, own)| section(&mut written, name, &own));
    holder.file(file, kind, path, written)
}

/// The main file of another service, if it says something about CORS.
fn of_service(file: &str, service: &str, holder: &Holder<'_>) -> Option<ConfigFile> {
    let path = format!("/etc/{service}/{service}.conf");
    let made = sections(file, holder, Kind::Oslo, &path);
    (classify::kind(&path, &made.text) == Some(Kind::Oslo)).then_some(made)
}

/// uWSGI's YAML as it lies in a key of a ConfigMap: the ini that it stands for, and which line of the YAML each of
/// its lines is.
pub fn uwsgi_text(text: &str) -> Option<(String, Vec<usize>)> {
    let document = documents("", text.as_bytes()).ok()?.into_iter().next()?;
    let root = Holder { value: &document.value, node: Some(&document.node), path: FieldPath::default() };
    let options = root.at(&["uwsgi"]).filter(|holder| holder.value.is_object())?;
    let mut written = Written::default();
    section(&mut written, "uwsgi", &options);
    Some((written.text, written.lines))
}

/// uWSGI reads `uwsgi:` with one option per line.
fn plain_uwsgi(file: &str, options: &Holder<'_>) -> ConfigFile {
    let mut written = Written::default();
    section(&mut written, "uwsgi", options);
    let name = if file.contains("glance") { "glance-api-uwsgi.ini" } else { "uwsgi.ini" };
    let found = options.file(file, Kind::Uwsgi, name, written);
    ConfigFile { path: None, partial: false, place: Location { field: None, ..found.place.clone() }, ..found }
}

fn of_chart(file: &str, values: &Holder<'_>) -> Vec<ConfigFile> {
    let mut files = Vec::new();
    let Some(conf) = values.at(&["conf"]) else { return files };
    if let Some(glance) = conf.at(&["glance"]).filter(is_map) {
        files.push(glance_conf(file, values, &glance));
    }
    if let Some(paste) = conf.at(&["paste"]).filter(|paste| is_map(paste) && conf.at(&["glance"]).is_some()) {
        files.push(sections(file, &paste, Kind::Paste, "/etc/glance/glance-api-paste.ini"));
    }
    let others = conf.children().filter(|(name, own)| is_map(own) && classify::service_of(name) == Some(name.as_str()));
    files.extend(others.filter_map(|(name, own)| of_service(file, name, &own)));
    if let Some(uwsgi) = conf.at(&["glance_api_uwsgi", "uwsgi"]).filter(is_map) {
        let mut written = Written::default();
        section(&mut written, "uwsgi", &uwsgi);
        files.push(uwsgi.file(file, Kind::Uwsgi, "/etc/glance/glance-api-uwsgi.ini", written));
    }
    if let Some(horizon) = conf.at(&["horizon"]).filter(is_map) {
        files.extend(settings(file, &horizon));
    }
    files
}

fn is_map(holder: &Holder<'_>) -> bool {
    holder.value.is_object()
}

/// helm-toolkit's to_oslo_conf: lists are joined with commas, a null leaves the option out, and a map with
/// `type: multistring` is an option several times.
fn section(written: &mut Written, name: &str, options: &Holder<'_>) {
    written.line(options.line(), &format!("[{name}]"));
    for (option, holder) in options.children() {
        let values = match holder.value {
            Value::Null => Vec::new(),
            Value::Array(items) => vec![items.iter().map(scalar).collect::<Vec<_>>().join(",")],
            Value::Object(map) => match map.get("values").and_then(Value::as_array) {
                Some(items) if map.get("type").and_then(Value::as_str) == Some("multistring") => {
                    items.iter().map(scalar).collect()
                }
                Some(items) => vec![items.iter().map(scalar).collect::<Vec<_>>().join(",")],
                None => Vec::new(),
            },
            value => vec![scalar(value)],
        };
        for value in values.iter().filter(|value| !value.contains("{{")) {
            // Further lines of a value continue it.
            written.line(holder.line(), &format!("{option} = {}", value.trim_end().replace('\n', "\n  ")));
        }
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// `conf.glance`, and what the chart derives from `endpoints` if these name the public host.
fn glance_conf(file: &str, values: &Holder<'_>, glance: &Holder<'_>) -> ConfigFile {
    let mut written = Written::default();
    for (name, own) in glance.children().filter(|(_, own)| is_map(own)) {
        section(&mut written, name, &own);
    }
    let empty = |steps: &[&str]| glance.at(steps).is_none_or(|holder| scalar(holder.value).is_empty());
    if empty(&["DEFAULT", "public_endpoint"])
        && let Some((line, url)) = public_url(values, "image", "api")
    {
        written.line(line, "[DEFAULT]");
        let path = ["public", "default"].into_iter().find_map(|of| values.text(&["endpoints", "image", "path", of]));
        written.line(line, &format!("public_endpoint = {url}{}", path.unwrap_or_default()));
    }
    if empty(&["cors", "allowed_origin"])
        && let Some((line, origin)) = public_url(values, "dashboard", "web")
    {
        written.line(line, "[cors]");
        written.line(line, &format!("allowed_origin = {origin}"));
    }
    glance.file(file, Kind::Glance, "/etc/glance/glance-api.conf", written)
}

/// helm-toolkit's lookup of a public endpoint, if the values have its host and scheme.
fn public_url(values: &Holder<'_>, service: &str, port: &str) -> Option<(usize, String)> {
    let endpoint = values.at(&["endpoints", service])?;
    let host = endpoint
        .text(&["host_fqdn_override", "public", "host"])
        .or_else(|| endpoint.text(&["host_fqdn_override", "public"]))?;
    let scheme = endpoint.text(&["scheme", "public"]).or_else(|| endpoint.text(&["scheme", "default"]))?;
    let number = endpoint.at(&["port", port, "public"]).and_then(|port| port.value.as_u64());
    let usual = if scheme == "https" { 443 } else { 80 };
    let suffix = number.filter(|number| *number != usual).map(|number| format!(":{number}")).unwrap_or_default();
    Some((endpoint.line(), format!("{scheme}://{host}{suffix}")))
}

/// The dashboard's settings that openstack-helm's template makes from `local_settings.config`, and its
/// snippets.
fn settings(file: &str, horizon: &Holder<'_>) -> Vec<ConfigFile> {
    const QUOTED: [(&str, &str); 1] = [("horizon_images_upload_mode", "HORIZON_IMAGES_UPLOAD_MODE")];
    const LISTS: [(&str, &str); 2] =
        [("allowed_hosts", "ALLOWED_HOSTS"), ("csrf_trusted_origins", "CSRF_TRUSTED_ORIGINS")];
    const BARE: [(&str, &str); 3] = [
        ("csrf_cookie_secure", "CSRF_COOKIE_SECURE"),
        ("csrf_cookie_httponly", "CSRF_COOKIE_HTTPONLY"),
        ("session_cookie_secure", "SESSION_COOKIE_SECURE"),
    ];
    let mut files = Vec::new();
    if let Some(config) = horizon.at(&["local_settings", "config"]).filter(is_map) {
        let mut written = Written::default();
        for (key, setting) in QUOTED {
            if let Some(text) = config.text(&[key]) {
                written.line(config.at(&[key]).map_or(1, |own| own.line()), &format!("{setting} = {}", quoted(text)));
            }
        }
        for (key, setting) in LISTS {
            let Some(own) = config.at(&[key]) else { continue };
            let items: Vec<&str> = own.value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            if !items.iter().any(|item| item.contains("{{")) {
                let items: Vec<String> = items.into_iter().map(quoted).collect();
                written.line(own.line(), &format!("{setting} = [{}]", items.join(", ")));
            }
        }
        for (key, setting) in BARE {
            if let Some(text) = config.text(&[key]).filter(|text| matches!(*text, "True" | "False")) {
                written.line(config.at(&[key]).map_or(1, |own| own.line()), &format!("{setting} = {text}"));
            }
        }
        for (name, own) in config.at(&["raw"]).iter().flat_map(|raw| raw.children().collect::<Vec<_>>()) {
            let python = match own.value {
                Value::Bool(true) => "true".to_owned(),
                Value::String(text) if text.contains("{{") => continue,
                Value::String(text) => quoted(text),
                other => other.to_string(),
            };
            written.line(own.line(), &format!("{name} = {python}"));
        }
        files.push(config.file(file, Kind::Settings, "/etc/openstack-dashboard/local_settings", written));
    }
    for (name, own) in horizon.at(&["local_settings_d"]).iter().flat_map(|all| all.children().collect::<Vec<_>>()) {
        let Some(text) = own.value.as_str().filter(|text| !text.contains("{{")) else { continue };
        let path = format!("/etc/openstack-dashboard/local_settings.d/{name}.py");
        let found = own.file(file, Kind::Settings, &path, Written { text: text.to_owned(), lines: Vec::new() });
        let lines = own.node.map_or(Lines::Nowhere, |node| node.lines.clone());
        files.push(ConfigFile { lines, ..found });
    }
    files
}

/// A Python text.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
