//! What a file is, by its path, its name and its start.

use std::ops::ControlFlow;
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
    let file = Candidate::new(path, text);
    if is_left_out(file.name) || is_put_aside(path) || file.is_beside() {
        return None;
    }
    if file.is_at_glances_place() {
        return Some(Kind::Glance);
    }
    match file.by_ending() {
        ControlFlow::Break(kind) => kind,
        ControlFlow::Continue(()) => file.by_contents(),
    }
}

/// A file whose kind is not known yet.
struct Candidate<'a> {
    path: &'a str,
    name: &'a str,
    folder: &'a str,
    extension: &'a str,
    text: &'a str,
}

impl<'a> Candidate<'a> {
    fn new(path: &'a str, text: &'a str) -> Self {
        let name = base(path);
        let folder = path.rsplit('/').nth(1).unwrap_or_default();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        Self { path, name, folder, extension, text }
    }

    /// Whether a file is in a folder of which a web server reads `*.conf` only, and has another ending (Debian's
    /// apache2.conf, Red Hat's httpd.conf, nginx's own nginx.conf). nginx's sites-enabled takes any name; without an
    /// ending it may be an older layout.
    fn is_beside(&self) -> bool {
        let reads_conf = match self.path.rsplit('/').nth(2).unwrap_or_default() {
            "apache2" => matches!(self.folder, "sites-enabled" | "conf-enabled" | "conf.d"),
            "httpd" | "nginx" => self.folder == "conf.d",
            _ => false,
        };
        reads_conf && !matches!(self.extension, "" | "conf")
    }

    /// Virtual hosts are often named after what they serve.
    fn is_at_glances_place(&self) -> bool {
        let is_main = matches!(self.name, "glance-api.conf" | "glance.conf");
        (is_main && !matches(&HTTPD, self.text) && !matches(&NGINX, self.text))
            || matches!(self.folder, "glance-api.conf.d" | "glance.conf.d")
    }

    /// What an ending or a folder decides alone.
    fn by_ending(&self) -> ControlFlow<Option<Kind>> {
        let Self { name, folder, text, .. } = *self;
        let kind = match self.extension {
            // A manifest may contain the text of a configuration file, but is none itself.
            _ if is_manifest(text) => None,
            "yaml" | "yml" => is_traefik(text).then_some(Kind::Traefik),
            "toml" => is_traefiks_toml(text).then_some(Kind::Traefik),
            "service" => (text.contains("ExecStart") && text.contains("glance")).then_some(Kind::Systemd),
            "conf" if folder.ends_with(".service.d") => self.changes_glances_unit().then_some(Kind::Systemd),
            // Debian's and Red Hat's places for the variables of services.
            "" if matches!(folder, "default" | "sysconfig") && name.contains("glance") => Some(Kind::Environment),
            "map" => is_map(text).then_some(Kind::Map),
            _ if self.is_haproxys_list() => Some(Kind::Map),
            "json" => text.contains("\"config_files\"").then_some(Kind::Kolla),
            _ => return ControlFlow::Continue(()),
        };
        ControlFlow::Break(kind)
    }

    /// `systemctl edit glance-api` writes only what it changes.
    fn changes_glances_unit(&self) -> bool {
        let has = |part: &str| self.text.contains(part);
        let sets = ["Environment=", "EnvironmentFile=", "ExecStart="].into_iter().any(has);
        (has("ExecStart") && has("glance")) || (self.folder.contains("glance") && sets)
    }

    /// kolla-ansible's `external-frontend-map` has no ending.
    fn is_haproxys_list(&self) -> bool {
        let is_list = matches!(self.extension, "lst" | "list" | "acl") || self.name.ends_with("-frontend-map");
        is_list && self.path.split('/').any(|part| part == "haproxy")
    }

    fn by_contents(&self) -> Option<Kind> {
        let Self { path, name, text, .. } = *self;
        if section(text, "uwsgi") {
            Some(Kind::Uwsgi)
        } else if is_paste(name, text) {
            Some(Kind::Paste)
        } else if self.is_settings() {
            Some(Kind::Settings)
        } else if self.extension == "py" {
            None
        } else if name == "swift.conf" && text.lines().any(|line| line.starts_with("[swift-")) {
            Some(Kind::SwiftConf)
        } else if self.is_swift() {
            Some(Kind::Swift)
        } else if is_glance(path, text) {
            Some(Kind::Glance)
        } else {
            self.of_other_service().or_else(|| self.of_web_server())
        }
    }

    fn is_settings(&self) -> bool {
        let Self { path, name, extension, text, .. } = *self;
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

    /// Swift's proxy has no other name, but a folder of any name may hold parts of its file.
    fn is_swift(&self) -> bool {
        let option = |line: &str| line.starts_with("cors_allow_origin") || line.starts_with("strict_cors_mode");
        let is_named = self.name == "proxy-server.conf" || self.folder == "proxy-server.conf.d";
        let has_option = || self.path.contains("swift") && self.text.lines().any(option);
        matches!(self.extension, "conf" | "") && (is_named || self.text.contains("egg:swift#proxy") || has_option())
    }

    fn of_other_service(&self) -> Option<Kind> {
        let Self { name, text, .. } = *self;
        let service = service_of(self.path).filter(|_| matches!(self.extension, "conf" | "ini" | ""))?;
        if has_pipeline(text) && name.strip_suffix(".conf") != Some(service) {
            return Some(Kind::OsloPaste);
        }
        (has_cors(text) || (service == "keystone" && section(text, "token"))).then_some(Kind::Oslo)
    }

    fn of_web_server(&self) -> Option<Kind> {
        let Self { path, text, .. } = *self;
        if matches(&HAPROXY, text) {
            return Some(Kind::Haproxy);
        }
        if (matches(&NGINX, text) && text.contains(';')) || self.is_nginx_part() {
            return Some(Kind::Nginx);
        }
        let defines = || {
            let in_folder = ["apache2", "httpd"].iter().any(|server| path.split('/').any(|part| part == *server));
            let starts = |line: &str| ["define ", "rewriterule "].iter().any(|name| line.starts_with(name));
            in_folder && text.lines().any(|line| starts(&line.trim_start().to_lowercase()))
        };
        (matches(&HTTPD, text) || defines()).then_some(Kind::Httpd)
    }

    /// Whether a text in a folder of nginx is a part that its files may include: directives without a block around
    /// them.
    fn is_nginx_part(&self) -> bool {
        let Self { path, name, text, .. } = *self;
        let in_folder = path.split('/').rev().skip(1).any(|part| part.contains("nginx"));
        let is_word = |name: &str| !name.is_empty() && name.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_'));
        let extension = if name.contains('.') { self.extension } else { "" };
        if !in_folder || !matches!(extension, "" | "conf" | "inc" | "include" | "snippet" | "nginx") {
            return false;
        }
        let mut lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim_end());
        let end = lines.rfind(|line| !line.is_empty());
        let all = directives::nginx(text);
        let is_complete = end.is_some_and(|line| line.ends_with([';', '}']));
        is_complete && !all.is_empty() && all.iter().all(|own| is_word(&own.written))
    }
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

/// Whether it is a list of pairs.
fn is_map(text: &str) -> bool {
    text.lines().all(|line| line.starts_with('#') || line.trim().is_empty() || line.split_whitespace().count() > 1)
}

fn is_paste(name: &str, text: &str) -> bool {
    let header = |line: &str| line.starts_with("[pipeline:glance-api") || line.starts_with("[composite:glance-api");
    text.lines().any(header) || (name.contains("paste") && text.contains("glance.api"))
}

/// Settings that only a person who wants direct uploads writes.
const TELLING: [&str; 3] = ["HORIZON_IMAGES_UPLOAD_MODE", "OPENSTACK_GLANCE_DIRECT_UPLOAD", "GLANCE_DIRECT_UPLOAD"];

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
