//! OpenStackAPI: the other services' `[cors]`, through `render` and through the real filter.

use std::fs;

use direct_upload_api::Reason;
use direct_upload_core::derive::World;
use direct_upload_core::manifests;
use direct_upload_core::model::{Key, ResourceKind};
use direct_upload_core::simulate::{Simulation, manifests as printed, rendered_files};
use rstest::rstest;
use serde_json::Value;
use test_support::manifests::{
    advice_lines, deployment, end, exposed, fed_back, glance, horizon, join, origins_in, read, render, resource,
    sample, service,
};

use crate::workload::rehearsal::rehearse_cors;

const DEFAULTS: &str = "{layout: Debian, cors: {allowedOrigins: ['https://portal.example.com']}}";

fn api(service: &str, spec: &str) -> String {
    let spec = spec.replacen('{', &format!("{{service: {service}, "), 1);
    resource("cors", "OpenStackAPI", "openstack", &service.to_lowercase(), &spec)
}

/// The API's only file.
fn file(outcome: &Simulation) -> String {
    let files = rendered_files(outcome);
    let [(resource, name, text)] = files.as_slice() else { panic!("{files:#?}") };
    assert_eq!((resource.kind, *name), (ResourceKind::OpenStackApi, "zz-direct-upload.conf"));
    (*text).to_owned()
}

/// Where a Deployment mounts it.
fn mounted(outcome: &Simulation, deployment: &str) -> String {
    let all = printed(outcome);
    let found = all.iter().find(|o| o["kind"] == "Deployment" && o["metadata"]["name"] == deployment).unwrap();
    let mount = &found["spec"]["template"]["spec"]["containers"][0]["volumeMounts"][0];
    mount["mountPath"].as_str().unwrap_or_default().to_owned()
}

/// Origins in the end, each with those who ask for it.
fn accepted(outcome: &Simulation) -> Vec<String> {
    origins_in(&file(outcome)).into_iter().map(|origin| origin.to_string()).collect()
}

fn advice(outcome: &Simulation, resource: &str) -> String {
    let end = outcome.ends.iter().find(|end| end.resource.to_string() == resource).unwrap();
    advice_lines(&end.advice).join("\n")
}

/// Each service at its place; and the filter of oslo.middleware, which finds the file by itself, lets
/// the service's own headers through.
#[rstest]
#[case("Keystone", "keystone-api", "Debian", "/etc/keystone/keystone.conf.d", "X-Subject-Token")]
#[case("Keystone", "keystone-api", "OpenStackHelm", "/etc/keystone/mod_wsgi.conf.d", "X-Subject-Token")]
#[case("Nova", "nova-api-osapi", "OpenStackHelm", "/etc/nova/uwsgi.conf.d", "X-OpenStack-Nova-API-Version")]
#[case("Neutron", "neutron-server", "Kolla", "/etc/neutron/neutron.conf.d", "X-Roles")]
#[case("Cinder", "cinder-api", "Debian", "/etc/cinder/cinder.conf.d", "OpenStack-API-Version")]
#[case("Placement", "placement-api", "RedHat", "/etc/placement/placement.conf.d", "OpenStack-API-Version")]
#[case("Ironic", "ironic-api", "Debian", "/etc/ironic/ironic.conf.d", "X-OpenStack-Ironic-API-Version")]
#[case("Heat", "heat-api", "Debian", "/etc/heat/heat.conf.d", "X-Tenant-Id")]
#[case("Designate", "designate-api", "Debian", "/etc/designate/designate.conf.d", "X-Auth-All-Projects")]
#[case("Octavia", "octavia-api", "OpenStackHelm", "/etc/octavia/uwsgi.conf.d", "X-Openstack-Request-Id")]
#[case("Barbican", "barbican-api", "Debian", "/etc/barbican/barbican.conf.d", "X-Project-Id")]
#[case("Manila", "manila-api", "Kolla", "/etc/manila/manila.conf.d", "X-Openstack-Manila-Api-Version")]
fn each_service_finds_its_file_and_lets_its_own_headers_through(
    #[case] service: &str,
    #[case] workload: &str,
    #[case] layout: &str,
    #[case] folder: &str,
    #[case] header: &str,
) {
    let yaml = join(&[&api(service, &DEFAULTS.replace("Debian", layout)), &deployment("openstack", workload)]);
    let outcome = render(&yaml);
    assert_eq!(end(&outcome, &format!("OpenStackAPI openstack/{}", service.to_lowercase())).1, Reason::RolledOut);
    assert_eq!(mounted(&outcome, workload), format!("{folder}/zz-direct-upload.conf"));
    let text = file(&outcome);
    assert!(text.contains("\nallowed_origin = https://portal.example.com\n"), "{text}");
    let line = text.lines().find(|line| line.starts_with("allow_headers")).unwrap();
    assert!(line.split([',', ' ']).any(|h| h == header) && line.contains("X-Auth-Token"), "{line}");

    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(format!(".{}", folder.strip_prefix("/etc/").unwrap()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("zz-direct-upload.conf");
    fs::write(&path, text).unwrap();
    let (exit, answer) = rehearse_cors(home.path(), &path);
    assert_eq!((exit, &answer["problem"]), (0, &Value::Null), "{answer}");
    fs::write(folder.join("zzz.conf"), "[cors]\nallowed_origin = https://other.example.com\n").unwrap();
    let (exit, answer) = rehearse_cors(home.path(), &path);
    assert_eq!((exit, answer["problem"]["code"].as_str()), (1, Some("Overridden")), "{answer}");
}

/// A workload as openstack-helm makes it: read-only volumes over these folders.
fn covered(name: &str, folders: &[&str]) -> String {
    let mounts: Vec<_> = folders.iter().map(|path| format!("{{name: etc, mountPath: {path}}}")).collect();
    deployment("openstack", name).replace(
        &format!("{{containers: [{{name: {name}, image: x}}]}}"),
        &format!(
            "{{volumes: [{{name: etc, projected: {{sources: []}}}}], containers: [{{name: {name}, image: x, volumeMounts: [{}]}}]}}",
            mounts.join(", ")
        ),
    )
}

/// Without a layout, the folder is one in which a file can be mounted. A stated layout stays what it is.
#[rstest]
#[case::free("{}", &[], Ok("/etc/keystone/keystone.conf.d"))]
#[case::openstack_helm("{}", &["/etc/keystone/keystone.conf.d"], Ok("/etc/keystone/mod_wsgi.conf.d"))]
#[case::stated("{layout: Debian}", &["/etc/keystone/keystone.conf.d"], Err(Reason::PathReadOnly))]
#[case::neither("{}", &["/etc/keystone/keystone.conf.d", "/etc/keystone/mod_wsgi.conf.d"], Err(Reason::PathReadOnly))]
fn without_a_layout_the_folder_takes_a_file(
    #[case] spec: &str,
    #[case] folders: &[&str],
    #[case] expected: Result<&str, Reason>,
) {
    let spec = spec.replacen('}', ", cors: {allowedOrigins: ['https://portal.example.com']}}", 1).replace("{,", "{");
    let outcome = render(&join(&[&api("Keystone", &spec), &covered("keystone-api", folders)]));
    match expected {
        Ok(folder) => assert!(mounts(&outcome, "keystone-api").contains(&format!("{folder}/zz-direct-upload.conf"))),
        Err(reason) => assert_eq!(end(&outcome, "OpenStackAPI openstack/keystone").1, reason),
    }
}

/// What is mounted stays, although the owner has freed the other folder since.
#[test]
fn a_mounted_file_stays_in_its_folder() {
    let spec = "{cors: {allowedOrigins: ['https://portal.example.com']}}";
    let resource = api("Keystone", spec);
    let yaml = join(&[&resource, &covered("keystone-api", &["/etc/keystone/keystone.conf.d"])]);
    let before = fed_back(&yaml, &render(&yaml));
    let freed = before.replace("/etc/keystone/keystone.conf.d", "/etc/keystone/elsewhere");
    assert_ne!(before, freed);
    let outcome = render(&freed);
    assert!(
        mounts(&outcome, "keystone-api").contains(&"/etc/keystone/mod_wsgi.conf.d/zz-direct-upload.conf".to_owned())
    );
}

fn mounts(outcome: &Simulation, deployment: &str) -> Vec<String> {
    let all = printed(outcome);
    let found = all.iter().find(|o| o["kind"] == "Deployment" && o["metadata"]["name"] == deployment).unwrap();
    let mounts = found["spec"]["template"]["spec"]["containers"][0]["volumeMounts"].as_array().unwrap();
    mounts.iter().filter_map(|mount| Some(mount["mountPath"].as_str()?.to_owned())).collect()
}

/// The service's own file says what it accepts already, so the ConfigMap with it is watched.
#[rstest]
#[case::mounted("etc", true)]
#[case::nothing_of_it("other", false)]
fn the_services_own_file_is_watched(#[case] volume: &str, #[case] watched: bool) {
    let pod = format!(
        "{{volumes: [{{name: {volume}, configMap: {{name: keystone-etc}}}}], containers: [{{name: keystone, image: x, \
         volumeMounts: [{{name: etc, mountPath: /etc/keystone}}]}}]}}"
    );
    let workload = deployment("openstack", "keystone").replace("{containers: [{name: keystone, image: x}]}", &pod);
    let snapshot = read(&join(&[&api("Keystone", DEFAULTS), &workload])).snapshot;
    assert_eq!(World::of(&snapshot).config_maps.contains(&Key::new("openstack", "keystone-etc")), watched);
}

/// From resources, workloads and statements; in all cases https, unless it is stated.
#[test]
fn origins_come_from_resources_workloads_and_statements() {
    let spec = "{cors: {allowedOrigins: ['http://lab.example.com'], horizons: [{name: horizon}], dashboards: [{name: skyline}, {name: plain}]}}";
    let plain =
        service("openstack", "plain", "plain.example.com").replace("tls: [{hosts: ['plain.example.com']}], ", "");
    let yaml = join(&[
        &api("Keystone", spec),
        &deployment("openstack", "keystone"),
        &horizon("{directUpload: {enabled: false}}"),
        &service("openstack", "horizon", "horizon.example.com"),
        &service("openstack", "skyline", "skyline.example.com"),
        &plain,
    ]);
    let outcome = render(&yaml);
    let expected = ["http://lab.example.com", "https://horizon.example.com", "https://skyline.example.com"];
    assert_eq!(accepted(&outcome), expected);
    let said = advice(&outcome, "OpenStackAPI openstack/keystone");
    assert!(said.contains("Deployment openstack/plain: http://plain.example.com is not accepted"), "{said}");
}

/// What is not there gives no origin, and is said.
#[test]
fn what_is_not_there_gives_no_origin_and_is_said() {
    let spec = "{cors: {horizons: [{name: none}], dashboards: [{kind: StatefulSet, name: skyline}]}}";
    let outcome = render(&join(&[&api("Heat", spec), &deployment("openstack", "heat-api")]));
    assert_eq!(end(&outcome, "OpenStackAPI openstack/heat").1, Reason::NoOrigins);
    let said = advice(&outcome, "OpenStackAPI openstack/heat");
    assert!(said.contains("Horizon openstack/none: there is no such resource"), "{said}");
    assert!(said.contains("StatefulSet openstack/skyline: there is no such workload"), "{said}");
}

#[test]
fn the_sample_accepts_the_portal() {
    let portal = service("openstack", "portal", "portal.example.com");
    let apis = [deployment("openstack", "keystone-api"), deployment("openstack", "nova-api-osapi")];
    let outcome = render(&join(&[&sample("openstackapi/portal.yaml"), &portal, &apis[0], &apis[1]]));
    for name in ["keystone", "nova"] {
        assert_eq!(end(&outcome, &format!("OpenStackAPI openstack/{name}")).1, Reason::RolledOut);
    }
    let files = rendered_files(&outcome);
    let said =
        |text: &str| text.contains("= https://portal.example.com\n") && text.contains("allow_credentials = false");
    assert!(files.len() == 2 && files.iter().all(|(_, _, text)| said(text)), "{files:#?}");
}

#[rstest]
#[case::wildcard("{cors: {allowedOrigins: ['*']}}", "spec.cors.allowedOrigins")]
#[case::trove("{service: Trove}", "spec.service")]
#[case::glance("{service: Glance}", "spec.service")]
#[case::no_service("{}", "service")]
fn render_refuses_what_the_api_server_refuses(#[case] spec: &str, #[case] field: &str) {
    let spec = if spec.contains("cors") { spec.replacen('{', "{service: Nova, ", 1) } else { spec.to_owned() };
    let yaml = resource("cors", "OpenStackAPI", "openstack", "nova", &spec);
    let errors = manifests::parse("in.yaml", yaml.as_bytes()).unwrap_err();
    assert!(errors.iter().any(|error| error.to_string().contains(field)), "{errors:#?}");
}

/// A folder that the filter would not look into; those of the program's name it may.
#[rstest]
#[case("/etc/nova/conf.d", false)]
#[case("/etc/glance/glance-api.conf.d", false)]
#[case("/etc/nova/nova-api.conf.d", true)]
#[case("/etc/nova/uwsgi.conf.d", true)]
fn a_folder_that_the_service_does_not_read_is_refused(#[case] folder: &str, #[case] is_read: bool) {
    let spec = format!("{{paths: {{configDir: {folder}}}, cors: {{allowedOrigins: ['https://a.example.com']}}}}");
    let outcome = render(&join(&[&api("Nova", &spec), &deployment("openstack", "nova-api")]));
    let (done, reason, message) = end(&outcome, "OpenStackAPI openstack/nova");
    assert_eq!((done, reason), (is_read, if is_read { Reason::RolledOut } else { Reason::InvalidSpec }), "{message}");
}

/// One workload, one resource, of whatever kind.
#[test]
fn a_workload_that_a_glance_has_is_refused() {
    let nova = api("Nova", "{workloadRef: {name: glance}, cors: {allowedOrigins: ['https://a.example.com']}}");
    let yaml = join(&[
        &glance("{cors: {allowedOrigins: ['https://b.example.com']}}"),
        &nova,
        &deployment("openstack", "glance"),
        &exposed("openstack", "glance", "glance.example.com"),
    ]);
    let outcome = render(&yaml);
    assert_eq!(end(&outcome, "Glance openstack/glance").1, Reason::RolledOut);
    assert_eq!(end(&outcome, "OpenStackAPI openstack/nova").1, Reason::WorkloadClaimed);
}
