//! Files that nginx includes, at the place where it includes them.

use rstest::rstest;

use super::{CONF, DASHBOARD, GOOD, found_in};

const MAIN: &str = "etc/nginx/nginx.conf";

const SITE: &str = "etc/nginx/sites-enabled/glance";

/// A server in front of Glance, with this line in it and this one in its location.
fn server(line: &str, inner: &str) -> String {
    format!(
        "server {{\n listen 443 ssl;\n server_name glance.example;\n proxy_request_buffering off;\n {line}\n location / {{\n {inner}\n proxy_pass http://127.0.0.1:9292;\n }}\n}}\n"
    )
}

/// nginx's main file, with this line in its http block.
fn main(line: &str) -> String {
    format!("events {{}}\nhttp {{\n {line}\n include /etc/nginx/sites-enabled/*;\n}}\n")
}

fn found(files: &[(&str, &str)]) -> Vec<String> {
    let own = files.iter().copied().chain([DASHBOARD, (CONF, GOOD)]).collect::<Vec<_>>();
    found_in(&own, Some("2025.1"))
}

/// What the main file says counts in the files that it includes.
#[rstest]
#[case::no_limit("client_max_body_size 0;", &[])]
#[case::a_limit("client_max_body_size 1g;", &["error DU014"])]
#[case::none("", &["error DU014"])]
#[case::a_header("client_max_body_size 0; add_header Access-Control-Allow-Origin https://d.example always;", &["error DU012"])]
fn a_site_inherits_from_the_main_file(#[case] line: &str, #[case] expected: &[&str]) {
    assert_eq!(found(&[(MAIN, &main(line)), (SITE, &server("", ""))]), expected, "{line}");
}

#[rstest]
#[case::by_the_whole_path("include /etc/nginx/snippets/own.conf;", &["error DU012"])]
#[case::from_its_folder("include snippets/own.conf;", &["error DU012"])]
#[case::by_a_pattern("include snippets/*.conf;", &["error DU012"])]
#[case::another("include snippets/other.conf;", &[])]
#[case::of_another_folder("include conf.d/own.conf;", &[])]
#[case::not("", &[])]
fn a_snippet_counts_where_it_is_included(#[case] line: &str, #[case] expected: &[&str]) {
    let header = "add_header Access-Control-Allow-Origin https://d.example always;\n";
    for inner in [false, true] {
        let text = if inner {
            server("client_max_body_size 0;", line)
        } else {
            server(&format!("client_max_body_size 0; {line}"), "")
        };
        let files =
            [(SITE, &*text), ("etc/nginx/snippets/own.conf", header), ("etc/nginx/snippets/other.conf", "gzip on;\n")];
        assert_eq!(found(&files), expected, "{text}");
    }
}

/// A block, a list of methods or a whole location may come from another file; so may the members of an upstream.
#[rstest]
#[case::a_condition("if ($request_method = OPTIONS) {\n return 405;\n}\n", &["error DU020"])]
#[case::methods("limit_except GET {\n deny all;\n}\n", &["error DU020"])]
#[case::time("proxy_read_timeout 10s;\n", &["warning DU015"])]
#[case::a_file_in_it("include /etc/nginx/snippets/deeper.conf;\n", &["error DU020"])]
#[case::itself("include /etc/nginx/snippets/own.conf;\n", &[])]
fn what_is_included_is_read(#[case] snippet: &str, #[case] expected: &[&str]) {
    let text = server("client_max_body_size 0;", "include snippets/own.conf;");
    let deeper = ("etc/nginx/snippets/deeper.conf", "auth_basic own;\n");
    assert_eq!(found(&[(SITE, &text), ("etc/nginx/snippets/own.conf", snippet), deeper]), expected, "{snippet}");
}

#[test]
fn a_location_and_its_upstream_may_be_in_other_files() {
    let site = "server {\n listen 443 ssl;\n server_name cloud.example;\n include /etc/nginx/locations/*.conf;\n}\n";
    let location =
        "location /v2/ {\n proxy_request_buffering off;\n client_max_body_size 5m;\n proxy_pass http://images;\n}\n";
    let upstream = "upstream images {\n server 127.0.0.1:9292;\n}\n";
    let files =
        [(SITE, site), ("etc/nginx/locations/images.conf", location), ("etc/nginx/conf.d/upstreams.conf", upstream)];
    assert_eq!(found(&files), ["error DU014"]);
}

/// Folders without `etc`, as in a project's own tree.
#[test]
fn paths_may_begin_in_nginxs_own_folder() {
    let text = server("client_max_body_size 0;", "include /etc/nginx/snippets/own.conf;");
    let snippet = ("deploy/nginx/snippets/own.conf", "proxy_hide_header Access-Control-Allow-Origin;\n");
    assert_eq!(found(&[("deploy/nginx/sites/glance.conf", &text), snippet]), ["error DU012"]);
}

/// What waits in `sites-available` counts if the main file includes it by its name.
#[rstest]
#[case::by_its_name("include /etc/nginx/sites-available/own;", &["error DU014"])]
#[case::not("", &[])]
fn a_site_that_waits_may_be_included(#[case] line: &str, #[case] expected: &[&str]) {
    let (text, waiting) = (server("client_max_body_size 0;", ""), server("client_max_body_size 1m;", ""));
    let files = [(MAIN, &*main(line)), (SITE, &text), ("etc/nginx/sites-available/own", &waiting)];
    assert_eq!(found(&files), expected);
}

/// What passes connections on has nothing to do with the sites.
#[test]
fn connections_that_are_passed_on_are_not_the_sites() {
    let text = format!("stream {{\n server {{\n listen 9292;\n proxy_pass 192.0.2.6:9292;\n }}\n}}\n{}", main(""));
    let site =
        "server {\n listen 443 ssl;\n server_name d.example;\n location / {\n proxy_pass http://192.0.2.5:80;\n }\n}\n";
    assert!(found(&[(MAIN, &text), ("etc/nginx/sites-enabled/dashboard", site)]).is_empty());
}

/// nginx passes connections to Glance on: no limit of bodies is its own, and only silence ends them.
#[rstest]
#[case::usual("", &[])]
#[case::a_long_silence("proxy_timeout 1h;", &[])]
#[case::a_short_silence("proxy_timeout 10s;", &["warning DU015"])]
#[case::certificates("listen 9293 ssl;\n ssl_verify_client on;", &["error DU020"])]
fn connections_may_lead_to_glance(#[case] lines: &str, #[case] expected: &[&str]) {
    let own = format!("server {{\n listen 9292;\n {lines}\n proxy_pass 192.0.2.6:9292;\n}}\n");
    let upstream = "upstream images {\n server glance-1:9292;\n}\n";
    let named = format!("{upstream}{}", own.replace("192.0.2.6:9292", "images"));
    let by_name = format!(
        "map $ssl_preread_server_name $to {{\n g.example images;\n default others;\n}}\n{upstream}{}",
        own.replace("192.0.2.6:9292", "$to")
    );
    for block in [&own, &named, &by_name] {
        let text = format!("stream {{\n{block}}}\n{}", main(""));
        assert_eq!(found(&[(MAIN, &text)]), expected, "{block}");
    }
    // The main file may be missing.
    assert_eq!(found(&[("etc/nginx/stream.d/glance.conf", &own)]), expected);
}

/// Names in the first message of TLS show that browsers speak TLS there; a Glance without it is then blocked.
#[rstest]
#[case::by_name("ssl_preread on;", &["error DU009"])]
#[case::not_known("", &[])]
fn connections_with_names_are_tls(#[case] line: &str, #[case] expected: &[&str]) {
    let text = format!("stream {{\n server {{\n listen 443;\n {line}\n proxy_pass horizon:443;\n }}\n}}\n");
    let conf = "[DEFAULT]\npublic_endpoint = http://glance.example:9292\n[cors]\nallowed_origin = https://d.example,http://d.example\n";
    let files = [(MAIN, text.as_str()), super::DASHBOARD, (super::CONF, conf)];
    assert_eq!(super::found_in(&files, Some("2025.1")), expected);
}
