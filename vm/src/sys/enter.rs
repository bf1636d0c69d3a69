//! The way into guest code and out of it.
//!
//! Owns the conditions. Host functions are called after guest code has left, so nothing of the host is ever on the guest's
//! stack, and entries do not nest. How registers and stacks are switched is in a file for each machine.

use super::code;
#[cfg(target_arch = "aarch64")]
use super::enter_aarch64::switch;
#[cfg(target_arch = "x86_64")]
use super::enter_x64::switch;
use super::stack::Stack;
use super::state::PinnedState;

/// Goes on with guest code as the state says, until it leaves; the state then says why.
///
/// # Panics
/// When the state says to go on where no code or no stack is.
pub(crate) fn enter(state: &mut PinnedState, stack: &Stack) {
    assert!(code::contains(state.resume_pc), "guest code is in the arena");
    assert!(stack.contains(state.guest_sp), "the guest's stack pointer is on its stack");
    code::synchronize();
    // SAFETY: the code was made by the compiler and published: it keeps to the native ABI, so it works on this stack
    // and on the objects of the store whose state this is, none of which is borrowed by anybody but the caller, who
    // has the state mutably; and it leaves by `exit_pc` with the state's address in the result
    // register, from where `switch` restores all that it must.
    unsafe { switch(state.as_ptr()) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::code::Code;
    use super::super::memory::LinearMemory;
    use super::super::sample;
    use super::*;
    use crate::abi::{exit, field, import_word};

    /// A store by hand, with one instance of the sample.
    pub(in crate::sys) struct Sample {
        code: Code,
        pub(in crate::sys) memory: LinearMemory,
        pub(in crate::sys) state: PinnedState,
        stack: Stack,
    }

    impl Sample {
        pub(in crate::sys) fn new() -> Sample {
            let bytes = sample::code();
            let code = Code::publish(bytes.len(), |to| to.copy_from_slice(bytes)).unwrap();
            let mut memory = LinearMemory::reserved(65_536, 100).unwrap();
            let mut state = PinnedState::new().unwrap();
            let stack = Stack::new(1 << 20).unwrap();
            let base = memory.address();
            let thunk = |offset: u32| code.address() + u64::from(offset);
            let words = memory.prefix_mut();
            let count = words.len();
            let at = |offset: i32| count - (-offset / 8) as usize;
            for (offset, word) in [
                (field::STATE, state.address()),
                (field::MEMORY_BASE, base),
                (field::MEMORY_FAULT, thunk(sample::memory_fault())),
                (field::END - import_word::BYTES + import_word::ENTRY, thunk(sample::host_import())),
            ] {
                let at = at(offset);
                words[at] = word;
            }
            state.anchor = base;
            state.gas = 1_000;
            Sample { code, memory, state, stack }
        }

        pub(in crate::sys) fn enter(&mut self, function: u32, argument: u64) {
            self.state.guest_sp = self.stack.top();
            self.state.limit = self.stack.top() - 8_000;
            self.state.mark = self.stack.top();
            self.state.callee = self.code.address() + u64::from(function);
            self.state.values[0] = argument;
            self.resume(sample::enter());
        }

        fn resume(&mut self, thunk: u32) {
            self.state.resume_pc = self.code.address() + u64::from(thunk);
            enter(&mut self.state, &self.stack);
        }
    }

    #[test]
    fn guest_code_leaves_comes_back_and_returns() {
        let mut sample = Sample::new();
        sample.enter(sample::call_host(), 5);
        assert_eq!((sample.state.exit, sample.state.payload), (exit::HOST_IMPORT, 0));
        assert_eq!((sample.state.values[0], sample.state.gas), (5, 990));
        assert_eq!(sample.state.guest_sp, sample.stack.top() - 8 * 6 - 8);
        let return_address = sample.stack.word(sample.state.guest_sp).unwrap();
        assert_eq!(return_address, sample.code.address() + u64::from(sample::call_host_site()));
        sample.state.values[0] = 41;
        sample.resume(sample::resume());
        assert_eq!((sample.state.exit, sample.state.values[0]), (exit::RETURNED, 42));
        assert_eq!(sample.state.guest_sp, sample.stack.top());
    }

    /// The optimiser keeps values in the registers that the guest spoils.
    #[test]
    fn the_hosts_registers_are_restored() {
        let mut sample = Sample::new();
        let values: [u64; 12] = core::hint::black_box(core::array::from_fn(|index| index as u64));
        let [a, b, c, d, e, f, g, h, i, j, k, l] = values;
        for _ in 0..100 {
            sample.enter(sample::call_host(), 5);
            sample.resume(sample::resume());
        }
        assert_eq!([a, b, c, d, e, f, g, h, i, j, k, l], values);
    }

    #[test]
    fn an_access_behind_the_memory_goes_to_the_thunk() {
        super::super::signals::install();
        let mut sample = Sample::new();
        sample.memory[65_528..].copy_from_slice(&7_u64.to_le_bytes());
        for (address, result) in [
            (0, Some(0)),
            (65_528, Some(7)),
            (65_529, None),
            (65_535, None),
            (65_536, None),
            (1 << 32, None),
            ((1 << 33) - 2, None),
        ] {
            sample.state.gas = 77;
            sample.enter(sample::load(), address);
            assert_eq!(sample.state.gas, 77);
            match result {
                Some(value) => {
                    assert_eq!((sample.state.exit, sample.state.values[0]), (exit::RETURNED, value))
                }
                None => {
                    assert_eq!((sample.state.exit, sample.state.payload), (exit::TRAPPED, 2), "{address}");
                    assert_eq!(sample.state.guest_sp, sample.stack.top() - 8 * 6 - 8);
                    let site = sample.stack.word(sample.state.guest_sp).unwrap();
                    assert_eq!(site, sample.code.address() + u64::from(sample::load_site()));
                }
            }
        }
        sample.memory.grow(65_536).unwrap();
        sample.enter(sample::load(), 65_536);
        assert_eq!((sample.state.exit, sample.state.values[0]), (exit::RETURNED, 0));
    }

    #[test]
    fn threads_fault_at_once() {
        super::super::signals::install();
        std::thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    let mut sample = Sample::new();
                    for round in 0..1_000 {
                        sample.enter(sample::load(), 65_530 + round);
                        assert_eq!((sample.state.exit, sample.state.payload), (exit::TRAPPED, 2));
                    }
                });
            }
        });
    }

    #[test]
    #[should_panic(expected = "on its stack")]
    fn a_stack_pointer_from_elsewhere_is_refused() {
        let mut sample = Sample::new();
        sample.state.resume_pc = sample.code.address();
        sample.state.guest_sp = sample.memory.address();
        enter(&mut sample.state, &sample.stack);
    }
}
