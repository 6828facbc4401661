//! The page is readable without scripts, and no input becomes markup.

use direct_upload_check as check;
use direct_upload_check::Text;

fn page(files: &[(&str, &str)]) -> String {
    let text = |(name, text): &(&str, &str)| Text { name: (*name).into(), text: (*text).into(), named: false };
    let (input, _) = check::manifests::sort(files.iter().map(text).collect(), None, jiff::Timestamp::UNIX_EPOCH);
    check::output::html(&check::check(input))
}

#[test]
fn hostile_names_stay_text() {
    let hostile = "\"><script>alert(1)</script>\u{202e}";
    let conf = format!("[cors]\nallowed_origin = https://d.example/{hostile}\n{hostile} = 1\n");
    let name = format!("{hostile}/etc/glance/glance-api.conf");
    let page = page(&[
        (&name, &conf),
        ("etc/openstack-dashboard/local_settings.py", "HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n"),
    ]);
    assert!(page.contains("&lt;script&gt;"), "the names are shown");
    assert!(!page.contains("<script") && !page.contains('\u{202e}'), "{page}");
    // One page, and nothing that it loads.
    for loads in ["src=", "href=", "url(", "@import"] {
        assert!(!page.contains(loads), "{loads}");
    }
}

#[test]
fn a_page_shows_the_verdict_the_break_and_the_lines() {
    let page = page(&[
        ("etc/glance/glance-api.conf", "[DEFAULT]\n[cors]\nallowed_origin = https://e.example\n"),
        (
            "etc/openstack-dashboard/local_settings.py",
            "ALLOWED_HOSTS = ['d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n",
        ),
    ]);
    assert!(page.contains("<h1 class=\"fails\">uploads fail"), "{page}");
    assert!(page.contains("breaks: DU002"), "{page}");
    assert!(page.contains("<code>etc/glance/glance-api.conf:3</code>"), "{page}");
}
