//! Writes the manual pages: `man OUT` makes OUT/direct-upload-operator.1 and a page for each command.

use std::error::Error;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [out] = args.as_slice() else { return Err("usage: man OUT".into()) };
    fs::create_dir_all(out)?;
    Ok(clap_mangen::generate_to(direct_upload_operator::cli::definition(), Path::new(out))?)
}
