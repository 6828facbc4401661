//! What decides about an upload, and is not in the input: included files, addresses that a server lets pass, a
//! published URL that no seen server serves, and what ends TLS before the dashboard.
//!
//! In: facts. Out: one sentence for each, as in [`coverage`](crate::coverage).

mod elsewhere;
mod network_policy;

use direct_upload_api::web::{Origin, PublicUrl};
use direct_upload_core::derive::Backends;
use direct_upload_core::derive::exposure_issue::policy::reads_route_filter;
use direct_upload_core::model::PolicyKind;
use direct_upload_core::openstack::cors_request::{CorsRequest, UPLOAD_PATH};

use crate::classify::{self, Kind};
use crate::facts::catalog::Source;
use crate::facts::cloud::{Certainty, Cloud, ExposedDashboard};
use crate::facts::glance::GlanceFacts;
use crate::facts::server::{self, Listen, ScopedDirective, Server};
use crate::facts::traefik;
use crate::facts::uwsgi::{self, Routed};
use crate::formats::directives::Directive;
use crate::objects::{Object, any_text};
use crate::unit::{ConfigFile, Program, Unit};

/// All of it.
pub(crate) fn gaps(cloud: &Cloud<'_>, objects: &[Object], backends: &[Backends]) -> Vec<String> {
    let before_glance = || cloud.servers.iter().filter(|server| server.service == Program::Glance);
    let mut gaps: Vec<String> = before_glance().flat_map(|server| includes(cloud, server)).collect();
    gaps.extend(before_glance().flat_map(addresses));
    gaps.extend(before_glance().filter_map(of_geo));
    gaps.extend(cloud.glances.iter().filter_map(|glance| another_port(cloud, glance)));
    gaps.extend(cloud.units.iter().flat_map(of_traefik));
    gaps.extend(objects.iter().filter_map(|object| of_object(objects, object)));
    gaps.extend(objects.iter().flat_map(|object| in_between(objects, object)));
    let pods = network_policy::pods(cloud, objects);
    gaps.extend(objects.iter().filter_map(|object| {
        let why = network_policy::closed(objects, &pods, object)?;
        Some(format!("{}: {why}", object.id()))
    }));
    gaps.extend(cloud.glances.iter().filter_map(|glance| elsewhere::routes(cloud, glance, objects, backends)));
    gaps.extend(cloud.glances.iter().filter_map(paste_file));
    gaps.extend(cloud.glances.iter().filter_map(routes_of_uwsgi));
    gaps.extend(cloud.glances.iter().filter_map(|glance| unserved(cloud, glance)));
    gaps.extend(cloud.glances.iter().filter_map(|glance| ends_tls(cloud, glance)));
    gaps.extend(cloud.glances.iter().filter_map(|glance| another_name(cloud, glance)));
    gaps
}

/// Files that a package brings, which do not affect an upload; and folders of whole hosts.
const USUAL: [&str; 12] = [
    "mime.types",
    "proxy_params",
    "uwsgi_params",
    "fastcgi_params",
    "fastcgi.conf",
    "scgi_params",
    "proxy.conf",
    "options-ssl-nginx.conf",
    "options-ssl-apache.conf",
    "serve-cgi-bin.conf",
    "ports.conf",
    "letsencrypt.conf",
];

/// What a server in front of Glance includes, and what is not read: nginx's includes are followed if the files are
/// there, and files of httpd apply to each host.
fn includes(cloud: &Cloud<'_>, server: &Server<'_>) -> Vec<String> {
    let is_inside = |item: &&ScopedDirective<'_>| {
        is_nginx(server) || (std::ptr::eq(item.file, server.file) && item.directive.line > server.line)
    };
    let named = |item: &&ScopedDirective<'_>| matches!(item.directive.name.as_str(), "include" | "includeoptional");
    let of_one = |item: &ScopedDirective<'_>| {
        let path = item.directive.arg(0)?;
        let name = classify::base(path);
        let of_hosts =
            ["sites-enabled/", "conf.d/", "modules-enabled/", "nginx/modules/", "mods-enabled/", "vhosts.d/"]
                .iter()
                .any(|folder| path.contains(folder));
        let is_there = |file: &ConfigFile| {
            let known = [file.path.as_deref(), file.place.file.as_deref()];
            fits(&file.name, name) && known.into_iter().flatten().any(|own| in_folder(own, path))
        };
        let files = || cloud.units.iter().flat_map(|unit| &unit.files);
        (!of_hosts && !USUAL.contains(&name) && (is_nginx(server) || !files().any(is_there)))
            .then(|| format!("{}: {path}, which the server in front of Glance includes", item.place()))
    };
    server.items.iter().filter(named).filter(is_inside).filter_map(of_one).collect()
}

const fn is_nginx(server: &Server<'_>) -> bool {
    matches!(server.kind, Kind::Nginx | Kind::Stream)
}

/// Whether a name fits a pattern with one `*`.
fn fits(name: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        Some((head, tail)) => name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail),
        None => name == pattern,
    }
}

/// Whether a file is in the folder of an included path, as far as both show it.
fn in_folder(file: &str, included: &str) -> bool {
    let folder = |path: &str| path.rsplit('/').nth(1).map(str::to_owned);
    match (folder(file), folder(included)) {
        (Some(own), Some(named)) => own == named,
        _ => true,
    }
}

const ADDRESSES: &str =
    "lets only some addresses pass; the input does not show whether users' browsers have such addresses";

/// Lists of addresses that a server lets pass.
fn addresses(server: &Server<'_>) -> Vec<String> {
    let by_source: Vec<&str> = server
        .of_name("acl")
        .filter(|acl| acl.directive.arg(1).is_some_and(|fetch| fetch == "src" || fetch.starts_with("src,")))
        .filter_map(|acl| acl.directive.arg(0))
        .collect();
    let is_list = |item: &&ScopedDirective<'_>| {
        let args = &item.directive.args;
        let words: Vec<String> = args.iter().map(|word| word.to_lowercase()).collect();
        let word = |at: usize| words.get(at).map(String::as_str).unwrap_or_default();
        match (server.kind, item.directive.name.as_str()) {
            (Kind::Nginx | Kind::Stream, "allow") => {
                word(0) != "all" && server.of_name("deny").any(|deny| deny.directive.word() == "all")
            }
            (Kind::Httpd, "require") => matches!(word(0), "ip" | "host" | "forward-dns" | "local"),
            (Kind::Httpd, "allow") => {
                let closed = |name: &str| server.of_name(name).any(|own| own.within == item.within);
                word(0) == "from" && !matches!(word(1), "all" | "") && !word(1).starts_with("env=") && closed("order")
            }
            (Kind::Haproxy, "http-request" | "tcp-request") => {
                let refuses = words.iter().any(|word| matches!(word.as_str(), "deny" | "reject" | "silent-drop"));
                let negated = words.iter().any(|word| word == "unless");
                let by_fetch = words
                    .windows(2)
                    .any(|pair| pair[1] == "src" && if negated { pair[0] == "{" } else { pair[0] == "!{" });
                let by_name = args.iter().any(|word| {
                    let name = word.trim_start_matches('!');
                    by_source.contains(&name) && (negated != word.starts_with('!'))
                });
                refuses && (by_fetch || by_name)
            }
            _ => false,
        }
    };
    let first = server.items.iter().find(is_list);
    first.into_iter().map(|item| format!("{}: {} {ADDRESSES}", item.place(), item.directive.written)).collect()
}

/// nginx: `geo` makes a variable of the browser's address, and a condition refuses what it is by default
/// (ngx_http_geo_module).
fn of_geo(server: &Server<'_>) -> Option<String> {
    let refuses = |item: &&ScopedDirective<'_>| matches!(item.directive.name.as_str(), "return" | "rewrite");
    server.of_name("geo").find_map(|geo| {
        let name = geo.directive.args.last()?;
        let own = server.items.iter().filter(|item| item.within.last() == Some(&geo.directive));
        let default = own.filter(|item| item.directive.name == "default").find_map(|item| item.directive.arg(0));
        let default = default.unwrap_or_default();
        let is_met = |block: &Directive| {
            let text = block.text();
            let words: Vec<&str> = text.trim_matches(['(', ')', ' ']).split_whitespace().collect();
            match words.as_slice() {
                [own] => own == name && !matches!(default, "" | "0"),
                [own, "=", value] => own == name && default == value.trim_matches('"'),
                [own, "!=", value] => own == name && default != value.trim_matches('"'),
                _ => false,
            }
        };
        let met = server.items.iter().filter(refuses).any(|item| item.within.iter().any(is_met));
        met.then(|| format!("{}: geo {ADDRESSES}", geo.place()))
    })
}

/// A server leads uploads to a port on which nothing in the input listens, although Glance's own port is known.
fn another_port(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> Option<String> {
    let scope = &glance.unit.scope;
    let own = own_ports(cloud, glance)?;
    let listened = cloud.servers.iter().flat_map(|server| &server.items).filter_map(listened);
    let hosts = cloud.servers.iter().flat_map(|server| &server.listens).filter_map(|listen| listen.port);
    let known: Vec<u16> = own.iter().copied().chain(listened).chain(hosts).collect();
    cloud.servers_near(scope, Program::Glance).find_map(|server| {
        let backends: Vec<(u16, &ScopedDirective<'_>)> =
            server.items.iter().filter_map(|item| Some((backend(server.kind, item)?, item))).collect();
        let (port, item) = backends.first()?;
        (!backends.iter().any(|(port, _)| known.contains(port))).then(|| {
            format!(
                "{}: {} leads to port {port}, but Glance listens on {}; what listens on {port} is not in the input",
                item.place(),
                item.directive.written,
                own[0]
            )
        })
    })
}

/// The ports on which Glance itself listens: uWSGI's, or its own server's.
fn own_ports(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> Option<Vec<u16>> {
    if let Some((_, ini)) = glance.uwsgi() {
        const SOCKETS: [&str; 6] = ["http", "http-socket", "https", "https-socket", "socket", "uwsgi-socket"];
        let own = ini.assignments.iter().filter(|own| SOCKETS.contains(&own.name.as_str()));
        let ports: Vec<u16> = own.filter_map(|own| server::port(own.value.split(',').next()?.trim())).collect();
        return (!ports.is_empty()).then_some(ports);
    }
    // Another program may start it.
    let starts = |server: &Server<'_>| server.of_name("wsgiscriptalias").next().is_some();
    if !glance.unit.commands.is_empty()
        || !glance.has_main()
        || cloud.servers_near(&glance.unit.scope, Program::Glance).any(starts)
    {
        return None;
    }
    // Behind httpd there is often uWSGI, on any port.
    let is_httpd = || cloud.servers_near(&glance.unit.scope, Program::Glance).any(|server| server.kind == Kind::Httpd);
    let port = match glance.option("DEFAULT", "bind_port") {
        Some(own) => own.value.trim().parse().ok()?,
        None if is_httpd() => return None,
        None => 9292,
    };
    Some(vec![port])
}

/// The port on which a directive lets a server listen.
fn listened(item: &ScopedDirective<'_>) -> Option<u16> {
    let first = item.directive.arg(0)?;
    match item.directive.name.as_str() {
        "listen" => first.parse().ok().or_else(|| server::port(first)),
        "bind" => server::port(first),
        _ => None,
    }
}

/// The port of the server behind, where a directive says it with its host's address.
fn backend(kind: Kind, item: &ScopedDirective<'_>) -> Option<u16> {
    let of_url = |text: &str| server::port(text.split("://").last()?.split('/').next()?);
    match (kind, item.directive.name.as_str()) {
        (Kind::Nginx, "proxy_pass" | "uwsgi_pass") | (Kind::Httpd, "balancermember") => of_url(item.directive.arg(0)?),
        (Kind::Httpd, "proxypass") => of_url(item.directive.arg(1)?),
        (Kind::Haproxy, "server") => server::port(item.directive.arg(1)?),
        _ => None,
    }
}

const AUTHORIZER: &str = "what its external authorizer decides about OPTIONS and PUT is not in the input";

/// Whether a policy of Istio may be about Glance's pods, or about the pods of a gateway in another namespace. It is about
/// pods of its own namespace, or in the root namespace about all (security.istio.io, AuthorizationPolicy).
fn is_near_glance(objects: &[Object], policy: &Object) -> bool {
    const WAYS: [&str; 5] = ["istio", "gateway", "ingress", "edge", "proxy"];
    let is_way = |text: &str| WAYS.iter().any(|way| text.contains(way));
    let labels = &policy.value["spec"]["selector"];
    let leads = |o: &Object| o.kind() == "VirtualService" && any_text(&o.value["spec"], &|t| t.contains("glance"));
    let gateways = || objects.iter().filter(|o| o.policy_kind() == PolicyKind::IstioGateway);
    let selects_gateway =
        |text: &str| is_way(text) || gateways().any(|o| any_text(&o.value["spec"]["selector"], &|own| own == text));
    let is_gateways = if labels.is_null() {
        is_way(policy.namespace()) || gateways().any(|o| o.namespace() == policy.namespace())
    } else {
        any_text(labels, &selects_gateway)
    };
    let may_be = |o: &Object| leads(o) && (is_gateways || (labels.is_null() && o.namespace() == policy.namespace()));
    any_text(labels, &|text| text.contains("glance")) || objects.iter().any(may_be)
}

/// The same for objects in front of Glance.
fn of_object(objects: &[Object], object: &Object) -> Option<String> {
    const ANNOTATIONS: [&str; 5] = [
        "nginx.ingress.kubernetes.io/whitelist-source-range",
        "nginx.ingress.kubernetes.io/allowlist-source-range",
        "haproxy.router.openshift.io/ip_whitelist",
        "haproxy.router.openshift.io/ip_allowlist",
        "traefik.ingress.kubernetes.io/whitelist-source-range",
    ];
    let spec = &object.value["spec"];
    let about = || any_text(spec, &|text| text.contains("glance"));
    let annotations = &object.value["metadata"]["annotations"];
    let found = match object.policy_kind() {
        PolicyKind::Ingress | PolicyKind::Route => {
            ANNOTATIONS.iter().any(|name| annotations[*name].is_string()) && about()
        }
        PolicyKind::HTTPProxy => {
            let rules = spec["routes"].as_array().into_iter().flatten();
            let mut listed = rules.chain([&spec["virtualhost"]]).map(|own| &own["ipAllowPolicy"]);
            listed.any(|list| list.as_array().is_some_and(|list| !list.is_empty())) && about()
        }
        PolicyKind::Middleware => {
            let is_list = spec["ipAllowList"].is_object() || spec["ipWhiteList"].is_object();
            is_list && is_used(objects, object, MOST_CHAINS)
        }
        PolicyKind::SecurityPolicy => {
            let rules = spec["authorization"]["rules"].as_array().into_iter().flatten();
            let open = |cidr: &serde_json::Value| cidr.as_str().is_some_and(|cidr| cidr.ends_with("/0"));
            let listed = rules.filter(|rule| rule["action"] == "Allow").any(|rule| {
                let cidrs = rule["principal"]["clientCIDRs"].as_array();
                cidrs.is_some_and(|cidrs| !cidrs.iter().any(open))
            });
            let is_glances = |target: &serde_json::Value| any_text(target, &|text| text.contains("glance"));
            listed && [&spec["targetRef"], &spec["targetRefs"]].into_iter().any(is_glances)
        }
        _ => false,
    };
    found.then(|| format!("{}: it {ADDRESSES}", object.id()))
}

/// More Middlewares of Traefik than any real chain of chains has.
const MOST_CHAINS: usize = 8;

/// Whether what leads to Glance names a Middleware of Traefik, itself or by a chain, or anything names it for an entry point.
fn is_used(objects: &[Object], middleware: &Object, depth: usize) -> bool {
    let (namespace, name) = (middleware.namespace(), middleware.name());
    let of_provider = format!("{namespace}-{name}@kubernetescrd");
    let is_named = |value: &serde_json::Value| any_text(value, &|text| text == name || text.contains(&of_provider));
    let leads = |o: &Object| any_text(&o.value["spec"], &|text| text.contains("glance"));
    objects.iter().filter(|o| o.id() != middleware.id()).any(|o| match o.policy_kind() {
        PolicyKind::IngressRoute | PolicyKind::HTTPRoute => leads(o) && is_named(&o.value["spec"]),
        PolicyKind::Ingress => leads(o) && is_named(&o.value["metadata"]["annotations"]),
        PolicyKind::Middleware => depth > 0 && is_named(&o.value["spec"]["chain"]) && is_used(objects, o, depth - 1),
        _ => any_text(&o.value, &|text| text.contains(&of_provider)),
    })
}

/// What lets requests pass, or changes them, in addition to a route to Glance.
fn in_between(objects: &[Object], object: &Object) -> Vec<String> {
    let spec = &object.value["spec"];
    let told = |why: &str| vec![format!("{}: {why}", object.id())];
    let about = any_text(spec, &|text| text.contains("glance"));
    match object.kind() {
        // A middleware that is not there keeps Traefik from making the router.
        "IngressRoute" if about => {
            let routes = spec["routes"].as_array().into_iter().flatten();
            let named = routes.flat_map(|route| route["middlewares"].as_array().into_iter().flatten());
            let missing = named.filter_map(|middleware| {
                let name = middleware["name"].as_str().filter(|name| !name.contains('@'))?;
                let namespace = middleware["namespace"].as_str().unwrap_or(object.namespace());
                let is_it = |o: &Object| {
                    o.policy_kind() == PolicyKind::Middleware && o.name() == name && o.namespace() == namespace
                };
                (!objects.iter().any(is_it))
                    .then(|| format!("Middleware {namespace}/{name}, which {} names, is not in the input", object.id()))
            });
            missing.collect()
        }
        // A filter of another kind, which nothing here reads.
        "HTTPRoute" if about => {
            let rules = spec["rules"].as_array().into_iter().flatten();
            let filters = rules.flat_map(|rule| rule["filters"].as_array().into_iter().flatten());
            let unread = filters.map(|filter| &filter["extensionRef"]).filter_map(|own| {
                let (written, name) = (own["kind"].as_str()?, own["name"].as_str()?);
                let kind = PolicyKind::of_reference(own["group"].as_str(), written);
                let is_it =
                    |o: &&Object| o.policy_kind() == kind && o.name() == name && o.namespace() == object.namespace();
                let found = objects.iter().find(is_it);
                match kind {
                    PolicyKind::HTTPRouteFilter | PolicyKind::Middleware | PolicyKind::SnippetsFilter
                        if found.is_none() =>
                    {
                        Some(format!("{}: {written} {name}, which it names, is not in the input", object.id()))
                    }
                    PolicyKind::Middleware | PolicyKind::SnippetsFilter => None,
                    PolicyKind::HTTPRouteFilter if found.is_some_and(|o| reads_route_filter(&o.value["spec"])) => None,
                    _ => Some(format!(
                        "{}: check does not read {written} {name}, which filters its requests",
                        object.id()
                    )),
                }
            });
            unread.collect()
        }
        "HTTPProxy" if about && spec["virtualhost"]["authorization"]["extensionRef"].is_object() => told(AUTHORIZER),
        "AuthorizationPolicy" if spec["action"] == "CUSTOM" && is_near_glance(objects, object) => told(AUTHORIZER),
        // OpenShift's router does this to each Route.
        "IngressController" if spec["httpHeaders"]["actions"].is_object() => {
            told("check does not read what its httpHeaders do to each Route")
        }
        "EnvoyPatchPolicy" => {
            let target = spec["targetRef"]["name"].as_str().unwrap_or_default();
            let attached = objects.iter().any(|route| {
                let parents = route.value["spec"]["parentRefs"].as_array().into_iter().flatten();
                parents.filter_map(|parent| parent["name"].as_str()).any(|name| name == target)
                    && any_text(&route.value["spec"], &|text| text.contains("glance"))
            });
            if attached { told("check does not read objects of this kind") } else { Vec::new() }
        }
        // Calico's, which may also deny.
        "NetworkPolicy" | "GlobalNetworkPolicy" if is_of_calico(object) => {
            let types = spec["types"].as_array();
            let is_ingress = match types {
                Some(types) => types.iter().any(|own| own == "Ingress"),
                None => spec["ingress"].is_array() || !spec["egress"].is_array(),
            };
            let mut rules = spec["ingress"].as_array().into_iter().flatten();
            let open = |rule: &serde_json::Value| rule["action"] == "Allow" && rule["source"].is_null();
            let is_closed = is_ingress && !rules.next().is_some_and(open);
            if is_closed && spec["selector"].as_str().is_some_and(|text| text.contains("'glance")) {
                told("check does not read which connections to Glance's pods it lets pass")
            } else {
                Vec::new()
            }
        }
        "CiliumNetworkPolicy" | "CiliumClusterwideNetworkPolicy" if about => {
            let rules = spec["ingress"].as_array().into_iter().flatten();
            let mut ports = rules.flat_map(|rule| rule["toPorts"].as_array().into_iter().flatten());
            if ports.any(|port| port["rules"]["http"].is_array()) {
                told("check does not read which HTTP requests it lets pass")
            } else {
                Vec::new()
            }
        }
        _ => Vec::new(),
    }
}

fn is_of_calico(object: &Object) -> bool {
    object.value["apiVersion"].as_str().is_some_and(|version| version.contains("projectcalico.org/"))
}

/// Middlewares of routers in Traefik's files that these files do not have.
fn of_traefik(unit: &Unit) -> Vec<String> {
    let files = traefik::written(unit);
    let mut gaps = Vec::new();
    for (file, document) in &files {
        for (name, router) in traefik::routers(document) {
            let unread: Vec<&str> = traefik::middlewares(router)
                .filter(|own| {
                    let seen = traefik::middleware(&files, own);
                    seen.is_none_or(|(_, own)| own["plugin"].is_object())
                })
                .collect();
            if !unread.is_empty() {
                let line = document.node.line_of(["http", "routers", name, "middlewares"]);
                gaps.push(format!("{}: check does not read what {} does to uploads", file.at(line), unread.join(", ")));
            }
        }
    }
    gaps
}

/// `[paste_deploy] config_file`, which has the pipeline.
fn paste_file(glance: &GlanceFacts<'_>) -> Option<String> {
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
fn routes_of_uwsgi(glance: &GlanceFacts<'_>) -> Option<String> {
    let (file, ini) = glance.uwsgi()?;
    let unknown = |request| match uwsgi::routed(&ini, request) {
        Routed::Unknown(route) => Some(route.clone()),
        Routed::Passes | Routed::Ends(_) => None,
    };
    let route = CorsRequest::BOTH.into_iter().find_map(unknown)?;
    Some(format!("{}: check does not read what uWSGI's {} does to uploads", file.at(route.line), route.name))
}

/// A published URL that no seen server in front of Glance serves.
fn unserved(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> Option<String> {
    let scope = &glance.unit.scope;
    let published: Vec<_> =
        cloud.published.iter().filter(|p| &p.scope == scope && p.source != Source::Exposed).collect();
    let edges = cloud.edges(scope, Program::Glance);
    if edges.is_empty() || glance.serves_itself() || cloud.is_same_origin(glance.unit) {
        return None;
    }
    published.iter().find_map(|published| {
        let url = PublicUrl::parse(&published.url).ok()?;
        let port = url::Url::parse(&published.url).ok()?.port_or_known_default()?;
        let listens = edges.iter().map(|listen| listen.port).collect::<Option<Vec<u16>>>()?;
        let what = format!("{} ({})", published.url, published.place);
        if !listens.contains(&port) {
            return Some(format!("{what}: no server in front of Glance that is in the input listens on port {port}"));
        }
        if let Some(server) = cloud.servers_near(scope, Program::Glance).find(|server| leads_elsewhere(server, &url)) {
            return Some(format!("{what}: no ProxyPass of {} forwards paths below this URL", server.place()));
        }
        let names = names(cloud, scope)?;
        let host = url.origin().host().to_owned();
        (!names.contains(&host))
            .then(|| format!("{what}: no server in front of Glance that is in the input has the name {host}"))
    })
}

/// Whether httpd leads only paths on that are not below a URL's.
fn leads_elsewhere(server: &Server<'_>, url: &PublicUrl) -> bool {
    let path = format!("{}{UPLOAD_PATH}", url.path().trim_end_matches('/'));
    let takes = |item: &ScopedDirective<'_>| {
        let own = if item.within.is_empty() { item.directive.arg(0) } else { None };
        own.is_none_or(|own| path.strip_prefix(own.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/')))
    };
    let leads = ["proxypassmatch", "wsgiscriptalias", "rewriterule", "sethandler", "wsgiscriptaliasmatch"];
    let mut passes = server.of_name("proxypass").peekable();
    server.kind == Kind::Httpd
        && passes.peek().is_some()
        && !server.items.iter().any(|item| leads.contains(&item.directive.name.as_str()))
        && !passes.any(takes)
}

/// The names of Glance's servers, if each has some and none is a pattern.
fn names(cloud: &Cloud<'_>, scope: &[String]) -> Option<Vec<String>> {
    let mut all = Vec::new();
    for server in cloud.servers_near(scope, Program::Glance) {
        if matches!(server.kind, Kind::Haproxy | Kind::Stream) {
            return None;
        }
        let named = server
            .items
            .iter()
            .filter(|item| matches!(item.directive.name.as_str(), "servername" | "serveralias" | "server_name"));
        let own: Vec<String> = named
            .flat_map(|item| &item.directive.args)
            .map(|name| name.rsplit("://").next().unwrap_or(name).split(':').next().unwrap_or_default().to_lowercase())
            .collect();
        if own.is_empty() || own.iter().any(|name| name.contains(['*', '~', '$', '_']) || name.starts_with('.')) {
            return None;
        }
        all.extend(own);
    }
    (!all.is_empty()).then_some(all)
}

/// Browsers load the dashboard by https, as `allowed_origin` says, and nothing that is seen ends TLS before it.
fn ends_tls(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> Option<String> {
    let scope = &glance.unit.scope;
    let allowed: Vec<Origin> =
        glance.cors_in_effect("allowed_origin")?.items().iter().filter_map(|item| Origin::parse(item).ok()).collect();
    let edges = cloud.edges(scope, Program::Horizon);
    let plain = edges.first().filter(|_| edges.iter().all(|listen| listen.tls == Some(false)))?;
    let is_stated = cloud.dashboards_near(scope).any(|d| d.origin.is_some());
    (cloud.is_direct_in(scope) && !is_stated && !allowed.is_empty() && allowed.iter().all(Origin::is_https)).then(
        || {
            format!(
                "what ends TLS before the dashboard: {} ({}) has no TLS, and allowed_origin has only https",
                plain.written, plain.place
            )
        },
    )
}

/// Only web servers' own names are known, and `allowed_origin` has none of them: a proxy that has the allowed name may
/// be in front of the dashboard, or browsers are refused.
fn another_name(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> Option<String> {
    let scope = &glance.unit.scope;
    let setting = glance.cors_in_effect("allowed_origin")?;
    let allowed: Vec<Origin> = setting.items().iter().filter_map(|item| Origin::parse(item).ok()).collect();
    let shown = allowed.first().filter(|_| setting.items().iter().all(|item| item != "*"))?;
    if !cloud.is_direct_in(scope) || cloud.is_same_origin(glance.unit) {
        return None;
    }
    let of_allowed = format!("{shown}, which allowed_origin names ({})", setting.place);
    let mut near = cloud.dashboards_near(scope).peekable();
    let Some(first) = near.peek().copied() else {
        let port = |origin: &Origin| url::Url::parse(origin.as_str()).ok()?.port_or_known_default();
        let edges = cloud.edges(scope, Program::Horizon);
        let published = cloud.published.iter().filter(|own| own.scope == *scope);
        let hosts: Vec<String> =
            published.filter_map(|own| Some(PublicUrl::parse(&own.url).ok()?.origin().host().to_owned())).collect();
        let is_shared = allowed.iter().any(|origin| hosts.iter().any(|host| host == origin.host()));
        // Below HTTP nothing shows the dashboard's host.
        let is_below = |server: &&Server<'_>| {
            server.kind == Kind::Stream
                || (server.kind == Kind::Haproxy
                    && server.last("mode").is_some_and(|item| item.directive.word() == "tcp"))
        };
        if let Some(server) = cloud.servers_near(scope, Program::Horizon).find(is_below).filter(|_| !is_shared) {
            return Some(format!(
                "{of_allowed}: nothing in the input names the dashboard's host; {} passes connections on as they are",
                server.place()
            ));
        }
        let edge = edges.iter().find(|listen| listen.tls == Some(true))?;
        let other = |listen: &&Listen| listen.port.is_some() && allowed.iter().all(|own| port(own) != listen.port);
        if edges.iter().all(other) {
            return Some(format!(
                "{of_allowed}: no server of the dashboard in the input has this port ({}: {})",
                edge.place, edge.written
            ));
        }
        // HAProxy's lines have no names; and often both have the same one.
        let by_address = |server: &Server<'_>| matches!(server.kind, Kind::Haproxy | Kind::Stream);
        if cloud.servers_near(scope, Program::Horizon).any(by_address) {
            return None;
        }
        return (!is_shared).then(|| format!("{of_allowed}: nothing in the input names the dashboard's host"));
    };
    let other =
        |d: &ExposedDashboard| d.certainty == Certainty::Named && allowed.iter().all(|origin| origin.host() != d.host);
    near.all(other).then(|| {
        format!(
            "{of_allowed}: no server of the dashboard in the input has this name, but {} is one ({})",
            first.host, first.place
        )
    })
}
