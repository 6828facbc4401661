//! Lists of addresses that a server or an object in front of Glance lets pass.
//!
//! In: servers and objects. Out: one sentence for each, because the input does not show which addresses browsers have.

use direct_upload_core::model::PolicyKind;
use direct_upload_core::openstack::cors_request::{CorsRequest, KnownText, UPLOAD_PATH};
use serde_json::Value;

use super::authorizers::is_near_glance;
use super::middlewares;
use crate::classify::Kind;
use crate::facts::server::{ScopedDirective, Server};
use crate::formats::directives::Directive;
use crate::glances::Objects;
use crate::objects::Object;

const ADDRESSES: &str =
    "lets only some addresses pass; the input does not show whether users' browsers have such addresses";

const REQUESTS: &str =
    "lets only some addresses, or requests with some header, pass; the input does not show whether uploads are such";

/// Lists of addresses that a server lets pass.
pub(super) fn of_server(server: &Server<'_>) -> Vec<String> {
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
                refuses && (by_fetch || by_name) && !is_of_another_path(args)
            }
            _ => false,
        }
    };
    let first = server.items.iter().find(is_list);
    first.into_iter().map(|item| format!("{}: {} {ADDRESSES}", item.place(), item.directive.written)).collect()
}

/// HAProxy: whether a rule asks, among what must hold together, for a path that is none of an upload.
fn is_of_another_path(words: &[String]) -> bool {
    let is_plain = !words.iter().any(|word| matches!(word.as_str(), "or" | "||" | "unless"));
    let is_other = |term: &[String]| {
        let mut values = term.iter().skip(1).take_while(|word| *word != "}").filter(|word| *word != "-i");
        match term.first().map(String::as_str) {
            Some("path") => values.all(|own| own != UPLOAD_PATH),
            Some("path_beg") => values.all(|own| !UPLOAD_PATH.starts_with(own.as_str())),
            _ => false,
        }
    };
    let starts = words.iter().enumerate().filter(|(_, word)| *word == "{").map(|(at, _)| at + 1);
    // Below a prefix of its own the path has more in front.
    is_plain
        && starts.into_iter().any(|at| is_other(&words[at..]) && !words[at..].iter().any(|word| word.contains("image")))
}

/// nginx: `geo` makes a variable of the browser's address, and a condition refuses what it is by default
/// (ngx_http_geo_module).
pub(super) fn of_geo(server: &Server<'_>) -> Option<String> {
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

/// The same for objects in front of Glance.
pub(super) fn of_object(objects: Objects<'_>, object: &Object) -> Option<String> {
    const ANNOTATIONS: [&str; 5] = [
        "nginx.ingress.kubernetes.io/whitelist-source-range",
        "nginx.ingress.kubernetes.io/allowlist-source-range",
        "haproxy.router.openshift.io/ip_whitelist",
        "haproxy.router.openshift.io/ip_allowlist",
        "traefik.ingress.kubernetes.io/whitelist-source-range",
    ];
    let spec = &object.value["spec"];
    let about = || objects.leads_to_glance(object);
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
            is_list && middlewares::is_used(objects, object)
        }
        PolicyKind::AuthorizationPolicy => {
            let rules = spec["rules"].as_array().filter(|rules| !rules.is_empty());
            let is_allow = spec["action"].is_null() || spec["action"] == "ALLOW";
            is_allow && rules.is_some_and(|rules| rules.iter().all(is_narrow)) && is_near_glance(objects, object)
        }
        PolicyKind::SecurityPolicy => {
            let rules = spec["authorization"]["rules"].as_array().into_iter().flatten();
            let open = |cidr: &Value| cidr.as_str().is_some_and(|cidr| cidr.ends_with("/0"));
            let listed = rules.filter(|rule| rule["action"] == "Allow").any(|rule| {
                let cidrs = rule["principal"]["clientCIDRs"].as_array();
                cidrs.is_some_and(|cidrs| !cidrs.iter().any(open))
            });
            listed && [&spec["targetRef"], &spec["targetRefs"]].into_iter().any(|own| objects.names_glance(object, own))
        }
        _ => false,
    };
    let which = if object.policy_kind() == PolicyKind::AuthorizationPolicy { REQUESTS } else { ADDRESSES };
    found.then(|| format!("{}: it {which}", object.id()))
}

/// Whether a rule of Istio is for some addresses only, or for requests with a header that browsers do not send by themselves
/// (security.istio.io, AuthorizationPolicy: Source and Condition).
fn is_narrow(rule: &Value) -> bool {
    let sources = rule["from"].as_array().into_iter().flatten().map(|own| &own["source"]);
    let is_list = |own: &Value| own.as_array().is_some_and(|all| !all.is_empty());
    let mut sources = sources.peekable();
    let by_address = sources.peek().is_some()
        && sources.all(|source| ["ipBlocks", "remoteIpBlocks"].into_iter().any(|name| is_list(&source[name])));
    let by_header = rule["when"].as_array().into_iter().flatten().any(|own| {
        let key = own["key"].as_str().unwrap_or_default();
        let name = key.strip_prefix("request.headers[").and_then(|rest| rest.strip_suffix(']'));
        name.is_some_and(|name| is_list(&own["values"]) && CorsRequest::Preflight.header(name) == KnownText::Unknown)
    });
    by_address || by_header
}
