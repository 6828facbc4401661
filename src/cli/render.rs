//! `render`: what the operator would apply, from manifests only.

mod deployer;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args as ClapArgs, ValueEnum};
use direct_upload_api::web::{Endpoint, Origin};
use direct_upload_api::{Panel, Severity};
use direct_upload_check as check;
use direct_upload_check::Finding;
use direct_upload_core::derive::HorizonView;
use direct_upload_core::manifests::Input;
use direct_upload_core::model::{Id, Kind, Names};
use direct_upload_core::plan::{Options, State};
use direct_upload_core::render::deployer::Deployer;
use direct_upload_core::simulate::{self, Cluster, Simulation};
use jiff::Timestamp;

use super::exit::failed;
use super::run::default_image;
use super::{files, output};
use crate::observe::files as manifests;

/// Shown below the help.
pub const EXAMPLES: &str = "Examples:
  direct-upload-operator render -f cloud/ > rendered.yaml
  kubectl get deploy,svc,ing,cm,horizons,glances -n openstack -o yaml | direct-upload-operator render -f - --plan
  direct-upload-operator render -f cloud/ --stage glance | kubectl apply -f -
  direct-upload-operator render -f cloud/ -o files --out-dir out/
  direct-upload-operator render --for kolla-ansible --origin https://horizon.example.com \\
      --url https://glance.example.com:9292 -o files --out-dir out/

Reads any manifests, and ignores irrelevant kinds. Prints the ConfigMaps and the input's workloads as the
operator would leave them. Exit code 1 if a resource cannot be rendered; all others are printed anyway.
With --for it prints a fragment for the values, overrides or files of a deployment tool instead, Glance's first;
--origin and --url may be the whole input, and no operator is needed.";

/// Arguments of `render`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// File or folder with manifests, or - for standard input; may be repeated
    #[arg(short, long = "filename", required_unless_present = "origin", value_name = "FILE|DIR|-")]
    filename: Vec<PathBuf>,
    /// Print fragments to merge into the files of this deployment tool
    #[arg(long = "for", value_name = "openstack-helm|kolla-ansible|openstack-ansible|rhoso", conflicts_with = "plan")]
    deployer: Option<Deployer>,
    /// The origin from which browsers load a dashboard, in place of manifests: scheme://host[:port]; may be
    /// repeated
    #[arg(long, value_parser = Origin::parse, requires_all = ["url", "deployer"], conflicts_with = "filename")]
    origin: Vec<Origin>,
    /// Glance's public endpoint, exactly as Keystone's catalog has it
    #[arg(long, value_parser = Endpoint::parse, requires = "origin")]
    url: Option<Endpoint>,
    /// What to print
    #[arg(short, long, value_enum, default_value_t = Format::Yaml)]
    output: Format,
    #[arg(
        long,
        value_name = "OUT",
        required_if_eq("output", "files"),
        help = "Folder for -o files: each file goes to OUT/<namespace>/<kind>/<name>/"
    )]
    out_dir: Option<PathBuf>,
    /// Print the operator's steps in order, with their reasons, instead of manifests
    #[arg(long, conflicts_with_all = ["output", "out_dir"])]
    plan: bool,
    /// How far to go: only Glance, or both
    #[arg(long, value_enum, default_value_t = StageArg::Horizon)]
    stage: StageArg,
    /// Fail on unknown kinds
    #[arg(long)]
    strict: bool,
    /// The operator's image, for the init container that copies files
    #[arg(long, env = "DIRECT_UPLOAD_OPERATOR_IMAGE", default_value_t = default_image())]
    image: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// YAML documents.
    Yaml,
    /// One JSON List.
    Json,
    /// Each rendered file, in --out-dir.
    Files,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StageArg {
    /// Glance accepts the origins; Horizon does not change.
    Glance,
    /// Both.
    Horizon,
}

/// Runs the command.
pub fn main(args: &Args, command: &mut clap::Command) -> ExitCode {
    if args.out_dir.is_some() && args.output != Format::Files {
        command.error(ErrorKind::ArgumentConflict, "--out-dir needs -o files").exit();
    }
    if args.deployer.is_some() && args.output == Format::Json {
        let found = "--for prints what its tool reads, never JSON; remove -o json";
        command.error(ErrorKind::ArgumentConflict, found).exit();
    }
    let input = match read(args) {
        Ok(input) => input,
        Err(errors) => {
            for error in errors {
                output::say(format_args!("error: {error}"));
            }
            return ExitCode::FAILURE;
        }
    };
    let stage = match args.stage {
        StageArg::Glance => simulate::RolloutStage::Glance,
        StageArg::Horizon => simulate::RolloutStage::Horizon,
    };
    let options = Options { image: args.image.clone() };
    let outcome = simulate::simulate(Cluster::from_input(input.clone()), stage, Timestamp::now(), &options);
    let fine = report(args, &outcome) & tell_panels(&input, &outcome);
    match print(args, &outcome) {
        Err(error) => failed(error),
        Ok(()) if fine => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
    }
}

fn read(args: &Args) -> Result<Input, Vec<String>> {
    if let Some(url) = &args.url {
        return deployer::input(&args.origin, url);
    }
    let input =
        manifests::read(&args.filename).map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    if input.manifests.is_empty() && input.unknown.is_empty() {
        let names = args
            .filename
            .iter()
            .map(|p| if p.as_os_str() == "-" { "stdin".into() } else { p.display().to_string() })
            .collect::<Vec<_>>()
            .join(", ");
        return Err(vec![format!("{names}: no relevant object")]);
    }
    if args.strict && !input.unknown.is_empty() {
        let unknown = input.unknown.iter().map(|(place, kind)| format!("{place}: {kind} is not known (--strict)"));
        return Err(unknown.collect());
    }
    Ok(input)
}

/// What the user calls fields and resources.
fn names(args: &Args) -> Names {
    if args.url.is_some() { deployer::names() } else { Names::default() }
}

/// Prints the final state of each resource. False if one does not reach what its spec requests.
fn report(args: &Args, outcome: &Simulation) -> bool {
    let mut fine = !outcome.unsettled;
    if outcome.unsettled {
        output::say("error: the plans do not end; this is a fault of direct-upload-operator, please report it");
    }
    if outcome.ends.is_empty() {
        output::say("note: no Horizon or Glance resource (of the operator's groups) is in the input; nothing changes");
    } else if args.deployer.is_none() {
        output::say("note: assuming that rehearsals and verification pass and every rollout succeeds");
    }
    let names = names(args);
    for assumption in &outcome.cluster.assumptions {
        output::say(format_args!("note: assuming that {assumption}"));
    }
    for end in &outcome.ends {
        let resource = names.of(&end.resource);
        match (&end.state, end.state.lacks()) {
            (State::Withheld(_, problem), _) => {
                output::say(format_args!("note: {resource}: {}", problem.message()));
            }
            (_, Some((condition, problem))) => {
                fine = false;
                output::say(format_args!(
                    "error: {resource}: {condition}=False, {}: {}",
                    problem.reason,
                    names.of(problem)
                ));
            }
            (_, None) => {}
        }
        for advice in &end.advice {
            let sentence = names.of(advice);
            output::say(format_args!("{}: {resource}: {sentence}", advice.severity));
        }
        for origin in &end.retiring {
            let until = origin.retires_at.map(|t| t.to_string()).unwrap_or_default();
            output::say(format_args!(
                "note: {resource}: nobody requests {} any more; it stays until {until}",
                origin.origin
            ));
        }
    }
    fine
}

/// Prints whose uploads Glance would refuse because of the dashboard's image panel. False if that is
/// certain.
fn tell_panels(input: &Input, outcome: &Simulation) -> bool {
    let mut fine = true;
    if outcome.ends.is_empty() {
        return fine;
    }
    for (panel, finding) in check::refused_panels(input, simulate::manifests(outcome)) {
        let Some((panel, finding)) = with_stated(outcome, panel, finding) else { continue };
        let Finding { rule, severity, place, found, fix, .. } = finding;
        let certain = panel == Panel::Django && severity == Severity::Error;
        fine &= !certain;
        // Which panel users see is not known, so not all uploads fail.
        let severity = if certain { severity } else { severity.max(Severity::Warning) };
        output::say(format_args!("{severity}: {place}: {rule}: {found}; {fix}"));
    }
    fine
}

/// The same with the panels that Horizon resources state, if the input has no settings of their dashboards. None if no
/// upload has credentials.
fn with_stated(outcome: &Simulation, panel: Panel, finding: Finding) -> Option<(Panel, Finding)> {
    let world = outcome.cluster.world();
    let of_place = |end: &&simulate::End| {
        let config_map = end.config_map.as_ref().map(|key| Id::new(Kind::ConfigMap, key));
        config_map.is_some() && config_map == finding.place.object
    };
    let Some(end) = outcome.ends.iter().find(of_place).filter(|_| panel == Panel::Unknown) else {
        return Some((panel, finding));
    };
    let here = |view: &&HorizonView| view.proof.destinations.iter().any(|d| d.to.key() == Some(&end.resource.key));
    let panels: Vec<_> = world.horizons.values().filter(here).map(|view| view.dashboard.panel).collect();
    if panels.contains(&Panel::Django) {
        let found = "allow_credentials is off; a Horizon resource states the Django panel (spec.directUpload.panel), and its upload has credentials, which browsers then refuse".to_owned();
        let fix = "spec.cors.allowCredentials: true in the Glance resource".to_owned();
        return Some((Panel::Django, Finding { found, fix, severity: Severity::Error, ..finding }));
    }
    let is_angular = !panels.is_empty() && panels.iter().all(|panel| *panel == Panel::Angular);
    (!is_angular).then_some((panel, finding))
}

fn print(args: &Args, outcome: &Simulation) -> io::Result<()> {
    if args.plan {
        return output::data(&sentences(outcome));
    }
    if let Some(tool) = args.deployer {
        let parts = simulate::fragments(tool, outcome);
        deployer::tell(tool, &parts, outcome, &names(args));
        return match &args.out_dir {
            Some(folder) => deployer::write(folder, &parts),
            None => deployer::print(tool, &parts),
        };
    }
    match (args.output, &args.out_dir) {
        (Format::Files, Some(folder)) => write_files(folder, outcome),
        (Format::Json, _) => output::data(&output::list(&simulate::manifests(outcome))),
        (Format::Yaml | Format::Files, _) => output::data(&output::documents(&simulate::manifests(outcome))),
    }
}

fn sentences(outcome: &Simulation) -> String {
    let sentence = |(at, taken): (usize, &simulate::Taken)| format!("{}. {}: {}\n", at + 1, taken.resource, taken.step);
    outcome.steps.iter().enumerate().map(sentence).collect::<Vec<_>>().concat()
}

/// `OUT/<namespace>/<kind>/<name>/<file name>`.
fn write_files(out: &Path, outcome: &Simulation) -> io::Result<()> {
    std::fs::create_dir_all(out).map_err(|e| named(out, &e))?;
    for (resource, name, contents) in simulate::rendered_files(outcome) {
        let mut folder = out.to_owned();
        for part in [&resource.key.namespace, &resource.kind.name().to_lowercase(), &resource.key.name] {
            folder.push(part);
            // The parts are DNS names, but a link in the folder could still lead elsewhere.
            if folder.is_symlink() {
                return Err(io::Error::other(format!(
                    "{}: is a link; nothing is written through it",
                    folder.display()
                )));
            }
            if !folder.is_dir() {
                std::fs::create_dir(&folder).map_err(|e| named(&folder, &e))?;
            }
        }
        files::write(&folder, name, contents.as_bytes()).map_err(|e| named(&folder, &e))?;
        output::data(&format!("{}\n", folder.join(name).display()))?;
    }
    Ok(())
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
