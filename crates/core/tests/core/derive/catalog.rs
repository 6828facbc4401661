//! What follows from Keystone's catalog, as it was read or not.

use std::sync::Arc;

use direct_upload_api::web::Endpoint;
use direct_upload_api::{Reason, Rule};
use direct_upload_core::derive::{Evidence, GlanceView, HorizonView, Intent, World};
use direct_upload_core::model::{Answers, CatalogReading, Job, Key, Meta, Pod, Snapshot};
use direct_upload_core::workload::annotations;
use rstest::rstest;
use test_support::manifests::{cloud, glance, horizon, join, read};

const CATALOG: &str =
    "catalog: {authURL: 'https://keystone.example.com/v3', applicationCredentialSecretRef: {name: reader}}";

fn snapshot(direct_upload: &str) -> Snapshot {
    let spec = format!("{{directUpload: {{{direct_upload}{CATALOG}}}}}");
    let snapshot = read(&join(&[&cloud(), &glance("{}"), &horizon(&spec)])).snapshot;
    Snapshot { answers: Answers::Given(Arc::default()), ..snapshot }
}

fn view(snapshot: &Snapshot) -> HorizonView {
    World::of(snapshot).horizons[&Key::new("openstack", "horizon")].clone()
}

/// The view once the catalog was read, or was not.
fn after(direct_upload: &str, reading: &CatalogReading) -> HorizonView {
    let mut snapshot = snapshot(direct_upload);
    let queries = World::of(&snapshot).catalog_queries;
    assert_eq!(queries.len(), 1);
    for query in &*queries {
        assert_eq!(query.secret, Key::new("openstack", "reader"));
        snapshot.catalogs.insert(query.clone(), reading.clone());
    }
    view(&snapshot)
}

fn published(list: &[(&str, &str)]) -> CatalogReading {
    CatalogReading::Known(
        list.iter().map(|(region, url)| ((*region).to_owned(), Endpoint::parse(url).unwrap())).collect(),
    )
}

fn endpoints(view: &HorizonView) -> Vec<String> {
    view.proof.destinations.iter().map(|d| d.to.endpoint.as_ref().unwrap().to_string()).collect()
}

/// Nothing is proven where it is not known where to ask; nothing is taken back either.
#[test]
fn nothing_is_asked_and_nothing_taken_back_before_the_first_answer() {
    let view = view(&snapshot(""));
    assert_eq!((&view.intent, &view.proof.evidence), (&Intent::Direct, &Evidence::Pending));
    assert!(view.proof.destinations[0].questions.is_empty());
}

/// The certificate authorities for the catalog are watched, also while nobody has seen them yet. That they are not seen yet
/// is awaited; that they are missing is said. In no case does Glance's own account ask instead.
#[rstest]
#[case::unseen(true)]
#[case::missing(false)]
fn what_the_catalog_needs_is_watched(#[case] pending: bool) {
    let mut snapshot = snapshot("probe: {caConfigMap: {name: authorities}}, verification: Off, ");
    let key = Key::new("openstack", "authorities");
    if pending {
        snapshot.referenced_config_maps = Snapshot::unseen().referenced_config_maps;
    }
    let config_maps = World::of(&snapshot).config_maps;
    assert!(config_maps.contains(&key), "{config_maps:?}");
    let view = view(&snapshot);
    assert_eq!((&view.pairing.catalog.source, view.pairing.catalog.is_awaited()), (&Some(key), false));
    assert_eq!(
        view.advice.iter().any(|advice| advice.to_string().contains("cannot be read")),
        !pending,
        "{:?}",
        view.advice
    );
    assert!(glance_view(&snapshot).look.is_none());
}

const HERE: &str = "https://glance.example.com";
const ONE: &str = "regions: [{name: One, glanceRef: {name: glance}}], ";

#[rstest]
#[case::as_exposed("", &[("One", HERE)], HERE, &[])]
#[case::elsewhere("", &[("One", "https://images.example.com/image")], "https://images.example.com/image", &["the public image endpoint in the Keystone catalog is https://images.example.com/image, but Glance openstack/glance is exposed as https://glance.example.com: another host and path"])]
#[case::slash("", &[("One", "https://glance.example.com/")], "https://glance.example.com/", &["ends in a slash"])]
#[case::several("", &[("One", "https://one.example.com"), ("Two", "https://two.example.com")], HERE, &["image endpoints in One, Two that spec.directUpload.regions does not name"])]
#[case::stated_otherwise("glanceEndpoint: 'https://old.example.com', ", &[("One", HERE)], HERE, &["spec.directUpload.glanceEndpoint is https://old.example.com, but the Keystone catalog publishes https://glance.example.com"])]
#[case::named(ONE, &[("One", HERE)], HERE, &[])]
#[case::not_named(ONE, &[("One", HERE), ("Two", "https://two.example.com")], HERE, &["image endpoints in Two that"])]
#[case::another_name(ONE, &[("RegionOne", HERE)], HERE, &["no public image endpoint in region One, only in RegionOne", "in RegionOne that"])]
fn the_published_endpoint_is_used_and_what_differs_is_said(
    #[case] spec: &str,
    #[case] catalog: &[(&str, &str)],
    #[case] endpoint: &str,
    #[case] said: &[&str],
) {
    let view = after(spec, &published(catalog));
    assert_eq!(endpoints(&view), [endpoint]);
    assert_eq!(view.intent, Intent::Direct);
    let found: Vec<_> = view.advice.iter().filter(|advice| advice.rule == Some(Rule::WrongEndpoint)).collect();
    assert_eq!(found.len(), said.len(), "{found:#?}");
    for (found, said) in found.iter().zip(said) {
        assert!(found.to_string().contains(said), "{found}");
    }
    // The preflight is the one that the browser will send.
    let asked = view.proof.destinations[0].questions.iter().map(|q| q.endpoint.to_string()).collect::<Vec<_>>();
    assert_eq!(asked, [endpoint]);
}

#[test]
fn the_exposed_endpoint_is_assumed_while_the_catalog_cannot_be_read() {
    let view = after("", &CatalogReading::Unknown("Keystone is away".into()));
    assert_eq!((endpoints(&view), view.intent.clone()), (vec![HERE.to_owned()], Intent::Direct));
    let said = |what: &str| view.advice.iter().any(|advice| advice.to_string().contains(what));
    assert!(
        said("cannot be read") && said("Keystone is away") && said("assumed to go to https://glance"),
        "{:?}",
        view.advice
    );
}

/// An endpoint of the inside is no better for standing in the catalog.
#[test]
fn an_internal_endpoint_in_the_catalog_is_refused() {
    let view = after("", &published(&[("One", "http://glance.openstack.svc:9292")]));
    let Intent::Hold(problem) = &view.intent else { panic!("{:?}", view.intent) };
    assert_eq!(problem.reason, Reason::EndpointNotPublic);
    assert!(
        problem.message().contains("the public image endpoint in the Keystone catalog is"),
        "{}",
        problem.message()
    );
}

/// Offline, no Job reads the catalog.
#[test]
fn offline_nobody_is_asked() {
    let mut snapshot = snapshot("");
    snapshot.answers = Answers::Assumed;
    assert!(World::of(&snapshot).catalog_queries.is_empty());
    assert_eq!(endpoints(&view(&snapshot)), [HERE]);
}

// --- Read with Glance's own account -----------------------------------------------------------------------

/// A dashboard that names no credential.
fn without_credential(glance_spec: &str) -> Snapshot {
    let snapshot = read(&join(&[&cloud(), &glance(glance_spec), &horizon("{}")])).snapshot;
    Snapshot { answers: Answers::Given(Arc::default()), ..snapshot }
}

fn glance_view(snapshot: &Snapshot) -> GlanceView {
    World::of(snapshot).glances[&Key::new("openstack", "glance")].clone()
}

/// What the Job that is due answers; its outcome is `Err` where it fails.
fn answered(snapshot: &mut Snapshot, answer: &str, outcome: Result<(), String>) {
    let job = glance_view(snapshot).look.expect("a Job that is due").key;
    let uid = &snapshot.deployments.get(&Key::new("openstack", "glance")).unwrap().unwrap().meta.uid;
    let ours = [(annotations::FOR.to_owned(), format!("Catalog/{uid}"))].into_iter().collect();
    let created = Some("2026-01-02T03:04:05Z".parse().unwrap());
    let meta = Meta { key: job.clone(), ours, created, ..Meta::default() };
    snapshot.jobs.insert(job.clone(), Job { meta, outcome: Some(outcome), ..Job::default() });
    let pod = Pod { job: Some(job.name.clone()), answer: Some(answer.to_owned()), ..Pod::default() };
    snapshot.pods.insert(job, pod);
}

/// Neither Glance's pods nor Horizon's are replaced for a URL that nobody has read yet.
#[test]
fn glance_s_own_account_is_asked_first() {
    let snapshot = without_credential("{}");
    let Intent::Hold(problem) = view(&snapshot).intent else { panic!("nothing is awaited") };
    assert_eq!(problem.reason, Reason::ObservationPending);
    let glance = glance_view(&snapshot);
    assert!(
        glance.look.as_ref().is_some_and(|draft| draft.args == ["--own-cors", "--catalog"] && draft.mount.is_none())
    );
    assert!(glance.public.wanted.is_empty());
    assert_eq!(glance.awaited.map(|problem| problem.reason), Some(Reason::ObservationPending));
}

#[rstest]
#[case::switched_off("{rehearsal: {catalog: 'Off'}}")]
#[case::no_rehearsals("{rollout: {rehearsal: 'Off'}}")]
#[case::suspended("{suspend: true}")]
fn it_is_not_asked_where_it_may_not(#[case] spec: &str) {
    let snapshot = without_credential(spec);
    assert!(glance_view(&snapshot).look.is_none());
    let view = view(&snapshot);
    assert_eq!((endpoints(&view), view.intent.clone()), (vec![HERE.to_owned()], Intent::Direct));
    assert!(view.proof.destinations[0].to.assumed);
}

/// A dashboard with its own credential needs no other.
#[test]
fn it_is_not_asked_for_a_dashboard_that_asks_itself() {
    assert!(glance_view(&snapshot("")).look.is_none());
}

#[test]
fn what_it_reads_is_evidence_and_is_noted() {
    let mut snapshot = without_credential("{}");
    answered(&mut snapshot, r#"{"catalog": {"One": "https://images.example.com:8443"}}"#, Ok(()));
    let view = view(&snapshot);
    assert_eq!(
        (endpoints(&view), view.intent.clone()),
        (vec!["https://images.example.com:8443".to_owned()], Intent::Direct)
    );
    assert!(!view.proof.destinations[0].to.assumed);
    let glance = glance_view(&snapshot);
    assert!(glance.look.is_none());
    let [(name, note)] = glance.public.api.asked.notes.as_slice() else { panic!("nothing is noted") };
    assert_eq!(name, annotations::CATALOG);
    assert!(note.contains("2026-01-02T03:04:05Z") && note.contains("https://images.example.com:8443"), "{note}");
}

#[test]
fn an_internal_endpoint_that_it_reads_is_refused_with_the_way_out() {
    let mut snapshot = without_credential("{}");
    answered(&mut snapshot, r#"{"catalog": {"One": "http://glance-api.openstack.svc.cluster.local:9292"}}"#, Ok(()));
    let Intent::Hold(problem) = view(&snapshot).intent else { panic!("nothing is refused") };
    assert_eq!((problem.reason, problem.rule), (Reason::EndpointNotPublic, Some(Rule::NotPublic)));
    assert!(problem.message().contains("openstack endpoint set"), "{}", problem.message());
    assert!(problem.message().contains("or when you delete Job openstack/glance-rehearsal-"), "{}", problem.message());
}

/// Anything else than an answer only causes advice.
#[rstest]
#[case::failed(r#"{"problem": {"code": "Unread", "text": "Keystone says no"}}"#, Err("failed".into()), "Keystone says no")]
#[case::no_word("{}", Ok(()), "does not mention the catalog")]
#[case::cut(r#"{"catalog": {"One": "https://gla"#, Ok(()), "does not mention the catalog")]
#[case::nothing(r#"{"catalog": {}}"#, Ok(()), "no public endpoint")]
#[case::no_url(r#"{"catalog": {"One": "$connection"}}"#, Ok(()), "is not a URL")]
#[case::silent("", Err("the deadline has passed".into()), "the deadline has passed")]
fn what_is_no_answer_leaves_an_assumption(
    #[case] answer: &str,
    #[case] outcome: Result<(), String>,
    #[case] why: &str,
) {
    let mut snapshot = without_credential("{}");
    answered(&mut snapshot, answer, outcome);
    let view = view(&snapshot);
    assert_eq!((endpoints(&view), view.intent.clone()), (vec![HERE.to_owned()], Intent::Direct));
    assert!(view.proof.destinations[0].to.assumed);
    assert!(view.advice.iter().any(|advice| advice.to_string().contains(why)), "{:?}", view.advice);
    assert!(glance_view(&snapshot).look.is_none(), "it is asked again although it may not");
    // It is no rehearsal of files: it holds no roll up.
    assert_eq!(glance_view(&snapshot).public.api.state().blocked, None);
}

/// An older reading counts until there is a newer one.
#[rstest]
#[case::nobody_has_asked_today(None, None)]
#[case::today_it_failed(
    Some(r#"{"problem": {"code": "Unread", "text": "Keystone is away"}}"#),
    Some("Keystone is away")
)]
fn what_is_noted_holds(#[case] answer: Option<&str>, #[case] said: Option<&str>) {
    let noted = r#"{"pod": "x", "read": "2026-01-01T00:00:00Z", "public": {"One": "https://old.example.com"}}"#;
    let mut snapshot = without_credential("{}");
    let key = Key::new("openstack", "glance");
    let mut workload = (**snapshot.deployments.get(&key).unwrap().unwrap()).clone();
    workload.meta.ours.insert(annotations::CATALOG.to_owned(), noted.to_owned());
    snapshot.deployments.insert(key, workload);
    if let Some(answer) = answer {
        answered(&mut snapshot, answer, Err("failed".into()));
    }
    let view = view(&snapshot);
    assert_eq!((endpoints(&view), view.intent.clone()), (vec!["https://old.example.com".to_owned()], Intent::Direct));
    let stale = view.advice.iter().find(|advice| advice.to_string().contains("last read at 2026-01-01"));
    assert_eq!(stale.is_some(), said.is_some(), "{:?}", view.advice);
    assert!(said.is_none_or(|said| stale.unwrap().to_string().contains(said)));
}
