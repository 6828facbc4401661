//! A Keystone and a Glance on loopback, over TLS. They answer as the real ones do, and a test can break
//! them.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::{Digest, Sha512};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::probe::server::{Asked, head, header, tls};

pub const ID: &str = "the-credential";
pub const SECRET: &str = "the-secret-of-the-credential";
pub const TOKEN: &str = "gAAAA-token-of-the-canary";
pub const PROJECT: &str = "project-of-the-canary";
pub const ORIGIN: &str = "https://horizon.example.com";

/// What Glance, or a server in front of it, does with the data.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Put {
    #[default]
    Stores,
    /// nginx's own answer.
    TooLarge,
    /// The connection is cut after so many bytes.
    CutAt(usize),
    /// The connection is cut after so many milliseconds.
    CutAfter(u64),
    /// Glance's own answer.
    Glance(u16),
    /// Stored; CORS headers are removed.
    Unreadable,
    /// Stored in part.
    Damaged,
    /// The store gives up.
    Killed,
}

#[derive(Clone, Copy)]
pub struct Knobs {
    pub keystone: u16,
    /// Access rules stand in the credential.
    pub is_limited: bool,
    /// What the catalog publishes; empty: where Glance is.
    pub published: &'static str,
    /// Glance's answer to all that comes with a token.
    pub glance: u16,
    pub put: Put,
    pub delete: u16,
}

impl Default for Knobs {
    fn default() -> Self {
        Self { keystone: 201, is_limited: false, published: "", glance: 0, put: Put::Stores, delete: 204 }
    }
}

#[derive(Default)]
struct State {
    images: BTreeMap<String, Value>,
    asked: Vec<Asked>,
    made: usize,
}

pub struct Cloud {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

impl Cloud {
    /// With the certificate of a folder, and images that are there already.
    pub fn start(folder: &Path, knobs: Knobs, images: Vec<Value>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let images = images.into_iter().map(|image| (image["id"].as_str().unwrap().to_owned(), image)).collect();
        let state = Arc::new(Mutex::new(State { images, ..State::default() }));
        let (kept, config) = (state.clone(), tls(folder));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, config, kept) = (stream.unwrap(), config.clone(), kept.clone());
                std::thread::spawn(move || converse(stream, config, knobs, port, &kept));
            }
        });
        Self { port, state }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }

    /// Names of the images that are there.
    pub fn images(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.images.values().map(|image| image["name"].as_str().unwrap().to_owned()).collect()
    }
}

fn converse(
    stream: std::net::TcpStream,
    config: Arc<ServerConfig>,
    knobs: Knobs,
    port: u16,
    state: &Mutex<State>,
) -> Option<()> {
    let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
    let head = head(&mut stream)?;
    let length: usize = header(&head, "Content-Length").map_or(0, |length| length.parse().unwrap());
    let is_put = head.starts_with("PUT ");
    let (mut body, began) = (Vec::new(), Instant::now());
    while body.len() < length {
        let cut = match knobs.put {
            Put::CutAt(bytes) => body.len() >= bytes,
            Put::CutAfter(time) => began.elapsed() >= Duration::from_millis(time),
            _ => false,
        };
        if is_put && cut {
            return None;
        }
        let mut piece = vec![0; (length - body.len()).min(256)];
        let read = stream.read(&mut piece).ok().filter(|read| *read > 0)?;
        body.extend(&piece[..read]);
    }
    let asked = Asked { head, body };
    let answer = {
        let mut state = state.lock().unwrap();
        state.asked.push(asked.clone());
        answer(knobs, port, &mut state, &asked)
    };
    stream.write_all(answer.as_bytes()).and_then(|()| stream.flush()).ok()?;
    stream.conn.send_close_notify();
    stream.flush().ok()
}

fn status(status: &str, more: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{more}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// Glance's own answer.
fn glance(code: &str, more: &str, body: &Value) -> String {
    let own = format!("Content-Type: application/json\r\nX-Openstack-Request-Id: req-1\r\n{more}");
    status(code, &own, &if body.is_null() { String::new() } else { body.to_string() })
}

fn answer(knobs: Knobs, port: u16, state: &mut State, asked: &Asked) -> String {
    let (method, path) = asked.line().split_once(' ').unwrap();
    if path == "/v3/auth/tokens" {
        return keystone(knobs, port, asked);
    }
    let cors =
        format!("Vary: Origin\r\nAccess-Control-Allow-Origin: {ORIGIN}\r\nAccess-Control-Allow-Credentials: true\r\n");
    if header(&asked.head, "X-Auth-Token") != Some(TOKEN) || knobs.glance == 401 {
        return glance("401 Unauthorized", "WWW-Authenticate: Keystone uri=\"https://k\"\r\n", &Value::Null);
    }
    if knobs.glance != 0 {
        return glance(&format!("{} No", knobs.glance), "", &Value::Null);
    }
    let id = path.strip_prefix("/image/v2/images/").unwrap_or_default().trim_end_matches("/file");
    match (method, path.split('?').next().unwrap()) {
        // Glance filters; this one gives all, so that what is not ours is seen to stay.
        ("GET", "/image/v2/images") => {
            let images: Vec<_> = state.images.values().cloned().collect();
            glance("200 OK", "", &json!({"images": images}))
        }
        ("POST", "/image/v2/images") => {
            state.made += 1;
            let id = format!("0000000{}-made", state.made);
            let mut image: Value = serde_json::from_slice(&asked.body).unwrap();
            for (name, value) in [("id", id.as_str()), ("owner", PROJECT), ("status", "queued")] {
                image[name] = json!(value);
            }
            state.images.insert(id, image.clone());
            glance("201 Created", "", &image)
        }
        ("PUT", _) => {
            let Some(image) = state.images.get_mut(id) else { return glance("404 Not Found", "", &Value::Null) };
            put(knobs.put, image, &asked.body, &cors)
        }
        ("GET", _) => match state.images.get(id) {
            Some(image) => glance("200 OK", "", image),
            None => glance("404 Not Found", "", &Value::Null),
        },
        ("DELETE", _) if knobs.delete == 204 => {
            state.images.remove(id);
            glance("204 No Content", "", &Value::Null)
        }
        _ => glance(&format!("{} No", knobs.delete), "", &Value::Null),
    }
}

fn keystone(knobs: Knobs, port: u16, asked: &Asked) -> String {
    let body: Value = serde_json::from_slice(&asked.body).unwrap();
    let credential = &body["auth"]["identity"]["application_credential"];
    if (credential["id"].as_str(), credential["secret"].as_str()) != (Some(ID), Some(SECRET)) {
        return status("401 Unauthorized", "", "");
    }
    let url = match knobs.published {
        "" => format!("https://glance.example.com:{port}/image"),
        published => published.to_owned(),
    };
    let rules = json!([{"service": "image", "method": "*", "path": "/v2/**"}]);
    let rules = if knobs.is_limited { rules } else { Value::Null };
    let token = json!({"token": {
        "project": {"id": PROJECT},
        "application_credential": {"id": ID, "access_rules": rules},
        "catalog": [{"type": "image", "endpoints": [
            {"interface": "public", "region_id": "One", "url": url},
            {"interface": "internal", "region_id": "One", "url": "http://glance.svc:9292"},
        ]}],
    }});
    let more = format!("Content-Type: application/json\r\nX-Subject-Token: {TOKEN}\r\n");
    status(&format!("{} OK", knobs.keystone), &more, &token.to_string())
}

fn put(put: Put, image: &mut Value, body: &[u8], cors: &str) -> String {
    let mut stored = body.to_vec();
    match put {
        Put::TooLarge => {
            return status("413 Request Entity Too Large", "Server: nginx/1.22\r\nConnection: close\r\n", "");
        }
        Put::Glance(code) => return glance(&format!("{code} No"), cors, &Value::Null),
        Put::Damaged => stored[100] ^= 1,
        Put::Stores | Put::Unreadable | Put::Killed | Put::CutAt(_) | Put::CutAfter(_) => {}
    }
    image["status"] = json!(if put == Put::Killed { "killed" } else { "active" });
    image["size"] = json!(stored.len());
    image["os_hash_algo"] = json!("sha512");
    image["os_hash_value"] = json!(format!("{:x}", Sha512::digest(&stored)));
    glance("204 No Content", if put == Put::Unreadable { "" } else { cors }, &Value::Null)
}
