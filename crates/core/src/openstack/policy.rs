//! Rules of Glance's policy.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::Reason;

use crate::model::Problem;

/// The rule that decides about `PUT …/file` (`glance/policies/image.py`).
pub const UPLOAD: &str = "upload_image";

/// The expression that allows no user.
pub const NOBODY: &str = "!";

/// All rules that Glance enforces in some release since Yoga (`glance/policies/`).
const RULES: &str = "\
    add_image add_image_location add_member add_metadef_namespace add_metadef_object add_metadef_property \
    add_metadef_resource_type_association add_metadef_tag add_metadef_tags add_task cache_clean cache_delete \
    cache_image cache_list cache_prune communitize_image context_is_admin copy_image deactivate default \
    delete_image delete_image_location delete_member delete_metadef_namespace delete_metadef_object \
    delete_metadef_tag delete_metadef_tags download_from_store download_image fetch_image_location get_image \
    get_image_location get_images get_member get_members get_metadef_namespace get_metadef_namespaces \
    get_metadef_object get_metadef_objects get_metadef_properties get_metadef_property get_metadef_resource_type \
    get_metadef_tag get_metadef_tags get_task get_tasks list_cached_nodes list_metadef_resource_types \
    manage_image_cache metadef_admin metadef_default modify_image modify_member modify_metadef_namespace \
    modify_metadef_object modify_metadef_property modify_metadef_tag modify_task publicize_image reactivate \
    remove_metadef_property remove_metadef_resource_type_association service_api set_image_location \
    stores_info_detail tasks_api_access upload_image";

/// Whether Glance enforces each of these rules, or another one here refers to it. A rule with a typing
/// error would be ignored without a message.
///
/// # Errors
/// The first rule that would have no effect.
pub fn known(field: &str, rules: &BTreeMap<String, String>) -> Result<(), Problem> {
    let words = rules.values().flat_map(|rule| rule.split([' ', '(', ')']));
    let named: BTreeSet<&str> = words.filter_map(|word| word.strip_prefix("rule:")).collect();
    let is_rule = |name: &str| RULES.split_ascii_whitespace().any(|rule| rule == name);
    match rules.keys().find(|name| !is_rule(name) && !named.contains(name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Problem::new(
            Reason::InvalidSpec,
            format!(
                "{field}: Glance has no rule {name:?}, and no rule here refers to it: it would have no effect; write a name from Glance's policy, such as upload_image"
            ),
        )),
    }
}
