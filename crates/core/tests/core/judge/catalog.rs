//! What Keystone answers, and what follows for where uploads go.

use direct_upload_core::judge::read;
use direct_upload_core::model::{CatalogReading, PublicEndpoints};
use rstest::rstest;
use serde_json::{Value, json};

fn endpoint(interface: &str, region: &str, url: &str) -> Value {
    json!({"id": "1", "interface": interface, "region": region, "region_id": region, "url": url})
}

/// As Keystone writes it: several services, interfaces, regions.
#[test]
fn public_image_endpoints() {
    let body = json!({"token": {"methods": ["application_credential"], "catalog": [
        {"type": "identity", "name": "keystone", "endpoints": [endpoint("public", "One", "https://keystone.example.com/v3")]},
        {"type": "image", "name": "glance", "endpoints": [
            endpoint("internal", "One", "http://glance.svc:9292"),
            endpoint("public", "One", "https://glance.example.com/"),
            endpoint("public", "Two", "https://glance.two.example.com/image"),
        ]},
        {"type": "image", "name": "old", "endpoints": [endpoint("public", "One", "https://old.example.com")]},
    ]}});
    let published = read(body.to_string().as_bytes()).unwrap();
    let found: Vec<_> = published.iter().map(|(region, url)| format!("{region} {url}")).collect();
    assert_eq!(found, ["One https://glance.example.com/", "Two https://glance.two.example.com/image"]);
}

#[rstest]
#[case::html("<html>", "not a token of the Identity API")]
#[case::error(r#"{"error": {"code": 401}}"#, "not a token of the Identity API")]
#[case::no_catalog(r#"{"token": {}}"#, "no public endpoint")]
#[case::internal_only(r#"{"token": {"catalog": [{"type": "image", "endpoints": [{"interface": "internal", "region_id": "One", "url": "https://g.example.com"}]}]}}"#, "no public endpoint")]
#[case::template(r#"{"token": {"catalog": [{"type": "image", "endpoints": [{"interface": "public", "region_id": "One", "url": "$(public_url)s"}]}]}}"#, "is not a URL")]
fn nothing_follows(#[case] body: &str, #[case] said: &str) {
    let why = read(body.as_bytes()).unwrap_err();
    assert!(why.contains(said), "{why}");
}

#[test]
fn a_failure_takes_nothing_away() {
    let known = CatalogReading::Known(PublicEndpoints::new());
    let unknown = || CatalogReading::Unknown("no answer".into());
    assert_eq!(CatalogReading::then(Some(&known), unknown()), known);
    assert_eq!(CatalogReading::then(None, unknown()), unknown());
    assert_eq!(CatalogReading::then(Some(&unknown()), known.clone()), known);
}
