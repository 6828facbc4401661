//! JSON objects, as the API server or a file holds them, become values of the [`model`](crate::model).
//!
//! A file for each kind: it implements [`Observed`](crate::model::Observed). Each object decodes on its
//! own: one that does not is named, and hurts only itself.

mod annotations;
mod config_map;
mod custom;
mod decode;
mod gateway;
mod http_route;
mod ingress;
mod job;
mod namespace;
mod pod;
mod pod_template;
mod reference_grant;
mod revision;
mod rolling;
mod route;
mod service;
mod workload;
