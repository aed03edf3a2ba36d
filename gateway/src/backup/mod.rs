//! `fentan backup`, `fentan restore`, and the backups of a running server.
//!
//! | file | idea |
//! |---|---|
//! | `service.rs` | takes a backup beside the traffic, one at a time |
//! | `program.rs` | the two commands |
//! | `progress.rs` | how far something long is, on a terminal and elsewhere |
//!
//! What a backup is and how it is proven: `storage/src/backup/`, docs/backup.md.

mod program;
mod progress;
mod service;

pub(crate) use program::{BackupArgs, RestoreArgs, backup, restore};
pub(crate) use progress::Telling;
pub(crate) use service::{BackupService, Busy, Order};

use fentan_storage::backup::Manifest;
use serde_json::{Value, json};

/// What a finished backup is, as the server and the program tell it.
fn told(manifest: &Manifest, to: &std::path::Path) -> Value {
    json!({
        "ok": true,
        "to": to.to_string_lossy(),
        "kind": manifest.kind,
        "ledger": manifest.ledger,
        "from": manifest.from.position,
        "position": manifest.to.position,
        "at": manifest.to.at,
        "checkpoint": manifest.store.map(|store| store.checkpoint),
        "files": manifest.files.len(),
        "bytes": manifest.bytes(),
    })
}
