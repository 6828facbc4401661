//! Tenants who want their origin in a Glance of somebody else's, asked through files. `mallory` is
//! what such a tenant can write: everything in one namespace.

use std::fmt::Write;

use direct_upload_api::Reason;
use direct_upload_core::derive::World;
use direct_upload_core::derive::grant::Denial;
use direct_upload_core::model::Key;
use direct_upload_core::simulate::Simulation;
use rstest::rstest;
use test_support::manifests::{
    advice_lines, deployment, end, exposed, fed_back, ingress, is_direct, join, origins, read, render, resource,
    sample, service, svc,
};

const ALL: &str = "namespaces: {from: All}";
const REFERENCE: &str = "{directUpload: {glanceRef: {name: glance, namespace: images}}}";

/// A Glance `images/glance` with this consent, and these objects.
fn with(consent: &str, objects: &[&str]) -> Simulation {
    render(&cloud(consent, objects))
}

fn cloud(consent: &str, objects: &[&str]) -> String {
    let spec = format!("{{cors: {{allowedHorizons: {{{consent}}}}}}}");
    let own =
        [service("images", "glance", "glance.example.com"), resource("glance", "Glance", "images", "glance", &spec)];
    let all: Vec<&str> = own.iter().map(String::as_str).chain(objects.iter().copied()).collect();
    join(&all)
}

fn horizon(namespace: &str, name: &str, spec: &str) -> String {
    resource("horizon", "Horizon", namespace, name, spec)
}

/// A dashboard of a tenant with its Horizon resource.
fn dashboard(namespace: &str, host: &str) -> String {
    join(&[&service(namespace, "horizon", host), &horizon(namespace, "horizon", REFERENCE)])
}

/// As the API server labels it.
fn namespace(name: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}, labels: {{kubernetes.io/metadata.name: {name}}}}}}}"
    )
}

fn reason(outcome: &Simulation, resource: &str) -> (Reason, String) {
    let (_, reason, message) = end(outcome, resource);
    (reason, message)
}

/// A ConfigMap as the operator writes it, made by hand, and a workload that mounts it: as if this
/// dashboard had been switched to direct long ago.
#[rstest]
#[case::never_allowed("namespaces: {from: Same}", &[])]
#[case::allowed(ALL, &["https://mallory.example.com"])]
fn a_forged_switch_gains_nothing_without_consent(#[case] consent: &str, #[case] expected: &[&str]) {
    let files = "{apiVersion: v1, kind: ConfigMap, metadata: {namespace: mallory, name: horizon-direct-upload-0123456789, \
        labels: {app.kubernetes.io/managed-by: direct-upload-operator}, \
        annotations: {direct-upload.openstack.org/glance: images/glance}}, \
        data: {zz-direct-upload.py: \"HORIZON_IMAGES_UPLOAD_MODE = 'direct'\"}}";
    let workload = deployment("mallory", "horizon").replace(
        "spec: {containers:",
        "spec: {volumes: [{name: direct-upload, configMap: {name: horizon-direct-upload-0123456789}}], containers:",
    );
    let exposed = exposed("mallory", "horizon", "mallory.example.com");
    let resource = horizon("mallory", "horizon", REFERENCE);
    let outcome = with(consent, &[files, &workload, &exposed, &resource]);
    assert_eq!(origins(&outcome, "images/glance"), expected);
}

/// A Glance waits for its holders, for example before it goes. Without consent, no tenant makes itself one: its
/// pods must upload there, and its namespace must have been granted an origin.
#[rstest]
fn without_consent_only_who_was_granted_and_still_uploads_is_awaited(
    #[values(true, false)] granted: bool,
    #[values(true, false)] uploads: bool,
) {
    let tenant = dashboard("mallory", "mallory.example.com");
    let before = with(ALL, &[&tenant]);
    assert!(is_direct(&before, "mallory/horizon"));
    let objects = read(&fed_back(&cloud("namespaces: {from: Same}", &[&tenant]), &before)).manifests.into_iter();
    let objects: Vec<String> = objects
        .map(|manifest| match manifest.object {
            object if object["kind"] == "Deployment" && object["metadata"]["namespace"] == "mallory" && !uploads => {
                deployment("mallory", "horizon")
            }
            object if granted => object.to_string(),
            object => object.to_string().replace("direct-upload.openstack.org/granted", "example.com/granted"),
        })
        .collect();
    let world = World::of(&read(&join(&objects.iter().map(String::as_str).collect::<Vec<_>>())).snapshot);
    let grants = &world.glances[&Key::new("images", "glance")].public.grants;
    assert!(grants.given.is_empty() && grants.before.contains_key("mallory") == granted, "{grants:?}");
    let is_awaited = grants.holders.contains(&Key::new("mallory", "horizon"));
    assert_eq!((is_awaited, !grants.leaving.is_empty()), (granted && uploads, granted && uploads), "{grants:?}");
}

/// The host name of somebody else's dashboard, on the tenant's own Ingress.
#[test]
fn a_host_that_two_namespaces_claim_is_said() {
    let victim = dashboard("alice", "horizon.example.com");
    let mallory = dashboard("mallory", "horizon.example.com");
    let alone = "namespaces: {from: Selector, selector: {matchLabels: {kubernetes.io/metadata.name: alice}}}";
    let namespace = |name: &str| {
        format!(
            "{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}, labels: {{kubernetes.io/metadata.name: {name}}}}}}}"
        )
    };
    let outcome = with(alone, &[&namespace("alice"), &namespace("mallory"), &victim, &mallory]);
    assert!(is_direct(&outcome, "alice/horizon"));
    assert_eq!(reason(&outcome, "Horizon mallory/horizon").0, Reason::GlanceNotAllowed);
    assert_eq!(origins(&outcome, "images/glance"), ["https://horizon.example.com"]);
    let advice = |outcome: &Simulation, resource: &str| {
        advice_lines(&outcome.ends.iter().find(|end| end.resource.to_string() == resource).unwrap().advice).join("\n")
    };
    let said = advice(&outcome, "Horizon alice/horizon");
    assert!(said.contains("horizon.example.com is also claimed by Ingress mallory/horizon"), "{said}");

    // Both are trusted: that they share a host name is said.
    let outcome = with(ALL, &[&victim, &mallory]);
    let said = advice(&outcome, "Glance images/glance");
    let expected = "https://horizon.example.com is the origin of Horizons of several namespaces: alice, mallory";
    assert!(said.contains(expected), "{said}");
}

/// Other paths of the same host do not compete; nor does a second host of the same Ingress.
#[test]
fn other_paths_of_the_same_host_are_no_rivals() {
    let other = ingress("alice", "docs", "horizon.example.com").replace("path: /,", "path: /docs,");
    let outcome = with(ALL, &[&dashboard("alice", "horizon.example.com"), &other]);
    let advice: Vec<_> =
        outcome.ends.iter().flat_map(|end| &end.advice).filter(|a| a.found.to_string().contains("claimed")).collect();
    assert!(advice.is_empty(), "{advice:?}");
}

/// Services and routes that point into another namespace change no ownership in either direction.
#[rstest]
#[case::external_name(
    "{apiVersion: v1, kind: Service, metadata: {namespace: mallory, name: horizon}, spec: {type: ExternalName, externalName: horizon.alice.svc.cluster.local}}"
)]
#[case::no_selector(
    "{apiVersion: v1, kind: Service, metadata: {namespace: mallory, name: horizon}, spec: {ports: [{port: 80}]}}"
)]
#[case::grant_in_the_wrong_namespace(
    "{apiVersion: gateway.networking.k8s.io/v1, kind: ReferenceGrant, metadata: {namespace: mallory, name: x}, \
     spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: mallory}], to: [{group: '', kind: Service}]}}"
)]
fn pointing_into_another_namespace_gains_nothing(#[case] object: &str) {
    let outcome = with(
        ALL,
        &[
            GATEWAY,
            ROUTE,
            object,
            &ingress("mallory", "horizon", "mallory.example.com"),
            &dashboard("alice", "horizon.example.com"),
        ],
    );
    assert_eq!(origins(&outcome, "images/glance"), ["https://horizon.example.com"]);
}

const GATEWAY: &str = "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {namespace: infra, name: public}, \
    spec: {gatewayClassName: x, listeners: [{name: https, port: 443, protocol: HTTPS, allowedRoutes: {namespaces: {from: All}}}]}}";
const ROUTE: &str = "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {namespace: mallory, name: x}, \
    spec: {parentRefs: [{namespace: infra, name: public}], hostnames: [mallory.example.com], \
    rules: [{backendRefs: [{namespace: alice, name: horizon, port: 80}]}]}}";

/// With a grant where it counts the same route does count: the test above can fail.
#[test]
fn a_reference_grant_in_the_right_namespace_counts() {
    let grant = "{apiVersion: gateway.networking.k8s.io/v1, kind: ReferenceGrant, metadata: {namespace: alice, name: x}, \
        spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: mallory}], to: [{group: '', kind: Service}]}}";
    let outcome = with(ALL, &[GATEWAY, ROUTE, grant, &dashboard("alice", "horizon.example.com")]);
    assert_eq!(origins(&outcome, "images/glance"), ["https://horizon.example.com", "https://mallory.example.com"]);
}

/// An Ingress with so many hosts.
fn many_hosts(namespace: &str, count: usize) -> String {
    let mut rules = String::new();
    for number in 0..count {
        let path = "{path: /, pathType: Prefix, backend: {service: {name: horizon, port: {number: 80}}}}";
        write!(rules, "{{host: {namespace}{number:03}.example.com, http: {{paths: [{path}]}}}}, ").unwrap();
    }
    let ingress = format!(
        "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{namespace: {namespace}, name: horizon}}, spec: {{tls: [{{}}], rules: [{rules}]}}}}"
    );
    join(&[
        &deployment(namespace, "horizon"),
        &svc(namespace, "horizon"),
        &ingress,
        &horizon(namespace, "horizon", REFERENCE),
    ])
}

/// A tenant with too many origins gets a message, and nobody else notices.
#[rstest]
#[case::default("", 16, 17)]
#[case::fewer("maxOriginsPerNamespace: 2", 2, 3)]
#[case::more("maxOriginsPerNamespace: 40", 40, 41)]
fn a_tenant_with_too_many_origins_is_told_and_nobody_else_notices(
    #[case] limit: &str,
    #[case] most: usize,
    #[case] too_many: usize,
) {
    let alice = dashboard("zoe", "horizon.example.com");
    let consent = format!("{ALL}, {limit}");
    let enough = with(&consent, &[&alice, &many_hosts("mallory", most)]);
    assert!(is_direct(&enough, "mallory/horizon"), "{:?}", end(&enough, "Horizon mallory/horizon"));
    assert_eq!(origins(&enough, "images/glance").len(), most + 1);

    let outcome = with(&consent, &[&alice, &many_hosts("mallory", too_many)]);
    let (found, message) = reason(&outcome, "Horizon mallory/horizon");
    assert_eq!(found, Reason::OriginNotAllowed, "{message}");
    assert!(message.contains(&format!("accepts {most} origins of namespace mallory")), "{message}");
    assert!(message.contains("maxOriginsPerNamespace"), "{message}");
    assert!(!is_direct(&outcome, "mallory/horizon"));
    assert!(is_direct(&outcome, "zoe/horizon"));
    assert_eq!(origins(&outcome, "images/glance").len(), most + 1);
}

/// The limit is the namespace's: further resources do not get round it. The Glance's own namespace
/// has none.
#[test]
fn the_limit_is_the_namespaces_and_not_the_resources() {
    let two = |namespace: &str| {
        let second = join(&[
            &service(namespace, "second", &format!("second.{namespace}.example.com")),
            &horizon(namespace, "second", REFERENCE),
        ]);
        join(&[&dashboard(namespace, &format!("first.{namespace}.example.com")), &second])
    };
    let outcome = with(&format!("{ALL}, maxOriginsPerNamespace: 1"), &[&two("mallory"), &two("images")]);
    assert!(is_direct(&outcome, "mallory/horizon"));
    assert_eq!(reason(&outcome, "Horizon mallory/second").0, Reason::OriginNotAllowed);
    assert!(is_direct(&outcome, "images/horizon") && is_direct(&outcome, "images/second"));
}

/// The longest possible names, from as many namespaces as necessary. What does not fit is refused to those
/// who come last, and all others continue.
#[test]
fn a_flood_of_origins_is_refused_to_those_who_come_last() {
    let label = "x".repeat(60);
    let long = format!("{label}.{label}.{label}");
    let mut objects: Vec<_> =
        (0..70).map(|n| many_hosts(&format!("m{n:02}"), 16).replace("example.com", &long)).collect();
    objects.push(dashboard("images", "horizon.example.com"));
    let consent = format!("{{cors: {{allowedHorizons: {{{ALL}}}}}}}");
    objects.push(service("images", "glance", "glance.example.com"));
    objects.push(resource("glance", "Glance", "images", "glance", &consent));
    let all: Vec<_> = objects.iter().map(String::as_str).collect();
    let world = World::of(&read(&join(&all)).snapshot);
    let grants = &world.glances[&Key::new("images", "glance")].public.grants;
    assert!(grants.given.contains_key("images"), "the Glance's own namespace needs no room");
    let refused: Vec<_> = grants.denied.keys().map(|key| key.namespace.as_str()).collect();
    assert!(refused.contains(&"m69") && !refused.contains(&"m00"), "{refused:?}");
    let Denial::NoRoom(why) = &grants.denied[&Key::new("m69", "horizon")] else { panic!("{refused:?}") };
    assert!(why.reason == Reason::OriginNotAllowed && why.message().contains("annotations are full"), "{why:?}");
    let (_, annotation) = grants.annotation(|_| true).unwrap();
    assert!(annotation.len() < 150 << 10, "{} bytes", annotation.len());
}

/// A dashboard over plain http only: accepted only if its spec requests it, and only if the Glance
/// takes that from other namespaces.
#[rstest]
#[case::not_asked("images", "", "", Reason::PlainHttp)]
#[case::public_url("images", "publicURL: 'http://h.example.com', ", "", Reason::Verified)]
#[case::exposed_by("images", "exposedBy: [{kind: Ingress, name: horizon, scheme: HTTP}], ", "", Reason::Verified)]
#[case::exposed_by_https(
    "images",
    "exposedBy: [{kind: Ingress, name: horizon, scheme: HTTPS}], ",
    "",
    Reason::NotExposed
)]
#[case::exposed_by_only("images", "exposedBy: [{kind: Ingress, name: horizon}], ", "", Reason::PlainHttp)]
#[case::elsewhere("mallory", "publicURL: 'http://h.example.com', ", "", Reason::OriginNotAllowed)]
#[case::elsewhere_not_asked("mallory", "", "schemes: [HTTPS, HTTP]", Reason::PlainHttp)]
#[case::elsewhere_agreed("mallory", "publicURL: 'http://h.example.com', ", "schemes: [HTTPS, HTTP]", Reason::Verified)]
fn plain_http_needs_to_be_asked_for_and_agreed_to(
    #[case] namespace: &str,
    #[case] asked: &str,
    #[case] agreed: &str,
    #[case] expected: Reason,
) {
    let plain = ingress(namespace, "horizon", "h.example.com").replace("tls: [{hosts: ['h.example.com']}],", "");
    let spec = format!("{{{asked}directUpload: {{glanceRef: {{name: glance, namespace: images}}}}}}");
    let glance = format!(
        "{{publicURL: 'http://glance.example.com', cors: {{allowedHorizons: {{{ALL}{}{agreed}}}}}}}",
        if agreed.is_empty() { "" } else { ", " }
    );
    let outcome = render(&join(&[
        &deployment("images", "glance"),
        &resource("glance", "Glance", "images", "glance", &glance),
        &deployment(namespace, "horizon"),
        &svc(namespace, "horizon"),
        &plain,
        &horizon(namespace, "horizon", &spec),
    ]));
    let (found, message) = reason(&outcome, &format!("Horizon {namespace}/horizon"));
    assert_eq!(found, expected, "{message}");
    let accepted: &[&str] = if expected == Reason::Verified { &["http://h.example.com"] } else { &[] };
    assert_eq!(origins(&outcome, "images/glance"), accepted);
    if expected == Reason::PlainHttp {
        assert!(message.contains("http://h.example.com (Ingress") && message.contains("spec.publicURL"), "{message}");
    }
}

/// Of a dashboard with both, the plain one is left out and named.
#[test]
fn plain_http_beside_https_is_left_out_and_named() {
    let second = ingress("images", "second", "old.example.com")
        .replace("tls: [{hosts: ['old.example.com']}],", "")
        .replace("service: {name: second", "service: {name: horizon");
    let outcome = with(ALL, &[&dashboard("images", "h.example.com"), &second]);
    assert_eq!(origins(&outcome, "images/glance"), ["https://h.example.com"]);
    let said: Vec<_> = outcome.ends.iter().flat_map(|end| advice_lines(&end.advice)).collect();
    assert!(said.join("\n").contains("Ingress images/second: http://old.example.com is left out"), "{said:?}");
}

/// The sample allows by name.
#[test]
fn the_sample_of_a_shared_glance_allows_by_name() {
    let sample = sample("shared/direct-upload.yaml");
    let team_c = sample.split_once("---").unwrap().1.replace("team-a", "team-c");
    let mut objects = vec![service("images", "glance", "glance.example.com"), sample, team_c];
    for name in ["team-a", "team-c"] {
        objects.extend([namespace(name), service(name, "horizon", &format!("{name}.example.com"))]);
    }
    let outcome = render(&join(&objects.iter().map(String::as_str).collect::<Vec<_>>()));
    assert!(is_direct(&outcome, "team-a/horizon"));
    assert_eq!(reason(&outcome, "Horizon team-c/horizon").0, Reason::GlanceNotAllowed);
    assert_eq!(origins(&outcome, "images/glance"), ["https://team-a.example.com"]);
}

/// An Ingress whose status no longer has its port: the earlier port stays accepted together with the
/// assumed one.
#[test]
fn an_origin_that_was_told_is_not_retired_for_one_that_is_assumed() {
    let with = |ingress: &str| {
        let horizon = join(&[&deployment("images", "horizon"), &svc("images", "horizon"), ingress]);
        let resources =
            [resource("glance", "Glance", "images", "glance", "{}"), self::horizon("images", "horizon", "{}")];
        join(&[&horizon, &service("images", "glance", "glance.example.com"), &resources[0], &resources[1]])
    };
    let assumed = ingress("images", "horizon", "h.example.com");
    let status = ", status: {loadBalancer: {ingress: [{ip: 192.0.2.1, ports: [{port: 8443, protocol: TCP}]}]}}}";
    let told = assumed.strip_suffix('}').unwrap().to_owned() + status;
    let before = render(&with(&told));
    assert_eq!(origins(&before, "images/glance"), ["https://h.example.com:8443"]);
    let after = render(&fed_back(&with(&assumed), &before));
    assert_eq!(origins(&after, "images/glance"), ["https://h.example.com", "https://h.example.com:8443"]);
    let view = &World::of(&read(&with(&assumed)).snapshot).horizons[&Key::new("images", "horizon")];
    assert!(view.dashboard.exposures.as_ref().unwrap().urls[0].port_assumed);
}
