//! What happened in a run of the suite, to compare two runs.
//!
//! Owns the record of each execution: outcome, gas and peak. It must not know what the suite demands.

use crate::suite::observer::{Cost, Instantiation, Invocation, Observer};
use lockstep_vm::{Error, ErrorKind, LinkError, Val};
use std::collections::BTreeMap;

/// Every execution of a run, by file and place of the directive.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    file: String,
    executions: BTreeMap<(String, usize), String>,
}

impl Transcript {
    /// How many executions there were.
    pub(crate) fn len(&self) -> usize {
        self.executions.len()
    }

    /// Answers how many executions there are, all of which must be the same in the other.
    ///
    /// # Panics
    /// When one is not.
    pub(crate) fn assert_part_of(&self, other: &Transcript) -> usize {
        for ((file, offset), execution) in &self.executions {
            let other = other.executions.get(&(file.clone(), *offset));
            assert_eq!(other, Some(execution), "{file}, offset {offset}");
        }
        self.len()
    }

    fn add(&mut self, offset: usize, execution: String) {
        let before = self.executions.insert((self.file.clone(), offset), execution);
        assert_eq!(before, None, "a directive executes one thing");
    }
}

impl Observer for Transcript {
    fn file(&mut self, name: &str, _gas: u64) {
        self.file = name.to_string();
    }

    fn instantiated(&mut self, event: Instantiation<'_>) {
        let outcome = match event.outcome {
            // Numbers of instances differ when some are refused.
            Ok(_) => "instantiated".to_string(),
            Err(error) => ending(error),
        };
        self.add(event.offset, format!("{outcome}{}", costs(event.cost)));
    }

    fn invoked(&mut self, event: Invocation<'_>) {
        let outcome = match event.outcome {
            Ok(values) => {
                format!("returned {}", values.iter().map(Val::to_string).collect::<Vec<_>>().join(" "))
            }
            Err(error) => ending(error),
        };
        self.add(event.offset, format!("{outcome}{}", costs(event.cost)));
    }
}

fn costs(cost: Cost) -> String {
    format!(", gas {}, peak {}, prints {}", cost.gas_before - cost.gas_after, cost.peak, cost.prints)
}

fn ending(error: &Error) -> String {
    match error.kind() {
        ErrorKind::Trap(trap) => {
            let site = trap.frames().first().map(|frame| (frame.function(), frame.offset()));
            format!("trapped {} at {site:?}", trap.trap().name())
        }
        ErrorKind::Link(LinkError::Imports(problems)) => format!("unlinkable {problems:?}"),
        _ => format!("{error}"),
    }
}
