//! Secrets are not printed.

use direct_upload_check::redact::{error, text};
use rstest::rstest;

#[rstest]
#[case("mysql+pymysql://glance:hunter2@db/glance", "mysql+pymysql://***@db/glance")]
#[case("allowed_origin https://u:p@x.example", "allowed_origin https://***@x.example")]
#[case("password = hunter2", "password = ***")]
#[case("OS_PASSWORD: 'hunter 2'", "OS_PASSWORD: ***")]
#[case("{\"secret_key\": \"hunter2\"}", "{\"secret_key\": ***}")]
#[case("X-Auth-Token, X-CSRFToken", "X-Auth-Token, X-CSRFToken")]
#[case("https://horizon.example.com:443/", "https://horizon.example.com:443/")]
#[case("allow_credentials = false", "allow_credentials = false")]
#[case("spec.apiKeyAuth: it requires a login", "spec.apiKeyAuth: it requires a login")]
#[case("apiKey: abc", "apiKey: ***")]
#[case("Access-Control-Allow-Credentials: true", "Access-Control-Allow-Credentials: true")]
#[case("credentials: hunter2", "credentials: ***")]
#[case("credential = hunter2", "credential = ***")]
#[case("credentials=hunter2", "credentials=***")]
#[case("route-run = basicauth:My realm,admin:s3cret: uWSGI answers", "route-run = basicauth:***: uWSGI answers")]
#[case("route-if = equal:${HTTP_X_EDGE};s3cret return:403", "route-if = equal:${HTTP_X_EDGE};*** return:403")]
#[case("if ($http_x_edge != s3 cret ) return 403: it ends", "if ($http_x_edge != ***) return 403: it ends")]
#[case("if ($http_x_edge !~* ^(s3|cret)$) return 403", "if ($http_x_edge !~* ***) return 403")]
#[case("if ($cookie_edge = s3cret) return 403", "if ($cookie_edge = ***) return 403")]
#[case("if ($http_origin = https://a.example) return 403", "if ($http_origin = https://a.example) return 403")]
#[case("deny unless { req.hdr(X-Edge) -m str s3cret }: it", "deny unless { req.hdr(X-Edge) -m str *** }: it")]
#[case("deny unless { hdr(x-edge),lower -i s3 cret } x", "deny unless { hdr(x-edge),lower -i *** } x")]
#[case("acl ok req.hdr(X-Edge) s3cret", "acl ok req.hdr(X-Edge) ***")]
#[case("deny unless { req.hdr(X-Edge) -m found }: it", "deny unless { req.hdr(X-Edge) -m found }: it")]
#[case(
    "deny if { req.hdr(sec-fetch-site) -m str cross-site }",
    "deny if { req.hdr(sec-fetch-site) -m str cross-site }"
)]
#[case("if req('X-Edge') != 's3 cret' Require all denied", "if req('X-Edge') != *** Require all denied")]
#[case("if req('X-Edge') -in { 's3', 'cret' } Require", "if req('X-Edge') -in *** Require")]
#[case("if 's3cret' == req('X-Edge') Require all granted", "if *** == req('X-Edge') Require all granted")]
#[case("RewriteCond %{HTTP:X-Edge} !=s3cret: it", "RewriteCond %{HTTP:X-Edge} !=***: it")]
#[case("RewriteCond %{HTTP:X-Edge} !^s3cret$ [NC]", "RewriteCond %{HTTP:X-Edge} !*** [NC]")]
#[case("%{HTTP_COOKIE} =~ /s3cret/", "%{HTTP_COOKIE} =~ ***")]
#[case("RewriteCond %{HTTP_REFERER} !^https://a", "RewriteCond %{HTTP_REFERER} !^https://a")]
#[case("SetEnvIf X-Edge ^s3cret$ ok", "SetEnvIf X-Edge ***")]
#[case("SecRule REQUEST_HEADERS:X-Edge !@streq s3cret id:1", "SecRule REQUEST_HEADERS:X-Edge ***")]
#[case("Header(`X-Edge`, `s3cret`) && Host(`a`)", "Header(`X-Edge`, ***) && Host(`a`)")]
#[case("http-request set-header X-Edge s3cret if x", "http-request set-header X-Edge ***")]
#[case("proxy_set_header X-Forwarded-Proto $scheme", "proxy_set_header X-Forwarded-Proto $scheme")]
fn secrets(#[case] written: &str, #[case] printed: &str) {
    assert_eq!(text(written), printed);
}

#[test]
fn decoders_quote_nothing() {
    assert_eq!(
        error("data.x: invalid type: string \"hun\\\"ter\", expected u"),
        "data.x: invalid type: string ***, expected u"
    );
}
