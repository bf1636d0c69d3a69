//! Events.

use super::Host;
use crate::guest::Guest;
use crate::list::{Function, Unit};
use crate::receipt::{self, Misuse};
use lockstep_vm::Error;

pub(crate) fn event(caller: Host<'_, '_>, topics: u32, count: u32, data: u32, len: u32) -> Result<(), Error> {
    let mut guest = Guest::enter(caller, Function::Event)?;
    let topics = guest.range(topics, u64::from(count) * 32)?;
    let data = guest.range(data, len.into())?;
    let limits = guest.frame().environment.limits();
    guest.limit(count, limits.event_topics)?;
    guest.limit(len, limits.event_data)?;
    if guest.frame().session.journal.event_count() >= limits.events as usize {
        return Err(Misuse::LimitExceeded.into());
    }
    guest.pay(Unit::Topic, count.into())?;
    guest.pay(Unit::Read, len.into())?;
    guest.pay(Unit::EventData, len.into())?;
    let topics = guest.read(topics)?.as_chunks().0.to_vec();
    let data = guest.read(data)?;
    let frame = guest.frame_mut();
    frame.session.journal.emit(receipt::Event { account: frame.entry.account, topics, data });
    Ok(())
}
