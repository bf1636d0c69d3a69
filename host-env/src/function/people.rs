//! Texts for people.

use super::Host;
use crate::guest::Guest;
use crate::list::{Function, Unit};
use crate::session::DebugText;
use lockstep_vm::Error;

pub(crate) fn debug(caller: Host<'_, '_>, ptr: u32, len: u32) -> Result<(), Error> {
    let mut guest = Guest::enter(caller, Function::Debug)?;
    let range = guest.range(ptr, len.into())?;
    guest.limit(len, guest.frame().environment.limits().debug)?;
    guest.pay(Unit::Read, len.into())?;
    // Listening is no part of an outcome, so what does not fit is dropped.
    if guest.frame().session.has_room_for_debug(len as usize) {
        let text = String::from_utf8_lossy(&guest.read(range)?).into_owned();
        let frame = guest.frame_mut();
        frame.session.note_debug(DebugText { account: frame.entry.account, text });
    }
    Ok(())
}
