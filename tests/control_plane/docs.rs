//! Runs every command in README.md and docs/, and checks that it does what the page says.
//!
//! A page is one shell. The test types its commands in order, and compares the output with the page
//! ([`printed`]). The pages run in the order of the site, in one cluster. The first one installs the
//! operator, and the last one removes it.

mod page;
mod printed;
mod world;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use direct_upload_api::Rule;
use page::{Step, steps};
use serde_json::Value;
use world::World;

use crate::harness::file;

#[test]
fn every_command() {
    let world = World::start();
    let stop = AtomicBool::new(false);
    // One thread for all pages: the operator ends with the thread that started it.
    let faults = std::thread::scope(|scope| {
        scope.spawn(|| world.run_pods(&stop));
        let faults =
            catch_unwind(AssertUnwindSafe(|| pages().iter().flat_map(|name| page(&world, name)).collect::<Vec<_>>()));
        stop.store(true, Ordering::Relaxed);
        faults.unwrap_or_else(|panic| resume_unwind(panic))
    });
    assert!(faults.is_empty(), "{} faults in the docs:\n\n{}", faults.len(), faults.join("\n\n"));
}

/// What is not as a page says. `DOCS=quickstart` looks at that page alone, after the README.
fn page(world: &World, name: &str) -> Vec<String> {
    let text = fs::read_to_string(file(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let (steps, mut faults) = steps(&text);
    let other = std::env::var("DOCS").is_ok_and(|only| !name.contains(&only));
    if !steps.is_empty() && (!other || name == "README.md") {
        let begun = Instant::now();
        world.enter(name);
        faults.extend(run(world, &steps));
        eprintln!("{name}: {} steps, {} s", steps.len(), begun.elapsed().as_secs());
    }
    faults.into_iter().map(|fault| format!("{name}, {fault}")).collect()
}

/// README, and the site's pages in its order.
fn pages() -> Vec<String> {
    let text = fs::read_to_string(file("site/mkdocs.yml")).expect("site/mkdocs.yml");
    let site: Value = serde_yaml::from_str(&text).expect("YAML");
    let mut pages = vec!["README.md".to_owned()];
    leaves(&site["nav"], &mut pages);
    pages
}

fn leaves(nav: &Value, pages: &mut Vec<String>) {
    match nav {
        Value::String(page) => pages.push(format!("docs/{page}")),
        // As site/hooks.py fills it in.
        Value::Array(entries) if entries.is_empty() => {
            let rules = Rule::ALL.iter().map(|rule| format!("docs/runbook/{rule}.md"));
            pages.extend(rules);
        }
        Value::Array(entries) => entries.iter().for_each(|entry| leaves(entry, pages)),
        Value::Object(entries) => entries.values().for_each(|entry| leaves(entry, pages)),
        _ => {}
    }
}

/// Runs the steps; what is not as the page says.
fn run(world: &World, steps: &[Step]) -> Vec<String> {
    let cloud = world.cloud().display().to_string();
    let outputs = world.cloud().join("outputs");
    fs::create_dir_all(&outputs).expect("a folder");
    let output = |at: usize| outputs.join(at.to_string());
    let mut script = String::from("exec </dev/null\nset -euo pipefail\n");
    for (at, step) in steps.iter().enumerate() {
        let block = outputs.join(format!("{at}.block"));
        fs::write(&block, &step.block).expect("a file");
        let commands = in_cloud(&step.commands, &cloud);
        // What a page shows is judged by its words, since it may show a failure.
        let tolerant = if step.printed.is_some() { "set +e" } else { "set -e" };
        let _ =
            write!(script, "exec >{} 2>&1\nBLOCK={}\n{tolerant}\n{commands}\n", output(at).display(), block.display());
    }
    let _ = writeln!(script, "exec >{}", output(steps.len()).display());

    let mut shell = world.shell().stdin(Stdio::piped()).spawn().expect("a shell");
    // All at once: a shell that reads its script from a pipe could share it with its commands.
    let script_file = outputs.join("script");
    fs::write(&script_file, script).expect("a file");
    let mut pipe = shell.stdin.take().expect("a pipe");
    writeln!(pipe, "exec bash {}", script_file.display()).expect("the shell reads");
    drop(pipe);
    shell.wait().expect("the shell ends");

    let text = |at: usize| fs::read_to_string(output(at)).ok().map(|text| text.replace(&cloud, ""));
    let mut faults = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let Some(printed) = text(at) else { break };
        let place = format!("line {}:\n$ {}", step.line, step.commands.trim());
        match &step.printed {
            Some(said) if !printed::as_said(said, &printed) => {
                faults.push(format!("{place}\n--- the page says\n{said}--- it prints\n{printed}"));
            }
            None if text(at + 1).is_none() => faults.push(format!("{place}\n--- fails\n{printed}")),
            _ => {}
        }
    }
    faults
}

/// A host's or container's configuration is that of the page's cloud.
fn in_cloud(commands: &str, cloud: &str) -> String {
    ["glance", "openstack-dashboard", "apache2", "kolla"]
        .iter()
        .fold(commands.to_owned(), |text, name| text.replace(&format!(" /etc/{name}"), &format!(" {cloud}/etc/{name}")))
}
