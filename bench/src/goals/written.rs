//! T6: what reaches the device for a spend, all in.

use anyhow::Context;

use super::{Goal, Measured, bar};
use crate::bench::Bench;
use crate::figures::{Bar, Figures, Unit, count};
use crate::process::Device;
use crate::scale::Scale;

const PER_SPEND: &str = "written by the server per spend";

/// All loads are of one run of the load tool, so that they find its wallets.
const RUN: [&str; 2] = ["--run-id", "6"];

/// Journal, store, indexes, compaction, and the checkpoint at the end.
pub(super) const T6: Goal = Goal {
    id: "T6",
    what: "bytes written to the device per spend, all in, over 10,000,000",
    target: "≤ 300 B",
    measure: written,
    bars: |figures, _| bar(figures, PER_SPEND, 300.0, Unit::Bytes, Bar::at_most).into_iter().collect(),
    conditions: |scale| {
        format!(
            "{} wallets; from the start of the load until after an orderly stop; the device's own count is of everybody on it, less the load tool's log",
            count(scale.wallets)
        )
    },
};

#[expect(clippy::cast_precision_loss, reason = "bytes, for people to read")]
fn written(bench: &mut Bench) -> anyhow::Result<Measured> {
    let site = bench.fresh(Vec::new())?;
    // The wallets first. What they cost is no spend's, so the server ends and begins anew after them.
    let mut args = Scale::args(bench.scale.wallets, 1);
    args.extend(RUN.map(str::to_owned));
    site.load_tool().run("peak_single", &args)?;
    let setup = site.server.setup_again();
    let (folder, tool) = (site.folder, site.loadtest);
    site.server.stop()?;
    rustix::fs::sync();

    let device = Device::under(folder.path())?;
    let sectors = device.as_ref().map(Device::written).transpose()?;
    let site = crate::bench::Site::of(setup.start()?, folder, tool);
    let (mut spends, mut by_tool, mut number) = (0, 0, 0_u32);
    while spends < bench.scale.device_spends {
        number += 1;
        let mut args = Scale::args(bench.scale.wallets, bench.scale.seconds);
        args.extend(RUN.map(str::to_owned));
        args.extend(["--skip-prepare".into(), "--load-number".into(), number.to_string()]);
        let run = site.load_tool().run("peak_single", &args)?;
        spends += run.load.spends();
        by_tool += run.written.bytes;
    }
    let server = site.server.stop()?;
    rustix::fs::sync();

    let mut figures = Figures::default();
    figures.add(PER_SPEND, server.bytes as f64 / spends as f64, Unit::Bytes);
    if let (Some(device), Some(before)) = (&device, sectors) {
        let all = device.written()?.checked_sub(before).context("a device that wrote less than nothing")?;
        let others = by_tool.min(all);
        figures.add("written to the device per spend", (all - others) as f64 / spends as f64, Unit::Bytes);
    }
    figures.add("spends", spends as f64, Unit::Count);
    Ok(figures.into())
}
