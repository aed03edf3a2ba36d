//! The seeds of a target: files that are committed, and files that lie elsewhere in the repository for other reasons.

use crate::Target;
use std::path::{Path, PathBuf};
use std::{env, fs, process};

/// The folder to which a fuzz target writes its seeds, instead of fuzzing.
const FOLDER: &str = "FENTAN_FUZZ_SEEDS";

/// Bytes to begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// Where they are from.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A file elsewhere in the repository, and how inputs are made of it.
struct Elsewhere {
    target: &'static str,
    path: &'static str,
    made: Made,
}

enum Made {
    /// All of it behind these bytes.
    Whole(&'static [u8]),
    /// Each of its lines.
    Lines,
    /// Its lines as elements of arrays, each with a newline.
    Batches,
    /// What stands in its blocks of this word, three back-ticks before and behind.
    Fenced(&'static str),
}

const fn statement(before: &'static [u8], path: &'static str) -> Elsewhere {
    Elsewhere { target: "statement", path, made: Made::Whole(before) }
}

const fn from(target: &'static str, path: &'static str, made: Made) -> Elsewhere {
    Elsewhere { target, path, made }
}

const LINES: &str = "gateway/src/wire/fast/seeds.txt";
const PROTOCOL: &str = "docs/protocol.md";

/// Of statements: family, packing, where to cut.
const ELSEWHERE: &[Elsewhere] = &[
    from("request_line", LINES, Made::Lines),
    from("request_line", PROTOCOL, Made::Fenced("request")),
    from("batch", LINES, Made::Whole(&[])),
    from("batch", LINES, Made::Batches),
    from("http_body", LINES, Made::Lines),
    from("http_body", LINES, Made::Batches),
    from("http_body", PROTOCOL, Made::Fenced("request")),
    from("rule_file", "engine/tests/model/catalog.toml", Made::Whole(&[])),
    from("rule_file", "config/rules.toml", Made::Whole(&[])),
    from("rule_file", "config/products.toml", Made::Whole(&[])),
    from("rule_file", "config/offers.toml", Made::Whole(&[])),
    from("rule_file", "config/calendar.toml", Made::Whole(&[])),
    from("rule_file", "config/settlement.toml", Made::Whole(&[])),
    from("rule_file", "config/channels.toml", Made::Whole(&[])),
    statement(&[0, 0, 200], "gateway/statements/tests/bills/wechat/trade_v2_ALL_20151028.csv"),
    statement(&[0, 1, 100], "gateway/statements/tests/bills/wechat/trade_v2_ALL_20180821.csv"),
    statement(&[0, 2, 255], "gateway/statements/tests/bills/wechat/trade_v2_REFUND_20180821.csv"),
    statement(&[0, 0, 254], "gateway/statements/tests/bills/wechat/trade_v2_doc_sample_20141110_fullwidth_colon.csv"),
    statement(&[0, 0, 0], "gateway/statements/tests/bills/wechat/trade_v3_ALL_20240709.truncated_2_of_29.csv"),
    statement(&[0, 0, 90], "gateway/statements/tests/bills/wechat/v2_error_no_bill_exist.xml"),
    statement(&[0, 0, 0], "gateway/statements/tests/bills/wechat/v2_error_invalid_bill_date.xml"),
    statement(&[1, 0, 0], "gateway/statements/tests/bills/wechat/fundflow_v3_BASIC_20210201.truncated_2_of_3.csv"),
    statement(&[2, 0, 250], "gateway/statements/tests/bills/alipay/trade_20190916.utf8.csv"),
    statement(&[2, 2, 220], "gateway/statements/tests/bills/alipay/trade_20190916.gbk.csv"),
    statement(&[2, 0, 0], "gateway/statements/tests/bills/alipay/trade_20170831.truncated_no_footer.utf8.csv"),
    statement(&[4, 1, 253], "gateway/statements/tests/bills/unionpay/chinaums_20170625.netbank.txt"),
];

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The seeds of a target, in an order that does not change.
///
/// # Panics
/// When a file cannot be read.
#[must_use]
pub fn seeds(target: &Target) -> Vec<Seed> {
    let read = |path: &Path| fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let folder = root().join("fuzz/seeds").join(target.name);
    let listed = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = listed.map(|entry| entry.expect("a folder that can be listed").path()).collect();
    paths.sort();
    let committed = paths.iter().map(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Seed { name, bytes: read(path) }
    });
    let elsewhere = ELSEWHERE.iter().filter(|file| file.target == target.name).flat_map(|file| {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let inputs = file.made.inputs(&read(&root().join(file.path)));
        inputs.into_iter().enumerate().map(move |(number, bytes)| Seed { name: format!("{name}, {number}"), bytes })
    });
    committed.chain(elsewhere).collect()
}

/// Begins a fuzz target. With `FENTAN_FUZZ_SEEDS` set it writes its seeds to that folder as files, prints the length of
/// the longest input that is worth a try, and ends: so the script that runs it builds nothing besides.
///
/// # Panics
/// When there is no such target, and when a file cannot be written.
pub fn begin(target: &str) {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let target = Target::of(target).expect("a target of this name");
    write(target, Path::new(&folder));
    println!("{}", target.longest);
    process::exit(0);
}

fn write(target: &Target, folder: &Path) {
    let told =
        |path: &Path, done: std::io::Result<()>| done.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    told(folder, fs::create_dir_all(folder));
    for (number, seed) in seeds(target).iter().enumerate() {
        let path = folder.join(format!("seed-{number:03}"));
        told(&path, fs::write(&path, &seed.bytes));
    }
}

impl Made {
    fn inputs(&self, file: &[u8]) -> Vec<Vec<u8>> {
        let lines = || file.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        match self {
            Self::Whole(before) => vec![[*before, file].concat()],
            Self::Lines => lines().map(<[u8]>::to_vec).collect(),
            Self::Batches => {
                let lines: Vec<&[u8]> = lines().collect();
                lines.chunks(5).map(|few| [b"[".as_slice(), &few.join(&b','), b"]\n"].concat()).collect()
            }
            Self::Fenced(word) => {
                let mut found = Vec::new();
                let mut inside: Option<Vec<u8>> = None;
                for line in file.split_inclusive(|byte| *byte == b'\n') {
                    match (line.strip_prefix(b"```"), inside.take()) {
                        (Some(after), None) if after.trim_ascii() == word.as_bytes() => inside = Some(Vec::new()),
                        (Some(_), block) => found.extend(block),
                        (None, block) => inside = block.map(|block| [&*block, line].concat()),
                    }
                }
                found
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_written_as_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = Target::of("money").expect("a target");
        write(target, &folder.path().join("money"));
        let written = fs::read_dir(folder.path().join("money")).expect("a folder").count();
        assert_eq!(written, seeds(target).len());
        assert!(written > 0);
    }
}
