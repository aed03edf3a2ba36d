//! What the demo shows, one file a chapter.

mod books;
mod clearing;
mod crash;
mod peak;
mod refund;
mod repeat;
mod rules;
mod start;
mod top_ups;

use anyhow::Context;
use serde_json::Value;

use super::checks::Checks;
use super::client::{self, Client};
use super::folder::Folder;
use super::load_tool::LoadTool;
use super::server::Server;
use super::{DemoArgs, money, screen};

/// The server, and a connection to it.
struct Stage {
    server: Server,
    client: Client,
}

impl Stage {
    /// Starts the server on the folder and connects.
    fn set(folder: &Folder) -> anyhow::Result<Self> {
        let server = Server::start(folder)?;
        let client = Client::connect(server.tcp)?;
        Ok(Self { server, client })
    }

    /// A wallet as `GET /v1/accounts/{account}` shows it: figures and lots, not when it was asked.
    fn wallet(&self, account: &str) -> anyhow::Result<Wallet> {
        let shown = client::get(self.server.http, &format!("/v1/accounts/{account}"))?;
        let part = |name: &str| shown.get(name).cloned().with_context(|| format!("{account} has no `{name}`: {shown}"));
        Ok(Wallet { balance: part("balance")?, lots: part("lots")? })
    }
}

/// The figures and lots of a wallet.
#[derive(Debug, PartialEq)]
struct Wallet {
    balance: Value,
    lots: Value,
}

/// Plays all chapters. An error means that the demo could not go on; a check that fails does not stop
/// it.
pub(super) fn play(
    args: &DemoArgs,
    load_tool: Option<&LoadTool>,
    folder: &Folder,
    checks: &mut Checks,
) -> anyhow::Result<()> {
    screen::title("fentan demo: stored value at the checkout, on real input");
    let mut stage = start::show(folder, checks)?;
    let loaded = top_ups::show(&mut stage, checks)?;
    rules::show(&mut stage, &loaded, checks)?;
    refund::show(&mut stage, &loaded, checks)?;
    repeat::show(&mut stage, checks)?;
    clearing::show(&mut stage, &loaded, folder, checks)?;
    let mut number = 7;
    if let Some(tool) = load_tool {
        peak::show(args.seconds, tool, folder, &stage, checks)?;
        stage = crash::show(tool, folder, stage, &loaded, checks)?;
        number = 9;
    }
    books::show(number, folder, stage, checks)
}

/// Microseconds as milliseconds, for people.
fn ms(us: u64) -> String {
    format!("{}.{:02}", us / 1_000, us % 1_000 / 10)
}

/// A rate for people.
fn per_second(rate: f64) -> String {
    money::grouped(&format!("{rate:.0}"))
}
