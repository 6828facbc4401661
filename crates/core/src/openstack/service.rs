//! The services whose API a browser may call. What they have in common is the rest of this program; their
//! differences are this table.
//!
//! All except Swift use oslo.middleware's CORS filter. Their headers and methods come from each service's own
//! `cors.set_defaults(…)` in the 2026.2 releases. Our file must list them all: an option that it leaves out keeps
//! the value of another file, and the filter's own defaults are not the service's.

use std::iter;

use direct_upload_api::{ApiService, CorsFilter, CorsKey, Layout};

use crate::model::ResourceKind;

/// What the operator knows about a service.
#[derive(Debug, PartialEq, Eq)]
pub struct OpenStackService {
    /// Kind of its resource.
    pub kind: ResourceKind,
    pub name: &'static str,
    /// What answers its preflights.
    pub filter: CorsFilter,
    /// The name in oslo.config: the filter looks for its files in `/etc/PROJECT` and elsewhere.
    pub project: &'static str,
    /// The folder of configuration files that the filter reads, whatever the program's name is. For Glance,
    /// whose paste file gives the filter the program's name, that program's folder.
    pub folder: &'static str,
    /// The same in openstack-helm's pods, where the project's own folder is a read-only volume: the folder
    /// of the program name that Python reports there.
    pub folder_in_helm: &'static str,
    /// The main file, in the same place.
    pub file: &'static str,
    /// Names that its workload usually has.
    pub workloads: &'static [&'static str],
    pub allow_methods: &'static [&'static str],
    pub allow_headers: &'static [&'static str],
    /// Request headers that a later release of the operator adds. A mounted file that lacks only these is not
    /// replaced.
    pub late_headers: &'static [&'static str],
    pub expose_headers: &'static [&'static str],
}

/// The names of Python programs inside of servers.
pub const PROGRAMS: [&str; 2] = ["uwsgi", "mod_wsgi"];

const METHODS: &[&str] = &["GET", "PUT", "POST", "DELETE", "PATCH"];

const METHODS_AND_HEAD: &[&str] = &["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD"];

/// `glance/common/config.py`, then what Horizon's upload sends in addition (DU003), and late headers that
/// Glance reads from an upload (`glance/api/v2/image_data.py`).
pub const GLANCE: OpenStackService = OpenStackService {
    kind: ResourceKind::Glance,
    name: "Glance",
    filter: CorsFilter::OsloMiddleware,
    project: "glance",
    folder: "glance-api.conf.d",
    folder_in_helm: "glance-api.conf.d",
    file: "glance-api.conf",
    workloads: &["glance", "glance-api"],
    allow_methods: METHODS,
    allow_headers: &[
        "Content-MD5",
        "X-Image-Meta-Checksum",
        "X-Storage-Token",
        "Accept-Encoding",
        "X-Auth-Token",
        "X-Identity-Status",
        "X-Roles",
        "X-Service-Catalog",
        "X-User-Id",
        "X-Tenant-Id",
        "X-OpenStack-Request-ID",
        "Content-Type",
        "X-CSRFToken",
    ],
    late_headers: &["X-Image-Meta-Store", "X-OpenStack-Image-Size"],
    expose_headers: &[
        "X-Image-Meta-Checksum",
        "X-Auth-Token",
        "X-Subject-Token",
        "X-Service-Token",
        "X-OpenStack-Request-ID",
    ],
};

/// `keystone/conf/__init__.py`.
const KEYSTONE: OpenStackService = OpenStackService {
    kind: ResourceKind::OpenStackApi,
    name: "Keystone",
    filter: CorsFilter::OsloMiddleware,
    project: "keystone",
    folder: "keystone.conf.d",
    folder_in_helm: "mod_wsgi.conf.d",
    file: "keystone.conf",
    workloads: &["keystone", "keystone-api"],
    allow_methods: METHODS,
    allow_headers: &[
        "X-Auth-Token",
        "X-Openstack-Request-Id",
        "X-Subject-Token",
        "X-Project-Id",
        "X-Project-Name",
        "X-Project-Domain-Id",
        "X-Project-Domain-Name",
        "X-Domain-Id",
        "X-Domain-Name",
        "Openstack-Auth-Receipt",
    ],
    late_headers: &[],
    expose_headers: &["X-Auth-Token", "X-Openstack-Request-Id", "X-Subject-Token", "Openstack-Auth-Receipt"],
};

/// `nova/middleware.py`.
const NOVA: OpenStackService = OpenStackService {
    kind: ResourceKind::OpenStackApi,
    name: "Nova",
    filter: CorsFilter::OsloMiddleware,
    project: "nova",
    folder: "nova.conf.d",
    folder_in_helm: "uwsgi.conf.d",
    file: "nova.conf",
    workloads: &["nova-api", "nova-api-osapi"],
    allow_methods: METHODS,
    allow_headers: &[
        "X-Auth-Token",
        "X-Openstack-Request-Id",
        "X-Identity-Status",
        "X-Roles",
        "X-Service-Catalog",
        "X-User-Id",
        "X-Tenant-Id",
        "X-OpenStack-Nova-API-Version",
        "OpenStack-API-Version",
    ],
    late_headers: &[],
    expose_headers: &[
        "X-Auth-Token",
        "X-Openstack-Request-Id",
        "X-Subject-Token",
        "X-Service-Token",
        "X-OpenStack-Nova-API-Version",
        "OpenStack-API-Version",
    ],
};

/// `neutron/common/config.py`, including a header of another service that it exposes.
const NEUTRON: OpenStackService = OpenStackService {
    kind: ResourceKind::OpenStackApi,
    name: "Neutron",
    filter: CorsFilter::OsloMiddleware,
    project: "neutron",
    folder: "neutron.conf.d",
    folder_in_helm: "uwsgi.conf.d",
    file: "neutron.conf",
    workloads: &["neutron-server", "neutron-api"],
    allow_methods: METHODS,
    allow_headers: &[
        "X-Auth-Token",
        "X-Identity-Status",
        "X-Roles",
        "X-Service-Catalog",
        "X-User-Id",
        "X-Tenant-Id",
        "X-OpenStack-Request-ID",
    ],
    late_headers: &[],
    expose_headers: &[
        "X-Auth-Token",
        "X-Subject-Token",
        "X-Service-Token",
        "X-OpenStack-Request-ID",
        "OpenStack-Volume-microversion",
    ],
};

/// `cinder/common/config.py`.
const CINDER: OpenStackService = OpenStackService {
    kind: ResourceKind::OpenStackApi,
    name: "Cinder",
    filter: CorsFilter::OsloMiddleware,
    project: "cinder",
    folder: "cinder.conf.d",
    folder_in_helm: "uwsgi.conf.d",
    file: "cinder.conf",
    workloads: &["cinder-api", "cinder"],
    allow_methods: METHODS_AND_HEAD,
    allow_headers: &[
        "X-Auth-Token",
        "X-Identity-Status",
        "X-Roles",
        "X-Service-Catalog",
        "X-User-Id",
        "X-Tenant-Id",
        "X-OpenStack-Request-ID",
        "X-Trace-Info",
        "X-Trace-HMAC",
        "OpenStack-API-Version",
    ],
    late_headers: &[],
    expose_headers: &[
        "X-Auth-Token",
        "X-Subject-Token",
        "X-Service-Token",
        "X-OpenStack-Request-ID",
        "OpenStack-API-Version",
    ],
};

/// `placement/wsgi/__init__.py`.
const PLACEMENT: OpenStackService = OpenStackService {
    kind: ResourceKind::OpenStackApi,
    name: "Placement",
    filter: CorsFilter::OsloMiddleware,
    project: "placement",
    folder: "placement.conf.d",
    folder_in_helm: "uwsgi.conf.d",
    file: "placement.conf",
    workloads: &["placement", "placement-api"],
    allow_methods: METHODS,
    allow_headers: &[
        "X-Auth-Token",
        "X-Openstack-Request-Id",
        "X-Identity-Status",
        "X-Roles",
        "X-Service-Catalog",
        "X-User-Id",
        "X-Tenant-Id",
        "OpenStack-API-Version",
    ],
    late_headers: &[],
    expose_headers: &[
        "X-Auth-Token",
        "X-Openstack-Request-Id",
        "X-Subject-Token",
        "X-Service-Token",
        "OpenStack-API-Version",
    ],
};

/// `ironic/api/app.py`: what its own filter always allows, and its defaults.
const IRONIC: OpenStackService = OpenStackService {
    kind: ResourceKind::OpenStackApi,
    name: "Ironic",
    filter: CorsFilter::OsloMiddleware,
    project: "ironic",
    folder: "ironic.conf.d",
    folder_in_helm: "uwsgi.conf.d",
    file: "ironic.conf",
    workloads: &["ironic-api", "ironic"],
    allow_methods: METHODS,
    allow_headers: &[
        "X-Auth-Token",
        "X-OpenStack-Ironic-API-Maximum-Version",
        "X-OpenStack-Ironic-API-Minimum-Version",
        "X-OpenStack-Ironic-API-Version",
    ],
    late_headers: &[],
    expose_headers: &[
        "X-OpenStack-Ironic-API-Maximum-Version",
        "X-OpenStack-Ironic-API-Minimum-Version",
        "X-OpenStack-Ironic-API-Version",
    ],
};

/// `heat/common/config.py`.
const HEAT: OpenStackService = OpenStackService {
    kind: ResourceKind::OpenStackApi,
    name: "Heat",
    filter: CorsFilter::OsloMiddleware,
    project: "heat",
    folder: "heat.conf.d",
    folder_in_helm: "uwsgi.conf.d",
    file: "heat.conf",
    workloads: &["heat-api", "heat"],
    allow_methods: METHODS,
    allow_headers: &[
        "X-Auth-Token",
        "X-Identity-Status",
        "X-Roles",
        "X-Service-Catalog",
        "X-User-Id",
        "X-Tenant-Id",
        "X-OpenStack-Request-ID",
    ],
    late_headers: &[],
    expose_headers: &["X-Auth-Token", "X-Subject-Token", "X-Service-Token", "X-OpenStack-Request-ID"],
};

/// `designate/common/config.py`, with the pool's header of earlier releases.
const DESIGNATE: OpenStackService = OpenStackService {
    kind: ResourceKind::OpenStackApi,
    name: "Designate",
    filter: CorsFilter::OsloMiddleware,
    project: "designate",
    folder: "designate.conf.d",
    folder_in_helm: "uwsgi.conf.d",
    file: "designate.conf",
    workloads: &["designate-api", "designate"],
    allow_methods: METHODS_AND_HEAD,
    allow_headers: &[
        "X-Auth-Token",
        "X-Auth-Sudo-Tenant-ID",
        "X-Auth-Sudo-Project-ID",
        "X-Auth-All-Projects",
        "X-Designate-Pool-ID",
        "X-Designate-Edit-Managed-Records",
        "X-Designate-Hard-Delete",
        "OpenStack-DNS-Hide-Counts",
    ],
    late_headers: &[],
    expose_headers: &["X-OpenStack-Request-ID", "Host"],
};

/// `octavia/common/config.py` of 19.0.0; the filter is put in front by `octavia/api/app.py`, with Octavia's own
/// configuration.
const OCTAVIA: OpenStackService = OpenStackService {
    kind: ResourceKind::OpenStackApi,
    name: "Octavia",
    filter: CorsFilter::OsloMiddleware,
    project: "octavia",
    folder: "octavia.conf.d",
    folder_in_helm: "uwsgi.conf.d",
    file: "octavia.conf",
    workloads: &["octavia-api", "octavia"],
    allow_methods: &["GET", "PUT", "POST", "DELETE"],
    allow_headers: &["X-Auth-Token", "X-Openstack-Request-Id"],
    late_headers: &[],
    expose_headers: &["X-Auth-Token", "X-Openstack-Request-Id"],
};

/// `barbican/common/config.py` of 23.0.0; its paste file's filter has `oslo_config_project = barbican`.
const BARBICAN: OpenStackService = OpenStackService {
    kind: ResourceKind::OpenStackApi,
    name: "Barbican",
    filter: CorsFilter::OsloMiddleware,
    project: "barbican",
    folder: "barbican.conf.d",
    folder_in_helm: "uwsgi.conf.d",
    file: "barbican.conf",
    workloads: &["barbican-api", "barbican"],
    allow_methods: METHODS,
    allow_headers: BARBICANS,
    late_headers: &[],
    expose_headers: BARBICANS,
};

const BARBICANS: &[&str] = &[
    "X-Auth-Token",
    "X-Openstack-Request-Id",
    "X-Project-Id",
    "X-Identity-Status",
    "X-User-Id",
    "X-Storage-Token",
    "X-Domain-Id",
    "X-User-Domain-Id",
    "X-Project-Domain-Id",
    "X-Roles",
];

/// `manila/common/config.py` of 23.0.1; its paste file's filter has `oslo_config_project = manila`.
const MANILA: OpenStackService = OpenStackService {
    kind: ResourceKind::OpenStackApi,
    name: "Manila",
    filter: CorsFilter::OsloMiddleware,
    project: "manila",
    folder: "manila.conf.d",
    folder_in_helm: "uwsgi.conf.d",
    file: "manila.conf",
    workloads: &["manila-api", "manila"],
    allow_methods: METHODS,
    allow_headers: &[
        "X-Auth-Token",
        "X-OpenStack-Request-ID",
        "X-Openstack-Manila-Api-Version",
        "X-OpenStack-Manila-API-Experimental",
        "X-Identity-Status",
        "X-Roles",
        "X-Service-Catalog",
        "X-User-Id",
        "X-Tenant-Id",
    ],
    late_headers: &[],
    expose_headers: &[
        "X-Auth-Token",
        "X-OpenStack-Request-ID",
        "X-Openstack-Manila-Api-Version",
        "X-OpenStack-Manila-API-Experimental",
        "X-Subject-Token",
        "X-Service-Token",
    ],
};

/// `swift/proxy/server.py` and `controllers/base.py` of 2.38.3. The proxy reads the folder with which it is started,
/// whatever its name is. It allows each request header; these are what is asked for. The methods are those of both
/// containers and objects.
pub const SWIFT: OpenStackService = OpenStackService {
    kind: ResourceKind::OpenStackApi,
    name: "Swift",
    filter: CorsFilter::Swift,
    project: "swift",
    folder: "proxy-server.conf.d",
    folder_in_helm: "proxy-server.conf.d",
    file: "proxy-server.conf",
    workloads: &["swift-proxy", "swift-proxy-server"],
    allow_methods: &["GET", "HEAD", "PUT", "POST", "DELETE"],
    allow_headers: &["X-Auth-Token"],
    late_headers: &[],
    expose_headers: &[],
};

impl From<ApiService> for &'static OpenStackService {
    fn from(service: ApiService) -> Self {
        match service {
            ApiService::Keystone => &KEYSTONE,
            ApiService::Nova => &NOVA,
            ApiService::Neutron => &NEUTRON,
            ApiService::Cinder => &CINDER,
            ApiService::Placement => &PLACEMENT,
            ApiService::Ironic => &IRONIC,
            ApiService::Heat => &HEAT,
            ApiService::Designate => &DESIGNATE,
            ApiService::Octavia => &OCTAVIA,
            ApiService::Barbican => &BARBICAN,
            ApiService::Manila => &MANILA,
            ApiService::Swift => &SWIFT,
        }
    }
}

impl OpenStackService {
    /// What an option with a list has if nobody sets it.
    pub const fn defaults(&self, key: CorsKey) -> &'static [&'static str] {
        match key {
            CorsKey::AllowMethods => self.allow_methods,
            CorsKey::AllowHeaders => self.allow_headers,
            CorsKey::ExposeHeaders => self.expose_headers,
            _ => &[],
        }
    }

    /// The one with that project.
    pub fn of_project(project: &str) -> Option<&'static Self> {
        let apis = ApiService::ALL.iter().map(|service| (*service).into());
        iter::once(&GLANCE).chain(apis).find(|service| service.project == project)
    }

    /// Where our file goes.
    pub fn config_dir(&self, layout: Layout) -> String {
        let folder = if layout == Layout::OpenStackHelm { self.folder_in_helm } else { self.folder };
        format!("/etc/{}/{folder}", self.project)
    }

    /// The user's own.
    pub fn config_file(&self) -> String {
        format!("/etc/{}/{}", self.project, self.file)
    }

    /// Whether oslo.config's `find_config_dirs` looks for a folder of that name (in `~/.PROJECT`, `~`,
    /// `/etc/PROJECT` and `/etc`) in some program of the service.
    pub fn reads(&self, folder: &str) -> bool {
        let program = folder.strip_suffix(".conf.d").unwrap_or_default();
        let own = program.strip_prefix(self.project).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
        folder == self.folder || (!self.takes_uploads() && (own || PROGRAMS.contains(&program)))
    }

    /// Whether Horizon's uploads go there, with everything this requires.
    pub fn takes_uploads(&self) -> bool {
        self.kind == ResourceKind::Glance
    }
}
