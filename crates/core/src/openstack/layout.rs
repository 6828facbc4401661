//! Where files go in the images of each deployer, and how they get there (docs/layouts.md).

use direct_upload_api::{Delivery, GlancePaths, HorizonPaths, Layout, Reason, Rule};

use super::service::OpenStackService;
use crate::model::{Problem, Sentence};

/// Horizon's paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HorizonPlaces {
    pub local_settings_dir: String,
    pub delivery: Delivery,
    /// Where httpd includes `*.conf`; an error if a fragment is requested and nothing says where.
    pub httpd_conf_dir: Result<String, Problem>,
}

/// Glance's paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlancePlaces {
    /// The user's main file.
    pub config_file: String,
    pub config_dir: String,
    /// The folder that Glance itself reads.
    pub service_config_dir: String,
    /// The folder of its policy.
    pub policy_dir: String,
    /// As in [`HorizonPlaces::httpd_conf_dir`].
    pub httpd_conf_dir: Result<String, Problem>,
}

/// The paths of Swift's proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwiftPlaces {
    /// The user's main file.
    pub config_file: String,
    /// The folder with which the proxy is started.
    pub config_dir: String,
}

/// Why the paths of Swift's proxy are not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SwiftUnplaced {
    /// It reads no folder, or nothing says which. So only its owner can change what it reads.
    NoFolder(Problem),
    /// A stated path is wrong.
    Invalid(Problem),
}

impl SwiftUnplaced {
    fn no_folder(found: impl Into<Sentence>, fix: impl Into<String>) -> Self {
        Self::NoFolder(Problem::new(Reason::PathUnknown, found).rule(Rule::NotRead).fix(fix))
    }
}

impl From<Problem> for SwiftUnplaced {
    fn from(problem: Problem) -> Self {
        Self::Invalid(problem)
    }
}

impl From<SwiftUnplaced> for Problem {
    fn from(unplaced: SwiftUnplaced) -> Self {
        match unplaced {
            SwiftUnplaced::NoFolder(problem) | SwiftUnplaced::Invalid(problem) => problem,
        }
    }
}

/// Part of the path of Horizon's own tree, wherever it is installed.
const HORIZON_LOCAL: &str = "/openstack_dashboard/local";

/// Debian's package, RHOSP's and Kolla's images link Horizon's own folder to this one.
const ETC: &str = "/etc/openstack-dashboard/local_settings.d";

/// RDO's package has a real folder here, RHOSP's a link to that in /etc (rdo-packages/horizon-distgit,
/// caracal-rdo, python-django-horizon.spec): so this serves both.
const RED_HAT: &str = "/usr/share/openstack-dashboard/openstack_dashboard/local/local_settings.d";

/// Ubuntu's package has a real folder here, Debian's a link to that in /etc: so this serves both, and is what
/// works with Ubuntu's.
const DEBIAN: &str = "/usr/lib/python3/dist-packages/openstack_dashboard/local/local_settings.d";

/// openstack-helm's images (LOCI's since November 2024) have this link to Horizon in site-packages; older ones do
/// not.
pub const HELM_LINK: &str = "/usr/local/share/openstack_dashboard/local/local_settings.d";

/// The stated layout, or else the one that the owner's mounts show. openstack-helm mounts its start scripts into
/// /tmp, and the start script of Kolla's images copies from config_files.
pub fn layout(stated: Option<Layout>, mounts: &[&str]) -> Layout {
    let mounted = |start: &str| mounts.iter().any(|path| path.starts_with(start));
    if let Some(layout) = stated {
        layout
    } else if mounted("/tmp/horizon.sh") || mounted("/tmp/glance-api.sh") {
        Layout::OpenStackHelm
    } else if mounted("/var/lib/kolla/config_files") {
        Layout::Kolla
    } else {
        Layout::Debian
    }
}

/// Whether images of a layout usually read snippets there.
pub fn is_usual(layout: Layout, dir: &str) -> bool {
    match layout {
        Layout::Debian | Layout::Ubuntu => [ETC, DEBIAN].contains(&dir),
        Layout::RedHat => [ETC, RED_HAT].contains(&dir),
        Layout::Kolla => dir == ETC,
        Layout::OpenStackHelm => false,
    }
}

/// Resolves Horizon's paths. `mounts` are the paths at which the container's owner mounts something.
///
/// # Errors
/// [`Reason::PathUnknown`] if the layout cannot know a path. [`Reason::InvalidSpec`] for a path that is not
/// normalised, or where such a file has no effect.
pub fn horizon(layout: Layout, paths: &HorizonPaths, mounts: &[&str]) -> Result<HorizonPlaces, Problem> {
    let local_settings_dir = match (&paths.local_settings_dir, layout) {
        (Some(dir), _) => snippets("spec.paths.localSettingsDir", dir)?,
        (None, Layout::RedHat) => RED_HAT.into(),
        (None, Layout::Ubuntu) => DEBIAN.into(),
        (None, Layout::Debian | Layout::Kolla) => ETC.into(),
        (None, Layout::OpenStackHelm) => site_packages(mounts)?,
    };
    let delivery = paths.delivery.unwrap_or(match layout {
        Layout::OpenStackHelm => Delivery::Copy,
        Layout::Debian | Layout::Ubuntu | Layout::RedHat | Layout::Kolla => Delivery::Mount,
    });
    let httpd_conf_dir = httpd_conf_dir(layout, paths.httpd_conf_dir.as_deref());
    Ok(HorizonPlaces { local_settings_dir, delivery, httpd_conf_dir })
}

/// A folder from which Horizon may read snippets in some image.
///
/// # Errors
/// [`Reason::InvalidSpec`] for any other.
pub fn snippets(field: &str, dir: &str) -> Result<String, Problem> {
    let dir = normalised(field, dir)?;
    let fits = dir.starts_with("/etc/openstack-dashboard/") || dir.contains(HORIZON_LOCAL);
    if fits && dir.ends_with("/local_settings.d") {
        return Ok(dir);
    }
    Err(Problem::new(
        Reason::InvalidSpec,
        format!(
            "{field}: {dir:?} is not Horizon's local_settings.d, which is in /etc/openstack-dashboard or in …{HORIZON_LOCAL}"
        ),
    ))
}

/// Whether only the image itself shows where it reads snippets.
pub fn asks_image(layout: Layout, paths: &HorizonPaths, mounts: &[&str]) -> bool {
    layout == Layout::OpenStackHelm && paths.local_settings_dir.is_none() && site_packages(mounts).is_err()
}

/// Resolves the paths of Glance or another API.
///
/// # Errors
/// As [`horizon`].
pub fn glance(layout: Layout, paths: &GlancePaths, service: &OpenStackService) -> Result<GlancePlaces, Problem> {
    let config_dir = match &paths.config_dir {
        None => service.config_dir(layout),
        Some(dir) => {
            let dir = normalised("spec.paths.configDir", dir)?;
            if !service.reads(dir.rsplit('/').next().unwrap_or_default()) {
                let project = service.project;
                let name = service.folder;
                let found = format!("spec.paths.configDir: the CORS filter does not read {dir:?}");
                let fix = format!("it reads {name} in /etc/{project}, /etc, ~/.{project} and ~ of the service's user");
                return Err(Problem::new(Reason::InvalidSpec, found).rule(Rule::NotRead).fix(fix));
            }
            dir
        }
    };
    let config_file = match &paths.config_file {
        Some(file) => normalised("spec.paths.configFile", file)?,
        None => service.config_file(),
    };
    let service_config_dir = match &paths.service_config_dir {
        Some(dir) => normalised("spec.paths.serviceConfigDir", dir)?,
        None => format!("/etc/{0}/{0}.conf.d", service.project),
    };
    let policy_dir = match &paths.policy_dir {
        Some(dir) => normalised("spec.paths.policyDir", dir)?,
        None => format!("/etc/{}/policy.d", service.project),
    };
    Ok(GlancePlaces {
        config_file,
        policy_dir,
        config_dir,
        service_config_dir,
        httpd_conf_dir: httpd_conf_dir(layout, paths.httpd_conf_dir.as_deref()),
    })
}

/// Resolves the paths of Swift's proxy, which is started with one file or with one folder (`swift/common/wsgi.py`,
/// `wrap_conf_type`). With a file it reads nothing else. `started_with` is what its command says.
///
/// # Errors
/// [`SwiftUnplaced`], which says whether a person must change the proxy's own file.
pub fn swift(
    dir: Option<&str>,
    file: Option<&str>,
    started_with: Option<&str>,
    mounts: &[&str],
) -> Result<SwiftPlaces, SwiftUnplaced> {
    const START: &str = "start swift-proxy-server with a folder, e.g. /etc/swift/proxy-server.conf.d, in which your file is mounted alone";
    let is_conf = |path: &str| path.strip_suffix(".conf").is_some_and(|rest| !rest.ends_with('/'));
    let stated = dir.map(|dir| normalised("spec.paths.configDir", dir)).transpose()?;
    let config_dir = match (stated, started_with) {
        (_, Some(path)) if is_conf(path) => {
            let found = format!("swift-proxy-server is started with the file {path}, and reads no other file");
            return Err(SwiftUnplaced::no_folder(found, START));
        }
        (Some(dir), Some(path)) if dir != path => {
            let found =
                format!("spec.paths.configDir: swift-proxy-server is started with {path} and does not read {dir}");
            let problem = Problem::new(Reason::InvalidSpec, found).rule(Rule::NotRead).fix("remove the field");
            return Err(SwiftUnplaced::Invalid(problem));
        }
        (Some(dir), _) => dir,
        (None, Some(path)) => normalised("swift-proxy-server", path)?,
        (None, None) => {
            let found = "nothing in the workload says with which folder swift-proxy-server is started";
            let fix = format!("set spec.paths.configDir; if it is started with a file, {START}");
            return Err(SwiftUnplaced::no_folder(found, fix));
        }
    };
    let in_folder = |path: &&&str| path.rsplit_once('/').is_some_and(|(dir, _)| dir == config_dir) && is_conf(path);
    let config_file = match (file, mounts.iter().filter(in_folder).collect::<Vec<_>>().as_slice()) {
        (Some(file), _) => normalised("spec.paths.configFile", file)?,
        (None, [only]) => (**only).to_owned(),
        (None, _) => format!("{config_dir}/proxy-server.conf"),
    };
    Ok(SwiftPlaces { config_file, config_dir })
}

fn httpd_conf_dir(layout: Layout, stated: Option<&str>) -> Result<String, Problem> {
    const ROOTS: [&str; 3] = ["/etc/apache2/", "/etc/httpd/", "/usr/local/apache2/"];
    match (stated, layout) {
        (Some(dir), _) => {
            let dir = normalised("spec.paths.httpdConfDir", dir)?;
            if ROOTS.iter().any(|root| dir.starts_with(root)) {
                return Ok(dir);
            }
            Err(Problem::new(
                Reason::InvalidSpec,
                format!("spec.paths.httpdConfDir: {dir:?} is in none of {}", ROOTS.join(", ")),
            ))
        }
        (None, Layout::Debian | Layout::Ubuntu) => Ok("/etc/apache2/conf-enabled".into()),
        (None, Layout::RedHat) => Ok("/etc/httpd/conf.d".into()),
        (None, Layout::OpenStackHelm | Layout::Kolla) => Err(Problem::new(
            Reason::PathUnknown,
            format!("layout {layout:?} does not say where httpd includes *.conf; set spec.paths.httpdConfDir"),
        )),
    }
}

/// openstack-helm reads snippets only from site-packages, and the Python version in that path is the
/// image's own. A mount of the user below it shows the path.
fn site_packages(mounts: &[&str]) -> Result<String, Problem> {
    let tell = |path: &str| {
        let root = path.find("/site-packages/").or_else(|| path.find("/dist-packages/"))?;
        let root = &path[..root + "/site-packages".len()];
        Some(format!("{root}{HORIZON_LOCAL}/local_settings.d"))
    };
    mounts.iter().find_map(|path| tell(path)).ok_or_else(|| {
        Problem::new(
            Reason::PathUnknown,
            "layout OpenStackHelm reads snippets from <prefix>/lib/pythonX.Y/site-packages/openstack_dashboard/local/local_settings.d, \
             and nothing in the workload shows X.Y; set spec.paths.localSettingsDir \
             (ask the image: python3 -c \"import sysconfig; print(sysconfig.get_path('platlib'))\")",
        )
    })
}

/// An absolute path without `.`, `..`, doubled or trailing slashes, or characters with a meaning for
/// Kubernetes (`:`) or a shell.
fn normalised(field: &str, path: &str) -> Result<String, Problem> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._+@".contains(c);
    let good = path.strip_prefix('/').is_some_and(|rest| {
        rest.split('/').all(|part| !part.is_empty() && part != "." && part != ".." && part.chars().all(plain))
    });
    if good {
        return Ok(path.to_owned());
    }
    Err(Problem::new(
        Reason::InvalidSpec,
        format!(
            "{field}: {path:?} is not a normalised absolute path; write it without '.', '..', doubled slashes and special characters"
        ),
    ))
}
