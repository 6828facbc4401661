//! What the snapshot means.

mod adjust;
mod catalog;
mod exposure;
mod grant;
mod hindrance;
mod image_import;
mod openstack_api;
mod pairing;
mod regions;
mod swift;
