//! Routes that have the host of Glance's published URL, and lead to nothing of Glance.
//!
//! In: objects, and Glance's Services. Out: one sentence for such a route. What a reference to another kind than Service, or
//! a Service without a selector, leads to is not known, so such routes are taken as Glance's.

use direct_upload_api::web::PublicUrl;
use direct_upload_core::model::PolicyKind;
use serde_json::Value;

use crate::facts::catalog::{Published, UrlSource};
use crate::facts::cloud::Cloud;
use crate::facts::glance::GlanceFacts;
use crate::glances::Objects;
use crate::objects::Object;
use crate::unit::Program;

/// The hosts of a rule, and whether its requests may reach Glance.
struct Rule<'a> {
    /// None for any host.
    hosts: Vec<&'a str>,
    leads: bool,
}

/// The first route of a published host, if none of its routes leads to Glance.
pub(super) fn routes(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>, objects: Objects<'_>) -> Option<String> {
    let scope = &glance.unit.scope;
    glance.unit.workload.as_ref()?;
    let is_behind = cloud.servers_near(scope, Program::Glance).next().is_some();
    if is_behind || glance.serves_itself() || cloud.is_same_origin(glance.unit) {
        return None;
    }
    let of_catalog = |own: &&Published| own.source == UrlSource::Catalog && own.scope == *scope;
    cloud.published.iter().filter(of_catalog).find_map(|published| {
        let url = PublicUrl::parse(&published.url).ok()?;
        let host = url.origin().host();
        let rules: Vec<(&Object, Rule<'_>)> =
            objects.iter().flat_map(|o| rules(o, objects).into_iter().map(move |rule| (o, rule))).collect();
        let (route, _) = rules.iter().find(|(_, rule)| rule.hosts.contains(&host))?;
        let takes = |rule: &Rule<'_>| rule.hosts.is_empty() || rule.hosts.iter().any(|own| covers(own, host));
        (!rules.iter().any(|(_, rule)| rule.leads && takes(rule))).then(|| {
            format!(
                "{}: it has the host of {} ({}), and leads to no Service of Glance that is in the input",
                route.id(),
                published.url,
                published.place
            )
        })
    })
}

fn covers(own: &str, host: &str) -> bool {
    own == host || own.strip_prefix('*').is_some_and(|end| host.ends_with(end))
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value[name].as_array().into_iter().flatten()
}

fn rules<'a>(route: &'a Object, objects: Objects<'_>) -> Vec<Rule<'a>> {
    let spec = &route.value["spec"];
    let references = References { route, objects };
    let texts = |all: &mut dyn Iterator<Item = &'a Value>| all.filter_map(Value::as_str).collect::<Vec<_>>();
    let one = |hosts, leads| vec![Rule { hosts, leads }];
    match route.policy_kind() {
        PolicyKind::Ingress => {
            let own = |backend: &Value| {
                // The older versions have `serviceName`.
                let named = [&backend["service"]["name"], &backend["serviceName"]];
                backend["resource"].is_object() || named.into_iter().any(|name| references.is_one(name, &Value::Null))
            };
            let of_rule = |rule: &'a Value| Rule {
                hosts: texts(&mut [&rule["host"]].into_iter()),
                leads: list(&rule["http"], "paths").any(|path| own(&path["backend"])),
            };
            let default = &spec["defaultBackend"];
            let default = default.is_object().then(|| Rule { hosts: Vec::new(), leads: own(default) });
            list(spec, "rules").map(of_rule).chain(default).collect()
        }
        PolicyKind::HTTPRoute => {
            let leads = list(spec, "rules").any(|rule| references.is_some_of(list(rule, "backendRefs"), 1));
            one(texts(&mut list(spec, "hostnames")), leads)
        }
        PolicyKind::IngressRoute => list(spec, "routes")
            .map(|rule| {
                // `Host(`a`) && …`: what is in backticks, hosts and paths alike.
                let text = rule["match"].as_str().unwrap_or_default();
                let hosts =
                    if text.contains("Host(") { text.split('`').skip(1).step_by(2).collect() } else { Vec::new() };
                Rule { hosts, leads: references.is_some_of(list(rule, "services"), 2) }
            })
            .collect(),
        PolicyKind::HTTPProxy => {
            let further = spec["includes"].is_array() || spec["tcpproxy"].is_object();
            let leads = further || list(spec, "routes").any(|rule| references.is_some_of(list(rule, "services"), 2));
            one(texts(&mut [&spec["virtualhost"]["fqdn"]].into_iter()), leads)
        }
        PolicyKind::VirtualService => {
            let further = |rule: &Value| rule["delegate"].is_object() || references.is_some_of(list(rule, "route"), 2);
            let leads = ["http", "tls", "tcp"].into_iter().any(|name| list(spec, name).any(further));
            one(texts(&mut list(spec, "hosts")), leads)
        }
        PolicyKind::Route => {
            let all = [&spec["to"]].into_iter().chain(list(spec, "alternateBackends"));
            one(texts(&mut [&spec["host"]].into_iter()), references.is_some_of(all, 2))
        }
        _ => Vec::new(),
    }
}

/// What references of a route mean.
struct References<'a> {
    route: &'a Object,
    objects: Objects<'a>,
}

impl References<'_> {
    /// Whether one of some references may lead to Glance. `least`: with fewer of them the weight has no meaning.
    fn is_some_of<'v>(&self, all: impl Iterator<Item = &'v Value>, least: usize) -> bool {
        let all: Vec<&Value> = all.collect();
        let weighed = all.len() >= least && all.iter().any(|own| own["weight"] != 0);
        all.iter().filter(|own| !weighed || own["weight"] != 0).any(|own| self.is_it(own))
    }

    fn is_it(&self, reference: &Value) -> bool {
        if let Some(host) = reference["destination"]["host"].as_str() {
            let mut labels = host.split('.');
            let (name, namespace, svc) = (labels.next(), labels.next(), labels.next());
            return svc.is_some_and(|svc| svc != "svc") || self.is_service(name.unwrap_or_default(), namespace);
        }
        let kind = reference["kind"].as_str().unwrap_or("Service");
        kind != "Service" || self.is_one(&reference["name"], &reference["namespace"])
    }

    fn is_one(&self, name: &Value, namespace: &Value) -> bool {
        name.as_str().is_some_and(|name| self.is_service(name, namespace.as_str()))
    }

    fn is_service(&self, name: &str, namespace: Option<&str>) -> bool {
        let namespace = namespace.unwrap_or_else(|| self.route.namespace());
        let is_it = |o: &&Object| o.kind() == "Service" && o.name() == name && o.namespace() == namespace;
        let is_open = |o: &Object| !o.value["spec"]["selector"].is_object();
        self.objects.iter().find(is_it).is_some_and(is_open) || self.objects.is_service(name, namespace)
    }
}
