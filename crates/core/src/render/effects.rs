//! What our files do, read back from their bytes.
//!
//! In: a `ConfigMap` of ours, of this release or an earlier one. Out: its [`Effects`]. Each file is read by
//! the reader of its own format.

use std::borrow::Cow;
use std::collections::BTreeMap;

use direct_upload_api::web::Origin;
use direct_upload_api::{CorsFilter, CorsKind};
use sha2::{Digest as _, Sha256};

use super::glance::policy;
use super::horizon::{proxy, snippet};
use super::oslo::read;
use crate::model::Effects;

/// Reads all files of a `ConfigMap`: file name → contents.
pub fn effects(data: &BTreeMap<String, String>) -> Effects {
    let mut effects = Effects::default();
    let mut besides_origins = Sha256::new();
    for (name, contents) in data {
        let mut rest = Cow::Borrowed(contents);
        let format = name.rsplit_once('.').map(|(_, format)| format);
        match format {
            Some("py") => effects.direct |= snippet::is_direct(contents),
            Some("yaml") => effects.refuses_uploads |= policy::refuses_uploads(contents),
            _ => {
                let accepted = read::parse(contents);
                let origins = CorsFilter::ALL.iter().find_map(|filter| {
                    let option = filter.options().iter().find(|option| option.kind == CorsKind::Origins)?;
                    accepted.get(filter.section(), option.name)
                });
                let items = origins.map(|a| read::list(&a.value)).unwrap_or_default();
                rest = origins.map_or(rest, |a| Cow::Owned(contents.replacen(&a.value, "", 1)));
                effects.origins.extend(items.iter().filter_map(|item| Origin::parse(item.known()?).ok()));
                effects.glance_proxies.extend(proxy::read(contents));
            }
        }
        for part in [name, &*rest] {
            besides_origins.update(part.len().to_be_bytes());
            besides_origins.update(part);
        }
    }
    let digest: [u8; 32] = besides_origins.finalize().into();
    effects.besides_origins = digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
    effects
}
