//! Origins, as browsers send them.

use direct_upload_api::web::{Origin, PublicUrl};
use rstest::rstest;

#[rstest]
#[case("https://Horizon.Example.com", "https://horizon.example.com")]
#[case("https://horizon.example.com:443/", "https://horizon.example.com")]
#[case("http://horizon.example.com:80", "http://horizon.example.com")]
#[case("https://horizon.example.com:8443", "https://horizon.example.com:8443")]
#[case("https://münchen.example", "https://xn--mnchen-3ya.example")]
#[case("https://[2001:DB8::1]:9292", "https://[2001:db8::1]:9292")]
#[case("https://192.0.2.7", "https://192.0.2.7")]
fn canonical(#[case] written: &str, #[case] sent: &str) {
    assert_eq!(Origin::parse(written).unwrap().as_str(), sent);
}

#[rstest]
#[case("*")]
#[case("null")]
#[case("https://*.example.com")]
#[case("ftp://example.com")]
#[case("https:example.com")]
#[case("https://example.com/path")]
#[case("https://user@example.com")]
#[case("https://example.com?q")]
#[case("https://a.example,https://b.example")]
#[case("https://a.example\nhttps://b.example")]
#[case("https://a.example\0")]
#[case("https://a$b.example")]
#[case("https://a%24b.example")]
#[case("https://exa'mple.com")]
#[case("https://a..example")]
#[case("")]
fn refused(#[case] written: &str) {
    Origin::parse(written).unwrap_err();
}

#[rstest]
#[case("https://glance.openstack.svc.cluster.local:9292", true)]
#[case("https://glance.openstack.svc", true)]
#[case("http://localhost:9292", true)]
#[case("http://127.0.0.1", true)]
#[case("http://[::1]:9292", true)]
#[case("https://glance", true)]
#[case("https://glance.example.com", false)]
#[case("https://10.1.2.3", false)]
fn reachability(#[case] url: &str, #[case] unreachable: bool) {
    assert_eq!(Origin::parse(url).unwrap().unreachable().is_some(), unreachable);
}

#[test]
fn paths_are_kept_without_trailing_slash() {
    let url = PublicUrl::parse("https://api.example.com/image/").unwrap();
    assert_eq!((url.origin().as_str(), url.path()), ("https://api.example.com", "/image"));
    assert_eq!(url.to_string(), "https://api.example.com/image");
}

#[rstest]
#[case("https://horizon.example.com", "https://horizon.example.com")]
#[case("https://horizon.example.com:8443", "https://horizon.example.com")]
#[case("http://10.0.0.1:8080", "http://10.0.0.1")]
#[case("http://10.0.0.1", "http://10.0.0.1")]
#[case("https://[2001:db8::1]:8443", "https://[2001:db8::1]")]
#[case("https://[2001:db8::1]", "https://[2001:db8::1]")]
fn an_origin_without_its_port(#[case] origin: &str, #[case] expected: &str) {
    assert_eq!(Origin::parse(origin).unwrap().without_port(), expected);
}
