//! Account history: statements, balances of the past, where a balance came from (rule W7), and the six
//! numbers of finance (rule A10).
//!
//! ```text
//!  journal ── durable up to ──► Indexer ──► HistoryStore ──► Reading ──► statement, balance, explain, finance
//!     └────────────────────────────── details of a record, by position ───────┘
//! ```
//!
//! The history is an index: every row of it can be made again from the journal. It follows behind the
//! journal's durable end, takes no lock of the shards and is asked beside them, so no spend waits for it.
//! What it says is complete up to [`HistoryMeta::indexed_to`].
//!
//! | file | idea |
//! |---|---|
//! | `changes.rs`, `figures.rs` | pure: a record to entries of accounts, to finance figures |
//! | `codec.rs`, `spans.rs` | keys, values, spans of time |
//! | `store.rs` | the seam to a medium, and one in memory |
//! | `index.rs` | follows the journal |
//! | `read.rs`, `explain.rs`, `finance.rs`, `pending.rs` | what can be asked |

mod changes;
mod codec;
mod explain;
mod figures;
mod finance;
mod index;
mod pending;
mod read;
mod spans;
mod store;

pub use changes::{Change, Figures, Opens, changes, kind, opens, status_set};
#[doc(hidden)]
pub use codec::row_again;
pub use codec::{
    AccountRow, Amounts, DUE_SETTLEMENTS, Dimensions, DocumentRow, Entry, EntryKind, HISTORY_FORMAT, HistoryMeta,
    NameKeys, OPEN_SPLITS,
};
pub use explain::{Explained, Flow, LotStory, Origin, PartStory};
pub use figures::{Move, Six, chart, moves};
pub use finance::{By, CurrencyReport, Difference, FinanceAsk, Period, Report};
pub use index::{Followed, Indexer, Standing, standing};
pub use pending::{KindSum, PendingPast};
pub use read::{Details, History, Line, Page, PastBalance, Reading, Wanted};
pub use store::{HistoryError, HistoryPut, HistoryStore, HistoryView, MemoryHistory, Range, Row, Table};
