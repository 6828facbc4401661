//! What the operator takes in time, memory and writes, beside the least that any client would take on the same API
//! server: `make bench`. Prints a table; only counts are asserted, never times. Nothing is verified or rehearsed,
//! because the bare client does not, and because both mean waiting on purpose: a verdict takes two seconds.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{fixtures, rolled_out};
use crate::scale::{Scale, inside, ready, service, total};

/// How many pairs, each in a namespace of its own.
fn sizes() -> Vec<usize> {
    let text = std::env::var("PAIRS").unwrap_or_else(|_| "1 50 200".into());
    text.split_whitespace().map(|size| size.parse().unwrap_or_else(|_| panic!("PAIRS={text}: numbers"))).collect()
}

#[test]
#[ignore = "make bench"]
fn footprint() {
    let head = "pairs | ready, a bare client | ready, the operator | ratio | writes for each pair | writes of a restart | \
                writes of a change | CPU until ready | CPU of a restart | CPU of a change | memory without a pair | memory | connections";
    let rows: Vec<_> = sizes().into_iter().map(measure).collect();
    eprintln!("| {head} |\n|{}", "---|".repeat(head.split(" | ").count()));
    for cells in rows {
        eprintln!("| {} |", cells.join(" | "));
    }
}

fn measure(pairs: usize) -> Vec<String> {
    let mut scale = Scale::of(&format!("p{pairs}"), pairs);
    let bare: Vec<_> = scale.names.iter().map(|name| format!("bare-{name}")).collect();
    let namespace = |name: &String| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    scale.cluster.create(&bare.iter().map(namespace).collect::<Vec<_>>());
    let clouds = |name: &String| {
        let glance = service(name, "glance", &format!("glance-{name}.example.com"));
        [glance, service(name, "horizon", &format!("{name}.example.com"))].concat()
    };
    scale.cluster.create(&scale.names.iter().chain(&bare).flat_map(clouds).collect::<Vec<_>>());
    scale.await_rollouts();
    let floor = least(&scale, &bare);

    scale.start();
    scale.quiet();
    let (without, begun) = (scale.running().memory(), scale.running().processor());
    let mark = scale.cluster.mark();
    let start = Instant::now();
    let rollout = json!({"minInterval": "1s", "rehearsal": "Off"});
    let resources = |name: &String| {
        ["horizon", "glance"].map(|kind| {
            let unverified = json!({"rollout": rollout, "directUpload": {"verification": "Off"}});
            inside(
                name,
                match kind {
                    "horizon" => fixtures::horizon(kind, unverified),
                    _ => fixtures::glance(kind, json!({"rollout": rollout})),
                },
            )
        })
    };
    scale.cluster.create(&scale.names.iter().flat_map(resources).collect::<Vec<_>>());
    scale.cluster.follow("horizon", |seen| seen.filter(|h| ready(h) == "ReadyUnverified").count() == pairs);
    let took = start.elapsed();
    scale.quiet();
    let (writes, until_ready) = (total(&scale.writes(mark)), scale.running().processor() - begun);

    drop(scale.operator.take());
    let mark = scale.cluster.mark();
    scale.start();
    scale.quiet();
    let (restart, of_restart) = (total(&scale.writes(mark)), scale.running().processor());
    assert_eq!(restart, 0, "a restart writes nothing");
    let (memory, connections) = (scale.running().memory(), scale.running().connections());

    let mark = scale.cluster.mark();
    let ingress = fixtures::exposed("horizon", "renamed.example.com").swap_remove(1);
    scale.cluster.edit(&scale.names[0], "ingress/horizon", &json!({"spec": ingress["spec"]}));
    let renamed =
        |h: &Value| h["status"]["publicURL"] == "https://renamed.example.com" && ready(h) == "ReadyUnverified";
    scale.cluster.follow("horizon", |seen| seen.filter(|h| renamed(h)).count() == 1);
    scale.quiet();
    let (change, of_change) = (total(&scale.writes(mark)), scale.running().processor() - of_restart);
    assert_eq!(change, scale.cluster.writes(&scale.names[0], mark).len(), "only the changed pair's objects");

    let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
    let processor = |hundredths: u64| seconds(Duration::from_millis(10 * hundredths));
    let mebibytes = |kibibytes: u64| format!("{} MiB", kibibytes.div_ceil(1024));
    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
    let each = |count: usize| format!("{:.1}", count as f64 / pairs as f64);
    let ratio = format!("{:.1}", took.as_secs_f64() / floor.as_secs_f64());
    let own = [pairs.to_string(), seconds(floor), seconds(took), ratio, each(writes), restart.to_string()];
    let times = [change.to_string(), processor(until_ready), processor(of_restart), processor(of_change)];
    let sizes = [mebibytes(without), mebibytes(memory), connections.to_string()];
    own.into_iter().chain(times).chain(sizes).collect()
}

/// How long a client takes that knows everything and checks nothing: for each pair a file for Glance and a patch that
/// mounts it, and when Glance has rolled, the same for Horizon, until that has rolled, too.
fn least(scale: &Scale, namespaces: &[String]) -> Duration {
    let switch = |namespace: &str, workload: &str| {
        let file = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"file": "[cors]\n"},
            "metadata": {"name": format!("{workload}-bare"), "namespace": namespace}});
        let volume = json!({"name": "bare", "configMap": {"name": format!("{workload}-bare")}});
        let mount = json!({"name": "bare", "mountPath": "/etc/bare"});
        let template =
            json!({"spec": {"volumes": [volume], "containers": [{"name": workload, "volumeMounts": [mount]}]}});
        let patch = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": template}});
        (file, patch)
    };
    let start = Instant::now();
    let all: Vec<_> = namespaces.iter().map(|namespace| (namespace.as_str(), switch(namespace, "glance"))).collect();
    scale.cluster.mount("glance", &all);
    let mut done = BTreeSet::new();
    scale.cluster.follow("deployment", |seen| {
        let mut horizons = 0;
        let mut next = Vec::new();
        for workload in seen {
            let text = |field: &str| workload["metadata"][field].as_str().unwrap_or_default().to_owned();
            let (namespace, name) = (text("namespace"), text("name"));
            let mounts = workload["spec"]["template"]["spec"]["volumes"].to_string().contains("bare");
            if !(namespaces.contains(&namespace) && mounts && rolled_out(workload)) {
                continue;
            }
            horizons += usize::from(name == "horizon");
            if name == "glance" && done.insert(namespace.clone()) {
                next.push(namespace);
            }
        }
        let all: Vec<_> = next.iter().map(|namespace| (namespace.as_str(), switch(namespace, "horizon"))).collect();
        scale.cluster.mount("horizon", &all);
        horizons == namespaces.len()
    });
    start.elapsed()
}
