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
