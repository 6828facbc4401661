//! Keystone's catalog: the operator reads it only if a Role allows it, by one name, and follows its
//! changes.

use serde_json::{Value, json};

use crate::harness::{Site, file, fixtures, workload_patches};

const SECRET: &str = "not-to-be-seen-4711";

fn advice(site: &Site) -> String {
    site.get("horizon/horizon")["status"]["advice"].to_string()
}

fn endpoint(site: &Site) -> Value {
    site.get("horizon/horizon")["status"]["glanceEndpoint"].clone()
}

#[test]
fn without_the_right_nothing_changes_and_with_it_the_catalog_is_followed() {
    let (keystone, images) = ("keystone-catalog.example.com", "images-catalog.example.com");
    let site = Site::with("catalog", &fixtures::cloud());
    let edge = site.cluster.edge();
    edge.publish(keystone, ("reader", SECRET), &[("RegionOne", &format!("https://{images}/image"))]);
    let catalog = json!({
        "authURL": format!("https://{keystone}/v3"),
        "applicationCredentialSecretRef": {"name": "direct-upload-catalog"},
    });
    site.apply(&[
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "direct-upload-catalog"},
            "stringData": {"id": "reader", "secret": SECRET}}),
        fixtures::glance("glance", json!({})),
        fixtures::horizon("horizon", json!({"directUpload": {"catalog": catalog}})),
    ]);
    site.await_pair();
    assert!(advice(&site).contains("the operator may not read Secret"), "{}", advice(&site));
    assert_eq!(endpoint(&site), "https://glance.example.com");
    assert_eq!(edge.asked(keystone), 0);

    let mark = site.mark();
    let role = std::fs::read_to_string(file("deploy/catalog/role.yaml")).expect("a file");
    site.kubectl_with(&["apply", "-f", "-"], &role);
    site.wait("the catalog is followed", || (endpoint(&site) == format!("https://{images}/image")).then_some(()));
    site.await_ready("horizon/horizon", "True Verified");
    let told = advice(&site);
    assert!(told.contains("DU011") && told.contains("is exposed as https://glance.example.com"), "{told}");
    assert!(edge.asked(images) > 0, "the preflight goes where the catalog says");
    assert!(workload_patches(&site.settled_writes(mark)).is_empty());

    // A credential that is refused takes nothing away that was read.
    edge.publish(keystone, ("somebody else", "else"), &[]);
    let asked = edge.asked(keystone);
    site.wait("Keystone refuses", || (edge.asked(keystone) > asked).then_some(()));
    assert_eq!(endpoint(&site), format!("https://{images}/image"));

    let secrets: Vec<_> = site
        .cluster
        .requests(0)
        .into_iter()
        .filter(|r| {
            r["objectRef"]["resource"] == "secrets"
                && r["user"]["username"].to_string().contains("direct-upload-operator")
        })
        .collect();
    assert!(!secrets.is_empty());
    for request in secrets {
        assert_eq!(
            (&request["verb"], &request["objectRef"]["name"]),
            (&json!("get"), &json!("direct-upload-catalog")),
            "{request}"
        );
    }
    let seen = [site.operator.as_ref().expect("it runs").log(), site.get("horizon/horizon").to_string()].concat();
    assert!(!seen.contains(SECRET) && !seen.contains("the-token"), "{seen}");
}
