//! A Secret, read by its name immediately before its use, and not kept.

use std::collections::BTreeMap;

use direct_upload_core::judge::session;
use direct_upload_core::model::Key;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};

use crate::probe::Credential;

/// The contents of a Secret. Messages name only keys, never contents.
pub(crate) struct SecretText {
    key: Key,
    data: BTreeMap<String, ByteString>,
}

impl SecretText {
    /// Reads it; `role` is the folder with the Role that allows this.
    pub async fn read(client: &Client, key: &Key, role: &str) -> Result<Self, String> {
        let Key { namespace, name } = key;
        let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
        match secrets.get_opt(name).await {
            Ok(Some(secret)) => Ok(Self { key: key.clone(), data: secret.data.unwrap_or_default() }),
            Ok(None) => Err(format!("there is no Secret {key}")),
            Err(kube::Error::Api(status)) if status.code == 403 => {
                Err(format!("the operator may not read Secret {key}: bind the Role of {role} in {namespace}"))
            }
            Err(_) => Err(format!("Secret {key} cannot be read now")),
        }
    }

    /// The text of a key, if it exists and is not empty.
    pub fn text(&self, key: &str) -> Option<String> {
        let value = self.data.get(key).and_then(|bytes| std::str::from_utf8(&bytes.0).ok());
        value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// The text of a key that must exist.
    pub fn required(&self, key: &str) -> Result<String, String> {
        self.text(key).ok_or_else(|| format!("Secret {} has no key {key:?}", self.key))
    }

    /// The application credential in it.
    pub fn credential(&self) -> Result<Credential, String> {
        Ok(Credential { id: self.required("id")?, secret: session::Secret::new(self.required("secret")?) })
    }
}

impl Drop for SecretText {
    fn drop(&mut self) {
        for bytes in self.data.values_mut() {
            bytes.0.fill(0);
            std::hint::black_box(&bytes.0);
        }
    }
}
