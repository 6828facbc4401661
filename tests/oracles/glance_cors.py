"""What Glance itself says to the CORS filter (glance/common/config.py, set_cors_middleware_defaults)."""

DEFAULTS = {
    "allow_headers": [
        "Content-MD5", "X-Image-Meta-Checksum", "X-Storage-Token", "Accept-Encoding",
        "X-Auth-Token", "X-Identity-Status", "X-Roles", "X-Service-Catalog", "X-User-Id",
        "X-Tenant-Id", "X-OpenStack-Request-ID",
    ],
    "expose_headers": [
        "X-Image-Meta-Checksum", "X-Auth-Token", "X-Subject-Token", "X-Service-Token",
        "X-OpenStack-Request-ID",
    ],
    "allow_methods": ["GET", "PUT", "POST", "DELETE", "PATCH"],
}
