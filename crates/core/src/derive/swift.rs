//! Swift stores: what `spec.swift` requests, and the effect of the user's own options (DU019).

use direct_upload_api::{GlanceSwift, Reason, Rule, SwiftTenancy, seconds};
use sha2::{Digest, Sha256};

use super::exposure_issue::tolerance;
use super::user_cors::UserCors;
use crate::model::{Advice, FieldPath, Problem};
use crate::openstack::Release;
use crate::openstack::swift::{
    CREDENTIALS_KEY, LARGE_OBJECT_SIZE, MultiTenant, SPLITS_WRONGLY, Segmented, Takes, multi_tenant, named, segmented,
    splits_wrongly,
};
use crate::render;
use crate::workload::{SECRET_VOLUME, Secrets};

/// What `glance_store` uses by default: a token that is valid for another minute is good.
const EXPIRE_SOON: u64 = 60;

/// The stores' settings by name, so that their order in the resource does not matter.
pub fn stores(stores: &[GlanceSwift]) -> Vec<render::SwiftStore> {
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

/// The Secrets. Each key is a file that Glance reads after its own and before ours, because of its name. So
/// the resource decides.
pub fn secrets(stores: &[GlanceSwift], dir: &str) -> Secrets {
    let mut secrets = Secrets::new();
    for store in stores {
        let Some(credentials) = &store.credentials else { continue };
        let name = &credentials.secret_name;
        let mut hash = format!("{:x}", Sha256::digest(name));
        hash.truncate(10);
        let mount = secrets.entry(format!("{SECRET_VOLUME}{hash}")).or_default();
        mount.secret.clone_from(name);
        let key = credentials.key.clone().unwrap_or_else(|| CREDENTIALS_KEY.to_owned());
        mount.mounted.insert(format!("{dir}/zz-direct-upload-credentials-{}.conf", store.store), Some(key));
    }
    secrets
}

/// The stores whose large images fail (DU027). A store of `spec.swift` may be the default one, if the user's own file
/// does not say.
fn split(stores: &[GlanceSwift], users: &UserCors, release: Option<Release>) -> Vec<Advice> {
    if splits_wrongly(release) == Some(false) {
        return Vec::new();
    }
    let written = |group: &str, name: &str| users.ini.get(group, name).map(|a| a.value.clone());
    let own = |group: &str| stores.iter().find(|store| store.store == group);
    let enabled = stores.iter().map(|store| format!("{}:swift", store.store)).collect::<Vec<_>>().join(",");
    let option = |group: &str, name: &str| match name {
        "enabled_backends" if written("glance_store", "default_store").is_none() => {
            written(group, name).or_else(|| Some(enabled.clone()))
        }
        LARGE_OBJECT_SIZE => {
            own(group).and_then(|store| store.large_object_size).map(|size| size.to_string()).or(written(group, name))
        }
        _ => written(group, name),
    };
    let cap = written("DEFAULT", "image_size_cap").and_then(|cap| cap.trim().parse().ok()).unwrap_or(u64::MAX);
    let largest = tolerance::SMALL.min(cap);
    let takes = |store: &Segmented| store.takes != Takes::Named && store.bytes() <= largest;
    let splits = segmented(option, true).into_iter().filter(takes);
    let told = splits.map(|store| {
        let (name, size) = (&store.name, Segmented::above(largest));
        let found = format!(
            "[{name}] is a Swift store, in which {SPLITS_WRONGLY} fail at the last segment of an image: uploads by browsers from {} bytes on end with 500 ({})",
            store.bytes(),
            Rule::SwiftSegments
        );
        let fix = format!(
            "set largeObjectSize: {size} for the store {name} in spec.swift; Swift must accept objects of {} bytes",
            Segmented::max_file_size(size)
        );
        let advice = Advice::new(found).fix(fix);
        if own(name).is_some() { advice.field(FieldPath::new(&["spec", "swift"])) } else { advice.object(users.source.clone()) }
    });
    told.collect()
}

/// What to report about `spec.swift` and the user's own file, if that can be read.
///
/// # Errors
/// [`Reason::InvalidSpec`] if the two together are not a store.
pub fn beside(stores: &[GlanceSwift], users: &UserCors, release: Option<Release>) -> Result<Vec<Advice>, Problem> {
    let value = |group: &str, name: &str| users.ini.get(group, name).map(|a| a.value.clone());
    let mut advice = split(stores, users, release);
    let backends = value("DEFAULT", "enabled_backends").unwrap_or_default();
    for store in stores {
        let name = &store.store;
        let said = |option: &str| users.ini.get(name, option).filter(|a| !a.value.trim().is_empty());
        let file = said("swift_store_config_file");
        if let Some(file) = file.filter(|_| store.tenancy == SwiftTenancy::MultiTenant) {
            return Err(Problem::new(
                Reason::InvalidSpec,
                format!(
                    "spec.swift: {name} is MultiTenant, and {} sets swift_store_config_file in [{name}] (line {}): Glance sets up no store that has both",
                    users.source, file.line
                ),
            )
            .rule(Rule::SwiftExpiry)
            .fix("remove that option from the file, and name the credentials in spec.swift[].credentials"));
        }
        if file.is_some() && named(&backends).contains(name) && said("default_swift_reference").is_none() {
            let found = format!(
                "[{name}] has a swift_store_config_file and does not say default_swift_reference: glance_store 5.4.0 to 5.7.0 (2026.1) then keep images under a reference None, and cannot read them again"
            );
            let fix = "set default_swift_reference in [{name}] to the name of its credentials, for example ref1";
            advice.push(Advice::new(found).object(users.source.clone()).fix(fix));
        }
        if !backends.is_empty() && !named(&backends).contains(name) {
            let found =
                format!("{} has no store {name}:swift in enabled_backends, so nothing reads [{name}]", users.source);
            advice.push(Advice::new(found).field(FieldPath::new(&["spec", "swift"])));
        }
    }
    let spoken_for = |found: &MultiTenant| stores.iter().any(|store| store.store == found.name);
    for found in multi_tenant(value).iter().filter(|found| !spoken_for(found)) {
        if let Some(option) = found.unsaid() {
            let name = &found.name;
            let found = format!(
                "[{name}] does not say {option}: with glance_store 5.4.0 to 5.7.0 (2026.1) an upload that outlasts its token fails with 401 ({})",
                Rule::SwiftExpiry
            );
            advice.push(Advice::new(found).object(users.source.clone()).fix(format!("list {name} in spec.swift")));
        }
    }
    Ok(advice)
}
