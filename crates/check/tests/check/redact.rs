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
