//! oslo.config's ini dialect: a writer and a reader.
//!
//! In: values, or the text of a file. Out: text that oslo.config reads back as those values, or
//! the assignments in a file with their lines. Source of every quirk: `oslo_config/iniparser.py`,
//! `oslo_config/types.py` and `ConfigOpts._substitute` in `oslo_config/cfg.py`.

pub mod read;
pub mod write;
