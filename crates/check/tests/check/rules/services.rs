//! Other services: their `[cors]`, their pipelines, and what is in front of them.

use direct_upload_api::{ApiService, CorsFilter};
use direct_upload_core::openstack::OpenStackService;
use rstest::rstest;

use super::found_in;

const ORIGIN: &str = "[cors]\nallowed_origin = https://d.example\n";
const FILTERS: &str = "[filter:cors]\npaste.filter_factory = oslo_middleware.cors:filter_factory\noslo_config_project = nova\n\
    [filter:authtoken]\npaste.filter_factory = keystonemiddleware.auth_token:filter_factory\n";

/// The projects of all services that read `[cors]`.
fn projects() -> impl Iterator<Item = &'static str> {
    let services = ApiService::ALL.iter().map(|service| <&OpenStackService>::from(*service));
    services.filter(|service| service.filter == CorsFilter::OsloMiddleware).map(|service| service.project)
}

/// Each service's own file, with the mistakes that Glance's has, too.
#[rstest]
#[case::good("[cors]\nallowed_origin = https://d.example\n", &[])]
#[case::slash("[cors]\nallowed_origin = https://d.example/\n", &["warning DU001"])]
#[case::any("[cors]\nallowed_origin = *\n", &["warning DU005"])]
#[case::subgroup("[cors.portal]\nallowed_origin = https://d.example\n", &["note DU006"])]
#[case::plural("[cors]\nallowed_origins = https://d.example\n", &["warning DU017"])]
#[case::elsewhere("[DEFAULT]\nallowed_origin = https://d.example\n", &["warning DU017"])]
#[case::another_section("[filter:cors]\nallowed_origin = https://d.example\n", &["warning DU017"])]
#[case::also_there("[cors]\nallowed_origin = https://d.example\nallowed_origins = https://d.example\n", &["note DU017"])]
#[case::no_such_option("[cors]\nallowed_origin = https://d.example\nenabled = true\n", &["note DU017"])]
#[case::header("[cors]\nallowed_origin = https://d.example\nallow_header = X-Auth-Token\n", &["warning DU017"])]
#[case::lower_case("[cors]\nallowed_origin = https://d.example\nallow_methods = get,put\n", &["warning DU004"])]
#[case::each_method("[cors]\nallowed_origin = https://d.example\nallow_methods = *\n", &["warning DU004"])]
#[case::without_get("[cors]\nallowed_origin = https://d.example\nallow_methods = POST\n", &["warning DU004"])]
#[case::reads_only("[cors]\nallowed_origin = https://d.example\nallow_methods = GET\n", &["note DU004"])]
#[case::without_origins("[cors]\nallow_methods = get\nallow_headers = X-Foo\n", &[])]
#[case::max_age("[cors]\nallowed_origin = https://d.example\nmax_age = 600\nallow_credentials = false\n", &[])]
fn cors_of_each_service_is_read(#[case] text: &str, #[case] expected: &[&str]) {
    for service in projects() {
        assert_eq!(found_in(&[(&format!("etc/{service}/{service}.conf"), text)], None), expected, "{service}");
    }
}

/// A value with which a service does not start. Without Keystone nobody logs in, so nobody uploads.
#[rstest]
#[case::no_line("nonsense")]
#[case::no_number("max_age = abc")]
#[case::no_flag("allow_credentials = maybe")]
#[case::comment("max_age = 600 # ten minutes")]
fn values_that_stop_a_service(#[case] line: &str) {
    for service in projects() {
        let text = format!("{ORIGIN}{line}\n");
        let expected = if service == "keystone" { "error DU007" } else { "warning DU007" };
        assert_eq!(found_in(&[(&format!("etc/{service}/{service}.conf"), &text)], None), [expected], "{service}");
    }
}

/// A name after a dollar sign is one of the service's own options, if the filter has the service's own configuration.
#[rstest]
#[case("nova", &["warning DU007"])]
#[case("octavia", &[])]
#[case("placement", &[])]
fn names_after_a_dollar_sign(#[case] service: &str, #[case] expected: &[&str]) {
    let text = "[cors]\nallowed_origin = https://$host\n";
    assert_eq!(found_in(&[(&format!("etc/{service}/{service}.conf"), text)], None), expected);
}

#[rstest]
#[case::without_the_token("keystone", "allow_headers = X-Foo", &["warning DU003"])]
#[case::every("nova", "allow_headers = *", &["warning DU003"])]
#[case::own_default("nova", "max_age = 60", &[])]
#[case::always_allowed("ironic", "allow_headers = X-Foo", &[])]
#[case::with_the_token("nova", "allow_headers = X-Foo,x-auth-token", &[])]
#[case::unknown_default("magnum", "max_age = 60", &[])]
#[case::token_hidden("keystone", "expose_headers = X-Foo", &["warning DU003"])]
#[case::all_exposed("keystone", "expose_headers = *", &[])]
#[case::others_have_none("nova", "expose_headers = X-Foo", &[])]
fn headers_of_others(#[case] service: &str, #[case] line: &str, #[case] expected: &[&str]) {
    let text = format!("{ORIGIN}{line}\n");
    assert_eq!(found_in(&[(&format!("etc/{service}/{service}.conf"), &text)], None), expected);
}

/// The filter's own search: a later file replaces an option, and files elsewhere are not read.
#[rstest]
#[case::another_value("etc/nova/nova.conf.d/50-cors.conf", "https://e.example", &["warning DU007"])]
#[case::the_same("etc/nova/nova.conf.d/50-cors.conf", "https://d.example", &[])]
#[case::program("etc/nova/nova-api.conf.d/50-cors.conf", "https://e.example", &["warning DU007"])]
#[case::not_read("etc/nova/cors.conf", "https://e.example", &["warning DU007"])]
#[case::not_read_but_there("etc/nova/cors.conf", "https://d.example", &["note DU007"])]
#[case::of_another_service("etc/cinder/cinder.conf", "https://e.example", &[])]
fn files_of_one_service(#[case] file: &str, #[case] origin: &str, #[case] expected: &[&str]) {
    let later = format!("[cors]\nallowed_origin = {origin}\n");
    assert_eq!(found_in(&[("etc/nova/nova.conf", ORIGIN), (file, &later)], None), expected);
}

/// Kolla's folders: one service has its file several times.
#[test]
fn the_same_service_in_several_folders() {
    let other = "[cors]\nallowed_origin = https://e.example\n";
    let files = [("etc/kolla/nova-api/nova.conf", ORIGIN), ("etc/kolla/nova-conductor/nova.conf", other)];
    assert!(found_in(&files, None).is_empty());
}

/// What the paste file says about the filter.
#[rstest]
#[case::origins("allowed_origin = https://d.example/\n", &["warning DU001"])]
#[case::another_project("oslo_config_project = glance\n", &["warning DU007"])]
#[case::no_source("", &["warning DU008"])]
fn the_filter_itself(#[case] options: &str, #[case] expected: &[&str]) {
    let paste = format!(
        "[composite:api]\nkeystone = cors authtoken app\n[filter:cors]\npaste.filter_factory = oslo_middleware.cors:filter_factory\n{options}\
         [filter:authtoken]\npaste.filter_factory = keystonemiddleware.auth_token:filter_factory\n"
    );
    let conf = if options.starts_with("allowed") { "[cors]\nmax_age = 60\n" } else { ORIGIN };
    assert_eq!(found_in(&[("etc/nova/nova.conf", conf), ("etc/nova/api-paste.ini", &paste)], None), expected);
}

/// A pipeline with a filter that the file lacks; an excerpt lacks several.
#[rstest]
#[case::lacks("[app:app]\npaste.app_factory = a:b\n", &["warning DU008"])]
#[case::excerpt("", &[])]
fn a_filter_that_is_not_there(#[case] rest: &str, #[case] expected: &[&str]) {
    let paste = format!(
        "[pipeline:api]\npipeline = cors authtoken app\n[filter:authtoken]\npaste.filter_factory = keystonemiddleware.auth_token:filter_factory\n{rest}"
    );
    assert_eq!(found_in(&[("etc/nova/nova.conf", ORIGIN), ("etc/nova/api-paste.ini", &paste)], None), expected);
}

#[rstest]
#[case::good("[composite:api]\nuse = call:nova.api.auth:pipeline_factory_v21\nkeystone = cors authtoken app\n", &[])]
#[case::without("[composite:api]\nuse = call:nova.api.auth:pipeline_factory_v21\nkeystone = authtoken app\n", &["warning DU008"])]
#[case::behind_the_token("[composite:api]\nkeystone = authtoken cors app\n", &["warning DU020"])]
#[case::pipeline("[pipeline:api]\npipeline = authtoken app\n", &["warning DU008"])]
#[case::nobodys("[composite:main]\nuse = egg:Paste#urlmap\n/v1: api\n[pipeline:api]\npipeline = cors authtoken app\n[pipeline:audit]\npipeline = authtoken app\n", &[])]
#[case::mains("[composite:main]\nuse = egg:Paste#urlmap\n/v1: audit\n[pipeline:api]\npipeline = cors authtoken app\n[pipeline:audit]\npipeline = authtoken app\n", &["warning DU008"])]
#[case::no_login("[pipeline:api]\npipeline = faultwrap app\n", &[])]
#[case::paths("[composite:osapi]\nuse = call:nova.api.openstack.urlmap:urlmap_factory\n/: versions\n/v2.1: api\n", &[])]
#[case::refused("[pipeline:api]\npipeline = cors authtoken app\npipeline = app\n", &["warning DU007"])]
fn pipelines_of_others(#[case] paste: &str, #[case] expected: &[&str]) {
    let paste = format!("{FILTERS}{paste}");
    let files = [("etc/nova/nova.conf", ORIGIN), ("etc/nova/api-paste.ini", paste.as_str())];
    assert_eq!(found_in(&files, None), expected);
    let none = [("etc/nova/nova.conf", "[cors]\nmax_age = 60\n"), files[1]];
    assert!(found_in(&none, None).is_empty(), "without an origin nobody wants the filter");
}

/// An old file that lacks the filter itself gets it, too.
#[test]
fn a_paste_file_without_the_filter_gets_it() {
    let paste = "[pipeline:api]\npipeline = authtoken app\n";
    let files = [("etc/heat/heat.conf", ORIGIN), ("etc/heat/api-paste.ini", paste)];
    assert_eq!(found_in(&files, None), ["warning DU008"]);
}

#[rstest]
#[case::nothing("", &[])]
#[case::doubled("Header always set Access-Control-Allow-Origin https://d.example\n", &["warning DU012"])]
#[case::replaced("Header set Access-Control-Allow-Origin https://d.example\n", &["warning DU012"])]
#[case::taken("Header unset Access-Control-Allow-Origin\n", &["warning DU012"])]
#[case::other_header("Header set X-Frame-Options DENY\n", &[])]
#[case::login("<Location />\nRequire valid-user\n</Location>\n", &["warning DU020"])]
#[case::login_of_others("<Location />\n<LimitExcept OPTIONS>\nRequire valid-user\n</LimitExcept>\n</Location>\n", &[])]
#[case::all_granted("<Location />\nRequire all granted\n</Location>\n", &[])]
fn httpd_in_front_of_others(#[case] lines: &str, #[case] expected: &[&str]) {
    let host =
        format!("<VirtualHost *:5000>\nWSGIScriptAlias / /usr/bin/keystone-wsgi-public\n{lines}</VirtualHost>\n");
    let files = [("etc/keystone/keystone.conf", ORIGIN), ("etc/apache2/sites-enabled/keystone.conf", host.as_str())];
    assert_eq!(found_in(&files, None), expected);
    let none = [("etc/keystone/keystone.conf", "[cors]\nmax_age = 60\n"), files[1]];
    assert!(found_in(&none, None).is_empty(), "keystone has no origin: what answers instead may be intended");
}

#[rstest]
#[case::nothing("", &[])]
#[case::doubled("add_header Access-Control-Allow-Origin https://d.example;", &["warning DU012"])]
#[case::answered("if ($request_method = OPTIONS) { add_header Access-Control-Allow-Origin https://d.example; return 204; }", &["warning DU012"])]
#[case::login("auth_basic on;", &["warning DU020"])]
fn nginx_in_front_of_others(#[case] lines: &str, #[case] expected: &[&str]) {
    let host =
        format!("server {{\n listen 8774;\n location / {{\n {lines}\n proxy_pass http://nova-api:8774;\n }}\n}}\n");
    let files = [("etc/nova/nova.conf", ORIGIN), ("etc/nginx/conf.d/nova.conf", host.as_str())];
    assert_eq!(found_in(&files, None), expected);
}

#[rstest]
#[case::nothing("", &[])]
#[case::doubled("http-response add-header Access-Control-Allow-Origin *", &["warning DU012"])]
#[case::replaced("http-response set-header Access-Control-Allow-Origin *", &["warning DU012"])]
#[case::taken("http-response del-header Access-Control-Allow-Origin", &["warning DU012"])]
#[case::answered("http-request return status 204 hdr Access-Control-Allow-Origin * if METH_OPTIONS", &["warning DU012"])]
#[case::refused("http-request deny if { method OPTIONS }", &["warning DU020"])]
#[case::other_methods("http-request deny if { method TRACE }", &[])]
#[case::login("http-request auth unless METH_OPTIONS", &[])]
#[case::login_of_all("http-request auth realm own", &["warning DU020"])]
#[case::of_some("http-response set-header Access-Control-Allow-Origin * if { src 192.0.2.0/24 }", &[])]
fn haproxy_in_front_of_others(#[case] line: &str, #[case] expected: &[&str]) {
    for service in ["keystone", "nova", "neutron"] {
        let text = format!(
            "frontend {service}-front\n  bind :8774\n  default_backend {service}-back\nbackend {service}-back\n  mode http\n  {line}\n  server a 192.0.2.1:8774\n"
        );
        let conf = format!("etc/{service}/{service}.conf");
        let files = [(conf.as_str(), ORIGIN), ("etc/haproxy/haproxy.cfg", text.as_str())];
        assert_eq!(found_in(&files, None), expected, "{text}");
    }
}

#[rstest]
#[case::adds_an_origin("add-header = Access-Control-Allow-Origin: *", &["warning DU012"])]
#[case::adds_another("add-header = Connection: close", &[])]
fn uwsgi_in_front_of_others(#[case] line: &str, #[case] expected: &[&str]) {
    let ini = format!("[uwsgi]\nhttp-socket = :8780\n{line}\n");
    let files = [("etc/placement/placement.conf", ORIGIN), ("etc/placement/placement-uwsgi.ini", ini.as_str())];
    assert_eq!(found_in(&files, None), expected);
    let none = [("etc/placement/placement.conf", "[cors]\nmax_age = 60\n"), files[1]];
    assert!(found_in(&none, None).is_empty());
}
