//! What a file is, by its path, its name and its start.

use std::sync::LazyLock;

use regex::Regex;

use crate::formats::directives;

/// What kind of configuration a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// oslo.config of Glance.
    Glance,
    /// Glance's paste pipelines.
    Paste,
    /// Django settings of Horizon.
    Settings,
    Httpd,
    Nginx,
    /// nginx that passes connections on: a server in a file of [`Kind::Nginx`].
    Stream,
    Haproxy,
    Uwsgi,
    /// Kolla's config.json: which file is copied where.
    Kolla,
    /// oslo.config of another service, whose `[cors]` works in the same way.
    Oslo,
    /// The paste file of another service, whose pipelines may have the CORS filter.
    OsloPaste,
    /// The paste file of Swift's proxy, which has its own CORS options.
    Swift,
    /// What all of Swift's programs read, with the size of objects that they accept.
    SwiftConf,
    /// The systemd unit that starts Glance.
    Systemd,
    /// Variables for such a unit.
    Environment,
    /// HAProxy's map of hosts or paths to backends.
    Map,
    /// Traefik's static configuration.
    Traefik,
}

/// Endings of files that no program reads directly.
const LEFT_OUT: [&str; 24] = [
    ".j2",
    ".tpl",
    ".tmpl",
    ".erb",
    ".example",
    ".sample",
    ".bak",
    ".orig",
    ".disabled",
    ".rpmnew",
    ".rpmsave",
    ".md",
    ".rst",
    ".pyc",
    "~",
    "#",
    ".dpkg-dist",
    ".dpkg-old",
    ".dpkg-new",
    ".ucf-dist",
    ".ucf-old",
    ".old",
    ".save",
    ".off",
];

static NGINX: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?m)^\s*(?:(?:http|server)\s*\{|(?:location|upstream)\s+[^\n{;]*\{|map\s+\S+\s+\$\w+\s*\{)").ok()
});

static HAPROXY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?m)^(?:(?:frontend|backend|listen)[ \t]+[\w.:-]+|defaults)\b[^={;\n]*\n(?:[ \t]*\n|[ \t]*#.*\n)*[ \t]+(?:mode|bind|server|option|timeout|balance|log|acl|http-request|http-response|default_backend|use_backend|description|maxconn|retries|rspadd)\b").ok()
});

static HTTPD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?mi)^\s*(?:<(?:VirtualHost|Location|LocationMatch|Directory|IfModule|Proxy)\b|(?:WSGIScriptAlias|WSGIChunkedRequest|ProxyPass|LimitRequest(?:Body|FieldSize|Fields|Line)|QS_LimitRequestBody|RequestReadTimeout|ServerName|Header\s+(?:always\s+|onsuccess\s+)?(?:set|add|append|merge))\s)").ok()
});

fn matches(regex: &LazyLock<Option<Regex>>, text: &str) -> bool {
    regex.as_ref().is_some_and(|regex| regex.is_match(text))
}

/// Whether a file of this name is a template, an example or a copy, which nothing reads.
pub fn is_left_out(name: &str) -> bool {
    // Copies often have a date or a number after the ending.
    let is_copy = [".conf.", ".conf-", ".conf_"].iter().any(|part| {
        let rest = name.split_once(part).map(|(_, rest)| rest);
        rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    });
    is_copy || LEFT_OUT.iter().any(|ending| name.ends_with(ending))
}

/// Whether a file is in a folder below `etc` into which people put copies. The input as a whole may be a copy, too.
fn is_put_aside(path: &str) -> bool {
    let folders = path.rsplit('/').skip(1).take_while(|part| *part != "etc");
    let is_copies = |part: &str| {
        let part = part.to_lowercase();
        let part = part.trim_start_matches('.');
        let name = part.trim_end_matches(|c: char| c.is_ascii_digit() || "-_.".contains(c));
        matches!(name, "backup" | "backups" | "bak" | "old" | "orig" | "save" | "saved" | "archive" | "attic")
            || ["-backup", ".backup", "_backup"].iter().any(|ending| name.ends_with(ending))
            || is_left_out(part)
    };
    path.split('/').any(|part| part == "etc") && folders.into_iter().any(is_copies)
}

/// Whether a file is in a folder of which a web server reads `*.conf` only, and has another ending (Debian's apache2.conf,
/// Red Hat's httpd.conf, nginx's own nginx.conf). nginx's sites-enabled takes any name; without an ending it may be an older
/// layout.
fn is_beside(path: &str, folder: &str, extension: &str) -> bool {
    let parent = path.rsplit('/').nth(2).unwrap_or_default();
    let reads_conf = match parent {
        "apache2" => matches!(folder, "sites-enabled" | "conf-enabled" | "conf.d"),
        "httpd" | "nginx" => folder == "conf.d",
        _ => false,
    };
    reads_conf && !matches!(extension, "" | "conf")
}

/// Endings of files from which a tool makes configuration.
const TEMPLATES: [&str; 4] = [".j2", ".tpl", ".tmpl", ".erb"];

/// Whether a file of this name is the template of configuration that a program reads.
pub fn is_template(path: &str, text: &str) -> bool {
    let ending = TEMPLATES.iter().find_map(|ending| path.strip_suffix(ending));
    let ours = |made: &str| {
        let of_both = matches!(kind(made, text), Some(Kind::Glance | Kind::Paste | Kind::Settings));
        of_both || (kind(made, text).is_some() && ["glance", "horizon", "dashboard"].iter().any(|n| made.contains(n)))
    };
    ending.is_some_and(ours)
}

/// Whether a file may be such a template.
pub fn may_be_template(name: &str) -> bool {
    TEMPLATES.iter().any(|ending| name.ends_with(ending))
}

/// The kind of a file, or none if it is irrelevant.
pub fn kind(path: &str, text: &str) -> Option<Kind> {
    let name = base(path);
    if is_left_out(name) || is_put_aside(path) {
        return None;
    }
    let folder = path.rsplit('/').nth(1).unwrap_or_default();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    if is_beside(path, folder, extension) {
        return None;
    }
    let main = matches!(name, "glance-api.conf" | "glance.conf");
    // Virtual hosts are often named after what they serve.
    if (main && !matches(&HTTPD, text) && !matches(&NGINX, text))
        || matches!(folder, "glance-api.conf.d" | "glance.conf.d")
    {
        return Some(Kind::Glance);
    }
    // A manifest may contain the text of a configuration file, but is none itself.
    if matches!(extension, "yaml" | "yml") || is_manifest(text) {
        return (is_traefik(text) && !is_manifest(text)).then_some(Kind::Traefik);
    }
    if extension == "toml" {
        return is_traefiks_toml(text).then_some(Kind::Traefik);
    }
    let adds_to = folder.strip_suffix(".service.d").filter(|_| extension == "conf");
    if extension == "service" || adds_to.is_some() {
        // `systemctl edit glance-api` writes only what it changes.
        let sets = ["Environment=", "EnvironmentFile=", "ExecStart="];
        let changes =
            adds_to.is_some_and(|unit| unit.contains("glance")) && sets.iter().any(|name| text.contains(name));
        let starts = text.contains("ExecStart") && text.contains("glance");
        return (starts || changes).then_some(Kind::Systemd);
    }
    // Debian's and Red Hat's places for the variables of services.
    if matches!(folder, "default" | "sysconfig") && name.contains("glance") && extension.is_empty() {
        return Some(Kind::Environment);
    }
    if extension == "map" {
        let pairs = |line: &str| line.starts_with('#') || line.trim().is_empty() || line.split_whitespace().count() > 1;
        return text.lines().all(pairs).then_some(Kind::Map);
    }
    // kolla-ansible's `external-frontend-map` has no ending.
    let is_list = matches!(extension, "lst" | "list" | "acl") || name.ends_with("-frontend-map");
    if is_list && path.split('/').any(|part| part == "haproxy") {
        return Some(Kind::Map);
    }
    if extension == "json" {
        return text.contains("\"config_files\"").then_some(Kind::Kolla);
    }
    if section(text, "uwsgi") {
        return Some(Kind::Uwsgi);
    }
    if is_paste(name, text) {
        return Some(Kind::Paste);
    }
    if is_settings(path, name, extension, text) {
        return Some(Kind::Settings);
    }
    if extension == "py" {
        return None;
    }
    if name == "swift.conf" && text.lines().any(|line| line.starts_with("[swift-")) {
        return Some(Kind::SwiftConf);
    }
    if is_swift(path, name, folder, extension, text) {
        return Some(Kind::Swift);
    }
    if is_glance(path, text) {
        return Some(Kind::Glance);
    }
    if let Some(service) = service_of(path).filter(|_| matches!(extension, "conf" | "ini" | "")) {
        if has_pipeline(text) && name.strip_suffix(".conf") != Some(service) {
            return Some(Kind::OsloPaste);
        }
        if has_cors(text) || (service == "keystone" && section(text, "token")) {
            return Some(Kind::Oslo);
        }
    }
    if matches(&HAPROXY, text) {
        return Some(Kind::Haproxy);
    }
    if (matches(&NGINX, text) && text.contains(';')) || is_nginx_part(path, name, extension, text) {
        return Some(Kind::Nginx);
    }
    let defines = || {
        let in_folder = ["apache2", "httpd"].iter().any(|server| path.split('/').any(|part| part == *server));
        let starts = |line: &str| ["define ", "rewriterule "].iter().any(|name| line.starts_with(name));
        in_folder && text.lines().any(|line| starts(&line.trim_start().to_lowercase()))
    };
    (matches(&HTTPD, text) || defines()).then_some(Kind::Httpd)
}

/// Whether a text in a folder of nginx is a part that its files may include: directives without a block around them.
fn is_nginx_part(path: &str, name: &str, extension: &str, text: &str) -> bool {
    let in_folder = path.split('/').rev().skip(1).any(|part| part.contains("nginx"));
    let is_word = |name: &str| !name.is_empty() && name.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_'));
    let extension = if name.contains('.') { extension } else { "" };
    if !in_folder || !matches!(extension, "" | "conf" | "inc" | "include" | "snippet" | "nginx") {
        return false;
    }
    let end =
        text.lines().map(|line| line.split('#').next().unwrap_or_default().trim_end()).rfind(|line| !line.is_empty());
    let all = directives::nginx(text);
    end.is_some_and(|line| line.ends_with([';', '}'])) && !all.is_empty() && all.iter().all(|own| is_word(&own.written))
}

/// Whether a file's name ends in `.extension`, compared exactly, as programs do.
pub fn ends_in(name: &str, extension: &str) -> bool {
    name.strip_suffix(extension).is_some_and(|rest| rest.ends_with('.'))
}

/// The last part of a path.
pub fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether kolla-ansible adds a file to its own: `node_custom_config`, and OSISM's folder for it.
pub fn is_override(path: &str) -> bool {
    path.contains("kolla/config/") || path.contains("kolla/files/overlays/")
}

/// Where the program would see a file of this machine.
pub fn program_path(path: &str) -> Option<String> {
    let from = |root: &str| {
        let at = path.find(&root[1..])?;
        (at == 0 || path[..at].ends_with('/')).then(|| format!("/{}", &path[at..]))
    };
    let own_tree = || path.find("openstack_dashboard/local/").map(|at| format!("/usr/{}", &path[at..]));
    let of_other = || OTHERS.into_iter().find_map(|other| from(&format!("/etc/{other}/")));
    from("/etc/glance/").or_else(|| from("/etc/openstack-dashboard/")).or_else(own_tree).or_else(of_other)
}

fn is_manifest(text: &str) -> bool {
    let mut lines = text.lines().take(200);
    lines.any(|line| line.trim_start_matches(['{', ' ', '"']).starts_with("apiVersion"))
}

fn section(text: &str, name: &str) -> bool {
    text.lines().any(|line| line.trim_end().strip_prefix('[').and_then(|l| l.strip_suffix(']')) == Some(name))
}

fn is_paste(name: &str, text: &str) -> bool {
    let header = |line: &str| line.starts_with("[pipeline:glance-api") || line.starts_with("[composite:glance-api");
    text.lines().any(header) || (name.contains("paste") && text.contains("glance.api"))
}

/// Swift's proxy has no other name, but a folder of any name may hold parts of its file.
fn is_swift(path: &str, name: &str, folder: &str, extension: &str, text: &str) -> bool {
    let option = |line: &str| line.starts_with("cors_allow_origin") || line.starts_with("strict_cors_mode");
    let is_named = name == "proxy-server.conf" || folder == "proxy-server.conf.d";
    matches!(extension, "conf" | "")
        && (is_named || text.contains("egg:swift#proxy") || (path.contains("swift") && text.lines().any(option)))
}

/// Settings that only a person who wants direct uploads writes.
const TELLING: [&str; 3] = ["HORIZON_IMAGES_UPLOAD_MODE", "OPENSTACK_GLANCE_DIRECT_UPLOAD", "GLANCE_DIRECT_UPLOAD"];

fn is_settings(path: &str, name: &str, extension: &str, text: &str) -> bool {
    let telling = TELLING.iter().any(|setting| text.contains(setting));
    if matches!(name, "local_settings.py" | "local_settings") {
        return true;
    }
    if path.contains("local_settings.d/") {
        return extension == "py" || telling;
    }
    // kolla-ansible's snippets, which config.json copies into local_settings.d; they may be empty.
    if extension == "py" && (path.contains("/kolla/horizon/") || path.contains("kolla/config/horizon/")) {
        return true;
    }
    // Horizon's own sources also name the setting.
    let upstream = matches!(name, "settings.py" | "defaults.py") || path.contains("/openstack_dashboard/");
    extension == "py" && telling && !upstream
}

/// Sections that no other service has.
const GLANCES: [&str; 7] = [
    "glance_store",
    "image_import_opts",
    "image_format",
    "os_glance_staging_store",
    "os_glance_tasks_store",
    "import_filtering_opts",
    "taskflow_executor",
];

fn is_glance(path: &str, text: &str) -> bool {
    let headers: Vec<&str> =
        text.lines().filter_map(|line| line.trim_end().strip_prefix('[')?.strip_suffix(']')).collect();
    let is_cors = |header: &&str| *header == "cors" || header.starts_with("cors.");
    if headers.iter().any(|header| GLANCES.contains(header)) {
        return true;
    }
    if !headers.iter().any(is_cors) && !headers.iter().any(|h| h.to_lowercase().contains("cors")) {
        return false;
    }
    // It is a fragment. Other services have [cors], too, and their files say whose they are.
    path.contains("glance") || (headers.iter().all(|h| h.to_lowercase().contains("cors")) && service_of(path).is_none())
}

/// Whether a text has `[cors]`, or origins elsewhere, perhaps under a name that nothing reads.
fn has_cors(text: &str) -> bool {
    let header = |line: &str| {
        let name = line.trim_end().strip_prefix('[').and_then(|line| line.strip_suffix(']')).map(str::to_lowercase);
        name.is_some_and(|name| name.contains("cors"))
    };
    let origins = |line: &str| {
        let Some((name, _)) = line.split_once(['=', ':']) else { return false };
        let name = name.trim_end().to_lowercase().replace('-', "_");
        matches!(name.trim_end_matches('s'), "allowed_origin" | "allow_origin" | "cors_allowed_origin")
    };
    text.lines().any(|line| header(line) || origins(line))
}

/// Whether PasteDeploy makes an application of it.
fn has_pipeline(text: &str) -> bool {
    let starts = ["[pipeline:", "[composite:", "[composit:", "[filter:cors]"];
    text.lines().any(|line| starts.iter().any(|start| line.starts_with(start)))
}

/// entryPoints with their addresses, as in Traefik's own file, or routers with their rules, services or middlewares, which
/// may have files of their own.
fn is_traefik(text: &str) -> bool {
    let has = |wanted: &str| text.lines().any(|line| line.trim() == wanted);
    let is_part = || has("http:") && (has("services:") && text.contains("loadBalancer:") || has("middlewares:"));
    (has("entryPoints:") && text.contains("address:")) || (has("routers:") && text.contains("rule:")) || is_part()
}

/// The same in TOML.
fn is_traefiks_toml(text: &str) -> bool {
    let table = |start: &str| text.lines().any(|line| line.trim_start().starts_with(start));
    (table("[entryPoints") && text.contains("address")) || (table("[http.routers") && text.contains("rule"))
}

/// Which other service's file it is, by its path: by the folder below `etc`, or else by the last part that names one.
pub fn service_of(path: &str) -> Option<&'static str> {
    let named = |part: &str| OTHERS.into_iter().find(|other| part.contains(other));
    let parts: Vec<&str> = path.split('/').collect();
    let below = parts.iter().rposition(|part| *part == "etc").and_then(|etc| named(parts.get(etc + 1)?));
    below.or_else(|| parts.iter().rev().find_map(|part| named(part)))
}

/// Services of OpenStack other than Glance and Horizon.
const OTHERS: [&str; 24] = [
    "nova",
    "cinder",
    "neutron",
    "keystone",
    "heat",
    "ironic",
    "manila",
    "barbican",
    "designate",
    "octavia",
    "magnum",
    "placement",
    "swift",
    "gnocchi",
    "aodh",
    "ceilometer",
    "trove",
    "zun",
    "masakari",
    "mistral",
    "cloudkitty",
    "blazar",
    "zaqar",
    "cyborg",
];
