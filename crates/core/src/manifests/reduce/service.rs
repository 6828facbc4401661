//! Services.

use std::collections::BTreeSet;
use std::net::IpAddr;

use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

use super::decode::{decode, meta};
use crate::model::{DecodeError, Kind, Lead, Observed, Service};

impl Observed for Service {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, DecodeError> {
        decode(object).map(|object| Some(service(object)))
    }

    fn leads(&self, to: &mut dyn FnMut(Lead<'_>)) {
        self.each_lead(to);
    }
}

/// The name that external-dns publishes for a Service; several are separated by commas.
const EXTERNAL_DNS: &str = "external-dns.alpha.kubernetes.io/hostname";

fn service(object: core::Service) -> Service {
    let spec = object.spec.unwrap_or_default();
    let named = object.metadata.annotations.iter().flatten().find(|(name, _)| *name == EXTERNAL_DNS);
    let named = named.into_iter().flat_map(|(_, hosts)| hosts.split(','));
    let virtual_ips = virtual_ips(&spec, object.status.as_ref());
    let mut addresses: Vec<String> = named.map(|h| h.trim().to_owned()).filter(|h| !h.is_empty()).collect();
    if addresses.is_empty() {
        let balancer = object.status.and_then(|s| s.load_balancer).and_then(|l| l.ingress).unwrap_or_default();
        addresses.extend(balancer.into_iter().filter_map(|i| i.hostname.filter(|h| !h.is_empty()).or(i.ip)));
    }
    let target = |p: &core::ServicePort| {
        let target = match p.target_port.as_ref()? {
            IntOrString::Int(number) => number.to_string(),
            IntOrString::String(name) => name.clone(),
        };
        Some((p.port, target))
    };
    let port_names = spec.ports.iter().flatten().filter_map(|p| p.name.clone()).collect();
    let targets = spec.ports.iter().flatten().filter_map(target).collect();
    Service {
        targets,
        port_names,
        meta: meta(object.metadata),
        selector: spec.selector.filter(|s| !s.is_empty()).map(|s| s.into_iter().collect()),
        type_: spec.type_.unwrap_or_default(),
        external_name: spec.external_name,
        ports: spec.ports.into_iter().flatten().map(|p| p.port).collect(),
        addresses,
        virtual_ips,
    }
}

/// Traffic from inside the cluster also passes a load balancer whose `ipMode` is `Proxy` (KEP-1860).
fn virtual_ips(spec: &core::ServiceSpec, status: Option<&core::ServiceStatus>) -> BTreeSet<IpAddr> {
    let balancer = status.and_then(|status| status.load_balancer.as_ref()?.ingress.as_ref()).into_iter().flatten();
    let balancer = balancer.filter(|ingress| ingress.ip_mode.as_deref() != Some("Proxy"));
    let of_spec = [&spec.cluster_ips, &spec.external_ips].into_iter().flatten().flatten().chain(&spec.cluster_ip);
    let all = of_spec.chain(balancer.filter_map(|ingress| ingress.ip.as_ref()));
    all.filter_map(|ip| ip.parse().ok()).collect()
}
