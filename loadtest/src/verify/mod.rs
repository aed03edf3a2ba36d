//! The proof afterwards: did the server keep its word?
//!
//! Everything comes from the acknowledgement log ([`crate::acks`]), so it works as well against a
//! server that was killed and started again. In this order:
//!
//! 1. **Uncertain commands** (sent, never answered) are sent again, the very same bytes. Either they
//!    had been done (`replayed`) or they are done now; either way they are acknowledged then.
//!    Refunds come after all others, since they may name an uncertain spend.
//! 2. **Wallets**: `available` of each must be exactly the sum of what was acknowledged; nothing may
//!    be held or owed. (Not where an earlier load has topped the wallets up: the log does not say what was
//!    in them before, and the verdict says that they were not compared.)
//! 3. **Acknowledged commands** are sent again, the very same bytes: each must come back `replayed`
//!    with the same `seq`. Rejects that the server keeps must come back as the same reject.
//!    Wallets are read before this, because sending a lost command again would heal its wallet.
//! 4. **Trial balance**: balanced, and debits equal to credits in every currency.
//!
//! Cost: one request per acknowledged command, in arrays over a few connections; a log of a million
//! commands takes seconds. Memory does not grow with the log.

mod asking;
mod promises;
mod verdict;

pub use asking::Asking;
pub use promises::Promises;
pub use verdict::{Findings, Found, Uncertain, Verdict, Violation};

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fentan_protocol::{Answer, RejectCode, TrialBalance};

use crate::acks::{AckError, AckReader, EventKind};
use crate::client::ClientError;
use crate::door;
use crate::draws::mix;
use crate::encode::Encoder;
use crate::progress::Progress;
use crate::scan::Scan;
use crate::workload::{Op, Workload};

/// Why the verification could not be done (which is not the same as what it found).
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The log cannot be read.
    #[error(transparent)]
    Acks(#[from] AckError),
    /// The server does not answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The server answered `overloaded` again and again.
    #[error("the server stayed overloaded; {waiting} questions are unanswered")]
    Overloaded {
        /// Questions that wait.
        waiting: usize,
    },
    /// A thread of the client ended badly.
    #[error("a thread of the verifier panicked")]
    Thread,
}

/// How to verify.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Where the server speaks NDJSON.
    pub tcp: SocketAddr,
    /// Where it speaks HTTP.
    pub http: SocketAddr,
    /// Check only about so many acknowledged commands; all when absent.
    pub sample: Option<u64>,
    /// Connections to ask over.
    pub connections: u32,
    /// Questions an array.
    pub batch: usize,
}

/// One command to send again, and what must come back.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Question {
    connection: u32,
    counter: u64,
    expected: Expected,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Expected {
    Acknowledged(u64),
    Rejected(String),
}

/// Verifies the log at `path` against the server.
///
/// # Errors
/// When it cannot be done; what it finds is in the [`Verdict`].
pub fn verify(path: &Path, options: &Options, progress: &Progress) -> Result<Verdict, VerifyError> {
    let started = Instant::now();
    let header = AckReader::open(path)?.header().clone();
    let check = Check {
        path,
        workload: Workload::new(&header.scenario),
        encoder: Encoder::new(&header.scenario, header.run),
        asking: Asking { address: options.tcp, connections: options.connections, batch: options.batch.max(1) },
        findings: Findings::default(),
        progress,
    };
    let mut promises = Promises::read(path, &check.workload)?;
    let mut verdict = Verdict {
        acknowledged: promises.acknowledged,
        torn_log: promises.torn,
        uncertain: check.settle_uncertain(&mut promises)?,
        ..Verdict::default()
    };
    if header.load_number == 0 {
        verdict.wallets_checked = check.wallets(&promises)?;
    }
    (verdict.acknowledged_checked, verdict.rejected_checked) = check.commands(&promises, options.sample)?;
    match trial_balance(options.http) {
        Ok(trial) => {
            if !trial.balanced || !trial.unbalanced().is_empty() || trial.currencies.is_empty() {
                check
                    .findings
                    .note(Violation::TrialBalance, || serde_json::to_string(&trial).unwrap_or_else(|e| e.to_string()));
            }
            verdict.trial_balance = trial.currencies.into_iter().map(|(c, t)| (c, t.debits.to_string())).collect();
        }
        Err(reason) => check.findings.note(Violation::TrialBalance, || reason),
    }
    verdict.violations = check.findings.into_inner();
    verdict.elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(verdict)
}

/// What the steps share.
struct Check<'a> {
    path: &'a Path,
    workload: Workload,
    encoder: Encoder,
    asking: Asking,
    findings: Findings,
    progress: &'a Progress,
}

impl Check<'_> {
    fn write(&self, connection: u32, counter: u64, out: &mut Vec<u8>) {
        self.encoder.write(&self.workload.command(connection, counter), connection, counter, out);
    }

    /// Whether the answer is about the command; notes it if not.
    fn is_of(&self, connection: u32, counter: u64, scan: &Scan<'_>) -> bool {
        let right = self.encoder.ids().read(scan.id) == Some((connection, counter));
        if !right {
            self.findings.note(Violation::WrongId, || {
                format!("asked {}, answered {}", self.encoder.ids().text(connection, counter), text(scan.raw))
            });
        }
        right
    }

    /// Step 1.
    fn settle_uncertain(&self, promises: &mut Promises) -> Result<Uncertain, VerifyError> {
        let all = std::mem::take(&mut promises.uncertain);
        let meter = self.progress.meter("settling unanswered commands", all.len() as u64);
        let (refunds, others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(c, n)| self.workload.command(*c, *n).op == Op::Refund);
        let outcome = Mutex::new((Uncertain::default(), Vec::<(u32, i64)>::new()));
        for group in [others, refunds] {
            let mut rest = group.into_iter();
            self.asking.ask(
                move |count, questions| {
                    questions.extend(rest.by_ref().take(count));
                    Ok(())
                },
                |(connection, counter), out| self.write(*connection, *counter, out),
                |(connection, counter), scan| {
                    meter.add(1);
                    if !self.is_of(*connection, *counter, scan) {
                        return;
                    }
                    let mut guard = outcome.lock().unwrap_or_else(PoisonError::into_inner);
                    let (uncertain, effects) = &mut *guard;
                    uncertain.count += 1;
                    if scan.ok {
                        let command = self.workload.command(*connection, *counter);
                        effects.push((command.wallet, command.effect()));
                        *(if scan.replayed { &mut uncertain.had_been_done } else { &mut uncertain.done_now }) += 1;
                    } else {
                        uncertain.rejected += 1;
                    }
                },
            )?;
        }
        let (uncertain, effects) = outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (wallet, effect) in effects {
            promises.apply(wallet, effect);
        }
        meter.finish();
        Ok(uncertain)
    }

    /// Step 2.
    fn wallets(&self, promises: &Promises) -> Result<u64, VerifyError> {
        let meter = self.progress.meter("comparing wallets", promises.expected.len() as u64);
        // Reads need ids of their own, also when one log is verified twice.
        let nonce = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let nonce = mix(nonce.as_secs() ^ (u64::from(nonce.subsec_nanos()) << 32));
        let checked = AtomicU64::new(0);
        let mut wallets = (0_u32..).zip(promises.expected.iter().copied());
        self.asking.ask(
            move |count, questions| {
                questions.extend(wallets.by_ref().take(count));
                Ok(())
            },
            |(wallet, _), out| {
                let account = self.encoder.wallet(*wallet);
                out.extend_from_slice(
                    format!("{{\"op\":\"balance\",\"id\":\"v-{nonce:016x}-{wallet}\",\"account\":\"{account}\"}}")
                        .as_bytes(),
                );
            },
            |(wallet, expected), scan| {
                meter.add(1);
                checked.fetch_add(1, Ordering::Relaxed);
                self.wallet(*wallet, *expected, scan);
            },
        )?;
        meter.finish();
        Ok(checked.into_inner())
    }

    fn wallet(&self, wallet: u32, expected: i64, scan: &Scan<'_>) {
        let name = || self.encoder.wallet(wallet);
        let decimals = self.encoder.decimals();
        if !scan.ok && expected == 0 && RejectCode::from(text(scan.code).as_str()) == RejectCode::UnknownAccount {
            return;
        }
        let balance = serde_json::from_slice::<Answer>(scan.raw).ok().filter(|a| a.ok).and_then(|a| a.balance);
        let Some(balance) = balance else {
            self.findings.note(Violation::WalletUnreadable, || format!("{}: {}", name(), text(scan.raw)));
            return;
        };
        if balance.available.minor_at(decimals) != Ok(expected) {
            let expected = fentan_protocol::Amount::from_minor(expected, decimals);
            self.findings.note(Violation::WalletDiffers, || {
                format!("{}: acknowledged {expected}, available {}", name(), balance.available)
            });
        }
        if balance.held.minor() != 0 || balance.arrears.minor() != 0 {
            self.findings.note(Violation::WalletUnclean, || {
                format!("{}: held {}, arrears {}", name(), balance.held, balance.arrears)
            });
        }
    }

    /// Step 3: (acknowledged, rejected) commands checked.
    fn commands(&self, promises: &Promises, sample: Option<u64>) -> Result<(u64, u64), VerifyError> {
        let all = promises.acknowledged + promises.rejected;
        let kept = move |connection: u32, counter: u64| match sample {
            Some(sample) if sample < all => mix((u64::from(connection) << 48) ^ counter) % all < sample,
            _ => true,
        };
        let meter = self.progress.meter("sending acknowledged commands again", sample.unwrap_or(all).min(all));
        let (acknowledged, rejected) = (AtomicU64::new(0), AtomicU64::new(0));
        let mut reader = AckReader::open(self.path)?;
        self.asking.ask(
            move |count, questions: &mut Vec<Question>| {
                while questions.len() < count
                    && let Some(event) = reader.next_event()?
                {
                    let expected = match event.kind {
                        EventKind::Acknowledged { seq } => Expected::Acknowledged(seq),
                        EventKind::Rejected { code } => Expected::Rejected(code),
                        _ => continue,
                    };
                    if kept(event.connection, event.counter) {
                        questions.push(Question { connection: event.connection, counter: event.counter, expected });
                    }
                }
                Ok(())
            },
            |question, out| self.write(question.connection, question.counter, out),
            |question, scan| {
                meter.add(1);
                match &question.expected {
                    Expected::Acknowledged(_) => acknowledged.fetch_add(1, Ordering::Relaxed),
                    Expected::Rejected(_) => rejected.fetch_add(1, Ordering::Relaxed),
                };
                if self.is_of(question.connection, question.counter, scan) {
                    self.command(question, scan);
                }
            },
        )?;
        meter.finish();
        Ok((acknowledged.into_inner(), rejected.into_inner()))
    }

    fn command(&self, question: &Question, scan: &Scan<'_>) {
        let violation = match &question.expected {
            Expected::Acknowledged(_) if !scan.ok => Violation::AcknowledgedRejected,
            Expected::Acknowledged(_) if !scan.replayed => Violation::AcknowledgedLost,
            Expected::Acknowledged(seq) if scan.seq.unwrap_or(0) != *seq => Violation::SeqDiffers,
            Expected::Acknowledged(_) => return,
            Expected::Rejected(code) if !scan.ok && scan.code == code.as_bytes() && scan.replayed => {
                return;
            }
            Expected::Rejected(_) => Violation::RejectForgotten,
        };
        self.findings.note(violation, || {
            let was = match &question.expected {
                Expected::Acknowledged(seq) => format!("acknowledged at seq {seq}"),
                Expected::Rejected(code) => format!("rejected with {code}"),
            };
            format!("{was}, sent again: {}", text(scan.raw))
        });
    }
}

/// The server's trial balance.
///
/// # Errors
/// In words, why it cannot be had.
pub fn trial_balance(http: SocketAddr) -> Result<TrialBalance, String> {
    let authority = door::authority_file();
    let scheme = if authority.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{http}/v1/trial_balance");
    let mut config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(120))).proxy(None);
    if let Some(file) = authority {
        let pem = std::fs::read(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        let certificates = ureq::tls::parse_pem(&pem).filter_map(|item| match item {
            Ok(ureq::tls::PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        });
        let roots = ureq::tls::RootCerts::new_with_certs(&certificates.collect::<Vec<_>>());
        let tls = ureq::tls::TlsConfig::builder().root_certs(roots);
        config = config.tls_config(tls.build());
    }
    let agent: ureq::Agent = config.build().into();
    let mut request = agent.get(&url);
    if let Ok(token) = std::env::var(door::TOKEN) {
        request = request.header("authorization", format!("Bearer {}", token.trim()));
    }
    let mut response = request.call().map_err(|e| format!("GET {url}: {e}"))?;
    let body = response.body_mut().read_to_vec().map_err(|e| format!("GET {url}: {e}"))?;
    serde_json::from_slice(&body).map_err(|e| format!("GET {url}: {e}: {}", text(&body)))
}

/// The start of some bytes, as text.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(400)]).into_owned()
}
