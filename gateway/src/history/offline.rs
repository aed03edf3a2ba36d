//! `fentan statement` and `fentan finance`: the history of a folder, read only.
//!
//! What the folder's index lacks is indexed in memory, over what is there: of the entries only those that
//! are asked for, so that memory does not grow with the journal.

use super::answer;
use super::ask::{FinanceParams, FinanceQuery, Order, StatementQuery, moment};
use super::service::Refused;
use super::table;
use crate::config::load;
use anyhow::{Context, Result, anyhow};
use fentan_engine::catalog::Catalog;
use fentan_engine::history::{History, HistoryStore, Indexer, MemoryHistory, NameKeys, Reading, Six};
use fentan_engine::journal::JournalReader;
use fentan_engine::ledger::Reject;
use fentan_engine::names::AccountId;
use fentan_engine::store::Store;
use fentan_storage::{DataFolder, Options};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where the history is, and what its sub-balances are called.
#[derive(clap::Args)]
struct Folder {
    /// The folder of the data; it is only read, and may be in use
    #[arg(long, env = "FENTAN_DATA", value_name = "DIR", default_value = "fentan-data")]
    data: PathBuf,
    /// Files with products, rules and offers [default: the built-in ones]
    #[arg(long, env = "FENTAN_CATALOG", value_name = "FILE", value_delimiter = ',')]
    catalog: Vec<PathBuf>,
    /// Write CSV to this file; `-` is the standard output
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

/// Whose statement.
#[derive(clap::Args)]
pub(crate) struct StatementArgs {
    #[command(flatten)]
    folder: Folder,
    /// The account: a wallet, a merchant or one of the ledger's own
    #[arg(long, value_name = "NAME")]
    account: String,
    /// Entries from this moment on (RFC 3339)
    #[arg(long, value_name = "MOMENT")]
    from: Option<String>,
    /// Entries before this moment
    #[arg(long, value_name = "MOMENT")]
    to: Option<String>,
}

/// Which report.
#[derive(clap::Args)]
pub(crate) struct FinanceArgs {
    #[command(flatten)]
    folder: Folder,
    /// The six numbers of this moment (RFC 3339) [default: now]
    #[arg(long, value_name = "MOMENT", conflicts_with_all = ["from", "to"])]
    at: Option<String>,
    /// ... or of the period from here
    #[arg(long, value_name = "MOMENT")]
    from: Option<String>,
    /// ... to before here [default: now]
    #[arg(long, value_name = "MOMENT", requires = "from")]
    to: Option<String>,
    /// Break it down: product, channel or offer
    #[arg(long, value_name = "WHAT")]
    by: Option<String>,
}

/// Writes an account's statement; `false` when there is no such account.
///
/// # Errors
/// When the folder cannot be read or an argument is wrong.
pub(crate) fn statement(args: &StatementArgs) -> Result<bool> {
    let account = AccountId::new(&args.account).context("--account")?;
    let of = |name, text: &Option<String>| moment(name, text.as_deref()).map_err(|reject| wrong(&reject));
    let mut query = StatementQuery {
        from: of("from", &args.from)?,
        to: of("to", &args.to)?,
        order: Order::Oldest,
        cursor: None,
        up_to: None,
        limit: usize::MAX,
    };
    let catalog = args.folder.catalog()?;
    let history = args.folder.open(Some(&args.account))?;
    let reading = reading(&history)?;
    let mut out = Output::open(args.folder.csv.as_deref())?;
    let mut first = true;
    loop {
        let page = table::statement(&reading, &account, &query, first, &catalog);
        let (bytes, next) = match page {
            Ok(page) => page,
            Err(Refused::Reject(reject)) => {
                eprintln!("{reject}");
                return Ok(false);
            }
            Err(Refused::Failed(error)) => return Err(error.into()),
        };
        out.write(&bytes)?;
        first = false;
        match next {
            Some(next) => query.cursor = Some(next),
            None => return out.finish().map(|()| true),
        }
    }
}

/// Writes a finance report; `false` when it is not tied to the chart of accounts.
///
/// # Errors
/// When the folder cannot be read or an argument is wrong.
pub(crate) fn finance(args: &FinanceArgs) -> Result<bool> {
    let (at, from, to, by) = (args.at.clone(), args.from.clone(), args.to.clone(), args.by.clone());
    let query = FinanceQuery::from_params(&FinanceParams { at, from, to, by, format: None });
    let query = query.map_err(|reject| wrong(&reject))?;
    let catalog = args.folder.catalog()?;
    let history = args.folder.open(None)?;
    let reading = reading(&history)?;
    let now = jiff::Timestamp::now().as_microsecond();
    let report = answer::report(&reading, &query, &catalog, now).map_err(|refused| match refused {
        Refused::Reject(reject) => wrong(&reject),
        Refused::Failed(error) => error.into(),
    })?;
    if args.folder.csv.is_some() {
        let mut out = Output::open(args.folder.csv.as_deref())?;
        out.write(&table::finance(&report, &query)?)?;
        out.finish()?;
    } else {
        print(&table::finance(&report, &query)?)?;
        let complete = reading.meta.indexed_to;
        println!("complete up to position {complete}; {}", if report.tied() { "tied" } else { "NOT TIED" });
    }
    for currency in &report.currencies {
        for difference in &currency.differences {
            eprintln!(
                "{} {}: the lots sum to {}, the chart of accounts says {} (minor units)",
                currency.currency, difference.name, difference.by_lots, difference.by_chart
            );
        }
    }
    Ok(report.tied())
}

/// A table for people: a line for each figure, a column for each row of the CSV.
fn print(bytes: &[u8]) -> Result<()> {
    let mut rows = csv::Reader::from_reader(bytes);
    let head = rows.headers()?.clone();
    let rows = rows.records().collect::<Result<Vec<_>, _>>()?;
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let group = |row: &csv::StringRecord| format!("{} {}", &row[0], if row[1].is_empty() { "(none)" } else { &row[1] });
    table.set_header(std::iter::once(String::new()).chain(rows.iter().map(group)));
    for (column, name) in head.iter().enumerate().filter(|(_, name)| Six::NAMES.iter().any(|six| name.ends_with(six))) {
        table.add_row(std::iter::once(name.to_owned()).chain(rows.iter().map(|row| row[column].to_owned())));
    }
    for column in 1..=rows.len() {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    println!("{table}");
    Ok(())
}

fn wrong(reject: &Reject) -> anyhow::Error {
    match reject {
        Reject::BadRequest { field, reason } => anyhow!("--{field} {reason}"),
        other => anyhow!("{other}"),
    }
}

fn reading(history: &History) -> Result<Reading<'_>> {
    history.read()?.context("the journal is empty")
}

impl Folder {
    fn catalog(&self) -> Result<Catalog> {
        Ok(load(&self.catalog)?.catalog)
    }

    /// The folder's history, complete to the journal's end; of what is indexed here, only the entries of one
    /// account, or none.
    fn open(&self, account: Option<&str>) -> Result<History> {
        let options = Options::default();
        let (journal, store) = DataFolder::open_read_only(&self.data, &options)?;
        let keys = NameKeys::new(&store.meta()?.hash_key);
        let base = DataFolder::open_history_read_only(&self.data, &options)?;
        let memory = base.map_or_else(MemoryHistory::default, |base| MemoryHistory::over(Arc::new(base)));
        let history: Arc<dyn HistoryStore> = Arc::new(memory);
        // Whatever the days of the folder's index are, they are kept.
        let offset = History::new(Arc::clone(&history), Arc::new(journal.clone()), keys.clone());
        let offset = offset.read()?.map_or(0, |reading| reading.meta.day_offset);
        let indexer = Indexer::open(Arc::clone(&history), &journal, keys.clone(), offset)?;
        catch_up(indexer.entries_of(account), &journal)?;
        Ok(History::new(history, Arc::new(journal), keys))
    }
}

fn catch_up(mut indexer: Indexer, journal: &dyn JournalReader) -> Result<()> {
    const CHUNK: u64 = 20_000;
    let mut told = Instant::now();
    while indexer.follow(journal, u64::MAX - 1, CHUNK)?.records > 0 {
        if told.elapsed() >= Duration::from_secs(1) {
            told = Instant::now();
            eprintln!("indexed up to position {}", indexer.indexed_to());
        }
    }
    Ok(())
}

/// A file, which appears whole, or the standard output.
enum Output<'p> {
    File(std::io::BufWriter<tempfile::NamedTempFile>, &'p Path),
    Screen(std::io::Stdout),
}

impl<'p> Output<'p> {
    fn open(path: Option<&'p Path>) -> Result<Self> {
        let Some(path) = path.filter(|path| path.as_os_str() != "-") else {
            return Ok(Self::Screen(std::io::stdout()));
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::NamedTempFile::new_in(folder).with_context(|| format!("{}", path.display()))?;
        Ok(Self::File(std::io::BufWriter::new(file), path))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::File(file, _) => file.write_all(bytes)?,
            Self::Screen(screen) => screen.write_all(bytes)?,
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        match self {
            Self::File(file, path) => {
                let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
                file.persist(path).with_context(|| format!("{}", path.display()))?;
                Ok(())
            }
            Self::Screen(mut screen) => Ok(screen.flush()?),
        }
    }
}
