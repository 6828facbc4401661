//! A dashboard and a Glance on loopback. They answer as the real ones do, and a test can break them.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha512};

use crate::probe::server::{Asked, filter, head, header};

pub const PASSWORD: &str = "pass word&=ü";
pub const TOKEN: &str = "gAAAA-token-of-the-user";
const SESSION: &str = "session-cookie";
const BEFORE: &str = "csrf-before-login";
const AFTER: &str = "csrf-after-login";

/// How the dashboard shows its login.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Login {
    #[default]
    Form,
    /// `WEBSSO_DEFAULT_REDIRECT`.
    Websso,
    /// An identity provider's module in front of it (mod_auth_openidc).
    Elsewhere,
    /// The form, with choices of which none is Keystone's.
    SsoChoices,
    /// The form, with a choice and a domain.
    Choices,
    Basic,
    NotHorizon,
    /// Django takes the site for another origin than browsers do.
    CsrfFails,
    Totp,
    Expired,
    /// Lets people in, and has forgotten them at the next request.
    Forgets,
}

/// Whether the page's upload carries X-CSRFToken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Csrf {
    /// 2026.1, and CSRF_COOKIE_HTTPONLY.
    Sent,
    /// The page holds no token.
    Absent,
    /// 2026.2: the page's script strips it.
    Stripped,
}

/// What Glance, or a server in front of it, does with the data.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Put {
    #[default]
    Stores,
    /// nginx's own answer.
    TooLarge,
    /// The token check's.
    Unauthorized,
    /// Cut after some bytes.
    Cut,
    /// Taken, and no answer.
    Silent,
    /// Stored; CORS headers are taken off.
    Unreadable,
    /// Stored in part.
    Damaged,
    /// Glance answers, the store goes on for ever.
    NeverActive,
    /// Legacy: Horizon never gets the file to Glance.
    Stuck,
}

#[derive(Clone, Copy)]
pub struct Knobs {
    pub mode: &'static str,
    pub django: bool,
    pub login: Login,
    /// The page's policy.
    pub csp: &'static str,
    pub csrf: Csrf,
    /// Glance's allow_headers.
    pub allow_headers: &'static [&'static str],
    /// Glance's allowed_origin; empty: the dashboard's.
    pub allowed_origin: &'static str,
    pub put: Put,
    /// Horizon's answer to DELETE.
    pub delete: u16,
    /// Horizon's answer to a new image.
    pub create: u16,
    pub formats: &'static [&'static str],
    /// What the catalog's URL ends in.
    pub version: &'static str,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            mode: "direct",
            django: false,
            login: Login::Form,
            csp: "",
            csrf: Csrf::Sent,
            allow_headers: &["X-Auth-Token", "X-CSRFToken"],
            allowed_origin: "",
            put: Put::Stores,
            delete: 204,
            create: 201,
            formats: &["iso", "qcow2", "raw"],
            version: "",
        }
    }
}

#[derive(Default)]
struct State {
    images: BTreeMap<String, Value>,
    dashboard: Vec<Asked>,
    glance: Vec<Asked>,
    region: String,
    project: String,
}

pub struct Cloud {
    pub dashboard: u16,
    pub glance: u16,
    state: Arc<Mutex<State>>,
}

impl Cloud {
    pub fn start(knobs: Knobs) -> Self {
        let state = Arc::new(Mutex::new(State { region: "One".into(), project: "demo".into(), ..State::default() }));
        let [dashboard, glance] = [(), ()].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = [&dashboard, &glance].map(|listener| listener.local_addr().unwrap().port());
        let origin = format!("http://horizon.example.com:{}", ports[0]);
        let upload = format!("http://glance.example.com:{}{}", ports[1], knobs.version);
        let kept = state.clone();
        serve(dashboard, move |asked| {
            let mut state = kept.lock().unwrap();
            state.dashboard.push(asked.clone());
            Some(Horizon { knobs, origin: &origin, upload: &upload, state: &mut state }.answer(&asked))
        });
        let origin = format!("http://horizon.example.com:{}", ports[0]);
        let kept = state.clone();
        serve(glance, move |asked| {
            let mut state = kept.lock().unwrap();
            state.glance.push(asked.clone());
            glance_answers(knobs, &origin, &mut state, &asked)
        });
        Self { dashboard: ports[0], glance: ports[1], state }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().dashboard.clone()
    }

    pub fn glance_asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().glance.clone()
    }

    /// Names of the images that are there.
    pub fn images(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.images.values().map(|image| image["name"].as_str().unwrap().to_owned()).collect()
    }
}

/// `None`: the connection is cut.
fn serve(listener: TcpListener, answer: impl Fn(Asked) -> Option<String> + Send + Sync + 'static) {
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let answer = answer.clone();
            std::thread::spawn(move || converse(stream.unwrap(), &*answer));
        }
    });
}

fn converse(mut stream: TcpStream, answer: &dyn Fn(Asked) -> Option<String>) {
    let Some(head) = head(&mut stream) else { return };
    let length = header(&head, "Content-Length").map_or(0, |length| length.parse().unwrap());
    // Who refuses data does not wait for all of it.
    let read = if head.starts_with("PUT /v2/") { length.min(4 << 20) } else { length };
    let mut body = vec![0; read];
    if stream.read_exact(&mut body).is_err() {
        return;
    }
    if let Some(answer) = answer(Asked { head, body }) {
        if answer.is_empty() {
            std::thread::sleep(Duration::from_secs(20));
        }
        let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.flush());
        // What was not read must not make the kernel reset the connection before the answer is read.
        let _ = stream.set_read_timeout(Some(Duration::from_millis(300)));
        let mut rest = vec![0; 65536];
        for _ in 0..8 {
            if !matches!(stream.read(&mut rest), Ok(1..)) {
                break;
            }
        }
    }
}

fn page(more: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n{more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn status(status: &str, more: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{more}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn as_json(code: &str, value: &Value) -> String {
    status(code, "Content-Type: application/json\r\n", &value.to_string())
}

fn field(token: &str) -> String {
    format!("<input type=\"hidden\" name=\"csrfmiddlewaretoken\" value=\"{token}\">")
}

struct Horizon<'a> {
    knobs: Knobs,
    origin: &'a str,
    upload: &'a str,
    state: &'a mut State,
}

impl Horizon<'_> {
    fn answer(&mut self, asked: &Asked) -> String {
        let (method, path) = asked.line().split_once(' ').unwrap();
        let cookies = header(&asked.head, "Cookie").unwrap_or_default();
        let is_in = cookies.contains(SESSION) && self.knobs.login != Login::Forgets;
        let ajax = header(&asked.head, "X-Requested-With") == Some("XMLHttpRequest");
        if method != "GET" && path != "/auth/login/" {
            // Django's own check, which is the middleware's for every view.
            let by_header = header(&asked.head, "X-CSRFToken") == Some(AFTER);
            let by_field = String::from_utf8_lossy(&asked.body).contains(AFTER);
            if !(by_header || by_field) || header(&asked.head, "Origin") != Some(self.origin) {
                return status("302 Found", "Location: /auth/login/?csrf_failure=no\r\n", "");
            }
        }
        match (method, path.split('?').next().unwrap()) {
            ("GET", "/") => status("302 Found", "Location: /auth/login/?next=/\r\n", ""),
            ("GET", "/auth/login/") => self.login(),
            ("POST", "/auth/login/") => self.enter(asked, cookies),
            ("GET", "/static/dashboard/js/app.js") => page("", self.script()),
            _ if !is_in && path.starts_with("/api/") => as_json("401 Unauthorized", &json!("not logged in")),
            _ if !is_in => status("302 Found", "Location: /auth/login/\r\n", ""),
            _ if path.starts_with("/api/") && !ajax => as_json("400 Bad Request", &json!("request must be AJAX")),
            ("GET", "/api/settings/") => as_json(
                "200 OK",
                &json!({"HORIZON_IMAGES_UPLOAD_MODE": self.knobs.mode, "OPENSTACK_IMAGE_FORMATS": self.knobs.formats}),
            ),
            ("GET", "/api/keystone/user-session/") => as_json(
                "200 OK",
                &json!({"username": "demo", "user_domain_name": "Default", "project_name": self.state.project,
                    "project_id": format!("id-of-{}", self.state.project), "services_region": self.state.region,
                    "available_services_regions": ["One", "Two"]}),
            ),
            ("GET", "/auth/switch_services_region/Two/") => {
                self.state.region = "Two".into();
                status("302 Found", "Location: /\r\n", "")
            }
            ("GET", "/auth/switch/id-of-other/") => {
                self.state.project = "other".into();
                status("302 Found", "Location: /\r\n", "")
            }
            ("GET", "/project/images/") => self.panel(),
            ("GET", "/project/images/create/") if self.knobs.django => self.form(),
            ("POST", "/project/images/create/") if self.knobs.django => self.submitted(asked),
            ("PUT", "/api/glance/images/") => self.create(asked),
            ("POST", "/api/glance/images/") => self.legacy(asked),
            ("GET", "/api/glance/images/") => {
                let images: Vec<_> =
                    self.state.images.values().filter(|i| path.ends_with(i["name"].as_str().unwrap())).collect();
                as_json("200 OK", &json!({"items": images}))
            }
            ("GET", path) if path.starts_with("/api/glance/images/") => match self.state.images.get(id_of(path)) {
                Some(image) => as_json("200 OK", image),
                None => as_json("404 Not Found", &json!("No image found")),
            },
            ("DELETE", path) if path.starts_with("/api/glance/images/") => {
                if self.knobs.delete == 204 {
                    self.state.images.remove(id_of(path));
                    return status("204 No Content", "Content-Type: application/json\r\n", "");
                }
                as_json(&format!("{} No", self.knobs.delete), &json!("You are not authorized to complete delete_image"))
            }
            ("POST", "/auth/logout/") => status("302 Found", "Location: /auth/login/\r\n", ""),
            _ => status("404 Not Found", "", "no such page"),
        }
    }

    /// As Debian's Horizon writes it, but for what makes it look nice.
    fn login(&self) -> String {
        let cookie = format!("Set-Cookie: csrftoken={BEFORE}; Path=/; SameSite=Lax\r\n");
        let choices = match self.knobs.login {
            Login::SsoChoices => "<select name=\"auth_type\"><option value=\"saml2\">SAML</option></select>",
            Login::Choices => {
                "<select name=\"auth_type\"><option value=\"saml2\" selected>SAML</option><option value=\"credentials\">Keystone Credentials</option></select><input type=\"text\" name=\"domain\" id=\"id_domain\">"
            }
            _ => "",
        };
        match self.knobs.login {
            Login::Websso => {
                return status(
                    "302 Found",
                    "Location: http://keystone.example.com/v3/auth/OS-FEDERATION/websso/openid?origin=SECRET\r\n",
                    "",
                );
            }
            Login::Elsewhere => {
                return status("302 Found", "Location: https://sso.example.com/authorize?state=SECRET\r\n", "");
            }
            Login::Basic => return status("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", ""),
            Login::NotHorizon => {
                return page(
                    "",
                    "<title>Grafana</title><form><input name=username><input name=password type=password></form>",
                );
            }
            _ => {}
        }
        let body = format!(
            "<!DOCTYPE html><title>Login - OpenStack Dashboard</title><script>if (a < b) {{ document.write('<form>') }}</script>
            <form id=\"\" class=\"ng-pristine\"\n method=\"POST\"\n action=\"/auth/login/\" autocomplete=\"off\">{}{choices}
            <input type=\"text\" name=\"fake_email\" value=\"\"/><input type=\"password\" name=\"fake_password\" value=\"\"/>
            <input type=\"hidden\" name=\"next\" value=\"/\" /><input type=\"hidden\" name=\"region\" value=\"default\" id=\"id_region\">
            <input type=\"text\" name=\"username\" autofocus id=\"id_username\"><input type=\"password\" name=\"password\" id=\"id_password\">
            <button id=\"loginBtn\" type=\"submit\">Sign In</button></form>",
            field(BEFORE)
        );
        page(&cookie, &body)
    }

    fn enter(&self, asked: &Asked, cookies: &str) -> String {
        let body = String::from_utf8(asked.body.clone()).unwrap();
        let fields: BTreeMap<_, _> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let get = |name: &str| fields.get(name).map(String::as_str);
        if self.knobs.login == Login::CsrfFails {
            let reason =
                "Origin%20checking%20failed%20-%20http%3A//horizon%20does%20not%20match%20any%20trusted%20origins.";
            return status("302 Found", &format!("Location: /auth/login/?csrf_failure={reason}\r\n"), "");
        }
        let passes = get("csrfmiddlewaretoken") == Some(BEFORE) && cookies.contains(&format!("csrftoken={BEFORE}"));
        if !passes || header(&asked.head, "Origin") != Some(self.origin) {
            return status("302 Found", "Location: /auth/login/?csrf_failure=CSRF%20cookie%20not%20set.\r\n", "");
        }
        let domain = self.knobs.login != Login::Choices || get("domain") == Some("Users");
        let fits =
            get("password") == Some(PASSWORD) && get("username") == Some("demo") && get("region") == Some("default");
        if !fits || !domain || get("auth_type").is_some_and(|kind| kind != "credentials") {
            let said = "<div class=\"alert alert-danger\">\n <p>Invalid credentials.</p>\n</div>";
            return page("", &(said.to_owned() + &self.login()));
        }
        let to = match self.knobs.login {
            Login::Totp => "/auth/totp/demo/",
            Login::Expired => "/auth/password/0123/",
            _ => "/",
        };
        let cookies =
            format!("Set-Cookie: sessionid={SESSION}; HttpOnly; Path=/\r\nSet-Cookie: csrftoken={AFTER}; Path=/\r\n");
        status("302 Found", &format!("Location: {to}\r\n{cookies}"), "")
    }

    fn panel(&self) -> String {
        let csp = if self.knobs.csp.is_empty() {
            String::new()
        } else {
            format!("Content-Security-Policy: {}\r\n", self.knobs.csp)
        };
        let token = if self.knobs.csrf == Csrf::Absent { String::new() } else { field(AFTER) };
        let main = if self.knobs.django { "<table id=\"images\"></table>" } else { "<div ng-view></div>" };
        let body = format!(
            "<title>Images - OpenStack Dashboard</title><script src='/static/dashboard/js/app.js'></script>
            <a href=\"/auth/switch/id-of-other/?next=/project/images/\" target=\"_self\"><span class=\"fa\"></span><span>\n other\n </span></a>
            <form method=\"post\" action=\"/auth/logout/\">{token}</form>{main}"
        );
        page(&csp, &body)
    }

    fn script(&self) -> &'static str {
        if self.knobs.csrf == Csrf::Stripped {
            "$httpProvider.defaults.xsrfHeaderName='X-CSRFToken';if('X-Auth-Token'in config.headers){delete config.headers['X-Requested-With'];delete config.headers['X-CSRFToken'];}"
        } else {
            "$httpProvider.defaults.xsrfHeaderName='X-CSRFToken';if('X-Auth-Token'in config.headers){delete config.headers['X-Requested-With'];}"
        }
    }

    fn form(&self) -> String {
        let hidden = if self.knobs.mode == "direct" {
            "<input type=hidden name=image_file__hidden id=id_image_file__hidden>"
        } else {
            ""
        };
        let file = if self.knobs.mode == "off" { "hidden" } else { "file" };
        page(
            "",
            &format!(
                "<form id=\"create_image_form\" action=\"/project/images/create/\" method=\"POST\" enctype=\"multipart/form-data\">{}{hidden}
                <input type=hidden name=is_copying value=True><input name=name maxlength=255><textarea name=description rows=4>\n</textarea>
                <select name=source_type><option value=file>Image File</option></select><input type={file} name=image_file>
                <select name=disk_format><option value=\"\">Select format</option><option value=raw>Raw</option></select>
                <input type=number name=min_disk><input type=checkbox name=protected><input type=submit value=Create></form>",
                field(AFTER)
            ),
        )
    }

    fn made(&mut self, name: &str, status: &str, data: Option<&[u8]>) -> String {
        let id = uuid::Uuid::new_v4().to_string();
        let mut image = json!({"id": id, "name": name, "status": status, "size": 0, "properties": {}});
        if let Some(data) = data {
            store(&mut image, data);
        }
        self.state.images.insert(id.clone(), image);
        id
    }

    fn create(&mut self, asked: &Asked) -> String {
        let described: Value = serde_json::from_slice(&asked.body).unwrap();
        assert_eq!((&described["source_type"], &described["visibility"]), (&json!("file-direct"), &json!("private")));
        if self.knobs.create != 201 {
            return as_json(&format!("{} No", self.knobs.create), &json!("Quota image_count_total is exceeded"));
        }
        let id = self.made(described["name"].as_str().unwrap(), "queued", None);
        let mut image = self.state.images[&id].clone();
        image["upload_url"] = json!(format!("{}/v2/images/{id}/file", self.upload));
        image["token_id"] = json!(TOKEN);
        as_json("201 Created", &image)
    }

    fn submitted(&mut self, asked: &Asked) -> String {
        let text = String::from_utf8_lossy(&asked.body);
        assert!(
            text.contains("name=\"disk_format\"\r\n\r\nraw\r\n")
                && text.contains("name=\"source_type\"\r\n\r\nfile\r\n")
        );
        let name = text.split("name=\"name\"\r\n\r\n").nth(1).unwrap().split('\r').next().unwrap().to_owned();
        if self.knobs.create != 201 {
            return page(
                "",
                "<div class=\"form-group has-error\"><span class=\"help-block\">Quota is exceeded</span></div>",
            );
        }
        if self.knobs.mode == "legacy" {
            self.received(&name, &asked.body, "image_file");
            return status("200 OK", "X-Horizon-Location: /project/images/\r\n", "");
        }
        assert!(text.contains(&format!("name=\"image_file__hidden\"\r\n\r\n{name}.img\r\n")));
        let id = self.made(&name, "queued", None);
        let headers = format!(
            "X-Horizon-Location: /project/images/\r\nX-File-Upload-URL: {}/v2/images/{id}/file\r\nX-Auth-Token: {TOKEN}\r\n",
            self.upload
        );
        status("200 OK", &headers, "")
    }

    fn legacy(&mut self, asked: &Asked) -> String {
        let text = String::from_utf8_lossy(&asked.body);
        let original = text.split("name=\"$$originalJSON\"\r\n\r\n").nth(1).unwrap().split("\r\n").next().unwrap();
        let described: Value = serde_json::from_str(original).unwrap();
        let name = described["name"].as_str().unwrap().to_owned();
        if self.knobs.create != 201 {
            return status("413 Request Entity Too Large", "Server: nginx\r\n", "<html>too large</html>");
        }
        self.received(&name, &asked.body, "data");
        as_json("201 Created", &json!({"name": name}))
    }

    /// The file between the last part's head and the last boundary.
    fn received(&mut self, name: &str, body: &[u8], field: &str) {
        let mark =
            format!("name=\"{field}\"; filename=\"{name}.img\"\r\nContent-Type: application/octet-stream\r\n\r\n");
        let at = body.windows(mark.len()).position(|window| window == mark.as_bytes()).unwrap() + mark.len();
        let end = body.windows(4).rposition(|window| window == b"\r\n--").unwrap();
        if self.knobs.put == Put::Stuck {
            self.made(name, "queued", None);
        } else {
            self.made(name, "active", Some(&body[at..end]));
        }
    }
}

fn id_of(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap()
}

fn store(image: &mut Value, data: &[u8]) {
    let hash = format!("{:x}", Sha512::digest(data));
    image["status"] = json!("active");
    image["size"] = json!(data.len());
    image["properties"] = json!({"os_hash_algo": "sha512", "os_hash_value": hash});
}

fn glance_answers(knobs: Knobs, origin: &str, state: &mut State, asked: &Asked) -> Option<String> {
    let allowed = if knobs.allowed_origin.is_empty() { origin } else { knobs.allowed_origin };
    if asked.head.starts_with("OPTIONS ") {
        return Some(filter(allowed, &["GET", "PUT"], knobs.allow_headers)(&asked.head));
    }
    assert_eq!(header(&asked.head, "X-Auth-Token"), Some(TOKEN));
    let cors =
        format!("Access-Control-Allow-Origin: {allowed}\r\nAccess-Control-Allow-Credentials: true\r\nVary: Origin\r\n");
    let glance = format!("Content-Type: text/html; charset=UTF-8\r\nX-Openstack-Request-Id: req-1\r\n{cors}");
    let path = asked.line().split_once(' ').unwrap().1;
    let id = path.strip_suffix("/file").and_then(|rest| rest.rsplit('/').next()).unwrap();
    let image = state.images.get_mut(id).unwrap();
    match knobs.put {
        Put::TooLarge => {
            return Some(status("413 Request Entity Too Large", "Server: nginx/1.22\r\nConnection: close\r\n", ""));
        }
        Put::Unauthorized => {
            let challenge = format!("WWW-Authenticate: Keystone uri=\"http://k\"\r\n{glance}");
            return Some(status("401 Unauthorized", &challenge, ""));
        }
        Put::Cut => return None,
        Put::Silent => return Some(String::new()),
        Put::Unreadable => {
            store(image, &asked.body);
            return Some(status("204 No Content", "X-Openstack-Request-Id: req-1\r\nServer: nginx\r\n", ""));
        }
        Put::Damaged => {
            let mut body = asked.body.clone();
            body[5000] ^= 1;
            store(image, &body);
        }
        Put::NeverActive => image["status"] = json!("saving"),
        Put::Stores | Put::Stuck => store(image, &asked.body),
    }
    Some(status("204 No Content", &glance, ""))
}
