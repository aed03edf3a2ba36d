//! The threads that merge the stores' files.
//!
//! Nobody waits for a merge, and each takes a second of processor or more. Where the processors are nearly busy, a thread that
//! takes its share of them makes every request wait for the end of its slices. So merges have only what the others
//! leave. That may be nothing at all, and files would pile up which every look into the store has to ask: while they do, a
//! second thread merges as well, which is one like any other.
//!
//! `RocksDB` keeps these threads for the whole process and all its instances. A new thread is of the class of the one that
//! asks for it, and when there are to be fewer, those that came last go first.

use crate::errors::Fault;
use fentan_engine::store::StoreError;
use rocksdb::Env;

/// Who merges while merges keep up, and while they do not.
const KEEPS_UP: i32 = 1;
const BEHIND: i32 = 2;

/// The threads that merge, of all instances of this process.
pub struct MergeThreads {
    env: Env,
}

impl MergeThreads {
    /// Lets merges have only the time that the processors have left: for a program that answers somebody, before it opens
    /// its first folder.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn in_spare_time() -> Result<Self, StoreError> {
        let start = || {
            fentan_threads::idle();
            let mut env = Env::new()?;
            env.set_low_priority_background_threads(KEEPS_UP);
            Ok::<_, rocksdb::Error>(env)
        };
        let started = std::thread::Builder::new().name("fentan-merges".into()).spawn(start);
        let started = started.map_err(|error| Fault::new(error.to_string()))?.join();
        let env = started.map_err(|_| StoreError("the threads that merge could not be started".into()))?;
        Ok(Self { env: env.map_err(Fault::from)? })
    }

    /// Lets so many threads merge as keep up: one in spare time, and one like any other beside it while merges are behind
    /// ([`RocksStore::merges_are_behind`]). To be called now and then by a thread that is like any other, and once after the last
    /// folder was opened, because that asks for threads of its own.
    ///
    /// [`RocksStore::merges_are_behind`]: super::RocksStore::merges_are_behind
    pub fn keep_up(&mut self, behind: bool) {
        self.env.set_low_priority_background_threads(if behind { BEHIND } else { KEEPS_UP });
    }
}
