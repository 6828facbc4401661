//! `render --for`: text for a deployment tool's own tree, from the same plans.
//!
//! In: the end of a simulation. Out: fragments to merge, Glance's first. Origin and URL may be the only input.
//! Then it makes two resources from them, with workloads that represent the services.

use std::fs;
use std::io;
use std::path::Path;

use direct_upload_api::Reason;
use direct_upload_api::web::{Endpoint, Origin};
use direct_upload_core::manifests::{self, Input};
use direct_upload_core::model::{Id, Key};
use direct_upload_core::plan::State;
use direct_upload_core::render::deployer::{Component, Deployer, Fragment, Source, fragment};
use direct_upload_core::simulate::{self, Simulation};
use serde_json::{Value, json};

use crate::cli::{files, output};

/// The namespace of resources that are in no manifest.
const NAMESPACE: &str = "openstack";

/// One resource's fragment.
pub struct Part {
    resource: Id,
    service: Component,
    fragment: Fragment,
}

/// The input that origins and Glance's public endpoint are.
///
/// # Errors
/// What is wrong with them.
pub fn input(origins: &[Origin], url: &Endpoint) -> Result<Input, Vec<String>> {
    let (first, others) = origins.split_first().ok_or_else(|| vec!["--origin is missing".to_owned()])?;
    let others: Vec<_> = others.iter().map(Origin::as_str).collect();
    let objects = [
        workload("horizon"),
        workload("glance"),
        // The given URL is that of the catalog, so no one needs to ask Keystone.
        resource("glance", "Glance", &json!({"publicURL": url.to_string(), "cors": {"allowedOrigins": others}})),
        // It says what is unknown of a workload and would only be a note about one that the user does not have: the
        // place of its snippets does not matter, because none is mounted, and its uploads go to the given URL.
        resource(
            "horizon",
            "Horizon",
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

fn resource(group: &str, kind: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": format!("{group}.openstack.org/v1beta1"), "kind": kind,
        "metadata": {"namespace": NAMESPACE, "name": group}, "spec": spec,
    })
}

/// The fragments of all resources, Glances first. An internal API has none.
pub fn parts(deployer: Deployer, outcome: &Simulation) -> Vec<Part> {
    let world = outcome.cluster.world();
    let rendered = simulate::rendered_files(outcome);
    let mut resources: Vec<&Id> = Vec::new();
    for (id, ..) in &rendered {
        let is_resource = outcome.ends.iter().any(|end| end.resource == *id);
        if is_resource && !resources.contains(&id) {
            resources.push(id);
        }
    }
    let part = |resource: &Id| {
        let service = match resource.kind.as_str() {
            "Glance" => Component::Glance,
            "Horizon" => Component::Horizon,
            _ => return None,
        };
        let files: Vec<_> =
            rendered.iter().filter(|(id, ..)| id == resource).map(|(_, name, text)| (*name, *text)).collect();
        let exposures = world.glances.get(&resource.key).and_then(|view| view.exposures.as_ref().ok());
        let url = exposures.and_then(|exposures| exposures.urls.first()).map(|exposure| exposure.url.to_string());
        let source = Source { service, files: &files, glance_url: url.as_deref() };
        Some(Part { resource: resource.clone(), service, fragment: fragment(deployer, &source)? })
    };
    let mut parts: Vec<_> = resources.into_iter().filter_map(part).collect();
    parts.sort_by_key(|part| part.service == Component::Horizon);
    parts
}

/// Says what the fragments leave out, and which resource has none.
pub fn tell(deployer: Deployer, parts: &[Part], outcome: &Simulation) {
    for end in &outcome.ends {
        let is_met = end.state.lacks().is_none();
        let known = matches!(end.resource.kind.as_str(), "Glance" | "Horizon");
        if !known {
            output::say(format_args!(
                "note: {}: --for has no fragment for its kind; see docs/openstackapi.md",
                end.resource
            ));
        } else if is_disabled(&end.state) && deployer.is_direct_by_default() {
            output::say(format_args!(
                "warning: {}: spec.directUpload.enabled is false, but {deployer} itself sets the mode 'direct': set HORIZON_IMAGES_UPLOAD_MODE = 'legacy' there",
                end.resource
            ));
        } else if is_met && !parts.iter().any(|part| part.resource == end.resource) {
            output::say(format_args!("note: {}: it needs no fragment", end.resource));
        }
        if end.internal.is_some() {
            output::say(format_args!(
                "warning: {}: spec.apis.internal has no fragment, because the fragment for {deployer} configures one API; if your tool runs an internal one, configure it by hand",
                end.resource
            ));
        }
    }
    for part in parts {
        for what in &part.fragment.left_out {
            output::say(format_args!("note: {}: the fragment for {deployer} leaves out {what}", part.resource));
        }
    }
}

fn is_disabled(state: &State) -> bool {
    matches!(state, State::Done(problem) if problem.reason == Reason::DirectDisabled)
}

/// Prints them, one after the other.
///
/// # Errors
/// Those of standard output.
pub(super) fn print(deployer: Deployer, parts: &[Part]) -> io::Result<()> {
    let separator = if deployer == Deployer::KollaAnsible { "\n" } else { "---\n" };
    let several = parts.len() > 1;
    let text = |part: &Part| {
        let whose = if is_alone(part, parts) { String::new() } else { format!("# {}\n", part.resource) };
        format!("{whose}{}", part.fragment.text)
    };
    let texts: Vec<_> = parts.iter().map(text).collect();
    output::data(&texts.join(if several { separator } else { "" }))
}

/// Writes each to its file below a folder; of several Glances or Horizons, each has a folder of its own.
///
/// # Errors
/// Those of the file system, with the path.
pub fn write(out: &Path, parts: &[Part]) -> io::Result<()> {
    for part in parts {
        let Key { namespace, name } = &part.resource.key;
        let own = if is_alone(part, parts) { out.to_owned() } else { out.join(namespace).join(name) };
        let path = own.join(part.fragment.path);
        let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
            continue;
        };
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        fs::create_dir_all(folder).map_err(named)?;
        // The user merges a fragment, so existing contents are the user's.
        if fs::read(&path).is_ok_and(|stands| stands != part.fragment.text.as_bytes()) {
            return Err(io::Error::other(format!(
                "{}: exists with other contents and is not overwritten; give another --out-dir and merge by hand",
                path.display()
            )));
        }
        files::write(folder, name, part.fragment.text.as_bytes()).map_err(named)?;
        output::data(&format!("{}\n", path.display()))?;
    }
    Ok(())
}

/// Whether no other part is for the same service.
fn is_alone(part: &Part, parts: &[Part]) -> bool {
    parts.iter().filter(|other| other.service == part.service).count() == 1
}
