//! What follows from Keystone's catalog, as it was read or not.

use std::collections::BTreeMap;

use direct_upload_api::web::Endpoint;
use direct_upload_api::{Reason, Rule};
use direct_upload_core::derive::{Evidence, HorizonView, Intent, World};
use direct_upload_core::model::{Answers, CatalogReading, Key, Snapshot};
use rstest::rstest;
use test_support::manifests::{cloud, glance, horizon, join, read};

const CATALOG: &str =
    "catalog: {authURL: 'https://keystone.example.com/v3', applicationCredentialSecretRef: {name: reader}}";

fn snapshot(direct_upload: &str) -> Snapshot {
    let spec = format!("{{directUpload: {{{direct_upload}{CATALOG}}}}}");
    let snapshot = read(&join(&[&cloud(), &glance("{}"), &horizon(&spec)])).snapshot;
    Snapshot { answers: Answers::Given(BTreeMap::new()), ..snapshot }
}

fn view(snapshot: &Snapshot) -> HorizonView {
    World::of(snapshot).horizons[&Key::new("openstack", "horizon")].clone()
}

/// The view once the catalog was read, or was not.
fn after(direct_upload: &str, reading: &CatalogReading) -> HorizonView {
    let mut snapshot = snapshot(direct_upload);
    let queries = World::of(&snapshot).catalog_queries();
    assert_eq!(queries.len(), 1);
    for query in queries {
        assert_eq!(query.secret, Key::new("openstack", "reader"));
        snapshot.catalogs.insert(query, reading.clone());
    }
    view(&snapshot)
}

fn published(list: &[(&str, &str)]) -> CatalogReading {
    CatalogReading::Known(
        list.iter().map(|(region, url)| ((*region).to_owned(), Endpoint::parse(url).unwrap())).collect(),
    )
}

fn endpoints(view: &HorizonView) -> Vec<String> {
    view.destinations.iter().map(|d| d.to.endpoint.as_ref().unwrap().to_string()).collect()
}

/// Nothing is proven where it is not known where to ask; nothing is taken back either.
#[test]
fn nothing_is_asked_and_nothing_taken_back_before_the_first_answer() {
    let view = view(&snapshot(""));
    assert_eq!((view.intent, view.evidence), (Intent::Direct, Evidence::Pending));
    assert!(view.destinations[0].questions.is_empty());
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
    // What is asked is what the browser will ask.
    let asked = view.destinations[0].questions.iter().map(|q| q.endpoint.to_string()).collect::<Vec<_>>();
    assert_eq!(asked, [endpoint]);
}

#[test]
fn the_exposed_endpoint_is_assumed_while_the_catalog_cannot_be_read() {
    let view = after("", &CatalogReading::Unknown("Keystone is away".into()));
    assert_eq!((endpoints(&view), view.intent.clone()), (vec![HERE.to_owned()], Intent::Direct));
    let said = |what: &str| view.advice.iter().any(|advice| advice.to_string().contains(what));
    assert!(
        said("cannot be read") && said("Keystone is away") && said("is assumed: https://glance"),
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

/// Offline nobody is asked.
#[test]
fn offline_nobody_is_asked() {
    let mut snapshot = snapshot("");
    snapshot.answers = Answers::Assumed;
    assert!(World::of(&snapshot).catalog_queries().is_empty());
    assert_eq!(endpoints(&view(&snapshot)), [HERE]);
}
