//! The server's settings.

use crate::door::ClientLimits;
use crate::tcp::Patience;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Settings as a flag, the environment or the file gives them: each may be missing.
#[derive(Debug, Clone, Default, clap::Args, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Given {
    /// The folder of the data: journal, account store, lock [default: fentan-data]
    #[arg(long, env = "FENTAN_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Address of the TCP door; port 0 takes a free one [default: 127.0.0.1:7400]
    #[arg(long, env = "FENTAN_TCP", value_name = "ADDR")]
    pub(crate) tcp: Option<String>,
    /// Address of the HTTP door; port 0 takes a free one [default: 127.0.0.1:7401]
    #[arg(long, env = "FENTAN_HTTP", value_name = "ADDR")]
    pub(crate) http: Option<String>,
    /// Files with products, rules and offers [default: the built-in ones]
    #[arg(long, env = "FENTAN_CATALOG", value_name = "FILE", value_delimiter = ',')]
    pub(crate) catalog: Option<Vec<PathBuf>>,
    /// Threads that own accounts; 0 takes one for every two processors [default: 0]
    #[arg(long, env = "FENTAN_SHARDS", value_name = "N")]
    pub(crate) shards: Option<usize>,
    /// Requests that may wait for one shard [default: 65536]
    #[arg(long, env = "FENTAN_QUEUE_REQUESTS", value_name = "N")]
    pub(crate) queue_requests: Option<usize>,
    /// Milliseconds within which lines are to be answered; who has more than 128 unanswered is refused what would take
    /// longer; 0 is no such bound [default: 0]
    #[arg(long, env = "FENTAN_QUEUE_MS", value_name = "MS")]
    pub(crate) queue_ms: Option<usize>,
    /// Wallets kept in memory, over all shards [default: 4000000]
    #[arg(long, env = "FENTAN_WALLETS_IN_MEMORY", value_name = "N")]
    pub(crate) wallets_in_memory: Option<usize>,
    /// A checkpoint begins after so many records [default: 2000000]
    #[arg(long, env = "FENTAN_CHECKPOINT_RECORDS", value_name = "N")]
    pub(crate) checkpoint_records: Option<u64>,
    /// ... or after so many seconds [default: 300]
    #[arg(long, env = "FENTAN_CHECKPOINT_SECONDS", value_name = "S")]
    pub(crate) checkpoint_seconds: Option<u64>,
    /// The longest line or body, in bytes [default: 4194304]
    #[arg(long, env = "FENTAN_MAX_LINE_BYTES", value_name = "N")]
    pub(crate) max_line_bytes: Option<usize>,
    /// The largest batch, in requests [default: 10000]
    #[arg(long, env = "FENTAN_MAX_BATCH", value_name = "N")]
    pub(crate) max_batch: Option<usize>,
    /// TCP connections at once [default: 10240]
    #[arg(long, env = "FENTAN_MAX_CONNECTIONS", value_name = "N")]
    pub(crate) max_connections: Option<usize>,
    /// HTTP connections at once; more wait until there is a place [default: 1024]
    #[arg(long, env = "FENTAN_MAX_HTTP_CONNECTIONS", value_name = "N")]
    pub(crate) max_http_connections: Option<usize>,
    /// Requests of one connection that are not answered [default: 32768]
    #[arg(long, env = "FENTAN_MAX_IN_FLIGHT", value_name = "N")]
    pub(crate) max_in_flight: Option<usize>,
    /// Seconds in which a line must be whole, and answers must be taken [default: 60]
    #[arg(long, env = "FENTAN_STALL_SECONDS", value_name = "S")]
    pub(crate) stall_seconds: Option<u64>,
    /// Seconds after which a TCP connection that says nothing is closed; 0 is never [default: 600]
    #[arg(long, env = "FENTAN_IDLE_SECONDS", value_name = "S")]
    pub(crate) idle_seconds: Option<u64>,
    /// Memory for lines, unanswered commands and answers that are not taken, over all TCP connections, in MiB [default: 512]
    #[arg(long, env = "FENTAN_CLIENT_MEMORY_MIB", value_name = "MIB")]
    pub(crate) client_memory_mib: Option<usize>,
    /// Records of the journal that an explanation may read; more are read by `fentan explain` only [default: 5000000]
    #[arg(long, env = "FENTAN_EXPLAIN_RECORDS", value_name = "N")]
    pub(crate) explain_records: Option<u64>,
    /// Memory for cached blocks of the account store, in MiB [default: 64]
    #[arg(long, env = "FENTAN_BLOCK_CACHE_MIB", value_name = "MIB")]
    pub(crate) block_cache_mib: Option<usize>,
    /// Memory that spares new ids a look into the store, in MiB: 16 bits an id [default: 1536]
    #[arg(long, env = "FENTAN_ID_FILTER_MIB", value_name = "MIB")]
    pub(crate) id_filter_mib: Option<usize>,
    /// Keep the history: statements, balances of the past, finance reports [default: true]
    #[arg(long, env = "FENTAN_HISTORY", value_name = "BOOL")]
    pub(crate) history: Option<bool>,
    /// Index at most so many records a second; 0 is no limit [default: 0]
    #[arg(long, env = "FENTAN_HISTORY_RECORDS_PER_SECOND", value_name = "N")]
    pub(crate) history_records_per_second: Option<u64>,
    /// Days of finance figures begin so many minutes before midnight UTC [default: 480, Beijing]
    #[arg(long, env = "FENTAN_HISTORY_DAY_OFFSET_MINUTES", value_name = "MINUTES", allow_hyphen_values = true)]
    pub(crate) history_day_offset_minutes: Option<i32>,
    /// The time in Beijing at which each working day is settled, like 02:00; empty: only when asked [default: empty]
    #[arg(long, env = "FENTAN_SETTLE_AT", value_name = "HH:MM")]
    pub(crate) settle_at: Option<String>,
    /// Change feeds that may be open at a time [default: 64]
    #[arg(long, env = "FENTAN_MAX_FEEDS", value_name = "N")]
    pub(crate) max_feeds: Option<usize>,
    /// A file with webhooks: addresses that the journal's records are brought to [default: none]
    #[arg(long, env = "FENTAN_WEBHOOKS", value_name = "FILE")]
    pub(crate) webhooks: Option<PathBuf>,
    /// The folder below which backups are taken over HTTP; without it only who asks from here may [default: none]
    #[arg(long, env = "FENTAN_BACKUP_ROOT", value_name = "DIR")]
    pub(crate) backup_root: Option<PathBuf>,
    /// The file of tokens: only who shows one of them is served [default: everybody is]
    #[arg(long, env = "FENTAN_TOKENS", value_name = "FILE")]
    pub(crate) tokens: Option<PathBuf>,
    /// The certificate with its chain, PEM: both doors then speak TLS [default: plain text]
    #[arg(long, env = "FENTAN_TLS_CERTIFICATE", value_name = "FILE")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// The certificate's key, PEM
    #[arg(long, env = "FENTAN_TLS_KEY", value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
}

/// The settings in force.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) data: PathBuf,
    pub(crate) tcp: String,
    pub(crate) http: String,
    /// Files with products, rules and offers; none means the built-in ones.
    pub(crate) catalog: Vec<PathBuf>,
    pub(crate) shards: usize,
    pub(crate) queue_requests: usize,
    /// Zero for no bound by time.
    pub(crate) queue_wait: Duration,
    pub(crate) wallets_in_memory: usize,
    pub(crate) checkpoint_records: u64,
    pub(crate) checkpoint_seconds: u64,
    pub(crate) client: ClientLimits,
    pub(crate) explain_records: u64,
    pub(crate) block_cache_mib: usize,
    pub(crate) id_filter_mib: usize,
    /// `None` keeps no history.
    pub(crate) history: Option<HistorySettings>,
    /// When each working day is settled, in Beijing; `None` when it is only settled on request.
    pub(crate) settle_at: Option<jiff::civil::Time>,
    /// Change feeds that may be open at a time.
    pub(crate) max_feeds: usize,
    /// The file with the webhooks, if there is one.
    pub(crate) webhooks: Option<PathBuf>,
    /// Where backups may be taken over HTTP; `None` is anywhere, but for those alone who ask from this machine.
    pub(crate) backup_root: Option<PathBuf>,
    /// The file of tokens; `None` serves everybody.
    pub(crate) tokens: Option<PathBuf>,
    /// Certificate and key of TLS; `None` is plain text.
    pub(crate) tls_certificate: Option<PathBuf>,
    pub(crate) tls_key: Option<PathBuf>,
}

/// How the history is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HistorySettings {
    /// Records indexed in a second at most; 0 is no limit.
    pub(crate) records_per_second: u64,
    /// When days begin, in minutes before midnight UTC.
    pub(crate) day_offset: i32,
}

/// Settings that cannot be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// The file cannot be read.
    #[error("the configuration {path} cannot be read: {reason}")]
    File { path: PathBuf, reason: String },
    /// The file is not what it should be.
    #[error("the configuration {path}: {reason}")]
    Form { path: PathBuf, reason: String },
    /// A value is out of its range.
    #[error("{key} is {allowed}, not {given}")]
    Range { key: &'static str, allowed: String, given: String },
}

impl Settings {
    /// Puts flags and environment (which `clap` has put together) over the file over the defaults.
    ///
    /// # Errors
    /// Names the file or the key.
    pub(crate) fn new(flags: Given, file: Option<&Path>) -> Result<Self, SettingsError> {
        let from_file = file.map(read).transpose()?.unwrap_or_default();
        macro_rules! pick {
            ($key:ident, $default:expr) => {
                flags.$key.or(from_file.$key).unwrap_or($default)
            };
        }
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let shards = within("shards", pick!(shards, 0), 0, 64)?;
        Ok(Self {
            data: pick!(data, "fentan-data".into()),
            tcp: pick!(tcp, "127.0.0.1:7400".into()),
            http: pick!(http, "127.0.0.1:7401".into()),
            catalog: pick!(catalog, Vec::new()),
            shards: if shards == 0 { (processors / 2).max(1) } else { shards },
            queue_requests: within("queue_requests", pick!(queue_requests, 65_536), 1, 10_000_000)?,
            queue_wait: Duration::from_millis(within("queue_ms", pick!(queue_ms, 0), 0, 60_000)? as u64),
            wallets_in_memory: within("wallets_in_memory", pick!(wallets_in_memory, 4_000_000), 64, 1_000_000_000)?,
            checkpoint_records: pick!(checkpoint_records, 2_000_000).max(1),
            checkpoint_seconds: pick!(checkpoint_seconds, 300).max(1),
            client: ClientLimits {
                line_bytes: within("max_line_bytes", pick!(max_line_bytes, 4 << 20), 256, 1 << 30)?,
                batch: within("max_batch", pick!(max_batch, 10_000), 1, 1_000_000)?,
                connections: within("max_connections", pick!(max_connections, 10_240), 1, 1_000_000)?,
                http_connections: within("max_http_connections", pick!(max_http_connections, 1_024), 1, 100_000)?,
                in_flight: within("max_in_flight", pick!(max_in_flight, 32_768), 1, 10_000_000)?,
                patience: Patience {
                    stall: Duration::from_secs(pick!(stall_seconds, 60).max(1)),
                    idle: Some(pick!(idle_seconds, 600)).filter(|idle| *idle > 0).map(Duration::from_secs),
                    held: within("client_memory_mib", pick!(client_memory_mib, 512), 1, 1 << 20)? << 20,
                },
            },
            explain_records: pick!(explain_records, 5_000_000),
            block_cache_mib: within("block_cache_mib", pick!(block_cache_mib, 64), 8, 1 << 20)?,
            id_filter_mib: within("id_filter_mib", pick!(id_filter_mib, 1536), 0, 1 << 20)?,
            history: {
                let (records_per_second, day_offset) =
                    (pick!(history_records_per_second, 0), pick!(history_day_offset_minutes, 480));
                if day_offset % 15 != 0 || !(-720..=840).contains(&day_offset) {
                    return Err(SettingsError::Range {
                        key: "history_day_offset_minutes",
                        allowed: "from -720 to 840, in quarters of an hour".into(),
                        given: day_offset.to_string(),
                    });
                }
                pick!(history, true).then_some(HistorySettings { records_per_second, day_offset })
            },
            settle_at: time_of_day("settle_at", &pick!(settle_at, String::new()))?,
            max_feeds: within("max_feeds", pick!(max_feeds, 64), 0, 10_000)?,
            webhooks: flags.webhooks.or(from_file.webhooks),
            backup_root: flags.backup_root.or(from_file.backup_root),
            tokens: flags.tokens.or(from_file.tokens),
            tls_certificate: flags.tls_certificate.or(from_file.tls_certificate),
            tls_key: flags.tls_key.or(from_file.tls_key),
        })
    }
}

/// Reads the file; the paths of other files of configuration in it are relative to it.
fn read(path: &Path) -> Result<Given, SettingsError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| SettingsError::File { path: path.into(), reason: error.to_string() })?;
    let mut given: Given =
        toml::from_str(&text).map_err(|error| SettingsError::Form { path: path.into(), reason: error.to_string() })?;
    let folder = path.parent().unwrap_or(Path::new("."));
    for file in given.catalog.iter_mut().flatten() {
        *file = folder.join(&*file);
    }
    let others = [
        &mut given.webhooks,
        &mut given.backup_root,
        &mut given.tokens,
        &mut given.tls_certificate,
        &mut given.tls_key,
    ];
    for file in others.into_iter().flatten() {
        *file = folder.join(&*file);
    }
    Ok(given)
}

/// A time of the day, `02:00`; none when it is empty.
fn time_of_day(key: &'static str, given: &str) -> Result<Option<jiff::civil::Time>, SettingsError> {
    if given.is_empty() {
        return Ok(None);
    }
    let time = jiff::civil::Time::strptime("%H:%M", given);
    let range = |_| SettingsError::Range { key, allowed: "a time like 02:00, or empty".into(), given: given.into() };
    time.map(Some).map_err(range)
}

fn within(key: &'static str, given: usize, least: usize, most: usize) -> Result<usize, SettingsError> {
    if (least..=most).contains(&given) {
        Ok(given)
    } else {
        Err(SettingsError::Range { key, allowed: format!("from {least} to {most}"), given: given.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_says_what_the_defaults_are() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/server.toml");
        let shipped = Settings::new(Given::default(), Some(&path)).unwrap();
        let built_in = Settings::new(Given::default(), None).unwrap();
        assert_eq!(format!("{shipped:?}"), format!("{built_in:?}"));
    }

    #[test]
    fn a_flag_wins_over_the_file_and_a_bad_value_names_its_key() {
        let flags = Given { shards: Some(3), ..Given::default() };
        assert_eq!(Settings::new(flags, None).unwrap().shards, 3);
        let flags = Given { max_batch: Some(0), ..Given::default() };
        let error = Settings::new(flags, None).unwrap_err().to_string();
        assert!(error.contains("max_batch") && error.contains("from 1"), "{error}");
        for (given, expected) in [("", None), ("02:00", Some((2, 0))), ("23:59", Some((23, 59)))] {
            let flags = Given { settle_at: Some(given.into()), ..Given::default() };
            let at = Settings::new(flags, None).unwrap().settle_at;
            assert_eq!(at.map(|at| (at.hour(), at.minute())), expected, "{given:?}");
        }
        for given in ["24:00", "2", "02:60", "02:00:00", "night"] {
            let flags = Given { settle_at: Some(given.into()), ..Given::default() };
            let error = Settings::new(flags, None).unwrap_err().to_string();
            assert!(error.contains("settle_at") && error.contains("02:00"), "{error}");
        }
    }
}
