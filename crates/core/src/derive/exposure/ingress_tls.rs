//! TLS that annotations of an Ingress mean, where its `spec.tls` says nothing.
//!
//! In: an Ingress. Out: the schemes and ports on which its controller serves every host of it. Each
//! annotation as its controller's own source reads it, which the table below names.

use serde_json::Value;

use super::exposing::Notes;
use crate::model::Ingress;

/// One scheme on which the controller serves a host; no port: what the status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServedScheme {
    pub https: bool,
    pub port: Option<u16>,
}

/// The schemes that annotations state; none if they state nothing. `has_tls`: `spec.tls` covers the host, which
/// is enough for all controllers but one.
pub(super) fn stated_schemes(ingress: &Ingress, has_tls: bool, notes: &mut Notes<'_>) -> Option<Vec<ServedScheme>> {
    let of_alb = alb(ingress, notes);
    if has_tls || of_alb.is_some() {
        return of_alb;
    }
    let stated = STATED.iter().find(|(name, says)| value(ingress, name).is_some_and(|value| says.holds(value)));
    if stated.is_some() || traefik_tls(ingress) {
        return Some(vec![HTTPS]);
    }
    let passed = PASSED.iter().find(|name| value(ingress, name).is_some_and(|value| Says::On.holds(value)));
    if let Some(name) = passed {
        notes.add(format!("annotation {name} passes TLS through, so the pods must end it themselves"));
        return Some(vec![HTTPS]);
    }
    let name = ENTRY_POINTS;
    if value(ingress, name).is_some_and(|value| value.split(',').any(|entry| entry.trim() == WEBSECURE)) {
        notes.add(format!(
            "annotation {name} names entry point {WEBSECURE}: https is assumed, because Traefik's Helm chart gives that one TLS; if yours has none, set spec.publicURL"
        ));
        return Some(vec![HTTPS]);
    }
    let sent = SENT.iter().find(|name| value(ingress, name).is_some_and(|value| Says::On.holds(value)));
    sent.map(|name| {
        notes.add(format!(
            "annotation {name} sends browsers to https, so https is assumed: something in front of the controller, or its own default certificate, ends TLS"
        ));
        vec![HTTPS]
    })
}

/// Traefik's entry point for TLS. Its Helm chart sets `ports.websecure.http.tls.enabled` (traefik/values.yaml).
pub(super) const WEBSECURE: &str = "websecure";

const HTTPS: ServedScheme = ServedScheme { https: true, port: None };

const ENTRY_POINTS: &str = "traefik.ingress.kubernetes.io/router.entrypoints";

/// What the value of an annotation must be.
#[derive(Clone, Copy)]
enum Says {
    Anything,
    On,
    OneOf(&'static [&'static str]),
}

impl Says {
    fn holds(self, value: &str) -> bool {
        match self {
            Self::Anything => !value.is_empty(),
            Self::On => matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "t" | "enabled"),
            Self::OneOf(values) => values.contains(&value),
        }
    }
}

/// Annotations that give an Ingress TLS without `spec.tls`.
const STATED: [(&str, Says); 5] = [
    // GKE: "Ingress routing and security", the ways to provide certificates.
    ("ingress.gcp.kubernetes.io/pre-shared-cert", Says::Anything),
    ("networking.gke.io/managed-certificates", Says::Anything),
    // Azure/application-gateway-kubernetes-ingress, docs/annotations.md.
    ("appgw.ingress.kubernetes.io/appgw-ssl-certificate", Says::Anything),
    // openshift/route-controller-manager, pkg/route/ingress/ingress.go: tlsEnabled.
    ("route.openshift.io/termination", Says::OneOf(&["edge", "reencrypt", "passthrough"])),
    // jcmoraisjr/haproxy-ingress, docs/content/en/docs/configuration/keys.md.
    ("haproxy-ingress.github.io/ssl-always-add-https", Says::On),
];

/// Annotations with which the controller does not end TLS, but passes it on by its server name.
const PASSED: [&str; 4] = [
    "nginx.ingress.kubernetes.io/ssl-passthrough",
    "haproxy.org/ssl-passthrough",
    "haproxy-ingress.github.io/ssl-passthrough",
    "ingress.cilium.io/tls-passthrough",
];

/// Annotations that redirect plain http, also where the Ingress has no TLS of its own.
const SENT: [&str; 4] = [
    // kubernetes/ingress-nginx, docs/user-guide/nginx-configuration/annotations.md: TLS ended outside of the cluster.
    "nginx.ingress.kubernetes.io/force-ssl-redirect",
    // nginx/kubernetes-ingress: by X-Forwarded-Proto of a load balancer.
    "nginx.org/redirect-to-https",
    "haproxy.org/ssl-redirect",
    "appgw.ingress.kubernetes.io/ssl-redirect",
];

fn value<'a>(ingress: &'a Ingress, name: &str) -> Option<&'a str> {
    ingress.annotations.get(name).map(|value| value.trim())
}

/// traefik/traefik, pkg/provider/kubernetes/ingress/annotations.go: `router.tls` is a section, which its own
/// value or one of its fields makes.
fn traefik_tls(ingress: &Ingress) -> bool {
    const SECTION: &str = "traefik.ingress.kubernetes.io/router.tls";
    match value(ingress, SECTION) {
        Some(own) => Says::On.holds(own),
        None => {
            ingress.annotations.keys().any(|name| name.strip_prefix(SECTION).is_some_and(|rest| rest.starts_with('.')))
        }
    }
}

/// kubernetes-sigs/aws-load-balancer-controller, pkg/ingress/model_build_listener.go: `listen-ports` is the
/// list of listeners; without it there is one, on 443 if there is a certificate. `spec.tls` makes none.
fn alb(ingress: &Ingress, notes: &mut Notes<'_>) -> Option<Vec<ServedScheme>> {
    const PORTS: &str = "alb.ingress.kubernetes.io/listen-ports";
    const CERTIFICATE: &str = "alb.ingress.kubernetes.io/certificate-arn";
    const REDIRECT: &str = "alb.ingress.kubernetes.io/ssl-redirect";
    let Some(written) = value(ingress, PORTS) else {
        return value(ingress, CERTIFICATE).map(|_| vec![ServedScheme { https: true, port: Some(443) }]);
    };
    let Ok(listeners) = serde_json::from_str::<Vec<serde_json::Map<String, Value>>>(written) else {
        notes.add(format!("annotation {PORTS} cannot be read: {written:?}"));
        return None;
    };
    let scheme = |(protocol, port): (String, Value)| {
        let https = match protocol.as_str() {
            "HTTPS" => true,
            "HTTP" => false,
            _ => return None,
        };
        Some(ServedScheme { https, port: Some(port.as_u64().and_then(|port| u16::try_from(port).ok())?) })
    };
    let mut schemes: Vec<ServedScheme> = listeners.into_iter().flatten().filter_map(scheme).collect();
    // Its listeners of plain http answer with a redirect.
    if value(ingress, REDIRECT).is_some() {
        schemes.retain(|scheme| scheme.https);
    }
    (!schemes.is_empty()).then_some(schemes)
}
