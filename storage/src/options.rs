//! What can be set about a data folder.

/// Sizes and bounds of a data folder. The defaults suit a machine with two cores and a few GiB.
///
/// Memory in all: the largest append (some 8 MiB) and 1 MiB for the journal, `block_cache_bytes` + up to 2 × `store_memtables_bytes`
/// and 2 × `history_memtables_bytes` while a flush runs, `history_cache_bytes`, plus about 1 MiB per thousand open files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The store's block cache, in bytes. Index and filter blocks live in it as well.
    pub block_cache_bytes: usize,
    /// One segment of the journal, in bytes of disk; a longer append gets a segment of its own. A larger one
    /// means fewer files and a longer look at the last one when a folder is opened (`docs/storage-format.md`).
    pub segment_bytes: u64,
    /// All memtables of the store together, in bytes: when they are full, all are flushed.
    pub store_memtables_bytes: usize,
    /// All memtables of the history together, in bytes. What is in them is indexed anew after a crash.
    pub history_memtables_bytes: usize,
    /// The history's block cache, in bytes.
    pub history_cache_bytes: usize,
    /// Flushes and merges that each of the two instances may have under way: a quarter of them, at least one, are flushes. By how
    /// many threads the merges of all instances are done, [`MergeThreads`](crate::MergeThreads) says where it is used.
    pub background_threads: u16,
    /// Files each instance may keep open.
    pub open_files_max: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            block_cache_bytes: 256 << 20,
            segment_bytes: 64 << 20,
            store_memtables_bytes: 128 << 20,
            history_memtables_bytes: 16 << 20,
            history_cache_bytes: 16 << 20,
            background_threads: 3,
            open_files_max: 512,
        }
    }
}
