//! What the snapshot means.

mod adjust;
mod calls;
mod canary;
mod catalog;
mod derivation;
mod exposure;
mod exposure_issue;
mod gateways;
mod grant;
mod image_import;
mod openstack_api;
mod own_cors;
mod pairing;
mod policy;
mod regions;
mod routing;
mod snippet_place;
mod swift;
mod swift_api;
mod vantage;
