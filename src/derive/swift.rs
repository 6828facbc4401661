//! `spec.swift`: from the resource to settings, and to the Secrets that hold the stores' credentials.

use sha2::{Digest, Sha256};

use crate::api::{GlanceSwift, SwiftTenancy, seconds};
use crate::plan::mount::{SECRET_VOLUME, Secrets};
use crate::render;

/// What `glance_store` takes where nothing is said: a token that lives for another minute is good.
const EXPIRE_SOON: u64 = 60;

/// The stores' settings, by name, so that their order in the resource changes nothing.
pub(super) fn stores(stores: &[GlanceSwift]) -> Vec<render::SwiftStore> {
    let mut all: Vec<_> = stores.iter().map(store).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

fn store(store: &GlanceSwift) -> render::SwiftStore {
    let number = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
    render::SwiftStore {
        name: store.store.clone(),
        tenancy: match store.tenancy {
            SwiftTenancy::MultiTenant => render::SwiftTenancy::Multi { trusts: store.trusts.unwrap_or(true) },
            SwiftTenancy::SingleTenant => render::SwiftTenancy::Single,
        },
        expire_soon: u32::try_from(seconds(store.expire_soon, EXPIRE_SOON)).unwrap_or(u32::MAX),
        retries: number(store.retries).unwrap_or_default(),
        large_object_size: number(store.large_object_size),
        large_object_chunk_size: number(store.large_object_chunk_size),
    }
}

/// The Secrets, each key as a file that Glance reads after its own and before ours, by its name: what the
/// resource says has the last word.
pub(super) fn secrets(stores: &[GlanceSwift], dir: &str) -> Secrets {
    let mut secrets = Secrets::new();
    for store in stores {
        let Some(credentials) = &store.credentials else { continue };
        let name = &credentials.secret_name;
        let mut hash = format!("{:x}", Sha256::digest(name));
        hash.truncate(10);
        let mount = secrets.entry(format!("{SECRET_VOLUME}{hash}")).or_default();
        mount.secret.clone_from(name);
        let key = credentials.key.clone().unwrap_or_else(|| "swift.conf".to_owned());
        mount.mounted.insert(format!("{dir}/zz-direct-upload-credentials-{}.conf", store.store), Some(key));
    }
    secrets
}
