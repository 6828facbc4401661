//! What our files do, read back from their bytes.
//!
//! In: a `ConfigMap` of ours, of this release or an earlier one. Out: its [`Effects`]. Each file is read by
//! the reader of its own format.

use std::collections::BTreeMap;

use direct_upload_api::web::Origin;

use super::glance::policy;
use super::horizon::{proxy, snippet};
use super::oslo::read;
use crate::model::Effects;
use crate::openstack::SWIFT_ORIGINS;

/// Reads all files of a `ConfigMap`: file name → contents.
pub fn effects(data: &BTreeMap<String, String>) -> Effects {
    let mut effects = Effects::default();
    for (name, contents) in data {
        let format = name.rsplit_once('.').map(|(_, format)| format);
        match format {
            Some("py") => effects.direct |= snippet::is_direct(contents),
            Some("yaml") => effects.refuses_uploads |= policy::refuses_uploads(contents),
            _ => {
                let accepted = read::parse(contents);
                let options = [("cors", "allowed_origin"), ("DEFAULT", SWIFT_ORIGINS)];
                let origins = options.iter().find_map(|(section, name)| accepted.get(section, name));
                let items = origins.map(|a| read::list(&a.value)).unwrap_or_default();
                effects.origins.extend(items.iter().filter_map(|item| Origin::parse(item.known()?).ok()));
                effects.glance_proxies.extend(proxy::read(contents));
            }
        }
    }
    effects
}
