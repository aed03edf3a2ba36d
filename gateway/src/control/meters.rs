//! What `/metrics` says, and what each of it means: the help text of the exposition, and the table of `docs/operating.md`.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// How a value behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Quantiles of what was measured, their sum and count.
    Summary,
}

use Kind::{Counter, Gauge, Summary};

/// Name, kind, unit, meaning.
type Meter = (&'static str, Kind, Unit, &'static str);

const METERS: &[Meter] = &[
    ("fentan_journal_position", Counter, Unit::Count, "the last durable position: records in all"),
    ("fentan_journal_bytes_total", Counter, Unit::Bytes, "bytes of records appended since the start"),
    ("fentan_journal_group_records", Summary, Unit::Count, "records that shared one sync"),
    ("fentan_journal_sync_seconds", Summary, Unit::Seconds, "an append with its sync: no command is answered quicker"),
    ("fentan_step_requests", Summary, Unit::Count, "requests that a shard did in one step, by `shard`"),
    ("fentan_requests_queued", Gauge, Unit::Count, "requests that wait for shards"),
    (
        "fentan_requests_unanswered_most",
        Gauge,
        Unit::Count,
        "with `queue_ms`: how many lines may be unanswered now; 0 while there is no such bound",
    ),
    (
        "fentan_overloaded_total",
        Counter,
        Unit::Count,
        "requests refused because a queue was full, or with `queue_ms` because they would wait too long",
    ),
    (
        "fentan_checkpoint_position",
        Counter,
        Unit::Count,
        "the last complete checkpoint: the journal behind it is replayed at a start",
    ),
    ("fentan_checkpoint_seconds", Summary, Unit::Seconds, "the part of a checkpoint after all shards have staged"),
    (
        "fentan_keeper_late_total",
        Counter,
        Unit::Count,
        "how often the keeper, which writes checkpoints, went on with its share of the processors: spare time was not enough",
    ),
    (
        "fentan_merges_behind",
        Gauge,
        Unit::Count,
        "1 while a second thread merges what checkpoints brought, because it piles up",
    ),
    ("fentan_wallets_in_memory", Gauge, Unit::Count, "wallets in memory"),
    ("fentan_wallets_put_away_total", Counter, Unit::Count, "wallets taken out of memory because there were too many"),
    ("fentan_wallets_brought_back_total", Counter, Unit::Count, "wallets read back from the store"),
    ("fentan_ids_in_memory", Gauge, Unit::Count, "ids of commands in memory, after the last checkpoint"),
    (
        "fentan_budget_deals_total",
        Counter,
        Unit::Count,
        "how often shards' shares of an offer's budget were dealt anew",
    ),
    ("fentan_tcp_connections", Gauge, Unit::Count, "open TCP connections"),
    ("fentan_tcp_held_bytes", Gauge, Unit::Bytes, "lines, ids of unanswered commands and answers held for TCP clients"),
    ("fentan_tcp_refused_total", Counter, Unit::Count, "connections refused because `max_connections` were open"),
    ("fentan_tcp_dismissed_total", Counter, Unit::Count, "connections closed by the server, by `why`"),
    ("fentan_tls_refused_total", Counter, Unit::Count, "connections that ended before TLS began"),
    ("fentan_tls_reloads_total", Counter, Unit::Count, "certificates read anew, by `result`"),
    ("fentan_access_refused_total", Counter, Unit::Count, "requests refused for want of a right, by `reason`"),
    ("fentan_access_reloads_total", Counter, Unit::Count, "tokens read anew, by `result`"),
    ("fentan_catalog_reloads_total", Counter, Unit::Count, "rules, offers and products read anew, by `result`"),
    ("fentan_history_position", Gauge, Unit::Count, "how far the history is indexed"),
    ("fentan_history_lag_records", Gauge, Unit::Count, "durable records that the history has not indexed yet"),
    (
        "fentan_history_overloaded_total",
        Counter,
        Unit::Count,
        "questions about the past refused because too many waited",
    ),
    ("fentan_clearing_open_items", Gauge, Unit::Count, "differences with channels that nobody has resolved"),
    ("fentan_clearing_settlements_total", Counter, Unit::Count, "merchants' settlements made"),
    ("fentan_cover_owed_minor", Gauge, Unit::Count, "minor units owed to holders of wallets, by `currency`"),
    ("fentan_cover_there_minor", Gauge, Unit::Count, "minor units that are there to cover them, by `currency`"),
    ("fentan_cover_suspense_minor", Gauge, Unit::Count, "minor units nobody has explained yet, by `currency`"),
    ("fentan_feeds_open", Gauge, Unit::Count, "open change feeds"),
    ("fentan_feeds_refused_total", Counter, Unit::Count, "feeds refused because `max_feeds` were open"),
    ("fentan_feeds_stalled_total", Counter, Unit::Count, "feeds broken off because nobody read them"),
    ("fentan_feed_records_total", Counter, Unit::Count, "records sent to feeds"),
    ("fentan_feed_bytes_total", Counter, Unit::Bytes, "bytes sent to feeds"),
    ("fentan_webhook_next_position", Gauge, Unit::Count, "the next position to be delivered, by `webhook`"),
    ("fentan_webhook_lag_records", Gauge, Unit::Count, "durable records not delivered yet, by `webhook`"),
    ("fentan_webhook_tries_total", Counter, Unit::Count, "deliveries tried, by `webhook` and `result`"),
    ("fentan_backup_position", Gauge, Unit::Count, "up to where the last backup goes"),
    ("fentan_backup_seconds", Summary, Unit::Seconds, "how long backups took, their verification included"),
    ("fentan_backups_failed_total", Counter, Unit::Count, "backups that failed"),
];

/// Gives the recorder the texts. Once, when it is installed.
pub(crate) fn describe() {
    for (name, kind, unit, text) in METERS {
        match kind {
            Counter => describe_counter!(*name, *unit, *text),
            Gauge => describe_gauge!(*name, *unit, *text),
            Summary => describe_histogram!(*name, *unit, *text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    /// The names and kinds of all that the sources in a folder measure.
    fn measured(folder: &Path, found: &mut BTreeMap<String, Kind>) {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                measured(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = fs::read_to_string(&path).expect("a source");
                for (call, kind) in
                    [("counter!(", Counter), ("gauge!(", Gauge), ("gauge(", Gauge), ("histogram!(", Summary)]
                {
                    for call in text.split(call).skip(1) {
                        let name = call.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
                        if let Some(name) = name.filter(|name| name.starts_with("fentan_")) {
                            found.insert(name.to_owned(), kind);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn everything_that_is_measured_is_described_and_nothing_else() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut found = BTreeMap::new();
        for folder in ["engine/src", "storage/src", "gateway/src"] {
            measured(&root.join(folder), &mut found);
        }
        let described: BTreeMap<_, _> = METERS.iter().map(|(name, kind, ..)| ((*name).to_owned(), *kind)).collect();
        assert_eq!(described.len(), METERS.len(), "each once");
        assert_eq!(found, described);
    }

    #[test]
    fn operators_find_all_of_it_in_the_documentation_in_the_same_words() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operating.md");
        let page = fs::read_to_string(page).expect("the page");
        for (name, kind, _, text) in METERS {
            let kind = match kind {
                Counter => "counter",
                Gauge => "gauge",
                Summary => "summary",
            };
            let row = format!("| `{name}` | {kind} | {text} |");
            assert!(page.contains(&row), "docs/operating.md lacks the row\n{row}");
        }
    }
}
