//! HAProxy before Glance, in the forms that deployment tools write.

use rstest::rstest;

use crate::rules::{CONF, DASHBOARD, GOOD, found_in};

/// A frontend and a backend with these lines.
fn haproxy(front: &str, back: &str) -> Vec<String> {
    let text = format!(
        "global\n  daemon\ndefaults\n  mode http\n  timeout client 1m\n  timeout server 1m\nfrontend glance_front\n  bind 192.0.2.9:9292\n  {front}\n  default_backend glance_back\nbackend glance_back\n  {back}\n  server one 192.0.2.1:9292 check\n"
    );
    found_in(&[("etc/haproxy/haproxy.cfg", &text), DASHBOARD, (CONF, GOOD)], Some("2025.1"))
}

#[rstest]
#[case::fine("option forwardfor", "option httpchk GET /healthcheck", &[])]
#[case::set("", "http-response set-header Access-Control-Allow-Origin https://d.example", &["warning DU012"])]
#[case::set_other("", "http-response set-header Access-Control-Allow-Origin https://e.example", &["error DU012"])]
#[case::added("http-response add-header Access-Control-Allow-Origin *", "", &["error DU012"])]
#[case::removed_as_of_old("", "rspidel ^Access-Control-Allow-.*", &["error DU012"])]
#[case::another_removed_as_of_old("", "rspidel ^Server:", &[])]
#[case::added_as_of_old("", "rspadd Access-Control-Allow-Origin:\\ https://d.example", &["error DU012"])]
#[case::replaced("http-response del-header Access-Control-Allow-Origin", "http-response add-header Access-Control-Allow-Origin https://d.example", &["warning DU012"])]
#[case::removed_by_a_start("", "http-response del-header access-control- -m beg", &["error DU012"])]
#[case::removed_by_a_pattern("", "http-response del-header ^access-control-.*$ -m reg", &["error DU012"])]
#[case::a_pattern_of_others("", "http-response del-header ^x-.*$ -m reg", &[])]
#[case::removed("", "http-response del-header Access-Control-Allow-Origin", &["error DU012"])]
#[case::other_header("http-response set-header Strict-Transport-Security max-age=1", "", &[])]
#[case::answered("http-request return status 204 if METH_OPTIONS", "", &["error DU020"])]
#[case::answered_with_cors("http-request return status 204 hdr Access-Control-Allow-Origin https://d.example hdr Access-Control-Allow-Headers X-Auth-Token,X-CSRFToken,Content-Type hdr Access-Control-Allow-Methods PUT if METH_OPTIONS", "", &["warning DU012"])]
#[case::answered_without_the_token("http-request return status 204 hdr Access-Control-Allow-Origin https://d.example hdr Access-Control-Allow-Headers Content-Type hdr Access-Control-Allow-Methods PUT if METH_OPTIONS", "", &["error DU012"])]
#[case::denied("http-request deny unless { method GET PUT POST DELETE PATCH HEAD }", "", &["error DU020"])]
#[case::denied_by_name("acl known method GET PUT POST\n  http-request deny if !known", "", &["error DU020"])]
#[case::allowed_by_name("acl known method GET PUT POST\n  acl known method OPTIONS\n  http-request deny if !known", "", &[])]
#[case::allowed_before("http-request allow if METH_OPTIONS\n  http-request deny unless { method GET PUT }", "", &[])]
#[case::login("", "http-request auth realm x unless { http_auth(users) }", &["error DU020"])]
#[case::login_but_options("", "http-request auth realm x if !METH_OPTIONS !{ http_auth(users) }", &["error DU020"])]
#[case::login_but_uploads("", "http-request auth realm x if !METH_OPTIONS !METH_PUT !{ http_auth(users) }", &[])]
#[case::login_unless_options("http-request auth unless METH_OPTIONS", "", &["error DU020"])]
#[case::token_of_uploads("http-request allow if METH_OPTIONS\n  http-request deny unless { req.hdr(X-Auth-Token) -m found }", "", &[])]
#[case::token("http-request deny unless { req.hdr(X-Auth-Token) -m found }", "", &["error DU020"])]
#[case::token_or_options("http-request deny unless { req.hdr(X-Auth-Token) -m found } || METH_OPTIONS", "", &[])]
#[case::by_path("http-request deny if { path -i -m beg /server-status }", "", &[])]
#[case::by_source("http-request deny if { src 192.0.2.0/24 } METH_OPTIONS", "", &[])]
#[case::to_https("redirect scheme https code 301 if !{ ssl_fc }", "", &[])]
#[case::body("http-request deny deny_status 413 if { req.body_size gt 104857600 }", "", &["error DU014"])]
#[case::length("", "http-request deny if { req.hdr(content-length) -m int gt 104857600 }", &["error DU014"])]
#[case::denied_as_of_old("reqideny ^OPTIONS\\ .*", "", &["error DU020"])]
#[case::methods_as_of_old("reqdeny ^(GET|OPTIONS|PUT)\\ /v2/images/.*", "", &["error DU020"])]
#[case::allowed_as_of_old("reqallow ^(OPTIONS|PUT)\\ \n  reqdeny ^[A-Z]+\\ ", "", &[])]
#[case::tarpit_as_of_old("", "reqitarpit ^PUT\\ ", &["error DU020"])]
#[case::denies_others_as_of_old("reqideny ^(TRACE|CONNECT)\\ ", "reqideny ^[^:\\ ]*\\ /admin", &[])]
#[case::denies_a_header_as_of_old("reqideny ^Content-Type:\\ application/octet-stream", "", &["error DU020"])]
#[case::denied_if_as_of_old("reqdeny ^OPTIONS if { src 192.0.2.0/24 }", "", &[])]
#[case::method_as_of_old("reqrep ^OPTIONS\\ (.*) GET\\ \\1", "", &["error DU020"])]
#[case::path_as_of_old("reqirep ^([^\\ ]*)\\ /image/(.*) \\1\\ /\\2", "", &[])]
#[case::token_as_of_old("reqirep ^X-Auth-Token:.* X-Auth-Token:\\ none", "", &["error DU020"])]
#[case::host_as_of_old("reqirep ^Host:.* Host:\\ glance", "", &[])]
#[case::rewritten_as_of_old("", "rspirep ^Access-Control-Allow-Origin:.* Access-Control-Allow-Origin:\\ https://e.example", &["error DU012"])]
#[case::impatient("timeout client 30s", "timeout server 30000", &["warning DU015", "note DU015"])]
#[case::patient("timeout client 6h", "timeout server 6h", &[])]
#[case::below_http("mode tcp\n  http-request deny unless { method GET }", "mode tcp", &[])]
fn what_haproxy_does_before_glance_is_found(#[case] front: &str, #[case] back: &str, #[case] expected: &[&str]) {
    assert_eq!(haproxy(front, back), expected, "{front}\n{back}");
}

#[rstest]
#[case::usual("tune.bufsize 32768", &[])]
#[case::small("tune.bufsize 1024", &["error DU020"])]
#[case::too_much_for_rewriting("tune.bufsize 4096\n  tune.maxrewrite 3500", &[])]
#[case::for_short_tokens("tune.bufsize 2048", &["warning DU020"])]
#[case::rewrites_less("tune.bufsize 2048\n  tune.maxrewrite 128", &[])]
#[case::few_headers("tune.http.maxhdr 8", &["error DU020"])]
#[case::nearly_all_headers("tune.http.maxhdr 15", &["warning DU020"])]
#[case::others("tune.ssl.default-dh-param 2048", &[])]
fn room_for_headers_is_read(#[case] global: &str, #[case] expected: &[&str]) {
    let text = format!(
        "global\n  {global}\ndefaults\n  mode http\n  timeout client 1m\n  timeout server 1m\nfrontend glance_front\n  bind 192.0.2.9:9292\n  default_backend glance_back\nbackend glance_back\n  server one 192.0.2.1:9292 check\n"
    );
    let found = found_in(&[("etc/haproxy/haproxy.cfg", &text), DASHBOARD, (CONF, GOOD)], Some("2025.1"));
    assert_eq!(found, expected, "{global}");
}

/// kolla-ansible's folder of one file a service, and what another service's file says.
#[test]
fn each_service_has_its_own_file() {
    let main = "defaults\n  timeout client 10s\n";
    let glance =
        "listen glance_api\n  mode http\n  timeout client 6h\n  bind 192.0.2.9:9292\n  server one 192.0.2.1:9292\n";
    let horizon = "listen horizon\n  mode http\n  http-response set-header Content-Security-Policy \"default-src 'self'\"\n  http-response set-header Access-Control-Allow-Origin *\n  bind 192.0.2.9:443\n  server one 192.0.2.1:80\n";
    let folder = "etc/kolla/haproxy";
    let files = [
        (format!("{folder}/haproxy.cfg"), main),
        (format!("{folder}/services.d/glance.cfg"), glance),
        (format!("{folder}/services.d/horizon.cfg"), horizon),
    ];
    let mut files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    files.extend([DASHBOARD, (CONF, GOOD)]);
    assert_eq!(found_in(&files, Some("2025.1")), ["error DU013"]);
    files.remove(1);
    files.remove(1);
    assert_eq!(found_in(&files, Some("2025.1")), [""; 0]);
}
