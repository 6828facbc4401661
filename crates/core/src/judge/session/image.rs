//! The image as Horizon's REST API shows it (openstack_dashboard/api/rest/glance.py), from its creation to
//! its deletion.

use direct_upload_api::Rule;
use direct_upload_api::web::Endpoint;
use serde_json::{Value, json};

use super::settings::Mode;
use super::{Break, Content, Reply, Secret};
use crate::judge::explain::signature;
use crate::judge::headers::{get, shown};
use crate::judge::html::texts;

/// The prefix of our images' names.
pub const PREFIX: &str = "direct-upload-verify-";

/// The image as the Angular panel describes it
/// (openstack_dashboard/static/app/core/images/steps/create-image/create-image.controller.js), private.
/// `data`: the file's name, if its bytes go elsewhere.
pub fn described(name: &str, format: &str, mode: Mode, data: Option<&str>) -> Value {
    let mut image = json!({
        "name": name,
        "source_type": format!("file-{mode}"),
        "image_url": "",
        "is_copying": false,
        "protected": false,
        "min_disk": 0,
        "min_ram": 0,
        "container_format": "bare",
        "disk_format": format,
        "visibility": "private",
    });
    if let Some(data) = data {
        image["data"] = json!(data);
    }
    image
}

/// The same as fields of a form (ng-file-upload, as horizon/static/framework/util/http/http.js calls it).
pub fn as_fields(image: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let fields = image.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), text(value)));
    fields.chain([("$$originalJSON".to_owned(), image.to_string())]).collect()
}

/// An image that waits for its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    pub id: String,
    /// Where the page sends the data, and with which token; none if Horizon does it.
    pub upload: Option<(Endpoint, Secret)>,
}

/// The image's id in an answer that may have a new image. It must be deleted, whatever else is wrong.
pub fn id_in(reply: &Reply) -> Option<String> {
    let by_json = reply.json().and_then(|json| json["id"].as_str().map(str::to_owned));
    let by_header = || {
        let url = get(&reply.head.headers, "X-File-Upload-URL")?;
        Some(url.rsplit_once("/v2/images/")?.1.strip_suffix("/file")?.to_owned())
    };
    by_json.or_else(by_header).filter(|id| is_id(id))
}

/// Valid in a path; Glance's ids are UUIDs.
pub(super) fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The Angular panel's new image (`PUT api/glance/images/`): 201, with `upload_url` and `token_id`.
///
/// # Errors
/// Why there is none, or none to which the page could send data.
pub fn by_angular(reply: &Reply) -> Result<Created, Break> {
    if reply.head.status != 201 {
        return Err(not_created(reply));
    }
    let json = reply.json().unwrap_or_default();
    let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
    created(id_in(reply), &text("upload_url"), text("token_id"))
}

/// The Django panel's: 200, with `X-File-Upload-URL` and `X-Auth-Token` (horizon/forms/views.py).
///
/// # Errors
/// As [`by_angular`].
pub fn by_django(reply: &Reply) -> Result<Created, Break> {
    let headers = &reply.head.headers;
    let Some(url) = get(headers, "X-File-Upload-URL") else { return Err(form_refused(reply)) };
    created(id_in(reply), &url, get(headers, "X-Auth-Token").unwrap_or_default())
}

fn created(id: Option<String>, url: &str, token: String) -> Result<Created, Break> {
    let Some(id) = id else {
        return Err(Break::new(
            "an answer without the image's id",
            "Horizon created no image",
            "look at Horizon's log",
        ));
    };
    if url.is_empty() {
        return Err(Break::new(
            "an answer without upload_url",
            "Horizon does not say where the data goes: the page cannot send it",
            "read Horizon's log, and look for a proxy that changes its answers",
        ));
    }
    let base = url.strip_suffix(&format!("/v2/images/{id}/file"));
    let endpoint = base.map(Endpoint::parse);
    let Some(Ok(endpoint)) = endpoint else {
        return Err(Break::new(
            format!("upload URL {}", shown(url)),
            "the upload URL is not one of Glance's: Horizon appends /v2/images/{id}/file to the catalog's public endpoint of service type image",
            "correct that endpoint in the Keystone catalog",
        )
        .by(&[Rule::WrongEndpoint]));
    };
    if token.is_empty() {
        return Err(Break::new(
            "an answer without a token",
            "Horizon's answer lacks the token that the page needs for the upload",
            "a proxy may remove X-Auth-Token from the dashboard's answers: let it pass",
        ));
    }
    Ok(Created { id, upload: Some((endpoint, Secret::new(token))) })
}

/// Horizon's REST API returns Glance's status, and its message as a JSON string.
fn not_created(reply: &Reply) -> Break {
    let status = reply.head.status;
    let said = reply.json().and_then(|json| json.as_str().map(shown));
    let said = said.filter(|said| !said.is_empty()).map(|said| format!(": {said}")).unwrap_or_default();
    let received = format!("status {status}{}{said}", signature(&reply.head));
    let (message, fix) = match status {
        401 => {
            ("the session ended, or Glance does not accept the user's token", "look at Horizon's log and at Glance's")
        }
        403 if said.is_empty() || said.contains("CSRF") => (
            "Django's check against forged requests (CSRF), or something in front of Horizon, refused the request",
            "look at CSRF_TRUSTED_ORIGINS and SECURE_PROXY_SSL_HEADER of Horizon's settings, and whether PUT and POST below api/ pass the proxies in front of it",
        ),
        403 => ("Glance does not let this user create images", "look at the policy add_image and at the user's roles"),
        405 | 501 => (
            "something in front of Horizon does not let the method pass",
            "let PUT, POST and DELETE below api/ reach Horizon",
        ),
        413 if said.is_empty() => {
            return Break::new(
                received,
                "a body limit in front of Horizon refused the request",
                "lift the limit before Horizon: httpd LimitRequestBody, nginx client_max_body_size, ingress-nginx proxy-body-size; or let browsers upload straight to Glance",
            )
            .by(&[Rule::BodyLimit]);
        }
        413 => (
            "a quota or limit of Glance refused the image",
            "raise it: openstack registered limit, or [DEFAULT] of Glance",
        ),
        400 | 409 | 422 => ("Glance refused the image's description", "read its message and Glance's log"),
        _ => ("Horizon did not create the image", "look at Horizon's log: it says what Glance answered"),
    };
    Break::new(received, message, fix)
}

fn form_refused(reply: &Reply) -> Break {
    if !(200..=299).contains(&reply.head.status) {
        return not_created(reply);
    }
    let mut said = texts(&reply.text(), &["alert-danger", "has-error", "errorlist", "help-block"]);
    said.extend(get(&reply.head.headers, "X-Horizon-Messages"));
    Break::new(
        shown(&format!("Horizon shows the form again: {}", said.join("; "))),
        "Horizon did not accept the form of the new image",
        "read its message and Horizon's log",
    )
}

/// The image of this name in a list (`GET api/glance/images/?name=…`).
pub fn listed(reply: &Reply, name: &str) -> Option<String> {
    let json = reply.json()?;
    let items = json["items"].as_array()?;
    let found = items.iter().find(|image| image["name"].as_str() == Some(name))?;
    found["id"].as_str().filter(|id| is_id(id)).map(str::to_owned)
}

/// What the REST API says about the image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Glance's status: `queued`, `saving`, `active`, …
    pub status: String,
    pub size: Option<u64>,
    /// Algorithm and value, if they are shown.
    pub hash: Option<(String, String)>,
}

impl State {
    /// `None`: the answer does not say.
    pub fn read(reply: &Reply) -> Option<Self> {
        if reply.head.status == 404 {
            return Some(Self { status: "deleted".to_owned(), ..Self::default() });
        }
        let json = reply.json().filter(|_| reply.head.status == 200)?;
        // Attributes that Horizon does not know by name are among the properties (`Image.to_dict`).
        let get = |name: &str| Some(&json[name]).filter(|v| !v.is_null()).or_else(|| json["properties"].get(name));
        let text = |name: &str| get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            status: shown(&text("status")?),
            size: get("size").and_then(Value::as_u64),
            hash: text("os_hash_algo").zip(text("os_hash_value")),
        })
    }

    /// Whether waiting can change it.
    pub fn is_under_way(&self) -> bool {
        matches!(self.status.as_str(), "queued" | "saving" | "uploading" | "importing")
    }

    pub fn is_active(&self) -> bool {
        self.status == "active"
    }
}

/// The image did not become active.
pub fn not_active(state: Option<&State>, mode: Mode, waited: u64) -> Break {
    let status = state.map_or("unknown", |state| state.status.as_str());
    let received = format!("status {status} after {waited} s");
    let broken = |message: &str, fix: &str| Break::new(received.clone(), message, fix);
    match (status, mode) {
        ("queued", Mode::Legacy) => broken(
            "Horizon accepted the file and reported success, but Glance has no data: Horizon sends the file to Glance in the background, and reports no failure",
            "look at Horizon's log and at Glance's. Glance behind uWSGI needs chunked-input-limit, behind mod_wsgi WSGIChunkedRequest On; behind mod_proxy_uwsgi legacy uploads never work",
        )
        .by(&[Rule::ChunkedLimit, Rule::BodyLimit]),
        ("queued", _) => broken(
            "the upload got an answer, but Glance has no data: another server accepted it",
            "compare what is routed to Glance for PUT with the dashboard's own endpoint of Glance",
        )
        .by(&[Rule::WrongEndpoint]),
        ("saving" | "uploading" | "importing", _) => broken(
            "Glance has not finished storing the data",
            "look at Glance's log and at its store; or wait longer, with --timeout",
        ),
        ("unknown", _) => broken("Horizon does not show the image's state", "look at Horizon's log"),
        ("deleted", _) => broken("the image is gone", "somebody deleted it, or policy hides it: look at Glance's log"),
        _ => broken("Glance ended the image's upload", "look at Glance's log, and at its store"),
    }
}

/// What was compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    /// Size and checksum, with this algorithm.
    Whole(String),
    /// Only the size, because no checksum is shown that can be computed here.
    SizeOnly,
}

/// Whether the image contains what was sent.
///
/// # Errors
/// It does not.
pub fn compare(content: Content, state: &State) -> Result<Compared, Break> {
    let fix = "something in front of Glance changes or cuts bodies (a virus scanner, a transforming proxy, an import plugin), or the store is faulty: compare with an upload by `openstack image create` that bypasses it";
    if state.size != Some(content.size) {
        let size = state.size.map_or("unknown".to_owned(), |size| format!("{size} bytes"));
        return Err(Break::new(
            format!("size {size}, sent {} bytes", content.size),
            "the image does not have the size of the data that was sent",
            fix,
        ));
    }
    let Some((algorithm, value)) = &state.hash else { return Ok(Compared::SizeOnly) };
    match content.checksum(algorithm) {
        None => Ok(Compared::SizeOnly),
        Some(own) if own.eq_ignore_ascii_case(value) => Ok(Compared::Whole(shown(algorithm))),
        Some(_) => Err(Break::new(
            format!("a {} that differs from that of the data that was sent", shown(algorithm)),
            "the image does not contain the data that was sent",
            fix,
        )),
    }
}

/// Whether the image is deleted.
///
/// # Errors
/// It is not.
pub fn deleted(reply: &Reply) -> Result<(), Break> {
    if matches!(reply.head.status, 200..=299 | 404) {
        return Ok(());
    }
    Err(Break { message: "Horizon did not delete the image".to_owned(), ..not_created(reply) })
}
