//! Backtraces: which operators the frames on the stack stand at.
//!
//! Owns the walk from a stack pointer to the activation's first frame. It must not know why somebody asks.
//!
//! ```text
//!   base  | return address into `enter`                     }
//!         | first frame's other slots                       } frame_slots
//!         | return address into the first frame             }
//!         | second frame's other slots                      } frame_slots
//!   sp    | return address into the second frame
//! ```

use super::code::{ModuleCode, Place, Role};
use crate::store::objects::{InstanceId, Objects};
use crate::store::step::FrameSite;
use alloc::vec::Vec;

/// What is at the stack pointer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Innermost {
    /// A return address into the innermost frame.
    Returning,
    /// The same, or the address of the instruction that faulted there.
    Fault,
    /// A return address into a function whose frame has been refused; above it comes the return address into its caller.
    Refused,
    /// The innermost frame stood at this address, and has been released: the return address is into its caller.
    Released(u64),
}

/// The frames of an activation, innermost first. Its first frame begins at `base`.
pub(super) fn walk(
    objects: &Objects,
    innermost: Innermost,
    mut stack_pointer: u64,
    base: u64,
) -> Vec<FrameSite> {
    let map = Map::new(objects);
    let stack = objects.machine.as_ref().expect("an engine with compiled code has a machine").stack();
    let mut sites = Vec::new();
    let mut role = Role::Return;
    match innermost {
        Innermost::Returning => {}
        Innermost::Fault => role = Role::Fault,
        Innermost::Refused => {
            if let Some((site, _)) = stack.word(stack_pointer).and_then(|pc| map.find(pc, Role::Return)) {
                sites.push(site);
            }
            stack_pointer += 8;
        }
        Innermost::Released(pc) => {
            if let Some((site, _)) = map.find(pc, Role::Return) {
                sites.push(site);
            }
        }
    }
    // Above the first frame, and nowhere else, there is a return address that belongs to no function.
    while stack_pointer + 8 < base {
        let Some(pc) = stack.word(stack_pointer) else { break };
        let Some((site, frame)) = map.find(pc, role) else {
            debug_assert!(false, "{pc:#x} is no return address");
            break;
        };
        sites.push(site);
        stack_pointer += frame;
        role = Role::Return;
    }
    sites
}

/// The code of a store's instances, by address.
struct Map<'a> {
    codes: Vec<(u64, u64, InstanceId, &'a ModuleCode)>,
    objects: &'a Objects,
}

impl<'a> Map<'a> {
    fn new(objects: &'a Objects) -> Map<'a> {
        let mut codes: Vec<_> = (0..)
            .map(InstanceId)
            .zip(&objects.instances)
            .filter_map(|(id, instance)| {
                let code = instance.module.native()?;
                let (start, end) = code.range();
                Some((start, end, id, code))
            })
            .collect();
        codes.sort_unstable_by_key(|(start, _, id, _)| (*start, *id));
        // Of instances of one module any will do: what is reported is the module's.
        codes.dedup_by_key(|(start, ..)| *start);
        Map { codes, objects }
    }

    /// Where an address belongs, and the bytes of the frame there.
    fn find(&self, pc: u64, role: Role) -> Option<(FrameSite, u64)> {
        // A return address may be the first behind its module's code, so the end belongs to it.
        let behind = self.codes.partition_point(|(start, ..)| *start < pc);
        let &(_, end, instance, code) = self.codes.get(behind.checked_sub(1)?)?;
        if pc > end {
            return None;
        }
        let Place { function, offset, frame } = code.place(pc, role)?;
        let imported = self.objects.instances[instance.index()].module.info().imported_functions;
        Some((FrameSite { instance, function: imported + function, offset }, frame))
    }
}
