//! Annotations of Ingresses, by controller. The class of an Ingress, or its annotations, show which
//! controller serves it.

use std::collections::BTreeSet;

use direct_upload_api::web::Origin;
use direct_upload_api::{ExposureKind, Rule};

use crate::derive::exposure_issue::tolerance::{LARGE, PATIENT, SMALL};
use crate::derive::exposure_issue::{Annotations, ExposureIssue, lacks, quantity};
use crate::model::{FieldPath, Id, Ingress};

const NGINX: &str = "nginx.ingress.kubernetes.io";

const NGINX_INC: &str = "nginx.org";

/// jcmoraisjr's controller, and HAProxy's own.
const HAPROXY: [&str; 2] = ["haproxy-ingress.github.io", "haproxy.org"];

/// AWS Load Balancer Controller.
const ALB: &str = "alb.ingress.kubernetes.io/";

/// Azure's Application Gateway Ingress Controller.
const AZURE: &str = "appgw.ingress.kubernetes.io/";

/// Annotations that make a controller ask for a login, and values with which they do not: NGINX Ingress Controller,
/// jcmoraisjr/haproxy-ingress (configuration keys), haproxytech/kubernetes-ingress (documentation/doc.yaml), AWS Load
/// Balancer Controller (annotations).
const LOGINS: [(&str, &str); 6] = [
    ("nginx.org/basic-auth-secret", ""),
    ("nginx.com/jwt-key", ""),
    ("haproxy-ingress.github.io/auth-url", ""),
    ("haproxy-ingress.github.io/auth-secret", ""),
    ("haproxy.org/auth-type", ""),
    ("alb.ingress.kubernetes.io/auth-type", "none"),
];

const CERTIFICATE: &str = "it requires a client certificate, but a browser's preflight never has one";

const TOKEN: &str = "remove it: Glance checks the token itself";

/// Of Traefik's annotations.
pub const TRAEFIK: &str = "traefik.ingress.kubernetes.io";

pub fn issues(ingress: &Ingress, origins: &BTreeSet<&Origin>) -> Vec<ExposureIssue> {
    let annotations = Annotations {
        object: Id { kind: ExposureKind::Ingress.to_string(), key: ingress.meta.key.clone() },
        all: &ingress.annotations,
    };
    let class = |name: &str| ingress.class.as_deref().is_some_and(|class| class.contains(name));
    let mut found = Vec::new();
    if annotations.any("nginx.org/") || class(NGINX_INC) {
        found.extend(nginx_inc(&annotations));
    } else if annotations.any("nginx.ingress.kubernetes.io/") || class("nginx") {
        found.extend(nginx(&annotations, origins));
    }
    for prefix in HAPROXY {
        found.extend(cors(&annotations, prefix, "cors-enable", origins));
        found.extend(annotations.body(&format!("{prefix}/proxy-body-size"), None));
    }
    if annotations.any(TRAEFIK) || class("traefik") {
        found.extend(traefik(&annotations));
    }
    let own = HAPROXY.into_iter().find(|prefix| annotations.any(&format!("{prefix}/")));
    if own.is_some() || class("haproxy") {
        found.extend(haproxy(&annotations, own));
    }
    found.extend(contour(&annotations, class("contour")));
    if annotations.any(ALB) || class("alb") {
        found.extend(alb(&annotations));
    }
    if annotations.any(AZURE) || class("azure") {
        found.extend(azure(&annotations));
    }
    found.extend(cilium(&annotations));
    found.extend(demands(&annotations));
    if class("gce") {
        found.push(google(&annotations));
    }
    found
}

/// The community's ingress-nginx.
fn nginx(annotations: &Annotations<'_>, origins: &BTreeSet<&Origin>) -> Vec<ExposureIssue> {
    let name = |short: &str| format!("{NGINX}/{short}");
    let mut found: Vec<ExposureIssue> = annotations.body(&name("proxy-body-size"), Some("1m")).into_iter().collect();
    if !annotations.get(&name("proxy-request-buffering")).is_some_and(|v| v.eq_ignore_ascii_case("off")) {
        let what = "the controller stores each image on its own disk before Glance gets the first byte".to_owned();
        found.push(annotations.mendable(Rule::TooSlow, false, &name("proxy-request-buffering"), what, "off"));
    }
    for timeout in ["proxy-read-timeout", "proxy-send-timeout"] {
        found.extend(annotations.silence(&name(timeout), "60", "3600"));
    }
    found.extend(cors(annotations, NGINX, "enable-cors", origins));
    for snippet in ["configuration-snippet", "server-snippet"] {
        let text = annotations.get(&name(snippet)).unwrap_or_default().to_ascii_lowercase();
        if text.contains("access-control-allow") {
            let what = "it adds CORS headers to Glance's own; browsers accept only one Access-Control-Allow-Origin";
            found.push(annotations.issue(Rule::CorsOnTheWay, true, &name(snippet), what.into(), "remove those lines"));
        }
    }
    // Fetch standard: a preflight has no credentials, and so no client certificate. nginx demands one by default.
    let optional =
        matches!(annotations.get(&name("auth-tls-verify-client")), Some("off" | "optional" | "optional_no_ca"));
    if annotations.get(&name("auth-tls-secret")).is_some() && !optional {
        let what = "it requires a client certificate, but a browser's preflight never has one".to_owned();
        let fix = "remove it: Glance checks the token itself";
        found.push(annotations.issue(Rule::OptionsFiltered, true, &name("auth-tls-secret"), what, fix));
    }
    found.extend(mod_security(annotations));
    for login in ["auth-url", "auth-type"] {
        if annotations.get(&name(login)).is_some() {
            let what = "it requires a login, but a browser's preflight never has one".to_owned();
            found.push(annotations.issue(
                Rule::OptionsFiltered,
                true,
                &name(login),
                what,
                "remove it: Glance checks the token itself",
            ));
        }
    }
    found
}

/// The web application firewall of ingress-nginx.
fn mod_security(annotations: &Annotations<'_>) -> Vec<ExposureIssue> {
    let name = |short: &str| format!("{NGINX}/{short}");
    let mut found = Vec::new();
    let rules = annotations.get(&name("modsecurity-snippet")).unwrap_or_default().to_ascii_lowercase();
    let lifted =
        ["secrequestbodyaccess off", "secruleengine off", "processpartial"].iter().any(|own| rules.contains(own));
    let limit =
        rules.split("secrequestbodylimit ").nth(1).and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    let is_large = limit.is_some_and(|limit: u64| limit >= LARGE);
    if annotations.is_true(&name("enable-modsecurity")) && !lifted && !is_large {
        let what = limit.map_or_else(
            || "ModSecurity refuses bodies above its SecRequestBodyLimit where it enforces its rules".to_owned(),
            |limit| format!("ModSecurity refuses bodies above {limit} bytes, its SecRequestBodyLimit, where it enforces its rules"),
        );
        let fails = rules.contains("secruleengine on") && limit.is_some_and(|limit| limit < SMALL);
        let fix = "nginx.ingress.kubernetes.io/modsecurity-snippet: SecRequestBodyAccess Off";
        found.push(annotations.issue(Rule::BodyLimit, fails, &name("enable-modsecurity"), what, fix));
    }
    // The Core Rule Set's own list is GET HEAD POST OPTIONS (crs-setup.conf.example, rule 900200).
    let enforces =
        rules.contains("secruleengine on") && !(rules.contains("tx.allowed_methods=") && rules.contains(" put"));
    if annotations.is_true(&name("enable-owasp-core-rules")) && enforces {
        let what = "OWASP's rules refuse PUT unless tx.allowed_methods has it".to_owned();
        let fix = "remove it, or add PUT to tx.allowed_methods in the modsecurity-snippet";
        found.push(annotations.issue(Rule::OptionsFiltered, true, &name("enable-owasp-core-rules"), what, fix));
    }
    found
}

/// F5's controller.
fn nginx_inc(annotations: &Annotations<'_>) -> Vec<ExposureIssue> {
    let name = |short: &str| format!("{NGINX_INC}/{short}");
    let mut found: Vec<ExposureIssue> =
        annotations.body(&name("client-max-body-size"), Some("1m")).into_iter().collect();
    for timeout in ["proxy-read-timeout", "proxy-send-timeout"] {
        found.extend(annotations.silence(&name(timeout), "60s", "3600s"));
    }
    found
}

/// A controller that answers preflights itself, and replaces Glance's answer.
fn cors(
    annotations: &Annotations<'_>,
    prefix: &str,
    switch: &str,
    origins: &BTreeSet<&Origin>,
) -> Option<ExposureIssue> {
    let name = format!("{prefix}/{switch}");
    if !annotations.is_true(&name) {
        return None;
    }
    let list = |short: &str| annotations.get(&format!("{prefix}/{short}")).unwrap_or_default();
    // The controllers' own lists have Content-Type, and neither of Horizon's two.
    let headers = match list("cors-allow-headers") {
        "" => "Content-Type",
        written => written,
    };
    let named = match list("cors-allow-origin") {
        "" => "*",
        written => written,
    };
    let (named, headers): (Vec<_>, Vec<_>) = (named.split(',').collect(), headers.split(',').collect());
    let lacks = lacks(&named, &headers, origins);
    let found = if lacks.is_empty() {
        "the controller answers preflights instead of Glance, and must be updated for every dashboard".to_owned()
    } else {
        format!("the controller answers preflights instead of Glance, without {}", lacks.join(", "))
    };
    let fix = "remove it: Glance's own [cors] answers the browser";
    let issue = annotations.issue(Rule::CorsOnTheWay, !lacks.is_empty(), &name, found, fix);
    Some(ExposureIssue { lacks, ..issue })
}

/// What middlewares and entry points may do, which other objects say: [`policy`](super::policy) reads it where it can.
fn traefik(annotations: &Annotations<'_>) -> Vec<ExposureIssue> {
    let name = format!("{TRAEFIK}/router.middlewares");
    let middlewares = annotations.get(&name).map(|middlewares| {
        let found = format!("{middlewares:?}: a Headers middleware with accessControl… answers preflights instead of Glance, a Buffering or a ForwardAuth middleware stops uploads");
        annotations.issue(Rule::CorsOnTheWay, false, &name, found, "check that none of them does this")
    });
    let found = "Traefik ends each request whose body takes longer than the entry point's respondingTimeouts.readTimeout, 60 s unless it is set".to_owned();
    let entry = annotations.issue(
        Rule::TooSlow,
        false,
        &format!("{TRAEFIK}/router.entrypoints"),
        found,
        "set the entry point's respondingTimeouts.readTimeout to 0",
    );
    middlewares.into_iter().chain([entry]).collect()
}

/// Without `timeout-server` both controllers wait 50 s (haproxytech/kubernetes-ingress, documentation/doc.yaml;
/// jcmoraisjr/haproxy-ingress, configuration keys).
fn haproxy(annotations: &Annotations<'_>, prefix: Option<&str>) -> Option<ExposureIssue> {
    let [first, second] = HAPROXY;
    let name = format!("{}/timeout-server", prefix.unwrap_or(second));
    let mut found = annotations.silence(&name, "50s", "1h")?;
    found.remedy = None;
    if prefix.is_none() {
        found.fix = format!("{} (of another HAProxy controller: {first}/timeout-server)", found.fix);
    }
    Some(found)
}

/// Without the annotation, and with `0s`, Envoy's own 15 s apply (projectcontour/contour, internal/timeout).
fn contour(annotations: &Annotations<'_>, is_its: bool) -> Option<ExposureIssue> {
    let name = "projectcontour.io/response-timeout";
    let Some(time) = annotations.get(name) else {
        let what = "is missing, so Glance must answer within Contour's default of 15s after the image's last byte";
        return is_its
            .then(|| annotations.issue(Rule::TooSlow, false, name, what.to_owned(), "set \"infinity\", or \"1h\""));
    };
    let waits = quantity::milliseconds(time, 1000);
    let short = waits.is_some_and(|waits| waits < PATIENT);
    let found = format!("{time:?}: Glance must answer within this time after the image's last byte");
    let found = if waits == Some(0) { format!("{found} (Contour's default, 15s)") } else { found };
    short.then(|| annotations.mendable(Rule::TooSlow, false, name, found, "infinity"))
}

/// Logins and client certificates of controllers other than ingress-nginx; and an answer's header of HAProxy's.
fn demands(annotations: &Annotations<'_>) -> Vec<ExposureIssue> {
    let refused = |name: &str, what: &str| annotations.issue(Rule::OptionsFiltered, true, name, what.to_owned(), TOKEN);
    let is_set =
        |(name, off): &&(&str, &str)| annotations.get(name).is_some_and(|value| value != *off && !value.is_empty());
    let passes = annotations.get(&format!("{ALB}auth-on-unauthenticated-request")) == Some("allow");
    let logins = LOGINS.iter().filter(is_set).filter(|(name, _)| !(passes && name.starts_with(ALB)));
    let mut found: Vec<ExposureIssue> =
        logins.map(|(name, _)| refused(name, "it requires a login, but a browser's preflight never has one")).collect();
    let [first, second] = HAPROXY;
    let secret = format!("{first}/auth-tls-secret");
    let verifies = annotations.get(&format!("{first}/auth-tls-verify-client"));
    if annotations.get(&secret).is_some() && !matches!(verifies, Some("off" | "optional" | "optional_no_ca")) {
        found.push(refused(&secret, CERTIFICATE));
    }
    let mutual = format!("{ALB}mutual-authentication");
    if annotations.get(&mutual).is_some_and(|text| text.replace([' ', '"'], "").contains("mode:verify")) {
        found.push(refused(&mutual, CERTIFICATE));
    }
    let header = format!("{second}/response-set-header");
    let text = annotations.get(&header).unwrap_or_default().to_ascii_lowercase();
    if text.contains("access-control-allow-origin") {
        let what = "it replaces Glance's Access-Control-Allow-Origin with one value for every dashboard".to_owned();
        found.push(annotations.issue(Rule::CorsOnTheWay, true, &header, what, "remove that line"));
    }
    found
}

/// How long the gateway waits for an answer: 30 s by default (Application Gateway Ingress Controller, annotations).
fn azure(annotations: &Annotations<'_>) -> Option<ExposureIssue> {
    let issue = annotations.silence(&format!("{AZURE}request-timeout"), "30", "3600")?;
    Some(ExposureIssue { remedy: None, ..issue })
}

/// Envoy's route timeout (cilium, `ingress.cilium.io/request-timeout`); none unless it is set.
fn cilium(annotations: &Annotations<'_>) -> Option<ExposureIssue> {
    let name = "ingress.cilium.io/request-timeout";
    let time = annotations.get(name)?;
    let what = format!("{time:?}: Glance must answer within this time after the image's last byte");
    let short = quantity::milliseconds(time, 1000).is_some_and(|time| time > 0 && time < PATIENT);
    short.then(|| annotations.issue(Rule::TooSlow, false, name, what, "set 1h"))
}

/// The load balancer closes a connection that is idle for 60 s, unless an attribute says another time (AWS, load balancer
/// attributes).
fn alb(annotations: &Annotations<'_>) -> Option<ExposureIssue> {
    let name = format!("{ALB}load-balancer-attributes");
    let attributes = annotations.get(&name).unwrap_or_default().split(',');
    let mut times = attributes.filter_map(|own| own.trim().strip_prefix("idle_timeout.timeout_seconds="));
    let time = times.next().unwrap_or("60");
    let what = format!(
        "idle_timeout.timeout_seconds is {time}: a silence of this length cuts the upload, for example while Glance stores the last part"
    );
    let fix = "add idle_timeout.timeout_seconds=3600";
    let short = quantity::milliseconds(time, 1000).is_some_and(|time| time < PATIENT);
    short.then(|| annotations.issue(Rule::TooSlow, false, &name, what, fix))
}

/// Google's load balancer ends a request, with its body, after the backend service's timeout.
fn google(annotations: &Annotations<'_>) -> ExposureIssue {
    let what = "Google's load balancer cuts an upload that takes longer than the backend service's timeout, 30 s unless a BackendConfig sets timeoutSec".to_owned();
    let fix = "set timeoutSec of a BackendConfig for Glance's Service, for example to 86400";
    let issue = annotations.issue(Rule::TooSlow, false, "", what, fix);
    ExposureIssue { field: FieldPath::new(&["spec", "ingressClassName"]), written: true, ..issue }
}
