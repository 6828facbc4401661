//! `render --for`: text for a deployment tool's own tree, from the same plans.
//!
//! In: the end of a simulation. Out: fragments to merge, Glance's first. Origin and URL may be the only input.
//! Then it makes two resources from them, with workloads that represent the services.

use std::fs;
use std::io;
use std::path::Path;

use direct_upload_api::web::{Endpoint, Origin};
use direct_upload_core::manifests::{self, Input};
use direct_upload_core::model::{FieldPath, Id, Key, Names, ResourceKind};
use direct_upload_core::plan::State;
use direct_upload_core::render::deployer::{Deployer, Fragment, FragmentFile, LeftOut};
use direct_upload_core::simulate::{ResourceFragment, Simulation};
use serde_json::{Value, json};

use crate::cli::{files, output};

/// The namespace of resources that are in no manifest.
const NAMESPACE: &str = "openstack";

/// What users who gave `--origin` and `--url` call the fields and resources that are made of them.
pub fn names() -> Names {
    let object = |kind: ResourceKind| {
        let key = Key::new(NAMESPACE, kind.name().to_lowercase());
        (Id::new(kind, &key), kind.name())
    };
    Names {
        fields: vec![
            (FieldPath::new(&["spec", "directUpload", "glanceEndpoint"]), "--url"),
            (FieldPath::new(&["spec", "cors", "allowedOrigins"]), "--origin"),
            (FieldPath::new(&["spec", "publicURL"]), "--origin"),
        ],
        objects: vec![object(ResourceKind::Horizon), object(ResourceKind::Glance)],
    }
}

/// The input that origins and Glance's public endpoint are.
///
/// # Errors
/// What is wrong with them.
pub fn input(origins: &[Origin], url: &Endpoint) -> Result<Input, Vec<String>> {
    // Whether browsers block requests to the URL depends on the scheme of the page. The strictest page decides.
    let first = origins.iter().find(|origin| origin.is_https()).or(origins.first());
    let first = first.ok_or_else(|| vec!["--origin is missing".to_owned()])?;
    let others: Vec<_> = origins.iter().filter(|origin| *origin != first).map(Origin::as_str).collect();
    let objects = [
        workload("horizon"),
        workload("glance"),
        // The given URL is that of the catalog, so no one needs to ask Keystone.
        resource(
            "glance",
            ResourceKind::Glance,
            &json!({"publicURL": url.to_string(), "cors": {"allowedOrigins": others}}),
        ),
        // It says what is unknown of a workload and would only be a note about one that the user does not have: the
        // place of its snippets does not matter, because none is mounted, and its uploads go to the given URL.
        resource(
            "horizon",
            ResourceKind::Horizon,
            &json!({
                "publicURL": first.as_str(), "layout": "Debian", "directUpload": {"glanceEndpoint": url.to_string()},
            }),
        ),
    ];
    let documents: Vec<_> = objects.iter().map(|object| format!("---\n{object}\n")).collect();
    manifests::parse("--origin and --url", documents.concat().as_bytes())
        .map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn workload(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": NAMESPACE, "name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": name, "image": name}]}},
        },
    })
}

fn resource(group: &str, kind: ResourceKind, spec: &Value) -> Value {
    json!({
        "apiVersion": format!("{group}.openstack.org/v1beta1"), "kind": kind.name(),
        "metadata": {"namespace": NAMESPACE, "name": group}, "spec": spec,
    })
}

/// Says what the fragments leave out, and which resource has none.
pub fn tell(deployer: Deployer, parts: &[ResourceFragment], outcome: &Simulation, names: &Names) {
    for end in &outcome.ends {
        let resource = names.of(&end.resource);
        if matches!(end.state, State::Off(_)) && deployer.is_direct_by_default() {
            output::say(format_args!(
                "warning: {resource}: spec.directUpload.enabled is false, but {deployer} itself sets the mode 'direct': set HORIZON_IMAGES_UPLOAD_MODE = 'legacy' there"
            ));
            continue;
        }
        let Some(part) = parts.iter().find(|part| part.resource == end.resource) else { continue };
        for LeftOut { what, fix, severity } in &part.fragment.left_out {
            output::say(format_args!("{severity}: {resource}: the fragment for {deployer} leaves out {what}: {fix}"));
        }
        if end.state.lacks().is_none() && part.fragment == Fragment::default() {
            output::say(format_args!("note: {resource}: it needs no fragment"));
        }
    }
}

/// Prints them, one after the other.
///
/// # Errors
/// Those of standard output.
pub(super) fn print(deployer: Deployer, parts: &[ResourceFragment]) -> io::Result<()> {
    let separator = if deployer == Deployer::KollaAnsible { "\n" } else { "---\n" };
    let text = |part: &ResourceFragment, file: &FragmentFile| {
        let whose = if is_alone(part, parts) { String::new() } else { format!("# {}\n", part.resource) };
        format!("{whose}{}", file.text)
    };
    let texts: Vec<_> =
        parts.iter().flat_map(|part| part.fragment.files.iter().map(move |file| text(part, file))).collect();
    output::data(&texts.join(separator))
}

/// Writes each to its file below a folder; of several resources for one service, each has a folder of its own.
///
/// # Errors
/// Those of the file system, with the path.
pub fn write(out: &Path, parts: &[ResourceFragment]) -> io::Result<()> {
    for part in parts {
        let Key { namespace, name } = &part.resource.key;
        let own = if is_alone(part, parts) { out.to_owned() } else { out.join(namespace).join(name) };
        for file in &part.fragment.files {
            write_file(&own.join(&file.path), &file.text)?;
        }
    }
    Ok(())
}

fn write_file(path: &Path, text: &str) -> io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Ok(());
    };
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    fs::create_dir_all(folder).map_err(named)?;
    // The user merges a fragment, so existing contents are the user's.
    if fs::read(path).is_ok_and(|stands| stands != text.as_bytes()) {
        return Err(io::Error::other(format!(
            "{}: exists with other contents and is not overwritten; give another --out-dir and merge by hand",
            path.display()
        )));
    }
    files::write(folder, name, text.as_bytes()).map_err(named)?;
    output::data(&format!("{}\n", path.display()))
}

/// Whether no other part is for the same service.
fn is_alone(part: &ResourceFragment, parts: &[ResourceFragment]) -> bool {
    parts.iter().filter(|other| other.service == part.service).count() == 1
}
