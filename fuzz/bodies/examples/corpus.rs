//! Writes the seeds of a target as files, for a fuzzer to begin with:
//! `cargo run --release -p fentan-fuzz-bodies --example corpus -- TARGET FOLDER`. Without arguments it names the targets,
//! each with the longest input worth a try.

use fentan_fuzz_bodies::{TARGETS, Target, seeds};
use std::error::Error;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    match &args[..] {
        [] => TARGETS.iter().for_each(|target| println!("{} {}", target.name, target.longest)),
        [name, folder] => {
            let target = Target::of(name).ok_or_else(|| format!("there is no target {name}"))?;
            fs::create_dir_all(folder)?;
            for (number, seed) in seeds(target).iter().enumerate() {
                fs::write(Path::new(folder).join(format!("seed-{number:03}")), &seed.bytes)?;
            }
        }
        _ => return Err("usage: corpus [TARGET FOLDER]".into()),
    }
    Ok(())
}
