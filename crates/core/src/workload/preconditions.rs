//! What in a workload prevents our fields from being added.

use direct_upload_api::Reason;

use super::names::{CONFIG_VOLUME, COPY_VOLUME, is_secret};
use super::target::Target;
use crate::model::{Problem, VolumeSource, Workload, describe};

/// A volume with one of our names, but another type, belongs to somebody else. Server-side apply would not
/// see the conflict. It would put both types into one volume, and validation would refuse that.
pub fn foreign(workload: &Workload) -> Result<(), Problem> {
    let theirs = workload.template.volumes.iter().find(|v| match v.name.as_str() {
        CONFIG_VOLUME => !matches!(v.source, VolumeSource::ConfigMap { .. }),
        COPY_VOLUME => !matches!(v.source, VolumeSource::EmptyDir),
        secret if is_secret(secret) => !matches!(v.source, VolumeSource::Secret(_)),
        _ => false,
    });
    let Some(theirs) = theirs else { return Ok(()) };
    let who = workload.other_manager.as_deref().unwrap_or("somebody");
    let message = format!(
        "{}: conflict with {who:?}, which wrote it last: its volume {:?} has a different type from the operator's; let that manager rename it",
        describe(workload.kind, &workload.meta.key),
        theirs.name
    );
    Err(Problem::new(Reason::FieldConflict, message))
}

/// A file cannot be mounted into a folder that is itself a read-only mount, because the container would
/// never start.
pub fn mountable(target: &Target, path: &str) -> Result<(), Problem> {
    let within = |mount: &str| path.strip_prefix(mount.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'));
    let ours = |name: &str| name.starts_with(CONFIG_VOLUME);
    let parent =
        target.container.mounts.iter().filter(|m| within(&m.path) && !ours(&m.volume)).max_by_key(|m| m.path.len());
    let Some(parent) = parent else { return Ok(()) };
    let volume = target.workload.template.volumes.iter().find(|v| v.name == parent.volume);
    let fixed = volume.is_some_and(|v| {
        matches!(v.source, VolumeSource::ConfigMap { .. } | VolumeSource::Secret(_) | VolumeSource::Projected)
    });
    if !parent.read_only && !fixed {
        return Ok(());
    }
    Err(Problem::new(
        Reason::PathReadOnly,
        format!(
            "{path} is in {}, where the workload mounts the read-only volume {}, and nothing can be mounted inside it; name another folder in spec.paths",
            parent.path, parent.volume
        ),
    ))
}
