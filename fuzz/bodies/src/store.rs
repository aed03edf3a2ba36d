//! Keys, values and headers of the data folder, as the bytes that lie on the disk.

use crate::memory;
use fentan_storage::fuzzing::Kind;

const SLACK: usize = 1 << 13;

/// The first byte says what the others are. They are refused, or written again as they are. What has a checksum is tried
/// as it is and with a checksum that is right.
pub(crate) fn body(bytes: &[u8]) -> bool {
    let Some((kind, bytes)) = bytes.split_first() else { return false };
    let kind = Kind::ALL[usize::from(*kind) % Kind::ALL.len()];
    let summed = kind.summed(bytes).is_some_and(|summed| again(kind, &summed));
    again(kind, bytes) || summed
}

fn again(kind: Kind, bytes: &[u8]) -> bool {
    let again = memory::within("bytes of the folder", SLACK + 8 * bytes.len(), || kind.again(bytes));
    if let Some(again) = &again {
        assert_eq!(again, bytes, "{kind:?}: other bytes are written than were read");
    }
    again.is_some()
}
