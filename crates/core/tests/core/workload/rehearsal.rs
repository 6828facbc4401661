//! What a rehearsal says, from the real script: on Horizon's own way of loading settings, the real
//! CORS filter, and the real httpd.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use direct_upload_api::{CORS_OPTIONS, CorsKind, CorsOption};
use rstest::rstest;
use serde_json::Value;
use test_support::file;

const SCRIPT: &str = include_str!("../../../src/workload/rehearsal/rehearse.py");
const LAUNCHER: &str = include_str!("../../../src/workload/rehearsal/rehearse.sh");
const DIRECT: &str = "HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n";

/// The script runs where no table of ours is, so it has the names and types of `[cors]` itself.
#[test]
fn the_script_has_the_options_of_the_table() {
    let (lists, single): (Vec<&CorsOption>, Vec<&CorsOption>) = CORS_OPTIONS.iter().partition(|option| option.is_set());
    let pattern = |option: &CorsOption| if matches!(option.kind, CorsKind::Origins) { "ORIGIN" } else { "NAME" };
    let lists: Vec<String> = lists.iter().map(|option| format!("'{}': {}", option.name, pattern(option))).collect();
    let written = SCRIPT.lines().find(|line| line.starts_with("LISTS = "));
    assert_eq!(written, Some(format!("LISTS = {{{}}}", lists.join(", ")).as_str()));
    let of_type = |option: &CorsOption| match option.kind {
        CorsKind::Flag(_) => format!("cfg.BoolOpt('{}')", option.name),
        _ => format!("cfg.IntOpt('{}')", option.name),
    };
    let typed: Vec<String> = single.iter().map(|option| of_type(option)).collect();
    let options = format!("conf.register_opts([*options, {}], group='cors')", typed.join(", "));
    assert!(SCRIPT.contains(&options), "{options}");
    let named: Vec<String> = single.iter().map(|option| format!("'{}'", option.name)).collect();
    let all = format!("[*LISTS, {}]", named.join(", "));
    assert_eq!((SCRIPT.matches(&all).count(), SCRIPT.matches("[*LISTS").count()), (2, 2), "{all}");
}

/// Runs the container's command with these Pythons first in the path.
fn rehearse(python: &Path, path: &str, args: &[&str]) -> (i32, Value) {
    rehearse_in(Path::new("/nowhere"), python, path, args)
}

/// The same in an image of which this is the root.
fn rehearse_in(root: &Path, python: &Path, path: &str, args: &[&str]) -> (i32, Value) {
    let answer = tempfile::NamedTempFile::new().unwrap();
    let run = Command::new("sh")
        .args(["-c", LAUNCHER, "rehearse", SCRIPT])
        .args(args)
        .env("PATH", format!("{}:{path}", python.display()))
        .env("PYTHONPATH", "")
        .env("REHEARSAL_ANSWER", answer.path())
        .env("REHEARSAL_ROOT", root)
        .output()
        .unwrap();
    let text = fs::read_to_string(answer.path()).unwrap();
    assert!(text.len() < 4096, "longer than a termination message");
    let answer = serde_json::from_str(&text)
        .unwrap_or_else(|e| panic!("{e}: {text:?}\n{}", String::from_utf8_lossy(&run.stderr)));
    (run.status.code().unwrap(), answer)
}

/// A prefix as in LOCI's images: a virtual environment with Horizon's way of loading settings.
struct Image {
    root: tempfile::TempDir,
    folder: PathBuf,
}

impl Image {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let venv = root.path().join("venv");
        let python = |program: &Path, args: &[&str]| {
            let output = Command::new(program).args(args).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        python(Path::new("python3"), &["-m", "venv", "--without-pip", venv.to_str().unwrap()]);
        let ask = "import sysconfig; print(sysconfig.get_path('platlib'))";
        let packages = PathBuf::from(python(&venv.join("bin/python3"), &["-c", ask])).canonicalize().unwrap();
        let copied = Command::new("cp")
            .arg("-r")
            .arg(file("tests/layouts/openstack-helm/image/openstack_dashboard"))
            .arg(&packages)
            .status()
            .unwrap();
        assert!(copied.success());
        let folder = packages.join("openstack_dashboard/local/local_settings.d");
        Self { root, folder }
    }

    fn put(&self, name: &str, text: &str) -> String {
        let path = self.folder.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn rehearse(&self, args: &[&str]) -> (i32, Value) {
        rehearse(&self.root.path().join("venv/bin"), "/usr/bin:/bin", args)
    }
}

#[test]
fn a_look_finds_the_folder() {
    let image = Image::new();
    let (code, answer) = image.rehearse(&["--look"]);
    assert_eq!((code, answer["localSettingsDir"].as_str()), (0, image.folder.to_str()), "{answer}");
}

/// Horizon is found in any virtual environment, and where it lies in none.
#[rstest]
#[case::virtual_environment(true, "srv/dashboard")]
#[case::hidden(true, "home/horizon/.venv")]
#[case::source_tree(false, "srv/horizon-27.0.0")]
#[case::rdo(false, "usr/share/openstack-dashboard")]
fn horizon_is_found_wherever_it_lies(#[case] is_venv: bool, #[case] place: &str) {
    let root = tempfile::tempdir().unwrap();
    let base = root.path().canonicalize().unwrap().join(place);
    fs::create_dir_all(&base).unwrap();
    let packages = if is_venv {
        let made = Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(&base).status().unwrap();
        assert!(made.success());
        let lib = fs::read_dir(base.join("lib")).unwrap().next().unwrap().unwrap().path();
        lib.join("site-packages")
    } else {
        base
    };
    let image = file("tests/layouts/openstack-helm/image/openstack_dashboard");
    assert!(Command::new("cp").arg("-r").arg(image).arg(&packages).status().unwrap().success());
    let (code, answer) = rehearse_in(root.path(), Path::new("/nowhere"), "/usr/bin:/bin", &["--look"]);
    let folder = packages.join("openstack_dashboard/local/local_settings.d");
    assert_eq!((code, answer["localSettingsDir"].as_str()), (0, folder.to_str()), "{answer}");
}

/// The answer names a linked folder by both paths, first the one that the operator uses.
#[test]
fn a_linked_folder_has_two_paths() {
    let image = Image::new();
    let elsewhere = image.root.path().canonicalize().unwrap().join("etc/snippets");
    fs::create_dir_all(&elsewhere).unwrap();
    fs::remove_dir_all(&image.folder).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &image.folder).unwrap();
    let (code, answer) = image.rehearse(&["--look"]);
    let told = (answer["localSettingsDir"].as_str(), answer["alsoReadAs"].as_str());
    assert_eq!((code, told), (0, (image.folder.to_str(), elsewhere.to_str())), "{answer}");
}

/// A start script that changes owner or mode of the folder's files must find its own ones there.
#[rstest]
#[case::nothing("exec apache2ctl -DFOREGROUND", "Mount")]
#[case::all("chown -R horizon: FOLDER", "Copy")]
#[case::above("chmod --recursive g+w LOCAL/", "Copy")]
#[case::by_a_variable("D=$(python3 -c 'print(1)')\nchown -R horizon \"$D/openstack_dashboard/local\"", "Copy")]
#[case::by_two_variables("D=$ROOT/openstack_dashboard\nL=${D}/local\nchown -hR horizon $L", "Copy")]
#[case::by_a_pattern("chown horizon FOLDER/*.py", "Copy")]
#[case::by_find("find LOCAL -type f -exec chown horizon {} +", "Copy")]
#[case::of_the_working_directory("cd LOCAL && chown -R horizon .", "Copy")]
#[case::known_only_when_it_runs("chown -R horizon $SOMETHING", "Copy")]
#[case::the_folder_alone("chown horizon LOCAL", "Mount")]
#[case::another_folder("L=/var/log/horizon\nchown -R horizon:horizon $L", "Mount")]
#[case::a_remark("# chown -R horizon FOLDER", "Mount")]
fn the_start_script_says_how_a_file_gets_there(#[case] line: &str, #[case] expected: &str) {
    let image = Image::new();
    let folder = image.folder.to_str().unwrap();
    let local = image.folder.parent().unwrap().to_str().unwrap();
    let line = line.replace("FOLDER", folder).replace("LOCAL", local);
    // In a script that a script runs, in a script, and in the command itself.
    let inner = image.root.path().join("inner.sh");
    fs::write(&inner, format!("#!/bin/sh\nset -e\n{line}\n")).unwrap();
    fs::set_permissions(&inner, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let outer = image.root.path().join("start");
    fs::write(&outer, format!("#!/bin/sh\nset -e\n{}\n", inner.display())).unwrap();
    let commands =
        [vec![outer.to_str().unwrap(), "start"], vec!["bash", inner.to_str().unwrap()], vec!["/bin/sh", "-c", &line]];
    for command in commands {
        let start = serde_json::to_string(&command).unwrap();
        let (code, answer) = image.rehearse(&["--look", "--start", &start]);
        assert_eq!((code, answer["delivery"].as_str()), (0, Some(expected)), "{command:?}: {answer}");
    }
}

/// openstack-helm's script, as the tests run it.
#[test]
fn openstack_helms_script_owns_the_folder() {
    let image = Image::new();
    let script = file("tests/layouts/openstack-helm/horizon.sh");
    let start = serde_json::to_string(&[script.to_str().unwrap(), "start"]).unwrap();
    let (_, answer) = image.rehearse(&["--look", "--start", &start]);
    assert_eq!(answer["delivery"], "Copy", "{answer}");
}

/// What the setting lacks has Horizon's default, as in Horizon's own get_dict_config.
#[rstest]
#[case::by_default("", "angular")]
#[case::angular("ANGULAR_FEATURES = {'images_panel': True}\n", "angular")]
#[case::django("ANGULAR_FEATURES = {'images_panel': False}\n", "django")]
#[case::another_panel("ANGULAR_FEATURES = {'flavors_panel': True}\n", "angular")]
#[case::changed_in_place("ANGULAR_FEATURES['images_panel'] = False\n", "django")]
#[case::no_dict("ANGULAR_FEATURES = None\n", "")]
fn a_look_sees_the_panel(#[case] setting: &str, #[case] panel: &str) {
    let image = Image::new();
    image.put("_50_theirs.py", setting);
    let (code, answer) = image.rehearse(&["--look"]);
    assert_eq!((code, answer["panel"].as_str().unwrap_or_default()), (0, panel), "{answer}");
}

#[test]
fn a_snippet_that_takes_effect_passes() {
    let image = Image::new();
    let path = image.put("zz-direct-upload.py", DIRECT);
    let (code, answer) = image.rehearse(&["--snippet", &path, "--direct"]);
    assert_eq!((code, &answer["problem"], answer["mode"].as_str()), (0, &Value::Null, Some("direct")), "{answer}");
}

#[rstest]
#[case::syntax("HORIZON_IMAGES_UPLOAD_MODE = \n", "Syntax", "line 1")]
#[case::raises("HORIZON_IMAGES_UPLOAD_MODE = 'direct'\nx = NOWHERE\n", "Raises", "NOWHERE")]
fn a_snippet_that_does_not_run_fails(#[case] text: &str, #[case] code: &str, #[case] words: &str) {
    let image = Image::new();
    let path = image.put("zz-direct-upload.py", text);
    let (exit, answer) = image.rehearse(&["--snippet", &path, "--direct"]);
    assert_eq!((exit, answer["problem"]["code"].as_str()), (1, Some(code)), "{answer}");
    assert!(answer["problem"]["text"].as_str().unwrap().contains(words), "{answer}");
}

/// Also when the settings as a whole cannot be loaded without the image's start script.
#[rstest]
#[case::settings_load(false)]
#[case::settings_do_not_load(true)]
fn a_later_file_that_overrides_is_named(#[case] broken: bool) {
    let image = Image::new();
    let path = image.put("zz-direct-upload.py", DIRECT);
    let other = image.put("zzz-theirs.py", "HORIZON_IMAGES_UPLOAD_MODE = 'legacy'\n");
    if broken {
        fs::write(image.folder.parent().unwrap().join("local_settings.py"), "raise SystemExit('no start script')")
            .unwrap();
    }
    let (exit, answer) = image.rehearse(&["--snippet", &path, "--direct"]);
    assert_eq!((exit, answer["problem"]["code"].as_str()), (1, Some("Overridden")), "{answer}");
    assert!(answer["problem"]["text"].as_str().unwrap().contains(&other), "{answer}");
}

/// A snippet that loads only after the start script ran passes: it is in its place and runs.
#[test]
fn settings_that_do_not_load_are_a_note() {
    let image = Image::new();
    let path = image.put("zz-direct-upload.py", DIRECT);
    fs::write(image.folder.parent().unwrap().join("local_settings.py"), "import nowhere_at_all\n1/0").unwrap();
    fs::write(image.folder.parent().unwrap().join("local_settings.py"), "1/0").unwrap();
    let (exit, answer) = image.rehearse(&["--snippet", &path, "--direct"]);
    assert_eq!(exit, 0, "{answer}");
    assert!(answer["notes"][0].as_str().unwrap().contains("ZeroDivisionError"), "{answer}");
}

#[test]
fn a_folder_that_is_not_read_is_a_problem() {
    let image = Image::new();
    let elsewhere = image.root.path().join("etc/openstack-dashboard/local_settings.d");
    fs::create_dir_all(&elsewhere).unwrap();
    let path = elsewhere.join("zz-direct-upload.py");
    fs::write(&path, DIRECT).unwrap();
    let args = ["--snippet", path.to_str().unwrap(), "--direct"];
    let (exit, answer) = image.rehearse(&args);
    assert_eq!((exit, answer["problem"]["code"].as_str()), (1, Some("NotRead")), "{answer}");
    assert!(answer["problem"]["text"].as_str().unwrap().contains(image.folder.to_str().unwrap()), "{answer}");

    // As in Kolla's and Debian's images, where the folder is a link to that place.
    fs::remove_dir_all(&image.folder).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &image.folder).unwrap();
    let (exit, answer) = image.rehearse(&args);
    assert_eq!((exit, answer["mode"].as_str()), (0, Some("direct")), "{answer}");
}

#[test]
fn an_image_without_a_python_of_its_own_is_a_problem() {
    let (exit, answer) = rehearse(Path::new("/nowhere"), "/usr/bin:/bin", &["--cors", "/nowhere"]);
    assert_eq!((exit, answer["problem"]["code"].as_str()), (1, Some("NoProgram")), "{answer}");
}

const CORS: &str = "[cors]\nallowed_origin = https://horizon.example.com,https://b.example.com:8443\n\
    allow_methods = GET,PUT\nallow_headers = X-Auth-Token,Content-Type,X-CSRFToken\n";

/// Glance's filter looks into `~/.glance` first.
fn cors(ours: &str, others: &[(&str, &str)]) -> (i32, Value) {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".glance");
    for (name, text) in [&[("glance-api.conf.d/zz-direct-upload.conf", ours)], others].concat() {
        fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        fs::write(folder.join(name), text).unwrap();
    }
    rehearse_cors(home.path(), &folder.join("glance-api.conf.d/zz-direct-upload.conf"))
}

/// What the script says about a file below a separate home.
pub fn rehearse_cors(home: &Path, path: &Path) -> (i32, Value) {
    rehearse_file(home, "--cors", path)
}

/// The same, for any kind of options.
pub fn rehearse_file(home: &Path, kind: &str, path: &Path) -> (i32, Value) {
    rehearse_with(home, &[kind, path.to_str().unwrap()])
}

fn rehearse_with(home: &Path, args: &[&str]) -> (i32, Value) {
    let setup = Command::new(file("tests/oracles/setup")).output().unwrap();
    let python = PathBuf::from(String::from_utf8(setup.stdout).unwrap().trim());
    let answer = tempfile::NamedTempFile::new().unwrap();
    let run = Command::new(python)
        .args(["-B", "-c", SCRIPT])
        .args(args)
        .env("HOME", home)
        .env("REHEARSAL_ANSWER", answer.path())
        .output()
        .unwrap();
    let text = fs::read_to_string(answer.path()).unwrap();
    let answer =
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}\n{}", String::from_utf8_lossy(&run.stderr)));
    (run.status.code().unwrap(), answer)
}

#[rstest]
#[case::good(CORS, &[], None, "")]
#[case::above_the_main_file(CORS, &[("glance-api.conf", "[cors]\nallowed_origin = https://other.example.com\n")], None, "")]
#[case::below_a_later_file(CORS, &[("glance-api.conf.d/zzz.conf", "[cors]\nallowed_origin = https://other.example.com\n")], Some("Overridden"), "https://horizon.example.com")]
#[case::without_a_header(CORS, &[("glance-api.conf.d/zzz.conf", "[cors]\nallow_headers = X-Auth-Token,Content-Type\n")], Some("Overridden"), "x-csrftoken")]
#[case::without_put(CORS, &[("glance-api.conf.d/zzz.conf", "[cors]\nallow_methods = GET\n")], Some("Overridden"), "PUT")]
#[case::syntax("[cors\nallowed_origin = x", &[], Some("Syntax"), "zz-direct-upload.conf")]
fn the_cors_filter_answers_with_our_file_or_the_one_that_overrides_it(
    #[case] ours: &str,
    #[case] others: &[(&str, &str)],
    #[case] code: Option<&str>,
    #[case] words: &str,
) {
    let (exit, answer) = cors(ours, others);
    assert_eq!(answer["problem"]["code"].as_str(), code, "{answer}");
    assert_eq!(exit, i32::from(code.is_some()));
    assert!(answer["problem"]["text"].as_str().unwrap_or_default().contains(words), "{answer}");
}

// --- Swift's proxy -----------------------------------------------------------------------------------------

const SWIFT: &str = "[DEFAULT]\ncors_allow_origin = https://a.example.com,https://b.example.com\n";
const PROXY: &str = "[pipeline:main]\npipeline = proxy-server\n[app:proxy-server]\nuse = egg:swift#proxy\n";

/// The folder of a proxy that is started with these words, of which FOLDER and FILE are its own.
#[rstest]
#[case::good(PROXY, "", "swift-proxy-server FOLDER", None, "")]
#[case::started_with_a_file(
    PROXY,
    "",
    "swift-proxy-server FILE",
    Some("NotRead"),
    "reads that file and nothing beside it"
)]
#[case::unknown_start(PROXY, "", "kolla_start", None, "does not say")]
#[case::below_a_later_file(
    PROXY,
    "[DEFAULT]\ncors_allow_origin = https://a.example.com\n",
    "swift-proxy-server FOLDER",
    Some("Overridden"),
    "https://b.example.com"
)]
#[case::plain_in_the_app(
    "[pipeline:main]\npipeline = proxy-server\n[app:proxy-server]\nuse = egg:swift#proxy\ncors_allow_origin = https://x.example.com\n",
    "",
    "swift-proxy-server FOLDER",
    None,
    ""
)]
#[case::set_in_the_app(
    "[pipeline:main]\npipeline = proxy-server\n[app:proxy-server]\nuse = egg:swift#proxy\nset cors_allow_origin = https://x.example.com\n",
    "",
    "swift-proxy-server FOLDER",
    Some("Overridden"),
    "set cors_allow_origin"
)]
#[case::broken("[pipeline:main]\npipeline = secret\n", "", "swift-proxy-server FOLDER", Some("Refused"), "LookupError")]
fn swifts_proxy_reads_our_file_or_the_one_that_overrides_it(
    #[case] own: &str,
    #[case] later: &str,
    #[case] start: &str,
    #[case] code: Option<&str>,
    #[case] words: &str,
) {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("proxy-server.conf.d");
    fs::create_dir_all(&folder).unwrap();
    for (name, text) in [("00-own.conf", own), ("zz-direct-upload.conf", SWIFT), ("zzz.conf", later)] {
        fs::write(folder.join(name), text).unwrap();
    }
    let single = root.path().join("proxy-server.conf");
    let start = start.replace("FOLDER", folder.to_str().unwrap()).replace("FILE", single.to_str().unwrap());
    let start = serde_json::to_string(&start.split(' ').collect::<Vec<_>>()).unwrap();
    let ours = folder.join("zz-direct-upload.conf");
    let (exit, answer) = rehearse_with(root.path(), &["--swift", ours.to_str().unwrap(), "--start", &start]);
    assert_eq!((exit, answer["problem"]["code"].as_str()), (i32::from(code.is_some()), code), "{answer}");
    let said = format!("{}{}", answer["problem"]["text"], answer["notes"]);
    assert!(said.contains(words) && !said.contains("secret"), "{answer}");
    assert_eq!(answer["notes"].as_array().unwrap().is_empty(), code.is_some() || words.is_empty(), "{answer}");
}

// --- Keystone's catalog -----------------------------------------------------------------------------------

/// A Keystone that answers each request for a token in turn, and keeps what it was sent.
struct Keystone {
    url: String,
    asked: std::thread::JoinHandle<Vec<String>>,
}

impl Keystone {
    fn new(answers: Vec<String>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        // The first request asks for the versions, without any credential.
        let versions = http(
            "200 OK",
            "",
            &format!(
                r#"{{"version": {{"id": "v3.14", "status": "stable", "links": [{{"rel": "self", "href": "{url}/v3/"}}]}}}}"#
            ),
        );
        let asked = std::thread::spawn(move || {
            let mut asked = Vec::new();
            while asked.len() < answers.len() {
                let (mut stream, _) = listener.accept().unwrap();
                let sent = request(&mut stream);
                let is_version = sent.starts_with("GET");
                let answer = if is_version { &versions } else { &answers[asked.len()] };
                stream.write_all(answer.as_bytes()).unwrap();
                if !is_version {
                    asked.push(sent);
                }
            }
            asked
        });
        Self { url, asked }
    }
}

/// One request as it came.
fn request(stream: &mut std::net::TcpStream) -> String {
    let (mut sent, mut buffer) = (Vec::new(), [0; 4096]);
    while !whole(&sent) {
        let length = stream.read(&mut buffer).unwrap();
        sent.extend(&buffer[..length]);
    }
    String::from_utf8(sent).unwrap()
}

/// Whether a request has arrived with its body.
fn whole(sent: &[u8]) -> bool {
    let text = String::from_utf8_lossy(sent).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn http(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

fn token(endpoints: &str) -> String {
    let body = format!(
        r#"{{"token": {{"methods": ["password"], "expires_at": "2099-01-01T00:00:00.000000Z", "issued_at": "2026-01-01T00:00:00.000000Z",
            "user": {{"id": "u", "name": "glance", "domain": {{"id": "d", "name": "d"}}}}, "project": {{"id": "p", "name": "service", "domain": {{"id": "d", "name": "d"}}}},
            "catalog": [{{"type": "image", "name": "glance", "id": "1", "endpoints": [{endpoints}]}},
                        {{"type": "compute", "name": "nova", "id": "2", "endpoints": [{{"interface": "public", "region": "One", "region_id": "One", "url": "https://nova.example.com", "id": "9"}}]}}]}}}}"#
    );
    http("201 Created", "X-Subject-Token: the-token\r\n", &body)
}

fn endpoint(interface: &str, region: &str, url: &str) -> String {
    format!(
        r#"{{"interface": "{interface}", "region": "{region}", "region_id": "{region}", "url": "{url}", "id": "3"}}"#
    )
}

/// Asks with the account of a glance-api.conf of this authentication URL.
fn catalog(keystone: &str) -> (i32, Value) {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("glance-api.conf");
    let text = format!(
        "[keystone_authtoken]\nauth_type = password\nauth_url = {keystone}/v3\nusername = glance\npassword = the-password\nproject_name = service\nuser_domain_name = d\nproject_domain_name = d\n"
    );
    fs::write(&config, text).unwrap();
    let setup = Command::new(file("tests/oracles/setup")).output().unwrap();
    let python = PathBuf::from(String::from_utf8(setup.stdout).unwrap().trim());
    let config = config.to_str().unwrap();
    rehearse(python.parent().unwrap(), "/usr/bin:/bin", &["--catalog", "--config-file", config])
}

#[test]
fn the_catalog_is_read_with_glance_s_own_account() {
    let endpoints = [
        endpoint("internal", "One", "http://glance.openstack.svc:9292"),
        endpoint("public", "One", "https://glance.example.com:8443/image"),
        endpoint("public", "Two", "https://two.example.com"),
    ];
    let keystone = Keystone::new(vec![token(&endpoints.join(","))]);
    let (code, answer) = catalog(&keystone.url);
    let published =
        serde_json::json!({"One": "https://glance.example.com:8443/image", "Two": "https://two.example.com"});
    assert_eq!((code, &answer["catalog"]), (0, &published), "{answer}");
    let text = answer.to_string();
    assert!(!text.contains("the-password") && !text.contains("the-token"), "{text}");
    let asked = keystone.asked.join().unwrap();
    assert!(asked[0].starts_with("POST /v3/auth/tokens") && asked[0].contains("the-password"), "{asked:?}");
}

/// A stale password must not lock Glance's account: one attempt is all.
#[test]
fn a_refusal_is_told_without_the_password_and_not_repeated() {
    let keystone = Keystone::new(vec![http(
        "401 Unauthorized",
        "",
        r#"{"error": {"message": "the-password is wrong", "code": 401}}"#,
    )]);
    let url = keystone.url.clone();
    let (code, answer) = catalog(&url);
    assert_eq!((code, answer["problem"]["code"].as_str()), (1, Some("Unread")), "{answer}");
    let text = answer["problem"]["text"].as_str().unwrap();
    assert_eq!(text, format!("Keystone at {url} gives no token for Glance's own account: Unauthorized (401)"));
    assert_eq!(keystone.asked.join().unwrap().len(), 1);
}

#[rstest]
#[case::user_in_it("https://user:secret@glance.example.com", "odd")]
#[case::no_url("$connection", "odd")]
#[case::a_line("https://glance.example.com\\nX: 1", "odd")]
#[case::too_long(&format!("https://glance.example.com/{}", "a".repeat(500)), "odd")]
fn what_is_no_plain_address_stays_inside(#[case] url: &str, #[case] said: &str) {
    let keystone = Keystone::new(vec![token(&endpoint("public", "One", url))]);
    let (code, answer) = catalog(&keystone.url);
    assert_eq!((code, &answer["catalog"]), (1, &Value::Null), "{answer}");
    let text = answer["problem"]["text"].as_str().unwrap();
    assert!(text.contains(said) && !text.contains("secret"), "{text}");
}

/// An answer is whole or it is none.
#[test]
fn more_endpoints_than_an_answer_holds_are_none() {
    let many: Vec<_> =
        (0..200).map(|n| endpoint("public", &format!("r{n}"), &format!("https://r{n}.example.com"))).collect();
    let keystone = Keystone::new(vec![token(&many.join(","))]);
    let (code, answer) = catalog(&keystone.url);
    assert_eq!((code, &answer["catalog"]), (1, &Value::Null), "{answer}");
    assert!(answer["problem"]["text"].as_str().unwrap().contains("200"), "{answer}");
}

// --- The user's own [cors] ---------------------------------------------------------------------------------

/// What the script says about these files below a separate home.
fn own_cors(files: &[(&str, &str)]) -> Value {
    let home = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = home.path().join(".glance").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let setup = Command::new(file("tests/oracles/setup")).output().unwrap();
    let python = PathBuf::from(String::from_utf8(setup.stdout).unwrap().trim());
    let answer = tempfile::NamedTempFile::new().unwrap();
    let run = Command::new(python)
        .args(["-B", "-c", SCRIPT, "--own-cors"])
        .env("HOME", home.path())
        .env("REHEARSAL_ANSWER", answer.path())
        .output()
        .unwrap();
    let text = fs::read_to_string(answer.path()).unwrap();
    assert!(text.len() < 4096, "longer than a termination message");
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    let printed = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert!(!text.contains("SECRET") && !printed.contains("SECRET"), "{text}\n{printed}");
    serde_json::from_str::<Value>(&text).unwrap()["cors"].clone()
}

const OWN_MAIN: &str = "[database]\nconnection = mysql://u:SECRET@db/glance\n[cors]\nallowed_origin = https://a.example,https://b.example:8443\nallow_headers = X-A,X-B\nmax_age = 5\nallow_credentials = no\n";

#[rstest]
#[case::nothing(&[], r#"{"set": {}, "left": {}, "beside": []}"#)]
#[case::main(&[("glance-api.conf", OWN_MAIN)], r#"{"set": {"allowed_origin": ["https://a.example", "https://b.example:8443"], "allow_headers": ["X-A", "X-B"], "max_age": 5, "allow_credentials": false}, "left": {}, "beside": []}"#)]
#[case::a_later_file_decides(&[("glance-api.conf", OWN_MAIN), ("glance-api.conf.d/50.conf", "[cors]\nallowed_origin = https://c.example\n")], r#"{"set": {"allowed_origin": ["https://c.example"], "allow_headers": ["X-A", "X-B"], "max_age": 5, "allow_credentials": false}, "left": {}, "beside": ["allowed_origin"]}"#)]
#[case::an_earlier_one_does_not(&[("glance.conf", "[cors]\nmax_age = 9\nallow_methods = PUT\n"), ("glance-api.conf", "[cors]\nmax_age = 5\n")], r#"{"set": {"max_age": 5, "allow_methods": ["PUT"]}, "left": {}, "beside": ["allow_methods"]}"#)]
#[case::ours_is_left_out(&[("glance-api.conf", "[cors]\nmax_age = 5\n"), ("glance-api.conf.d/zz-direct-upload.conf", "[cors]\nallowed_origin = https://ours.example\n")], r#"{"set": {"max_age": 5}, "left": {}, "beside": []}"#)]
#[case::a_copy_of_ours_too(&[("glance-api.conf.d/00-copied.conf", "# Written by direct-upload-operator; do not edit.\n[cors]\nallowed_origin = https://ours.example\n")], r#"{"set": {}, "left": {}, "beside": []}"#)]
#[case::of_another_option(&[("glance-api.conf", "[DEFAULT]\npassword = SECRET\n[database]\nconnection = SECRET\n[cors]\nallowed_origin = $connection\nallow_headers = ${database.connection}\nallow_methods = $password\n")], r#"{"set": {}, "left": {"allowed_origin": 1, "allow_headers": 1, "allow_methods": 1}, "beside": []}"#)]
#[case::no_origin(&[("glance-api.conf", "[cors]\nallowed_origin = https://u:SECRET@a.example,https://a.example/SECRET,https://b.example,SECRET word,*\n")], r#"{"set": {"allowed_origin": ["https://b.example", "*"]}, "left": {"allowed_origin": 3}, "beside": []}"#)]
#[case::a_line_in_it(&[("glance-api.conf", "[cors]\nallow_headers = X-A\n  SECRET: 1,X-B\n")], r#"{"set": {"allow_headers": ["X-B"]}, "left": {"allow_headers": 1}, "beside": []}"#)]
#[case::no_flag_no_number(&[("glance-api.conf", "[cors]\nallow_credentials = SECRET\nmax_age = -5\n")], r#"{"set": {}, "left": {"allow_credentials": 1, "max_age": 1}, "beside": []}"#)]
#[case::it_is_no_ini(&[("glance-api.conf", "[cors\npassword SECRET")], r#"{"unread": "Refused"}"#)]
fn the_users_own_cors_is_told_and_nothing_else(#[case] files: &[(&str, &str)], #[case] told: &str) {
    assert_eq!(own_cors(files), serde_json::from_str::<Value>(told).unwrap());
}

/// All of a list or nothing of it.
#[rstest]
#[case::does_not_fit(200)]
#[case::a_megabyte(40_000)]
fn what_is_too_large_is_told_as_that(#[case] origins: usize) {
    let origins: Vec<_> = (0..origins).map(|nth| format!("https://d{nth}.example.com")).collect();
    let conf = format!("[cors]\nallowed_origin = {}\n", origins.join(","));
    assert_eq!(own_cors(&[("glance-api.conf", &conf)]), serde_json::json!({"unread": "TooLarge"}));
}
