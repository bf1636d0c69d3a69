//! The cross-check: both engines run the same call, and nothing may differ.
//!
//! `recorder` writes the `log` while native code runs for real; `snapshot` is the store as it was before; `replay` runs the
//! interpreter on that, with host functions that answer from the log; `difference` compares and tells. `seed` is for tests.
//!
//! ```text
//!   StoreInner::call, outermost ──▶ call_checked ──▶ StoreInner::call, native,        noting
//!                                        └─────────▶ StoreInner<Replay>::call, interpreter, replaying
//! ```
//!
//! Owns the order of these. It must not know how code is made, nor how either engine executes.

mod difference;
mod lock;
mod log;
mod recorder;
mod replay;
mod seed;
mod snapshot;

pub(crate) use log::{Effect, Event};
pub(crate) use recorder::Recorder;
pub use seed::Seed;

use crate::error::{Error, Fault};
use crate::store::StoreInner;
use crate::store::objects::{Callee, InstanceId, Objects};
use alloc::{boxed::Box, format, string::String, vec};
use difference::{Difference, Mismatch, same_outcomes, same_stores};
use log::Outcome;
use replay::Replay;

impl<T> StoreInner<T> {
    /// Makes an outermost call with both engines.
    #[cold]
    pub(crate) fn call_checked(
        &mut self,
        callee: Callee,
        caller: Option<InstanceId>,
        arguments: &[u64],
        results: &mut [u64],
    ) -> Result<(), Error> {
        let snapshot = match self.objects.snapshot() {
            Ok(snapshot) => snapshot,
            Err(out_of_memory) => return Err(self.out_of_memory(out_of_memory)),
        };
        let host_types = self.objects.host_types.clone();
        self.objects.recorder = Some(Box::new(Recorder::new(self.seed)));
        let mut ended = self.call(callee, caller, arguments, results);
        let recorder = self.objects.recorder.take().expect("it was put there before the call");
        if let Some(seed) = recorder.seed() {
            seed.at_end(&mut self.objects, &mut ended, results);
        }
        // After a fault there is nothing to compare.
        let Some(native) = Outcome::of(&ended, results) else { return ended };

        let events = recorder.into_events();
        let mut replayed = replay::store(self.id, &self.engine, snapshot, &host_types, events);
        let mut answers = vec![0; results.len()];
        let interpreted = replayed.call(callee, caller, arguments, &mut answers);
        match judge(&self.objects, &native, &mut replayed, &interpreted, &answers, callee, caller) {
            Ok(()) => ended,
            Err(difference) => Err(self.poison(Fault::new(difference))),
        }
    }
}

/// Whether the two runs are the same.
fn judge(
    objects: &Objects,
    native: &Outcome,
    replayed: &mut StoreInner<Replay>,
    interpreted: &Result<(), Error>,
    answers: &[u64],
    callee: Callee,
    caller: Option<InstanceId>,
) -> Result<(), Box<Difference>> {
    let place = interpreted.as_ref().err().and_then(replay::place);
    if let Some(found) = replayed.data.difference() {
        return Err(Box::new(Difference { place: found.place.or(place), ..found }));
    }
    let compared = match Outcome::of(interpreted, answers) {
        None => {
            let failure: String =
                interpreted.as_ref().err().map_or(String::new(), |error| format!("{error}"));
            Err(Mismatch::new("outcome", native, failure))
        }
        Some(outcome) => replayed
            .data
            .finished(&replayed.objects, &outcome)
            .and_then(|()| same_outcomes(native, &outcome))
            .and_then(|()| same_stores(objects, &replayed.objects)),
    };
    let subject = || objects.function_label(callee, caller);
    compared.map_err(|mismatch| Box::new(Difference { subject: subject(), place, mismatch }))
}
