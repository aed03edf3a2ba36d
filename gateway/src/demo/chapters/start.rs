//! Chapter 1: a server in a fresh folder.

use super::{Checks, Folder, Stage, screen};

pub(super) fn show(folder: &Folder, checks: &mut Checks) -> anyhow::Result<Stage> {
    checks.chapter(
        1,
        "A server in a fresh folder",
        "This program starts itself as `fentan serve`, with the default configuration and free ports. What follows is \
         a client's view of it, over TCP.",
    );
    screen::faint(format!("$ fentan serve --data {} --tcp 127.0.0.1:0 --http 127.0.0.1:0", folder.ledger().display()));
    let stage = Stage::set(folder)?;
    let server = &stage.server;
    screen::faint(format!("listening tcp={} http={}", server.tcp, server.http));
    let ready = server.ready_after.as_secs_f64();
    checks.holds(true, format!("the server (process {}) is ready {ready:.2} s after its start", server.pid()));
    if folder.in_memory() {
        screen::say(
            "Note: this folder is in memory (tmpfs). A sync costs nothing there, so the figures below say nothing about \
             a disk. Name a folder on a disk with --data.",
        );
    }
    Ok(stage)
}
