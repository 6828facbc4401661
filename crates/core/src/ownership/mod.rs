//! What in other people's objects is ours, by its name: volumes, containers, variables, annotations,
//! hooks, ConfigMaps.

pub mod annotations;
pub mod content_name;
pub mod env;
pub mod fields;
pub mod fingerprint;
pub mod pre_stop;
pub mod volumes;
pub use annotations::{
    backed_out_annotation, claim_annotation, failed_annotation, for_annotation, granted_annotation, our_annotations,
    partner_annotation, reads_annotation, retiring_annotation, rolled_annotation,
};
pub use content_name::{content_hash, content_name, is_content_name};
pub use env::{OUR_ENV, POD_IP, WORKER_URL};
pub use fields::{annotate, release};
pub use fingerprint::fingerprint;
pub use pre_stop::hook;
pub use volumes::{CONFIG_VOLUME, COPY_CONTAINER, COPY_VOLUME, SECRET_VOLUME, TLS_VOLUME, is_ours, is_secret};
