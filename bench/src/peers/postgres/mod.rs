//! PostgreSQL at the work of a spend: a stored function, prepared, over a Unix socket.

mod instance;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, NoTls, Statement};
use uuid::Uuid;

use self::instance::Instance;
use super::work::{BONUS, Books, Driven, PRINCIPAL, Population, Session, Shape, Spend, drive};

pub(crate) use self::instance::programs;

/// Wallets read back one by one after the load.
const WALLETS_READ: i64 = 2_000;

/// PostgreSQL with the ledger in it.
pub(crate) struct Postgres {
    instance: Instance,
    population: Population,
    /// All that was acknowledged: spends, and their sum in fen.
    acknowledged: (u64, i64),
    loads: u64,
}

impl Postgres {
    /// Starts one in `folder` and loads the wallets and merchants.
    pub(crate) async fn start(
        programs: &Path,
        folder: &Path,
        population: Population,
        slices: u32,
    ) -> anyhow::Result<Self> {
        let instance = Instance::start(programs, folder)?;
        let client = connect(&instance.config()).await?;
        client.batch_execute(include_str!("schema.sql")).await.context("the schema")?;
        let Population { wallets, merchants } = population;
        client
            .batch_execute(&format!(
                "insert into lot select n, 1, {PRINCIPAL}, {BONUS}, {PRINCIPAL}, {BONUS} from generate_series(0, {wallets} - 1) n;
                 insert into merchant select n, s, 0 from generate_series(0, {merchants} - 1) n, generate_series(0, {slices} - 1) s;"
            ))
            .await
            .context("loading wallets")?;
        for statement in ["vacuum (analyze) lot", "vacuum (analyze) merchant", "checkpoint"] {
            client.batch_execute(statement).await?;
        }
        Ok(Self { instance, population, acknowledged: (0, 0), loads: 0 })
    }

    /// What the program calls itself.
    pub(crate) fn version(&self) -> &str {
        &self.instance.version
    }

    /// One load. `slices` says over how many slices of a merchant the connections are spread.
    pub(crate) async fn load(&mut self, shape: Shape, slices: u32, length: Duration) -> anyhow::Result<Driven> {
        let config = self.instance.config();
        let mut sessions = Vec::new();
        for connection in 0..shape.connections {
            sessions.push(Connection::open(&config, i32::try_from(connection % slices)?).await?);
        }
        self.loads += 1;
        let driven = drive(sessions, self.population, shape, self.loads, length).await?;
        self.acknowledged.0 += driven.spends;
        self.acknowledged.1 += driven.amount;
        Ok(driven)
    }

    /// Checks a repeat and the books, and stops it.
    pub(crate) async fn finish(self) -> anyhow::Result<()> {
        let client = connect(&self.instance.config()).await?;
        let (spends, amount) = self.acknowledged;
        books(&client).await?.check(spends, amount)?;
        repeat(&client).await?;
        books(&client).await?.check(spends, amount).context("after a repeat")?;
        drop(client);
        self.instance.stop()
    }
}

async fn connect(config: &Config) -> anyhow::Result<Client> {
    let (client, connection) = config.connect(NoTls).await.context("connecting to postgres")?;
    // An error of the connection reaches whoever waits for an answer on it.
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}

/// One connection, with its prepared statements.
struct Connection {
    client: Client,
    slice: i32,
    once: Statement,
    many: Statement,
}

const ONCE: &str = "select (r.answer).lots, (r.answer).principal, (r.answer).bonus, (r.answer).principal_after,
    (r.answer).bonus_after, r.replayed from spend_once($1, $2, $3, $4, $5) r";
const MANY: &str = "select id, lots, principal, bonus, principal_after, bonus_after, replayed
    from spend_many($1, $2, $3, $4, $5)";

impl Connection {
    async fn open(config: &Config, slice: i32) -> anyhow::Result<Self> {
        let client = connect(config).await?;
        let once = client.prepare_typed(ONCE, &[Type::UUID, Type::INT4, Type::INT4, Type::INT4, Type::INT8]).await?;
        let types = [Type::UUID_ARRAY, Type::INT4_ARRAY, Type::INT4_ARRAY, Type::INT4, Type::INT8_ARRAY];
        let many = client.prepare_typed(MANY, &types).await?;
        Ok(Self { client, slice, once, many })
    }

    async fn spend_many(&self, spends: &[Spend]) -> anyhow::Result<()> {
        // By wallet: two batches that want the same wallets take them in the same order.
        let mut spends = spends.to_vec();
        spends.sort_unstable_by_key(|spend| spend.wallet);
        let ids: Vec<Uuid> = spends.iter().map(|spend| Uuid::from_u128(spend.id)).collect();
        let wallets: Vec<i32> = spends.iter().map(|spend| spend.wallet).collect();
        let merchants: Vec<i32> = spends.iter().map(|spend| spend.merchant).collect();
        let amounts: Vec<i64> = spends.iter().map(|spend| spend.amount).collect();
        let rows = self.client.query(&self.many, &[&ids, &wallets, &merchants, &self.slice, &amounts]).await?;
        ensure!(rows.len() == spends.len(), "{} answers to {} spends", rows.len(), spends.len());
        Ok(())
    }
}

impl Session for Connection {
    async fn spend(&mut self, spends: &[Spend]) -> anyhow::Result<()> {
        let [spend] = spends else { return self.spend_many(spends).await };
        let id = Uuid::from_u128(spend.id);
        let row = self
            .client
            .query_one(&self.once, &[&id, &spend.wallet, &spend.merchant, &self.slice, &spend.amount])
            .await?;
        ensure!(!row.get::<_, bool>("replayed"), "a fresh id was answered as a repeat");
        Ok(())
    }
}

/// Sends a recorded spend again: it must be answered as it was.
async fn repeat(client: &Client) -> anyhow::Result<()> {
    let first =
        client.query_one("select id, wallet, merchant, amount, principal, bonus from spend limit 1", &[]).await?;
    let (id, wallet, merchant): (Uuid, i32, i32) = (first.get(0), first.get(1), first.get(2));
    let amount: i64 = first.get(3);
    let again = client.query_one(ONCE, &[&id, &wallet, &merchant, &0_i32, &amount]).await?;
    ensure!(again.get::<_, bool>("replayed"), "a repeated id was taken for a new one");
    let lines = |row: &tokio_postgres::Row| (row.get::<_, Vec<i64>>("principal"), row.get::<_, Vec<i64>>("bonus"));
    ensure!(lines(&first) == lines(&again), "a repeat was answered with other lines");
    Ok(())
}

async fn books(client: &Client) -> anyhow::Result<Books> {
    let sum = async |what: &str| -> anyhow::Result<i64> {
        let row = client.query_one(&format!("select coalesce({what}, 0)::bigint"), &[]).await?;
        Ok(row.get(0))
    };
    let wallets = client
        .query(
            "select principal_left, bonus_left from lot where principal_left + bonus_left < $1 limit $2",
            &[&(PRINCIPAL + BONUS), &WALLETS_READ],
        )
        .await?;
    Ok(Books {
        spends: u64::try_from(sum("(select count(*) from spend)").await?)?,
        paid: sum("(select sum(principal_granted + bonus_granted - principal_left - bonus_left) from lot)").await?,
        got: sum("(select sum(pending) from merchant)").await?,
        wallets: wallets.iter().map(|row| (row.get(0), row.get(1))).collect(),
    })
}
