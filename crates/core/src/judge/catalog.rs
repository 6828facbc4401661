//! Keystone's catalog: the request, and what the answer says about images. Pure.
//!
//! Horizon gives the browser the public endpoint of service type `image` in the user's region, as it is in
//! the catalog of a token.

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
    project: Option<Project>,
    application_credential: Option<Limits>,
}

#[derive(Deserialize)]
struct Project {
    id: String,
}

/// keystone/models/token_model.py and keystone/common/render_token.py: only if there are any.
#[derive(Deserialize)]
struct Limits {
    access_rules: Option<Vec<Value>>,
}

/// What a token is valid for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenScope {
    /// The id of its project.
    pub project: Option<String>,
    /// The application credential has access rules.
    pub is_limited: bool,
}

impl TokenScope {
    /// Reads an answer of Keystone's.
    pub fn read(body: &[u8]) -> Self {
        let Ok(TokenResponse { token }) = serde_json::from_slice(body) else { return Self::default() };
        let rules = token.application_credential.and_then(|limits| limits.access_rules);
        Self {
            project: token.project.map(|project| project.id),
            is_limited: rules.is_some_and(|rules| !rules.is_empty()),
        }
    }
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

/// The public image endpoints in the answer. The first of a region counts, as for Horizon.
///
/// # Errors
/// What the answer is instead.
pub fn read(body: &[u8]) -> Result<PublicEndpoints, String> {
    let answer: TokenResponse =
        serde_json::from_slice(body).map_err(|_| "the answer is not a token of the Identity API v3".to_owned())?;
    let services = answer.token.catalog.into_iter().filter(|service| service.type_ == "image");
    let mut published = PublicEndpoints::new();
    for endpoint in services.flat_map(|service| service.endpoints).filter(|e| e.interface == "public") {
        let Some(region) = endpoint.region_id.or(endpoint.region) else { continue };
        let url = Endpoint::parse(&endpoint.url)
            .map_err(|why| format!("the public image endpoint of region {region:?} is not a URL: {why}"))?;
        published.entry(region).or_insert(url);
    }
    if published.is_empty() {
        return Err("the catalog has no public endpoint of service type image".to_owned());
    }
    Ok(published)
}
