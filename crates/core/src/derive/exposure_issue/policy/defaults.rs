//! What gateways limit although no object says so.
//!
//! Sources: apis/projectcontour/v1 (`TimeoutPolicy.response`: Envoy's 15 s) and internal/timeout (`0s` is the default)
//! of projectcontour/contour; apis/v1alpha1 of nginx/nginx-gateway-fabric (`maxSize`, `timeout`: nginx's own 1 MiB and
//! 60 s; no policy sets proxy_request_buffering, which is on); Google Cloud's load balancers end a request, with
//! its body, after the backend service's timeout, 30 s unless a GCPBackendPolicy sets `timeoutSec`.

use direct_upload_api::Rule;
use serde_json::{Value, json};

use super::attached::Effective;
use super::gateways;
use super::parents::{Parent, parents};
use super::path::{Path, kind_of};
use super::route::{Route, mentions};
use super::{PolicyObject, found};
use crate::derive::exposure_issue::ExposureIssue;
use crate::model::{FieldPath, PolicyKind, RouteKind};

/// Whose gateway serves an HTTPRoute, and whether that is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Implementation {
    Nginx { certain: bool },
    Traefik,
    Google,
    Aws,
    Other,
}

/// By the controller in the route's status, else by the GatewayClass, else by the class's name.
pub(super) fn implementation(objects: &[PolicyObject<'_>], route: &PolicyObject<'_>) -> Implementation {
    let class = |(parent, _): (Parent, &Value)| {
        let key = parent.gateway(objects)?;
        let gateway = objects.iter().find(|own| own.kind == PolicyKind::Gateway && own.key == key)?;
        gateway.spec["gatewayClassName"].as_str()
    };
    let classes: Vec<&str> = parents(route).filter_map(class).collect();
    let controller = |class: &&str| {
        let own = objects.iter().find(|own| own.kind == PolicyKind::GatewayClass && own.key.name == *class)?;
        own.spec["controllerName"].as_str()
    };
    let controllers: Vec<&str> =
        route.controllers.iter().copied().chain(classes.iter().filter_map(controller)).collect();
    let is = |name: &str| controllers.iter().any(|own| own.starts_with(name));
    let is_called = |word: &str| controllers.is_empty() && classes.iter().any(|class| class.contains(word));
    match () {
        () if is("gateway.nginx.org/") => Implementation::Nginx { certain: true },
        () if is_called("nginx") => Implementation::Nginx { certain: false },
        () if is("traefik.io/") || is_called("traefik") => Implementation::Traefik,
        () if is("gateway.k8s.aws/alb") || is_called("aws-alb") => Implementation::Aws,
        () if is("networking.gke.io/") || is_called("gke-l7") => Implementation::Google,
        () => Implementation::Other,
    }
}

/// What gateways' own defaults do to uploads.
pub(super) fn issues(
    objects: &[PolicyObject<'_>],
    through: &Path<'_>,
    policies: &[Effective<'_>],
) -> Vec<ExposureIssue> {
    let mut all = Vec::new();
    for route in through.routes.iter().filter(|route| !through.passes_by(route)) {
        match route.kind {
            RouteKind::HTTPProxy => all.extend(of_contour(route, through)),
            RouteKind::HTTPRoute => match implementation(objects, route) {
                Implementation::Nginx { certain } => all.extend(of_nginx(objects, *route, certain, through, policies)),
                Implementation::Google => all.extend(gateways::google(objects, route, through)),
                Implementation::Aws => all.extend(gateways::aws(objects, route)),
                Implementation::Traefik | Implementation::Other => {}
            },
            RouteKind::Ingress | RouteKind::VirtualService | RouteKind::IngressRoute => {}
        }
    }
    all
}

fn of_contour(proxy: &PolicyObject<'_>, through: &Path<'_>) -> Vec<ExposureIssue> {
    let silent = |(_, rule): &(usize, &Value)| rule["timeoutPolicy"]["response"].as_str().is_none_or(str::is_empty);
    let leads = |(_, rule): &(usize, &Value)| mentions(&rule["services"], &through.services);
    let of_rule = |(at, _): (usize, &Value)| {
        let what = "is missing, so Glance must answer within Contour's default of 15s after the image's last byte, but storing the image may take longer";
        let path = FieldPath::new(&["spec", "routes"]).item(at).field("timeoutPolicy").field("response");
        let issue = found(proxy, Rule::TooSlow, false, path, what, "set infinity, which is no limit, or 1h");
        ExposureIssue { written: false, ..issue }
    };
    through.met(proxy).into_iter().filter(leads).filter(silent).map(of_rule).collect()
}

fn of_nginx(
    objects: &[PolicyObject<'_>],
    route: Route<'_>,
    certain: bool,
    through: &Path<'_>,
    policies: &[Effective<'_>],
) -> Vec<ExposureIssue> {
    let is_its = |own: &&Effective<'_>| {
        own.policy.kind == PolicyKind::ClientSettingsPolicy && own.routes.iter().any(|other| other.is(route.object))
    };
    let policy = policies.iter().find(is_its);
    // Snippets may write any directive.
    let rules = through.met(&route);
    let extended = rules.iter().any(|(_, rule)| {
        rule["filters"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|filter| kind_of(&filter["extensionRef"]) == PolicyKind::SnippetsFilter)
    });
    let snippets = extended || objects.iter().any(|own| own.kind == PolicyKind::SnippetsPolicy);
    let mut all = Vec::new();
    if policy.is_none_or(|own| own.spec()["body"]["maxSize"].is_null()) {
        let what = if snippets {
            "no ClientSettingsPolicy sets body.maxSize, so nginx refuses images above 1 MiB with 413, unless its snippets say otherwise"
        } else {
            "no ClientSettingsPolicy sets body.maxSize, so nginx refuses images above 1 MiB with 413"
        };
        let fix = "set body.maxSize to \"0\" for it";
        let mut own = found(&route, Rule::BodyLimit, certain && !snippets, FieldPath::new(&["spec"]), what, fix);
        own.manifest = Some(settings(&route, policy).to_string());
        all.push(own);
    }
    if !snippets {
        let what = "NGINX Gateway Fabric stores each image on the gateway's disk before Glance gets the first byte";
        let fix = "set proxy_request_buffering off, which needs a SnippetsFilter";
        all.push(found(&route, Rule::TooSlow, false, FieldPath::new(&["spec"]), what, fix));
    }
    all
}

/// The policy of the route, without a limit of the body's size.
fn settings(route: &PolicyObject<'_>, policy: Option<&Effective<'_>>) -> Value {
    let own = policy.map(|own| own.policy).filter(|own| {
        let of_route = kind_of(&own.spec["targetRef"]) == PolicyKind::HTTPRoute;
        of_route && own.key.namespace == route.key.namespace
    });
    let target = json!({"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": route.key.name});
    let mut spec = own.map_or_else(|| json!({"targetRef": target}), |own| own.spec.clone().into_owned());
    spec["body"]["maxSize"] = "0".into();
    let name = own.map_or_else(|| format!("{}-uploads", route.key.name), |own| own.key.name.clone());
    let metadata = json!({"name": name, "namespace": route.key.namespace});
    json!({"apiVersion": "gateway.nginx.org/v1alpha1", "kind": "ClientSettingsPolicy", "metadata": metadata, "spec": spec})
}
