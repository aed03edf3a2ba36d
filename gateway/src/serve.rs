//! The composition root: media, engine, doors, control plane, and their end.

use crate::access::{self, Access, Certificates};
use crate::backup::BackupService;
use crate::clearing::ClearingService;
use crate::config::{HistorySettings, Loaded, Settings, load};
use crate::control::{self, CheckpointRule, MergeWatch};
use crate::door::{ClientLimits, Door};
use crate::explain::Desk;
use crate::feed::webhook::{self, Webhooks};
use crate::feed::{FeedService, Restored, Source};
use crate::history::HistoryService;
use crate::http::Beside;
use crate::rules::{Archive, RuleBook, now};
use crate::tcp::Places;
use crate::wire::WireReply;
use crate::{http, tcp};
use anyhow::{Context, Result};
use fentan_engine::journal::JournalReader;
use fentan_engine::runtime::{Engine, Given, Limits, Media};
use fentan_engine::store::Store;
use fentan_storage::backup::{RESTORED, Source as BackupSource};
use fentan_storage::{DataFolder, MergeThreads, Options, free_space};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// The requests of one step, at most: long enough to share a sync, short enough that answers do not wait.
const STEP_REQUESTS: usize = 1024;

/// The part of an interval between checkpoints within which a checkpoint has only what time the processors have left. A quarter makes
/// the tail of the journal longer by a quarter at the most, and at half of the peak a checkpoint is done by then.
const SPARE_PART: u64 = 4;

/// An HTTP connection whose other side takes nothing for so long ends: longer than feeds wait.
const LET_GO: Duration = Duration::from_secs(180);

/// Runs the server until it is told to stop.
///
/// # Errors
/// When it cannot start; the message says what to do.
pub(crate) fn run(settings: &Settings) -> Result<()> {
    let metrics = metrics_exporter_prometheus::PrometheusBuilder::new()
        .install_recorder()
        .context("the metrics recorder could not be installed")?;
    control::describe();
    let access = Arc::new(access::configure(settings)?);
    let loaded = load(&settings.catalog)?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let hooks = settings.webhooks.as_deref().map(webhook::load).transpose()?.unwrap_or_default();
    // Bound before recovery, so that an address in use is known at once; answered after it.
    let tcp_listener = bind(&settings.tcp)?;
    let http_listener = bind(&settings.http)?;
    tcp::listen(&tcp_listener);
    let limits = client_limits(settings);
    tcp::let_go(&http_listener, limits.patience.stall.max(LET_GO));
    let Started { engine, archive, journal, hash_key, source, merges } = start_engine(settings, loaded)?;
    let clearing_journal = Arc::clone(&journal);
    let engine = Arc::new(engine);
    let backups = Arc::new(BackupService::new(Arc::clone(&engine), source, settings.backup_root.clone()));
    let (marks, catalogs) = (Arc::clone(&engine), Arc::clone(&engine));
    let (durable, catalog) = (Box::new(move || marks.durable()), Box::new(move || catalogs.catalog()));
    let restored = Restored::read(&settings.data)?;
    let source = Arc::new(Source::new(Arc::clone(&journal), durable, catalog, restored));
    let feed = FeedService::start(Arc::clone(&source), settings.max_feeds)?;
    let webhooks = Webhooks::start(hooks, &source, &settings.data)?;
    let rules = Arc::new(RuleBook::new(Arc::clone(&engine), settings.catalog.clone(), archive));
    let desk = Desk::open(Arc::clone(&journal), settings.explain_records, Arc::clone(&rules))
        .context("the thread for explanations could not be started")?;
    let history = settings
        .history
        .map(|history| start_history(settings, history, (&engine, &desk), journal, &hash_key))
        .transpose()?
        .map(Arc::new);
    let clearing = history
        .as_ref()
        .map(|history| {
            let at = settings.settle_at;
            ClearingService::start(&engine, &desk, history, clearing_journal, &settings.data, at)
        })
        .transpose()?
        .map(Arc::new);
    let gate = access.gate.clone();
    let door = Door { engine: Arc::clone(&engine), history: history.clone(), limits, desk, gate };
    let tls = access.certificates.as_ref().map(Certificates::server_config).transpose()?;
    let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
    let tcp_address = tcp_listener.local_addr()?;
    let http_address = http_listener.local_addr()?;

    let (close, closing) = watch::channel(false);
    let tcp_runtime = tcp_runtime()?;
    let tcp_task = {
        let _inside = tcp_runtime.enter();
        let listener = tokio::net::TcpListener::from_std(tcp_listener)?;
        tcp_runtime.spawn(tcp::serve(listener, door.clone(), tls, closing.clone()))
    };

    actix::System::new().block_on(async {
        let rule = CheckpointRule {
            records: settings.checkpoint_records,
            every: Duration::from_secs(settings.checkpoint_seconds),
        };
        control::start(&engine, rule, merges, metrics.clone());
        let beside = Beside {
            rules: Arc::clone(&rules),
            clearing: clearing.clone(),
            feed: Arc::clone(&feed),
            webhooks: Arc::clone(&webhooks),
            backups: Arc::clone(&backups),
        };
        let server = http::server(http_listener, door, metrics, beside, &access, closing.clone())?;
        let handle = server.handle();
        let http_task = actix_web::rt::spawn(server);
        actix_web::rt::spawn(reload_on_signal(rules, access)?);
        // Whoever has read the line may say stop at once.
        let stop = stop_signal()?;
        println!("listening tcp={tcp_address} http={http_address}");
        let signal = stop.await;
        tracing::info!(signal, "stopping: answering what is queued");
        engine.close();
        let _ = actix_web::web::block(move || backups.stop()).await;
        // Whoever is listening stops taking in; what was taken in is answered.
        let _ = close.send(true);
        let _ = tokio::time::timeout(Duration::from_secs(10), tcp_task).await;
        handle.stop(true).await;
        let _ = http_task.await;
        anyhow::Ok(())
    })?;
    webhooks.stop();
    feed.stop();
    if let Some(clearing) = clearing {
        clearing.stop();
    }
    if let Some(history) = history {
        history.stop();
    }
    engine.shutdown();
    tcp_runtime.shutdown_timeout(Duration::from_secs(1));
    tracing::info!(position = engine.status().durable, "stopped");
    Ok(())
}

/// A client's limits, as far as the operating system goes along.
fn client_limits(settings: &Settings) -> ClientLimits {
    let mut limits = settings.client;
    let places = tcp::places(limits.connections, limits.http_connections);
    if let Places::Fewer { connections, http, files } = places {
        tracing::warn!(
            max_connections = limits.connections,
            max_http_connections = limits.http_connections,
            open_files = files,
            "the operating system lets this process open {files} files: no more than {connections} connections over TCP \
             and {http} over HTTP are taken; raise the limit (ulimit -n, LimitNOFILE) or lower max_connections and \
             max_http_connections"
        );
        (limits.connections, limits.http_connections) = (connections, http);
    }
    limits
}

fn tcp_runtime() -> Result<tokio::runtime::Runtime> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(processors.clamp(1, 8))
        .thread_name("fentan-tcp")
        .on_thread_start(|| {
            fentan_threads::prompt();
        })
        // A turn of a connection that sends without end is 200 microseconds: sockets are looked at after four of them, so
        // that others' requests are seen soon. By itself the runtime looks after 61.
        .event_interval(4)
        // Answers come from the journal's thread: every second look for something to do is at those, not every tenth.
        .global_queue_interval(2)
        .enable_all()
        .build()
        .context("the TCP threads could not be started")
}

fn bind(address: &str) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).with_context(|| {
        format!("cannot listen on {address}: is it an address of this machine, and free? (port 0 takes a free one)")
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn options(settings: &Settings) -> Options {
    Options { block_cache_bytes: settings.block_cache_mib << 20, ..Options::default() }
}

fn start_history(
    settings: &Settings,
    history: HistorySettings,
    served: (&Arc<Engine<WireReply>>, &Arc<Desk>),
    journal: Arc<dyn JournalReader>,
    hash_key: &[u8; 16],
) -> Result<HistoryService> {
    let store = DataFolder::open_history(&settings.data, &options(settings))?;
    HistoryService::start(store, journal, hash_key, served, history)
}

/// The engine, the rules of old, the journal's reader, the ledger's hash key, and what a backup is taken of.
struct Started {
    engine: Engine<WireReply>,
    archive: Archive,
    journal: Arc<dyn JournalReader>,
    hash_key: [u8; 16],
    source: BackupSource,
    merges: MergeWatch,
}

fn start_engine(settings: &Settings, loaded: Loaded) -> Result<Started> {
    let options = options(settings);
    let begun = Instant::now();
    let merges = MergeThreads::in_spare_time()?;
    let (journal, reader, store) = DataFolder::open(&settings.data, &options)?;
    let opened = begun.elapsed();
    if let Some(torn) = journal.dropped() {
        tracing::warn!("{torn}");
    }
    if let Ok(restored) = std::fs::read_to_string(settings.data.join(RESTORED)) {
        let last = restored.rsplit("[[restored]]").next().unwrap_or_default().trim().replace('\n', ", ");
        tracing::warn!(
            "this ledger was restored from a backup ({last}): what was answered after that position is not in it"
        );
    }
    // Before any spend can be divided by them.
    let mut archive = Archive::open(&settings.data)?;
    archive.keep(&loaded, now())?;
    let limits = Limits {
        shards: settings.shards,
        queued_requests: settings.queue_requests,
        wait: settings.queue_wait,
        step_requests: STEP_REQUESTS,
        wallets_per_shard: settings.wallets_in_memory.div_ceil(settings.shards),
        id_filter_bytes: settings.id_filter_mib << 20,
        spare_records: settings.checkpoint_records / SPARE_PART,
    };
    let hash_key = store.meta()?.hash_key;
    let source = BackupSource::running(&settings.data, reader.clone(), store.clone());
    let merges = MergeWatch { merges, store: store.clone(), shards: settings.shards };
    let reader: Arc<dyn JournalReader> = Arc::new(reader);
    let media = Media { journal: Box::new(journal), reader: Arc::clone(&reader), store: Arc::new(store) };
    let clock = Arc::new(|| jiff::Timestamp::now().as_microsecond());
    let mut told = Instant::now();
    let mut progress = |done: u64, total: u64| {
        if told.elapsed() >= Duration::from_secs(1) {
            told = Instant::now();
            tracing::info!(done, total, "replaying the journal");
        }
    };
    let data = settings.data.clone();
    let on_failure = Arc::new(move |reason: &str| stop_at_once(reason, &data));
    let given = Given { catalog: Arc::new(loaded.catalog), limits, clock, on_failure };
    let engine = Engine::start(media, given, &mut progress)?;
    let status = engine.status();
    tracing::info!(
        position = status.durable,
        replayed = engine.replayed,
        shards = settings.shards,
        open_ms = u64::try_from(opened.as_millis()).unwrap_or(u64::MAX),
        ready_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        "recovered"
    );
    Ok(Started { engine, archive, journal: reader, hash_key, source, merges })
}

/// Journal or store failed: memory may be ahead of the disk, so nothing may be answered any more.
fn stop_at_once(reason: &str, data: &Path) {
    eprintln!(
        "fentan: stopping at once: {reason}\nOf the disk of {}, {}. Nothing that was not durable has \
         been answered. Look after the disk, then start again; `fentan verify` checks what is there.",
        data.display(),
        free_space(data)
    );
    std::process::abort();
}

/// Reloads rules, tokens and certificate at every SIGHUP; one that is refused does not hinder the others.
fn reload_on_signal(rules: Arc<RuleBook>, access: Arc<Access>) -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangups = signal(SignalKind::hangup())?;
    Ok(async move {
        while hangups.recv().await.is_some() {
            let (rules, access) = (Arc::clone(&rules), Arc::clone(&access));
            // What came of it is in the log and in the metrics.
            let reload = move || {
                access.reload();
                rules.reload("SIGHUP").is_ok()
            };
            let _ = actix_web::web::block(reload).await;
        }
    })
}

/// Hears signals from now on; the future says which one came.
fn stop_signal() -> Result<impl Future<Output = &'static str>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}
