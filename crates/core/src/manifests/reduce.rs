//! JSON objects from the API server or a file become values of the [`model`](crate::model).
//!
//! There is a file for each kind that Kubernetes itself defines, and `foreign` for the others. They
//! implement [`Observed`](crate::model::Observed). Each object decodes separately. One that does not decode
//! is named, and affects only itself.

mod annotations;
mod config_map;
mod custom;
mod decode;
mod foreign;
mod ingress;
mod job;
mod namespace;
mod pod;
mod pod_template;
mod revision;
mod rolling;
mod service;
mod workload;
