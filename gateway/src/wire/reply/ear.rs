//! Answers to the server itself: the clearing line's service asks the engine as clients do, and hears what came of it
//! as it is, not as JSON. They leave like all others, after the sync.

use crossbeam::channel::Sender;
use fentan_engine::clearing::Document;
use fentan_engine::ledger::{Event, Record, Reject};
use fentan_engine::runtime::{Answer, Found, Outcome, TopUpStanding};

/// What came of a request.
#[derive(Debug)]
pub(crate) enum Heard {
    /// It is in the journal, now or before.
    Done(Box<Record>),
    /// No.
    Refused(Reject),
    /// A document, if there is one.
    Document(Option<Box<Document>>),
    /// A record that was asked for, and where it stands when it is a top-up.
    Shown(Box<Record>, Option<TopUpStanding>),
    /// The chart of accounts.
    Trial(fentan_engine::accounts::Totals),
    /// Something that nobody inside the server asks.
    Other,
}

/// Hears the answers of one parcel.
pub(super) struct Ear {
    heard: Vec<Heard>,
    to: Sender<Vec<Heard>>,
}

impl Ear {
    pub(super) const fn new(to: Sender<Vec<Heard>>) -> Self {
        Self { heard: Vec::new(), to }
    }

    pub(super) fn hear(&mut self, answer: Answer<'_>) {
        self.heard.push(match answer.outcome {
            Outcome::Recorded { record, .. } => match &record.event {
                Event::Rejected(reject) => Heard::Refused((**reject).clone()),
                _ => Heard::Done(Box::new(record.clone())),
            },
            Outcome::Refused { reject, .. } => Heard::Refused(reject.clone()),
            Outcome::Found { found: Found::Document(document), .. } => Heard::Document(document.clone()),
            Outcome::Found { found: Found::Shown { record, top_up, .. }, .. } => Heard::Shown(record.clone(), *top_up),
            Outcome::Found { found: Found::Trial(totals), .. } => Heard::Trial(totals.clone()),
            Outcome::Found { .. } => Heard::Other,
        });
    }

    pub(super) fn tell(self) {
        // Whoever asked may be gone.
        let _ = self.to.send(self.heard);
    }
}
