//! The text that the runbook tells people to write fixes its fault: `check` finds the rule before, and not
//! after. Each text is compared with the entry's section *Fix*, so that both stay the same.

use direct_upload_api::Rule;
use rstest::rstest;

use crate::rules::{CONF, DASHBOARD, SETTINGS, found_in};

const GLANCE: &str = "[cors]\nallowed_origin = https://d.example\nallow_headers = X-Auth-Token,X-CSRFToken\n";
const VHOST: (&str, &str) = (
    "etc/apache2/sites-enabled/glance.conf",
    "<VirtualHost *:9292>\nServerName glance.example.com\nProxyPass / http://127.0.0.1:9293/\n@\n</VirtualHost>\n",
);
const UWSGI_VHOST: (&str, &str) = (
    "etc/apache2/sites-enabled/glance.conf",
    "<VirtualHost *:9292>\nServerName glance.example.com\nProxyPass / uwsgi://127.0.0.1:9293/\n@\n</VirtualHost>\n",
);
const DASHBOARDS_VHOST: (&str, &str) = (
    "etc/apache2/sites-enabled/horizon.conf",
    "<VirtualHost *:443>\nServerName d.example\nWSGIScriptAlias / /openstack_dashboard/wsgi.py\n@\n</VirtualHost>\n",
);
const NGINX: (&str, &str) = (
    "etc/nginx/conf.d/glance.conf",
    "server { listen 443 ssl; proxy_request_buffering off; client_max_body_size 0; @ location / { proxy_pass http://g:9292; } }\n",
);
const HAPROXY: (&str, &str) = (
    "etc/haproxy/haproxy.cfg",
    "listen glance_api\n  mode http\n  bind :9292\n  timeout client 1h\n  timeout server 1h\n  @\n  server a 192.0.2.1:9292\n",
);
const UWSGI: (&str, &str) =
    ("etc/glance/glance-api-uwsgi.ini", "[uwsgi]\nhttp = :9292\nchunked-input-limit = 67108864\n@\n");
const BARE_UWSGI: (&str, &str) = ("etc/glance/glance-api-uwsgi.ini", "[uwsgi]\nhttp = :9292\n@\n");
const MAIN: (&str, &str) =
    (CONF, "@\n[cors]\nallowed_origin = https://d.example\nallow_headers = X-Auth-Token,X-CSRFToken\n");
const WHOLE: (&str, &str) = (CONF, "[DEFAULT]\ndebug = False\n@\nallow_headers = X-Auth-Token,X-CSRFToken\n");
const IMPORTS: (&str, &str) = (SETTINGS, "ALLOWED_HOSTS = ['d.example']\n@\n");

/// `fix` is what to write in place of `broken`; `named` what the entry calls that.
#[rstest]
#[case::httpd(
    12,
    VHOST,
    "Header always set Access-Control-Allow-Origin https://d.example",
    "",
    "`Header … Access-Control-…`"
)]
#[case::nginx(
    12,
    NGINX,
    "add_header Access-Control-Allow-Origin https://d.example;",
    "",
    "`add_header Access-Control-…`"
)]
#[case::haproxy(
    12,
    HAPROXY,
    "http-response set-header Access-Control-Allow-Origin *",
    "",
    "`http-response set-header Access-Control-…`"
)]
#[case::csp(
    13,
    DASHBOARDS_VHOST,
    "Header set Content-Security-Policy \"connect-src 'self'\"",
    "Header set Content-Security-Policy \"connect-src 'self' https://glance.example.com\"",
    "`connect-src 'self' https://glance.example.com`"
)]
#[case::django(
    13,
    IMPORTS,
    "CSP_CONNECT_SRC = [\"'self'\"]",
    "CSP_CONNECT_SRC = [\"'self'\", 'https://glance.example.com']",
    "`CSP_CONNECT_SRC`"
)]
#[case::djangos(
    13,
    IMPORTS,
    "SECURE_CSP = {'connect-src': [\"'self'\"]}",
    "SECURE_CSP = {'connect-src': [\"'self'\", 'https://glance.example.com']}",
    "`SECURE_CSP`"
)]
#[case::httpd(14, UWSGI_VHOST, "LimitRequestBody 1073741824", "LimitRequestBody 0", "`LimitRequestBody 0`")]
#[case::nginx(14, NGINX, "client_max_body_size 1g;", "client_max_body_size 0;", "`client_max_body_size 0;`")]
#[case::haproxy(
    14,
    HAPROXY,
    "http-request deny if { req.body_size gt 1073741824 }",
    "",
    "no `http-request deny` by `req.body_size`"
)]
#[case::uwsgi(14, UWSGI, "limit-post = 1073741824", "", "no `limit-post`")]
#[case::httpd(
    15,
    VHOST,
    "RequestReadTimeout body=60",
    "RequestReadTimeout header=20-40,MinRate=500 body=20,MinRate=500",
    "`RequestReadTimeout header=20-40,MinRate=500 body=20,MinRate=500`"
)]
#[case::httpds_timeouts(
    15,
    VHOST,
    "Timeout 20\nProxyTimeout 20",
    "Timeout 3600\nProxyTimeout 3600",
    "`Timeout 3600`, `ProxyTimeout 3600`"
)]
#[case::nginx(
    15,
    NGINX,
    "proxy_request_buffering on; proxy_read_timeout 30s;",
    "proxy_request_buffering off; proxy_read_timeout 3600s; proxy_send_timeout 3600s; client_body_timeout 3600s;",
    "`proxy_request_buffering off; proxy_read_timeout 3600s; proxy_send_timeout 3600s; client_body_timeout 3600s;`"
)]
#[case::uwsgi(15, UWSGI, "harakiri = 60", "", "no `harakiri`")]
#[case::haproxy(
    15,
    HAPROXY,
    "timeout client 10s\n  timeout server 10s",
    "timeout client 1h\n  timeout server 1h",
    "`timeout client 1h` in Glance's frontend, `timeout server 1h` in its backend"
)]
#[case::horizon(
    17,
    IMPORTS,
    "OPENSTACK_GLANCE_DIRECT_UPLOAD = True",
    "HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n",
    "```python\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n"
)]
#[case::glance(
    17,
    WHOLE,
    "[cors]\nallowed_origins = https://horizon.example.com",
    "[cors]\nallowed_origin = https://horizon.example.com\n",
    "```ini\n[cors]\nallowed_origin = https://horizon.example.com\n"
)]
#[case::module(
    18,
    UWSGI,
    "wsgi-file = /usr/bin/glance-wsgi-api",
    "module = glance.wsgi.api:application",
    "`module = glance.wsgi.api:application`"
)]
#[case::store(
    19,
    MAIN,
    "[DEFAULT]\nenabled_backends = my_swift:swift\n[my_swift]\nswift_store_multi_tenant = True",
    "[DEFAULT]\nenabled_backends = my_swift:swift\n[my_swift]\nswift_store_multi_tenant = True\nswift_store_use_trusts = True\ndefault_swift_reference = ref1\nswift_store_expire_soon_interval = 60\nswift_store_retry_get_count = 0\n",
    "```ini\n[my_swift]\nswift_store_multi_tenant = True\nswift_store_use_trusts = True\ndefault_swift_reference = ref1\nswift_store_expire_soon_interval = 60\nswift_store_retry_get_count = 0\n"
)]
#[case::login(
    20,
    VHOST,
    "<Location />\n    Require valid-user\n</Location>",
    "<Location />\n    <LimitExcept OPTIONS PUT>\n        Require valid-user\n    </LimitExcept>\n</Location>\n",
    "```apache\n<Location />\n    <LimitExcept OPTIONS PUT>\n        Require valid-user\n    </LimitExcept>\n</Location>\n"
)]
#[case::login_beside(
    20,
    VHOST,
    "Require valid-user",
    "<RequireAny>\nRequire method OPTIONS PUT\nRequire valid-user\n</RequireAny>",
    "`Require method OPTIONS PUT` together with the login"
)]
#[case::nginx(20, NGINX, "auth_basic x;", "", "no `auth_basic`")]
#[case::haproxy(
    20,
    HAPROXY,
    "http-request deny unless { method GET PUT POST }",
    "http-request allow if METH_OPTIONS\n  http-request deny unless { method GET PUT POST }",
    "`http-request allow if METH_OPTIONS` before the rule"
)]
#[case::uploads(
    21,
    IMPORTS,
    "HORIZON_IMAGES_UPLOAD_MODE = 'direct'",
    "HORIZON_IMAGES_UPLOAD_MODE = 'off'\n",
    "```python\nHORIZON_IMAGES_UPLOAD_MODE = 'off'\n"
)]
#[case::chunks(
    22,
    BARE_UWSGI,
    "",
    "chunked-input-limit = 67108864\n",
    "```ini\n[uwsgi]\nchunked-input-limit = 67108864\n"
)]
#[case::segments(
    27,
    MAIN,
    "[DEFAULT]\nenabled_backends = my_swift:swift\n[my_swift]\nswift_store_user = a:b",
    "[DEFAULT]\nenabled_backends = my_swift:swift\n[my_swift]\nswift_store_user = a:b\nswift_store_large_object_size = 10486\n",
    "```ini\n[my_swift]\nswift_store_large_object_size = 10486\n"
)]
fn the_fix_of_each_entry_mends_what_its_rule_finds(
    #[case] rule: usize,
    #[case] file: (&str, &str),
    #[case] broken: &str,
    #[case] fix: &str,
    #[case] named: &str,
) {
    let rule = Rule::ALL[rule - 1];
    let entry = rule.runbook();
    let (_, section) = entry.split_once("\n## Fix\n").unwrap();
    assert!(section.contains(named), "{rule}'s Fix does not say {named}");
    let found = |written: &str| {
        let text = file.1.replace('@', written);
        let imports = format!("{GLANCE}[image_import_opts]\nimage_import_plugins = [image_conversion]\n");
        let mut files = vec![(file.0, text.as_str())];
        // The rest of the cloud is fine, but for what the rule is about.
        if file.0 != CONF {
            files.push((CONF, if rule == Rule::ImportBypassed { &imports } else { GLANCE }));
        }
        if file.0 != SETTINGS {
            files.push(DASHBOARD);
        }
        found_in(&files, Some("2026.1")).into_iter().filter(|line| line.ends_with(rule.id())).collect::<Vec<_>>()
    };
    let before = found(broken);
    assert!(!before.is_empty(), "{rule} is not found before its fix");
    // A note may say what else the fix needs.
    let after: Vec<_> = found(fix).into_iter().filter(|l| !l.starts_with("note") || before.contains(l)).collect();
    assert_eq!(after, [""; 0], "{rule} is still found after its fix");
}
