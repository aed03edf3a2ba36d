//! Redis at the work of a spend: a script by its digest, append-only file synced before each answer.

mod instance;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use redis::aio::MultiplexedConnection;
use redis::{Cmd, Pipeline, Script};

use self::instance::Instance;
use super::work::{BONUS, Books, Driven, PRINCIPAL, Population, Session, Shape, Spend, drive};

pub(crate) use self::instance::program;

/// Wallets made by one command line of the loading.
const LOADED_AT_ONCE: i32 = 10_000;
/// Wallets read back one by one after the load.
const WALLETS_READ: i32 = 2_000;

const SCRIPT: &str = include_str!("spend.lua");

/// Redis with the ledger in it.
pub(crate) struct Redis {
    instance: Instance,
    population: Population,
    /// All that was acknowledged: spends, and their sum in fen.
    acknowledged: (u64, i64),
    loads: u64,
}

impl Redis {
    /// Starts one in `folder` and loads the wallets.
    pub(crate) async fn start(program: &Path, folder: &Path, population: Population) -> anyhow::Result<Self> {
        let instance = Instance::start(program, folder)?;
        let mut connection = instance.connect().await?;
        Script::new(SCRIPT).load_async(&mut connection).await.context("loading the script")?;
        let lot = format!("{PRINCIPAL},{BONUS},{PRINCIPAL},{BONUS}");
        for from in (0..population.wallets).step_by(usize::try_from(LOADED_AT_ONCE)?) {
            let mut pipeline = redis::pipe();
            for wallet in from..(from + LOADED_AT_ONCE).min(population.wallets) {
                pipeline.cmd("HSET").arg(format!("w:{wallet}")).arg(&[
                    ("first", "1"),
                    ("last", "1"),
                    ("1", lot.as_str()),
                ]);
                pipeline.arg(&[("principal", PRINCIPAL), ("bonus", BONUS)]).ignore();
            }
            let () = pipeline.query_async(&mut connection).await.context("loading wallets")?;
        }
        Ok(Self { instance, population, acknowledged: (0, 0), loads: 0 })
    }

    /// What the program calls itself.
    pub(crate) fn version(&self) -> &str {
        &self.instance.version
    }

    /// One load.
    pub(crate) async fn load(&mut self, shape: Shape, length: Duration) -> anyhow::Result<Driven> {
        let mut sessions = Vec::new();
        for _ in 0..shape.connections {
            let connection = self.instance.connect().await?;
            sessions.push(Connection { connection, digest: Script::new(SCRIPT).get_hash().to_owned() });
        }
        self.loads += 1;
        let driven = drive(sessions, self.population, shape, self.loads, length).await?;
        self.acknowledged.0 += driven.spends;
        self.acknowledged.1 += driven.amount;
        Ok(driven)
    }

    /// Checks a repeat and the books, and stops it.
    pub(crate) async fn finish(self) -> anyhow::Result<()> {
        let mut connection = self.instance.connect().await?;
        let (spends, amount) = self.acknowledged;
        repeat(&mut connection).await?;
        books(&mut connection, self.population).await?.check(spends, amount)?;
        drop(connection);
        self.instance.stop()
    }
}

/// One connection.
struct Connection {
    connection: MultiplexedConnection,
    digest: String,
}

impl Connection {
    fn command(&self, spend: &Spend) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        command.arg(&self.digest).arg(3).arg(format!("s:{:032x}", spend.id)).arg(format!("w:{}", spend.wallet));
        command.arg(spend.merchant).arg(spend.amount);
        command
    }
}

impl Session for Connection {
    async fn spend(&mut self, spends: &[Spend]) -> anyhow::Result<()> {
        let answers: Vec<(i64, String)> = if let [spend] = spends {
            vec![self.command(spend).query_async(&mut self.connection).await?]
        } else {
            // Each is done and answered by itself; they only travel together.
            let mut pipeline = Pipeline::with_capacity(spends.len());
            for spend in spends {
                pipeline.add_command(self.command(spend));
            }
            pipeline.query_async(&mut self.connection).await?
        };
        ensure!(answers.len() == spends.len(), "{} answers to {} spends", answers.len(), spends.len());
        ensure!(answers.iter().all(|(replayed, _)| *replayed == 0), "a fresh id was answered as a repeat");
        Ok(())
    }
}

/// Has a spend of nothing that was loaded done twice: the second must be answered as the first.
async fn repeat(connection: &mut MultiplexedConnection) -> anyhow::Result<()> {
    let lot = format!("{PRINCIPAL},{BONUS},{PRINCIPAL},{BONUS}");
    let () = redis::cmd("HSET")
        .arg("w:repeat")
        .arg(&[("first", "1"), ("last", "1"), ("1", lot.as_str())])
        .arg(&[("principal", PRINCIPAL), ("bonus", BONUS)])
        .query_async(connection)
        .await?;
    let script = Script::new(SCRIPT);
    let mut once = async |amount: i64| -> anyhow::Result<(i64, String)> {
        let mut call = script.key("s:repeat");
        Ok(call.key("w:repeat").key("repeat").arg(amount).invoke_async(connection).await?)
    };
    let (first, again) = (once(14_000).await?, once(14_000).await?);
    ensure!((first.0, again.0) == (0, 1) && first.1 == again.1, "a repeat was answered with {again:?}, not {first:?}");
    ensure!(first.1 == "w:repeat,repeat,14000,1:5000:9000,995000,1791000", "a spend was divided so: {}", first.1);
    Ok(())
}

/// What the lots of wallets `ARGV[1]` to `ARGV[2]` - 1 have left.
const LEFT: &str = "local left = 0
for wallet = tonumber(ARGV[1]), tonumber(ARGV[2]) - 1 do
    local subs = redis.call('HMGET', 'w:' .. wallet, 'principal', 'bonus')
    left = left + subs[1] + subs[2]
end
return left";

/// Sums what Redis keeps.
async fn books(connection: &mut MultiplexedConnection, population: Population) -> anyhow::Result<Books> {
    let merchants: Vec<(String, i64)> = redis::cmd("HGETALL").arg("merchants").query_async(connection).await?;
    let got = merchants.iter().filter(|(name, _)| name != "repeat").map(|(_, sum)| sum).sum();
    let left = Script::new(LEFT);
    let mut paid = i64::from(population.wallets) * (PRINCIPAL + BONUS);
    for from in (0..population.wallets).step_by(usize::try_from(LOADED_AT_ONCE)?) {
        let to = (from + LOADED_AT_ONCE).min(population.wallets);
        paid -= left.arg(from).arg(to).invoke_async::<i64>(connection).await?;
    }
    let mut pipeline = redis::pipe();
    for wallet in 0..WALLETS_READ.min(population.wallets) {
        pipeline.cmd("HMGET").arg(format!("w:{wallet}")).arg(&["principal", "bonus"]);
    }
    let wallets: Vec<(i64, i64)> = pipeline.query_async(connection).await?;
    // A key is a wallet, a spend, or all merchants; and one wallet and one spend are those of `repeat`.
    let keys: u64 = redis::cmd("DBSIZE").query_async(connection).await?;
    let others = u64::try_from(population.wallets)? + 3;
    Ok(Books { spends: keys.saturating_sub(others), paid, got, wallets })
}
