//! Keystone's catalog: what is asked of it, and what it says of images. Pure.
//!
//! Horizon hands the browser the public endpoint of service type `image` in the user's region, as it
//! stands in the catalog that comes with a token.

use direct_upload_api::web::Endpoint;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::model::PublicEndpoints;

/// The body of `POST {authURL}/auth/tokens`.
pub fn request(id: &str, secret: &str) -> Value {
    json!({"auth": {"identity": {
        "methods": ["application_credential"],
        "application_credential": {"id": id, "secret": secret},
    }}})
}

#[derive(Deserialize)]
struct TokenResponse {
    token: Token,
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    catalog: Vec<CatalogService>,
}

#[derive(Deserialize)]
struct CatalogService {
    #[serde(rename = "type", default)]
    type_: String,
    #[serde(default)]
    endpoints: Vec<CatalogEndpoint>,
}

/// One endpoint of a service.
#[derive(Deserialize)]
struct CatalogEndpoint {
    #[serde(default)]
    interface: String,
    region_id: Option<String>,
    region: Option<String>,
    #[serde(default)]
    url: String,
}

/// The public image endpoints in the answer; the first of a region counts, as for Horizon.
///
/// # Errors
/// What it is instead.
pub fn read(body: &[u8]) -> Result<PublicEndpoints, String> {
    let answer: TokenResponse =
        serde_json::from_slice(body).map_err(|_| "the answer is no token of the Identity API v3".to_owned())?;
    let services = answer.token.catalog.into_iter().filter(|service| service.type_ == "image");
    let mut published = PublicEndpoints::new();
    for endpoint in services.flat_map(|service| service.endpoints).filter(|e| e.interface == "public") {
        let Some(region) = endpoint.region_id.or(endpoint.region) else { continue };
        let url = Endpoint::parse(&endpoint.url)
            .map_err(|why| format!("the public image endpoint of region {region:?} is no URL: {why}"))?;
        published.entry(region).or_insert(url);
    }
    if published.is_empty() {
        return Err("the catalog has no public endpoint of service type image".to_owned());
    }
    Ok(published)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CatalogReading;
    use rstest::rstest;

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
    #[case::html("<html>", "no token")]
    #[case::error(r#"{"error": {"code": 401}}"#, "no token")]
    #[case::no_catalog(r#"{"token": {}}"#, "no public endpoint")]
    #[case::internal_only(r#"{"token": {"catalog": [{"type": "image", "endpoints": [{"interface": "internal", "region_id": "One", "url": "https://g.example.com"}]}]}}"#, "no public endpoint")]
    #[case::template(r#"{"token": {"catalog": [{"type": "image", "endpoints": [{"interface": "public", "region_id": "One", "url": "$(public_url)s"}]}]}}"#, "is no URL")]
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
}
