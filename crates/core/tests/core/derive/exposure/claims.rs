//! Who else claims a service's host and path, whatever kind of object does. What serves nothing claims nothing.

use direct_upload_core::derive::World;
use direct_upload_core::model::Key;
use proptest::prelude::*;
use proptest::sample::select;
use test_support::manifests::{advice_lines, deployment, glance, ingress, join, read, svc};

/// Kinds that say a host and a path; a TLSRoute says a host only.
const KINDS: [&str; 7] = ["Ingress", "HTTPRoute", "Route", "TLSRoute", "HTTPProxy", "VirtualService", "IngressRoute"];

/// An object `mallory/rival` as in a file, of the kind's usual form; `serves`: it leads to a Service, and nobody refused it.
fn rival(kind: &str, host: &str, path: &str, serves: bool) -> String {
    let (version, spec, status) = match kind {
        "Ingress" => {
            let object = ingress("mallory", "rival", host).replace("path: /,", &format!("path: '{path}',"));
            let elsewhere =
                "name: rival, annotations: {nginx.ingress.kubernetes.io/permanent-redirect: 'https://a.io'}}, spec";
            return if serves { object } else { object.replacen("name: rival}, spec", elsewhere, 1) };
        }
        "HTTPRoute" => {
            let redirect =
                if serves { "" } else { ", filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]" };
            let rule = format!(
                "{{matches: [{{path: {{type: PathPrefix, value: '{path}'}}}}], backendRefs: [{{name: x, port: 80}}]{redirect}}}"
            );
            (
                "gateway.networking.k8s.io/v1",
                format!("parentRefs: [{{name: p}}], hostnames: ['{host}'], rules: [{rule}]"),
                String::new(),
            )
        }
        "TLSRoute" => {
            let refused = "parents: [{controllerName: x.io/c, parentRef: {name: p}, conditions: [{type: Accepted, status: 'False', reason: x, message: ''}]}]";
            let rule = "{backendRefs: [{name: x, port: 443}]}";
            (
                "gateway.networking.k8s.io/v1",
                format!("parentRefs: [{{name: p}}], hostnames: ['{host}'], rules: [{rule}]"),
                if serves { String::new() } else { refused.to_owned() },
            )
        }
        "Route" => {
            let refused = format!(
                "ingress: [{{host: '{host}', routerName: r, conditions: [{{type: Admitted, status: 'False'}}]}}]"
            );
            (
                "route.openshift.io/v1",
                format!("host: '{host}', path: '{path}', tls: {{}}, to: {{name: x}}"),
                if serves { String::new() } else { refused },
            )
        }
        "HTTPProxy" => {
            let rule = format!("{{conditions: [{{prefix: '{path}'}}], services: [{{name: x, port: 80}}]}}");
            let refused = if serves { "" } else { "currentStatus: invalid" };
            (
                "projectcontour.io/v1",
                format!("virtualhost: {{fqdn: '{host}', tls: {{secretName: x}}}}, routes: [{rule}]"),
                refused.to_owned(),
            )
        }
        "VirtualService" => {
            let leads = if serves { "route: [{destination: {host: x}}]" } else { "redirect: {authority: a.io}" };
            (
                "networking.istio.io/v1",
                format!(
                    "hosts: ['{host}'], gateways: [infra/public], http: [{{match: [{{uri: {{prefix: '{path}'}}}}], {leads}}}]"
                ),
                String::new(),
            )
        }
        _ => {
            let service = if serves { "{name: x, port: 80}" } else { "{name: api@internal, kind: TraefikService}" };
            (
                "traefik.io/v1alpha1",
                format!(
                    "tls: {{}}, routes: [{{match: 'Host(`{host}`) && PathPrefix(`{path}`)', services: [{service}]}}]"
                ),
                String::new(),
            )
        }
    };
    format!(
        "{{apiVersion: {version}, kind: {kind}, metadata: {{namespace: mallory, name: rival}}, spec: {{{spec}}}, status: {{{status}}}}}"
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whoever_serves_the_same_host_and_path_is_named(
        kind in select(&KINDS[..]),
        host in select(vec!["glance.example.com", "GLANCE.example.com", "glance.example.org"]),
        [own, path] in [select(vec!["/", "/image"]), select(vec!["/", "/image", "/image/", "/identity"])],
        serves: bool,
    ) {
        let exposing = ingress("openstack", "glance", "glance.example.com").replace("path: /,", &format!("path: {own},"));
        let rival = rival(kind, host, path, serves);
        let yaml = join(&[&glance("{}"), &deployment("openstack", "glance"), &svc("openstack", "glance"), &exposing, &rival]);
        let world = World::of(&read(&yaml).snapshot);
        let told = advice_lines(&world.glances[&Key::new("openstack", "glance")].public.advice).join("\n");
        let place = if kind == "TLSRoute" { "" } else { path.trim_end_matches('/') };
        let same = host.eq_ignore_ascii_case("glance.example.com") && place == own.trim_end_matches('/');
        let claim = format!("glance.example.com{place} is also claimed by {kind} mallory/rival");
        prop_assert_eq!(told.contains(&claim), same && serves, "{}\n{}", rival, told);
        prop_assert_eq!(told.contains("also claimed"), same && serves, "{}\n{}", rival, told);
    }
}
