//! Names of ConfigMaps: which are of our form, and of which resource.

use direct_upload_core::workload::{is_content_name, is_content_name_of};
use proptest::prelude::*;

proptest! {
    /// A resource's name, our mark and ten hex digits; nothing else is ours.
    #[test]
    fn a_name_of_our_form_is_one_resources(resource in "[a-z][a-z0-9-]{0,20}[a-z]", hash in "[0-9a-f]{10}", at in 0usize..10) {
        let name = format!("{resource}-direct-upload-{hash}");
        prop_assert!(is_content_name(&name) && is_content_name_of(&resource, &name));
        for other in [format!("{resource}x"), resource[1..].to_owned(), format!("{resource}-direct-upload")] {
            prop_assert!(!is_content_name_of(&other, &name), "{other}");
        }
        let mut not_hex = hash.clone();
        not_hex.replace_range(at..=at, "g");
        for hash in [&hash[1..], &format!("{hash}0"), &not_hex, ""] {
            let name = format!("{resource}-direct-upload-{hash}");
            prop_assert!(!is_content_name(&name) && !is_content_name_of(&resource, &name), "{name}");
        }
        let unmarked = format!("{resource}-{hash}");
        prop_assert!(!is_content_name(&unmarked) && !is_content_name(&hash));
    }
}
