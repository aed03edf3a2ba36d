//! What can be set about a data folder.

/// Sizes and bounds of a data folder. The defaults suit a machine with two cores and a few GiB.
///
/// Memory in all: `block_cache_bytes` + 3 × `journal_memtable_bytes` + up to 2 × `store_memtables_bytes`
/// and 2 × `history_memtables_bytes` while a flush runs, `history_cache_bytes`, plus about 1 MiB per thousand open files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The store's block cache, in bytes. Index and filter blocks live in it as well.
    pub block_cache_bytes: usize,
    /// One memtable of the journal, in bytes; up to three exist. A larger one means fewer, larger files and
    /// a longer replay after a crash: some 8 ms a MiB of what is not flushed (`docs/storage-format.md`).
    pub journal_memtable_bytes: usize,
    /// All memtables of the store together, in bytes: when they are full, all are flushed.
    pub store_memtables_bytes: usize,
    /// All memtables of the history together, in bytes. What is in them is indexed anew after a crash.
    pub history_memtables_bytes: usize,
    /// The history's block cache, in bytes.
    pub history_cache_bytes: usize,
    /// Background threads of each of the three instances, for flushes and compactions.
    pub background_threads: u16,
    /// Files each instance may keep open.
    pub open_files_max: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            block_cache_bytes: 256 << 20,
            journal_memtable_bytes: 64 << 20,
            store_memtables_bytes: 128 << 20,
            history_memtables_bytes: 32 << 20,
            history_cache_bytes: 16 << 20,
            background_threads: 2,
            open_files_max: 512,
        }
    }
}
