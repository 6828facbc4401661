//! The release that the name of an image tells.

use direct_upload_core::openstack::Release;
use direct_upload_core::openstack::release::of_image;
use rstest::rstest;

#[rstest]
#[case("quay.io/airshipit/glance:2026.1-ubuntu_noble", Some(Release::new(2026, 1)))]
#[case("registry:5000/glance", None)]
#[case("quay.io/openstack.kolla/glance-api:2025.2-rocky-10", Some(Release::new(2025, 2)))]
#[case("quay.io/podified-antelope-centos9/openstack-glance-api:current", None)]
#[case("x/horizon:master-ubuntu_jammy", None)]
#[case("x/horizon:zed-ubuntu_jammy", Some(Release::new(2022, 2)))]
#[case("x/horizon:2024.1.20250101", Some(Release::new(2024, 1)))]
#[case("x/horizon:25.7.3", None)]
#[case("x/horizon:2026.1@sha256:00", Some(Release::new(2026, 1)))]
fn images(#[case] image: &str, #[case] release: Option<Release>) {
    assert_eq!(of_image(image), release);
}
