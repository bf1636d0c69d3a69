//! Faults: guest code that accesses what is behind its memory traps.
//!
//! Owns the process's handlers for the two signals of a fault. They act only where guest code of this process accessed
//! the guard behind its own memory; everything else goes to the handler that was there before. They allocate nothing,
//! take no lock, and run on the alternate stack that is there, or else on the guest's. It must not know traps: it goes
//! to the thunk whose address the instance's context has.

use super::code;
use super::reservation::SPAN;
use crate::abi::field;
use core::mem::{MaybeUninit, transmute};
use core::ptr;
use libc::{c_int, c_void, siginfo_t, ucontext_t};
use std::sync::{Once, OnceLock};

/// The signals of a fault.
const SIGNALS: [c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// What was there for each of them when the handlers were installed.
static PREVIOUS: OnceLock<[libc::sigaction; 2]> = OnceLock::new();

/// Bytes of the widest access: where one begins within the memory, a machine may name its beginning as the address.
const WIDEST: u64 = 16;

/// Installs the handlers, once for the process.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // First, so that the handlers always find it.
        PREVIOUS.get_or_init(|| SIGNALS.map(previous));
        for signal in SIGNALS {
            // SAFETY: all zeros are a `sigaction` without flags and mask.
            let mut ours: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
            ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            ours.sa_sigaction = handle as *const () as usize;
            // SAFETY: the handler has the type that `SA_SIGINFO` asks for, and does only what is allowed in one.
            let result = unsafe { libc::sigaction(signal, &ours, ptr::null_mut()) };
            assert_eq!(result, 0, "the kernel knows these signals");
        }
    });
}

/// What is there for a signal now.
fn previous(signal: c_int) -> libc::sigaction {
    let mut found = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action this only writes the present one, of which all zeros are a value too.
    unsafe {
        libc::sigaction(signal, ptr::null(), found.as_mut_ptr());
        found.assume_init()
    }
}

/// The handler.
extern "C" fn handle(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel hands a handler with `SA_SIGINFO` pointers to what it knows, for as long as the handler runs.
    let ours = unsafe { become_trap(&*info, &mut *context.cast::<ucontext_t>()) };
    if !ours {
        pass_on(signal, info, context);
    }
}

/// Where guest code has accessed the guard of its memory, makes it go on as if it had called the thunk instead.
///
/// # Safety
/// Both must be as the kernel gave them to a handler that runs on the thread at fault.
unsafe fn become_trap(info: &siginfo_t, context: &mut ucontext_t) -> bool {
    let (pc, anchor) = machine::pc_and_anchor(context);
    // Positive codes are the kernel's own: somebody's `kill` comes with none and without an address.
    if info.si_code <= 0 || !code::contains(pc) {
        return false;
    }
    // SAFETY: guest code runs, so this register is the anchor of its instance, below which the fields are.
    let (base, thunk) = unsafe { (word(anchor, field::MEMORY_BASE), word(anchor, field::MEMORY_FAULT)) };
    if base == 0 {
        return false;
    }
    // SAFETY: there is a memory, and before its base, wherever that is, the word with its length.
    let length = unsafe { word(base, field::MEMORY_LENGTH) };
    // SAFETY: the kernel says so of a fault by these signals.
    let address = unsafe { info.si_addr() }.addr() as u64;
    // Within the memory itself it is no trap: there the host failed to provide a page.
    if address.saturating_add(WIDEST) <= base.saturating_add(length) || address.wrapping_sub(base) >= SPAN {
        return false;
    }
    // SAFETY: guest code runs, and within a function: thunks do not access memories without a check.
    unsafe { machine::call(context, pc, thunk) };
    true
}

#[cfg(target_arch = "x86_64")]
mod machine {
    use super::*;

    pub(super) fn pc_and_anchor(context: &ucontext_t) -> (u64, u64) {
        let registers = &context.uc_mcontext.gregs;
        (registers[libc::REG_RIP as usize] as u64, registers[libc::REG_R14 as usize] as u64)
    }

    /// Goes on at `target`, with a return address.
    ///
    /// # Safety
    /// The context must be that of guest code.
    pub(super) unsafe fn call(context: &mut ucontext_t, return_address: u64, target: u64) {
        let registers = &mut context.uc_mcontext.gregs;
        let stack_pointer = (registers[libc::REG_RSP as usize] as u64).wrapping_sub(8);
        let pushed = ptr::with_exposed_provenance_mut::<u64>(stack_pointer as usize);
        // SAFETY: guest code keeps nothing below its stack pointer, which is a multiple of 8, and there is always headroom.
        unsafe { pushed.write(return_address) };
        registers[libc::REG_RSP as usize] = stack_pointer as i64;
        registers[libc::REG_RIP as usize] = target as i64;
    }
}

#[cfg(target_arch = "aarch64")]
mod machine {
    use super::*;

    /// The native ABI's anchor, and the link register.
    const ANCHOR: usize = 28;
    const LINK: usize = 30;

    pub(super) fn pc_and_anchor(context: &ucontext_t) -> (u64, u64) {
        let registers = &context.uc_mcontext;
        (registers.pc, registers.regs[ANCHOR])
    }

    /// Goes on at `target`, with a return address.
    ///
    /// # Safety
    /// The context must be that of guest code within a function, whose own return address is in its frame.
    pub(super) unsafe fn call(context: &mut ucontext_t, return_address: u64, target: u64) {
        let registers = &mut context.uc_mcontext;
        registers.regs[LINK] = return_address;
        registers.pc = target;
    }
}

/// The word at an offset from an address.
///
/// # Safety
/// There must be one.
unsafe fn word(address: u64, offset: i32) -> u64 {
    let at = address.wrapping_add_signed(i64::from(offset));
    // SAFETY: the caller says that there is a word.
    unsafe { ptr::with_exposed_provenance::<u64>(at as usize).read() }
}

/// Does with a signal what would have been done without this handler.
fn pass_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let index = if signal == SIGNALS[0] { 0 } else { 1 };
    let previous = PREVIOUS.get().map(|previous| &previous[index]);
    let (action, flags) = previous.map_or((libc::SIG_DFL, 0), |found| (found.sa_sigaction, found.sa_flags));
    // SAFETY: the kernel gave it.
    let is_fault = unsafe { (*info).si_code } > 0;
    match action {
        // The kernel ignores only signals that are sent: who cannot go on is ended.
        libc::SIG_IGN if !is_fault => {}
        libc::SIG_IGN | libc::SIG_DFL => end_by(signal, is_fault),
        _ => {
            if let Some(previous) = previous {
                mask_as_for(signal, previous);
            }
            if flags & libc::SA_SIGINFO != 0 {
                // SAFETY: whoever installed it with this flag said that it is such a function; it gets what it would
                // have got.
                unsafe {
                    let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = transmute(action);
                    handler(signal, info, context);
                }
            } else {
                // SAFETY: whoever installed it without the flag said that it is such a function.
                unsafe {
                    let handler: extern "C" fn(c_int) = transmute(action);
                    handler(signal);
                }
            }
        }
    }
}

/// Blocks what another handler wants blocked while it runs. The kernel undoes it when we return.
fn mask_as_for(signal: c_int, previous: &libc::sigaction) {
    // SAFETY: masks are changed for this thread alone, and only until the handler returns.
    unsafe {
        libc::pthread_sigmask(libc::SIG_BLOCK, &previous.sa_mask, ptr::null_mut());
        if previous.sa_flags & libc::SA_NODEFER != 0 {
            let mut this: libc::sigset_t = MaybeUninit::zeroed().assume_init();
            libc::sigemptyset(&mut this);
            libc::sigaddset(&mut this, signal);
            libc::pthread_sigmask(libc::SIG_UNBLOCK, &this, ptr::null_mut());
        }
    }
}

/// Ends the process as the signal does by default: a fault happens again when we return, what was sent is sent again.
fn end_by(signal: c_int, is_fault: bool) {
    // SAFETY: all zeros are the default action; both calls are allowed in handlers. The signal is blocked until we
    // return.
    unsafe {
        let default: libc::sigaction = MaybeUninit::zeroed().assume_init();
        libc::sigaction(signal, &default, ptr::null_mut());
        if !is_fault {
            libc::raise(signal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::enter::tests::Sample;
    use super::super::sample;
    use super::*;
    use crate::abi::exit;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, ExitStatus};

    /// Runs one of the tests below that end their process, in another one; by the emulator, where this one is emulated.
    #[allow(clippy::disallowed_methods, reason = "how a test is started is no part of an outcome")]
    fn in_another_process(name: &str) -> ExitStatus {
        let this = std::env::current_exe().unwrap();
        let name = std::format!("sys::signals::tests::{name}");
        let runner = std::env::var("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER");
        let runner = runner.ok().filter(|_| cfg!(target_arch = "aarch64")).unwrap_or_default();
        let mut command = match runner.split_whitespace().next() {
            None => Command::new(this),
            Some(emulator) => {
                let mut command = Command::new(emulator);
                command.args(runner.split_whitespace().skip(1)).arg(this);
                command
            }
        };
        command.args(["--exact", &name, "--ignored", "--test-threads=1"]).output().unwrap().status
    }

    fn set(signal: c_int, action: usize, flags: c_int) {
        // SAFETY: all zeros are a value, and the tests pass functions of the type that the flags ask for.
        unsafe {
            let mut new: libc::sigaction = MaybeUninit::zeroed().assume_init();
            (new.sa_sigaction, new.sa_flags) = (action, flags);
            assert_eq!(libc::sigaction(signal, &new, ptr::null_mut()), 0);
        }
    }

    fn fault() {
        // SAFETY: none; the process is to end here.
        unsafe { ptr::with_exposed_provenance::<u8>(8).read_volatile() };
    }

    extern "C" fn exits_41(_: c_int) {
        // SAFETY: it ends the process.
        unsafe { libc::_exit(41) };
    }

    extern "C" fn exits_42(signal: c_int, info: *mut siginfo_t, _: *mut c_void) {
        // SAFETY: the kernel's pointer; and it ends the process.
        unsafe {
            let right = signal == libc::SIGSEGV && (*info).si_addr().addr() == 8;
            libc::_exit(if right { 42 } else { 43 })
        };
    }

    /// Goes on, and counts.
    extern "C" fn counts(_: c_int) {
        COUNT.fetch_add(1, core::sync::atomic::Ordering::Relaxed);
    }
    static COUNT: core::sync::atomic::AtomicU64 = core::sync::atomic::AtomicU64::new(0);

    #[test]
    #[ignore = "ends its process"]
    fn child_faults_with_the_default() {
        set(libc::SIGSEGV, libc::SIG_DFL, 0);
        install();
        fault();
    }

    #[test]
    #[ignore = "ends its process"]
    fn child_faults_while_it_is_ignored() {
        set(libc::SIGSEGV, libc::SIG_IGN, 0);
        install();
        fault();
    }

    #[test]
    #[ignore = "ends its process"]
    fn child_faults_with_what_rust_installed() {
        install();
        fault();
    }

    #[test]
    #[ignore = "ends its process"]
    fn child_faults_with_a_plain_handler() {
        set(libc::SIGSEGV, exits_41 as *const () as usize, 0);
        install();
        fault();
    }

    #[test]
    #[ignore = "ends its process"]
    fn child_faults_with_a_handler() {
        set(libc::SIGSEGV, exits_42 as *const () as usize, libc::SA_SIGINFO);
        install();
        fault();
    }

    #[test]
    #[ignore = "ends its process"]
    fn child_is_sent_the_signal() {
        set(libc::SIGSEGV, libc::SIG_DFL, 0);
        install();
        // SAFETY: it ends the process.
        unsafe { libc::raise(libc::SIGSEGV) };
    }

    #[test]
    #[ignore = "changes its process"]
    fn child_is_sent_the_signal_while_it_is_ignored_or_handled() {
        set(libc::SIGSEGV, libc::SIG_IGN, 0);
        set(libc::SIGBUS, counts as *const () as usize, 0);
        install();
        for _ in 0..3 {
            // SAFETY: the first is ignored, the second counted.
            unsafe {
                libc::raise(libc::SIGSEGV);
                libc::raise(libc::SIGBUS);
            }
        }
        assert_eq!(COUNT.load(core::sync::atomic::Ordering::Relaxed), 3);
    }

    /// Guest code, but an address that is nobody's guard.
    #[test]
    #[ignore = "ends its process"]
    fn child_faults_in_guest_code_elsewhere() {
        set(libc::SIGSEGV, exits_41 as *const () as usize, 0);
        install();
        let mut sample = Sample::new();
        // Below the byte that aarch64 does not look at.
        sample.enter(sample::load(), 1 << 50);
    }

    /// An address in the guard, but not guest code.
    #[test]
    #[ignore = "ends its process"]
    fn child_faults_in_the_guard_by_itself() {
        set(libc::SIGSEGV, exits_41 as *const () as usize, 0);
        install();
        let sample = Sample::new();
        let behind = sample.memory.as_ptr().wrapping_add(sample.memory.len());
        // SAFETY: none; the process is to end here.
        unsafe { behind.read_volatile() };
    }

    #[test]
    fn what_is_not_ours_happens_as_without_us() {
        for name in [
            "child_faults_with_the_default",
            "child_faults_while_it_is_ignored",
            "child_faults_with_what_rust_installed",
            "child_is_sent_the_signal",
        ] {
            assert_eq!(in_another_process(name).signal(), Some(libc::SIGSEGV), "{name}");
        }
        for (name, code) in [
            ("child_faults_with_a_plain_handler", 41),
            ("child_faults_with_a_handler", 42),
            ("child_is_sent_the_signal_while_it_is_ignored_or_handled", 0),
            ("child_faults_in_guest_code_elsewhere", 41),
            ("child_faults_in_the_guard_by_itself", 41),
        ] {
            assert_eq!(in_another_process(name).code(), Some(code), "{name}");
        }
    }

    /// Threads of other languages may have no alternate stack: the handler runs on the guest's then.
    #[test]
    fn a_thread_without_an_alternate_stack_traps_too() {
        install();
        std::thread::spawn(|| {
            // SAFETY: all zeros are a value; the thread goes back to the stack that it had.
            let before = unsafe {
                let mut none: libc::stack_t = MaybeUninit::zeroed().assume_init();
                let mut before: libc::stack_t = MaybeUninit::zeroed().assume_init();
                none.ss_flags = libc::SS_DISABLE;
                assert_eq!(libc::sigaltstack(&none, &mut before), 0);
                before
            };
            let mut sample = Sample::new();
            for _ in 0..10 {
                sample.enter(sample::load(), 1 << 32);
                assert_eq!((sample.state.exit, sample.state.payload), (exit::TRAPPED, 2));
            }
            // SAFETY: it is the stack that was there.
            assert_eq!(unsafe { libc::sigaltstack(&before, ptr::null_mut()) }, 0);
        })
        .join()
        .unwrap();
    }
}
