//! `[cors]`, read by the CORS filter of oslo.middleware, which then answers as it answers browsers.

use std::collections::BTreeSet;

use direct_upload_api::web::Origin;
use direct_upload_api::{CorsKey, CorsValue, CorsValues};
use direct_upload_core::openstack::GLANCE;
use direct_upload_core::render::{ApiSettings, CorsSettings, glance};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use test_support::oracle::{ask, hostile};

mod cors;
pub mod httpd;
mod import;

#[derive(Deserialize)]
struct Filter {
    answers: Vec<Answer>,
    options: Value,
}

#[derive(Deserialize)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
}

impl Answer {
    fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect()
    }
}

pub fn cors(origins: &[&str]) -> CorsSettings {
    CorsSettings {
        origins: origins.iter().map(|origin| Origin::parse(origin).unwrap()).collect(),
        ..CorsSettings::default()
    }
}

pub fn ini(cors: CorsSettings) -> String {
    let settings =
        ApiSettings { cors: Some(cors), config_dir: "/etc/glance/glance-api.conf.d".into(), ..ApiSettings::default() };
    glance(&settings).unwrap().remove(0).contents
}

/// Exactly what the browser asks before Horizon's upload.
pub fn preflight(origin: &str) -> Value {
    json!({"method": "OPTIONS", "path": "/v2/images/1/file", "headers": {
        "Origin": origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type,x-auth-token,x-csrftoken",
    }})
}

fn filter(ini: &str, user: &str, requests: &[Value]) -> Filter {
    let files = json!({"glance-api.conf": user, "glance-api.conf.d/zz-direct-upload.conf": ini});
    ask(&json!({"ask": "cors", "files": files, "requests": requests}))
}

#[test]
fn horizon_may_upload_and_others_may_not() {
    let ini = ini(cors(&["https://horizon.example.com", "https://b.example:8443", "https://[2001:db8::1]"]));
    let granted = ["https://horizon.example.com", "https://b.example:8443", "https://[2001:db8::1]"];
    let refused = ["https://evil.example", "https://b.example", "http://horizon.example.com", "null", "*"];
    let requests: Vec<Value> = granted.iter().chain(&refused).map(|origin| preflight(origin)).collect();
    let answers = filter(&ini, "", &requests).answers;
    for (origin, answer) in granted.iter().zip(&answers) {
        assert!((200..300).contains(&answer.status));
        assert_eq!(answer.all("Access-Control-Allow-Origin"), [*origin]);
        assert_eq!(answer.all("Access-Control-Allow-Methods"), ["PUT"]);
        assert_eq!(answer.all("Access-Control-Allow-Headers"), ["content-type,x-auth-token,x-csrftoken"]);
        assert_eq!(answer.all("Access-Control-Max-Age"), ["3600"]);
    }
    for (origin, answer) in refused.iter().zip(&answers[granted.len()..]) {
        assert_eq!(answer.all("Access-Control-Allow-Origin"), Vec::<&str>::new(), "{origin}");
    }
}

#[test]
fn the_section_is_complete_and_wins_over_the_users() {
    let user = "[cors]\nallowed_origin = https://old.example\nallow_methods = GET\nallow_headers = X-Old\n\
                expose_headers = X-Old\nallow_credentials = true\nmax_age = 1\n";
    let mut settings = cors(&["https://horizon.example.com"]);
    settings.options = CorsValues::from([
        (CorsKey::AllowCredentials, CorsValue::Flag(false)),
        (CorsKey::AllowHeaders, CorsValue::List(vec!["X-Extra".into()])),
    ]);
    let read = filter(&ini(settings), user, &[]);
    insta::assert_yaml_snapshot!(read.options, @r#"
    allow_credentials: false
    allow_headers:
      - Content-MD5
      - X-Image-Meta-Checksum
      - X-Storage-Token
      - Accept-Encoding
      - X-Auth-Token
      - X-Identity-Status
      - X-Roles
      - X-Service-Catalog
      - X-User-Id
      - X-Tenant-Id
      - X-OpenStack-Request-ID
      - Content-Type
      - X-CSRFToken
      - X-Extra
      - X-Image-Meta-Store
      - X-OpenStack-Image-Size
    allow_methods:
      - GET
      - PUT
      - POST
      - DELETE
      - PATCH
    allowed_origin:
      - "https://horizon.example.com"
    expose_headers:
      - X-Image-Meta-Checksum
      - X-Auth-Token
      - X-Subject-Token
      - X-Service-Token
      - X-OpenStack-Request-ID
    max_age: 3600
    "#);
}

#[test]
fn nothing_of_glances_own_defaults_is_lost() {
    let without = filter("", "[cors]\nallowed_origin = https://horizon.example.com\n", &[]).options;
    let with = filter(&ini(cors(&["https://horizon.example.com"])), "", &[]).options;
    for list in ["allow_methods", "allow_headers", "expose_headers"] {
        let ours = with[list].as_array().unwrap();
        for item in without[list].as_array().unwrap() {
            assert!(ours.contains(item), "{list} lacks Glance's own {item}");
        }
    }
    assert_eq!(with["max_age"], without["max_age"]);
}

#[test]
fn ten_thousand_origins_are_accepted() {
    let origins: BTreeSet<Origin> =
        (0..10_000).map(|n| Origin::parse(&format!("https://horizon-{n}.example.com:{}", 1024 + n)).unwrap()).collect();
    let ini = ini(CorsSettings { origins: origins.clone(), ..cors(&[]) });
    let read = filter(&ini, "", &[preflight("https://horizon-9999.example.com:11023")]);
    let expected: Vec<&str> = origins.iter().map(Origin::as_str).collect();
    assert_eq!(read.options["allowed_origin"], json!(expected));
    assert_eq!(read.answers[0].all("Access-Control-Allow-Origin"), ["https://horizon-9999.example.com:11023"]);
}

#[test]
fn nobody_may_upload_without_origins() {
    let read =
        filter(&ini(cors(&[])), "[cors]\nallowed_origin = https://old.example\n", &[preflight("https://old.example")]);
    assert_eq!(read.options["allowed_origin"], json!([]));
    assert_eq!(read.answers[0].all("Access-Control-Allow-Origin"), Vec::<&str>::new());
}

proptest! {
    #[test]
    fn header_names_are_refused_by_name_or_come_out_as_they_went_in(
        headers in prop::collection::vec(prop_oneof![1 => hostile(), 3 => "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,6}"], 0..4),
    ) {
        let options = CorsValues::from([(CorsKey::AllowHeaders, CorsValue::List(headers.clone()))]);
        let settings = ApiSettings {
            cors: Some(CorsSettings { options, ..cors(&["https://h.example"]) }),
            config_dir: "/etc/glance/glance-api.conf.d".into(),
            ..ApiSettings::default()
        };
        match glance(&settings) {
            Ok(files) => {
                let read = filter(&files[0].contents, "", &[]).options;
                let read: Vec<&str> = read["allow_headers"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
                for header in &headers {
                    prop_assert_eq!(read.iter().filter(|known| known.eq_ignore_ascii_case(header)).count(), 1);
                }
                let mut added = read[13..].iter().filter(|name| !GLANCE.late_headers.contains(*name));
                prop_assert!(added.all(|name| headers.iter().any(|header| header == name)));
            }
            Err(error) => {
                prop_assert_eq!(error.setting, "spec.cors.allowHeaders");
                prop_assert!(headers.contains(&error.cause.value));
            }
        }
    }
}
