//! Ingresses.

use k8s_openapi::api::networking::v1 as networking;
use serde_json::Value;

use super::annotations::{owners, proxies};
use super::decode::{decode, meta};
use crate::model::{DecodeError, Ingress, IngressPath, IngressRule, IngressTls, Kind, Lead, Observed};

impl Observed for Ingress {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, DecodeError> {
        decode(object).map(|object| Some(ingress(object)))
    }

    fn leads(&self, to: &mut dyn FnMut(Lead<'_>)) {
        let of_paths = self.rules.iter().flat_map(|rule| &rule.paths).map(|path| &path.service);
        of_paths.chain(&self.default_service).for_each(|service| to(Lead::Service(service)));
    }
}

fn ingress(object: networking::Ingress) -> Ingress {
    let spec = object.spec.unwrap_or_default();
    let reported = object.status.and_then(|s| s.load_balancer).and_then(|l| l.ingress).unwrap_or_default();
    let service = |backend: networking::IngressBackend| backend.service.map(|s| s.name);
    let paths = spec.rules.iter().flatten().filter_map(|rule| rule.http.as_ref()).flat_map(|http| &http.paths);
    let mut backends = paths.map(|path| &path.backend).chain(&spec.default_backend);
    let other_backends = backends.any(|backend| backend.service.is_none());
    let path = |p: networking::HTTPIngressPath| {
        let exact = p.path_type == "Exact";
        let port = p.backend.service.as_ref().and_then(|s| s.port.as_ref());
        let port = port.and_then(|own| own.number.map(|number| number.to_string()).or_else(|| own.name.clone()));
        let (service, path) = (service(p.backend)?, p.path.unwrap_or_default());
        Some(IngressPath { service, path, exact, port: port.unwrap_or_default() })
    };
    let rule = |rule: networking::IngressRule| IngressRule {
        host: rule.host.filter(|h| !h.is_empty()),
        paths: rule.http.into_iter().flat_map(|http| http.paths).filter_map(path).collect(),
    };
    // The annotation is older, and some controllers still prefer it.
    let class = object.metadata.annotations.as_ref().and_then(|a| a.get("kubernetes.io/ingress.class").cloned());
    let class = class.or(spec.ingress_class_name);
    let rules: Vec<IngressRule> = spec.rules.into_iter().flatten().map(rule).collect();
    let default_service = spec.default_backend.and_then(service);
    Ingress {
        class,
        annotations: proxies(&object.metadata),
        owners: owners(&object.metadata),
        other_backends,
        meta: meta(object.metadata),
        rules,
        default_service,
        tls: spec.tls.into_iter().flatten().map(|t| IngressTls { hosts: t.hosts.unwrap_or_default() }).collect(),
        addresses: reported.iter().filter_map(|i| i.ip.as_ref()?.parse().ok()).collect(),
        ports: reported.into_iter().flat_map(|i| i.ports.unwrap_or_default()).map(|p| p.port).collect(),
    }
}
