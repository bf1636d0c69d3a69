//! What the tests ask of the kernel: handlers, timers, alternate stacks, other processes, the thread's own stack.
//!
//! Owns every `unsafe` block of the tests, behind functions that are safe for a test to call. It must not know Lockstep.
#![allow(
    unsafe_code,
    reason = "signals and processes are the kernel's, and no safe crate offers all of this"
)]

use libc::{c_int, c_void, siginfo_t};
use std::mem::{MaybeUninit, transmute};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// A handler with all that the kernel tells.
pub(crate) type Handler = extern "C" fn(c_int, *mut siginfo_t, *mut c_void);

/// Installs a handler, and answers the address of the one that was there.
pub(crate) fn install(signal: c_int, handler: Handler, flags: c_int) -> usize {
    // SAFETY: all zeros are a `sigaction` with an empty mask; the handler has the type that `SA_SIGINFO` asks for.
    unsafe {
        let mut new: libc::sigaction = MaybeUninit::zeroed().assume_init();
        new.sa_sigaction = handler as *const () as usize;
        new.sa_flags = flags | libc::SA_SIGINFO;
        let mut old = MaybeUninit::<libc::sigaction>::zeroed();
        assert_eq!(libc::sigaction(signal, &new, old.as_mut_ptr()), 0);
        old.assume_init().sa_sigaction
    }
}

/// What is installed for a signal: the handler's address and its flags.
pub(crate) fn installed(signal: c_int) -> (usize, c_int) {
    // SAFETY: without a new action this only writes the present one, of which all zeros are a value too.
    unsafe {
        let mut found = MaybeUninit::<libc::sigaction>::zeroed();
        assert_eq!(libc::sigaction(signal, ptr::null(), found.as_mut_ptr()), 0);
        let found = found.assume_init();
        (found.sa_sigaction, found.sa_flags)
    }
}

/// Calls a handler that [`install`] found, as a handler does that was put before it.
pub(crate) fn chain(previous: usize, signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the tests chain to Lockstep's handler, which is of this type.
    let handler: Handler = unsafe { transmute(previous) };
    handler(signal, info, context);
}

/// The address that a fault is about.
pub(crate) fn fault_address(info: *mut siginfo_t) -> usize {
    // SAFETY: handlers of faults are given one.
    unsafe { (*info).si_addr() as usize }
}

/// A page that nobody may access until [`open`] is called for it.
pub(crate) fn closed_page() -> usize {
    // SAFETY: a new mapping, wherever the kernel likes.
    unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let page = libc::mmap(ptr::null_mut(), 4096, libc::PROT_NONE, flags, -1, 0);
        assert_ne!(page, libc::MAP_FAILED);
        page as usize
    }
}

/// Lets a page be accessed, or no more. A handler may do so.
pub(crate) fn open(page: usize, is_open: bool) {
    let access = if is_open { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_NONE };
    // SAFETY: a page of `closed_page`, which nothing else refers to.
    unsafe { libc::mprotect(page as *mut c_void, 4096, access) };
}

/// Reads a byte of a page.
pub(crate) fn touch(page: usize) -> u8 {
    // SAFETY: a page of `closed_page`: it is open, or the handler at test opens it.
    unsafe { (page as *const u8).read_volatile() }
}

/// Ends the process at once.
fn exit_now(code: c_int) -> ! {
    // SAFETY: it does not return.
    unsafe { libc::_exit(code) }
}

/// Runs something in a fork of this process, and answers what it exited with; `None` when a signal ended it or it took
/// longer than so.
pub(crate) fn in_fork(longest: Duration, child: impl FnOnce() -> c_int) -> Option<c_int> {
    // SAFETY: the child runs what the test wants to know to be possible there, and ends without unwinding.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "there can be another process");
    if pid == 0 {
        exit_now(std::panic::catch_unwind(std::panic::AssertUnwindSafe(child)).unwrap_or(99));
    }
    let mut status = 0;
    const STEP: Duration = Duration::from_millis(2);
    for _ in 0..longest.as_millis() / STEP.as_millis() {
        // SAFETY: the child of this process, which nobody else waits for.
        let ended = unsafe { libc::waitpid(pid, &mut status, libc::WNOHANG) };
        assert!(ended >= 0);
        if ended == pid {
            return libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status));
        }
        std::thread::sleep(STEP);
    }
    // SAFETY: that child still.
    unsafe {
        libc::kill(pid, libc::SIGKILL);
        libc::waitpid(pid, &mut status, 0);
    }
    None
}

/// Gives this thread an alternate stack of this size for good, or takes away the one that it has.
pub(crate) fn alternate_stack(bytes: Option<usize>) {
    let stack = match bytes {
        Some(bytes) => {
            let memory = Box::leak(vec![0_u8; bytes].into_boxed_slice());
            libc::stack_t { ss_sp: memory.as_mut_ptr().cast(), ss_flags: 0, ss_size: bytes }
        }
        None => libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 },
    };
    // SAFETY: the memory is the thread's alone and stays.
    assert_eq!(unsafe { libc::sigaltstack(&stack, ptr::null_mut()) }, 0);
}

/// Sends the process `SIGPROF` each time that it has used so much of the processor; zero ends that.
pub(crate) fn profile_every(microseconds: i64) {
    let interval = libc::timeval { tv_sec: 0, tv_usec: microseconds };
    let timer = libc::itimerval { it_interval: interval, it_value: interval };
    // SAFETY: both pointers are what the call wants.
    assert_eq!(unsafe { libc::setitimer(libc::ITIMER_PROF, &timer, ptr::null_mut()) }, 0);
}

/// Runs something while another thread sends this one a signal again and again.
pub(crate) fn pestered<R>(
    signal: c_int,
    pause: Duration,
    alternate: Option<usize>,
    run: impl FnOnce() -> R,
) -> R {
    struct Done<'a>(&'a AtomicBool);
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Release);
        }
    }
    let done = AtomicBool::new(false);
    // SAFETY: it always succeeds.
    let target = unsafe { libc::pthread_self() };
    std::thread::scope(|threads| {
        threads.spawn(|| {
            alternate_stack(alternate);
            while !done.load(Ordering::Acquire) {
                // SAFETY: the thread is alive: it waits for this one.
                assert_eq!(unsafe { libc::pthread_kill(target, signal) }, 0);
                std::thread::sleep(pause);
            }
            alternate_stack(None);
        });
        let _done_on_drop = Done(&done);
        run()
    })
}

/// How often [`counting`] has run.
pub(crate) static COUNTED: AtomicU64 = AtomicU64::new(0);
/// How many bytes of its stack it overwrites.
pub(crate) static SPOILED_BYTES: AtomicUsize = AtomicUsize::new(0);

/// A handler that counts, and overwrites the stack that it runs on, except where that is the small one of a thread that
/// is none of the test's.
pub(crate) extern "C" fn counting(_: c_int, _: *mut siginfo_t, _: *mut c_void) {
    COUNTED.fetch_add(1, Ordering::Relaxed);
    let mut alternate = MaybeUninit::<libc::stack_t>::zeroed();
    // SAFETY: without a new stack this only writes the present one, of which all zeros are a value too.
    let alternate = unsafe {
        libc::sigaltstack(ptr::null(), alternate.as_mut_ptr());
        alternate.assume_init()
    };
    let bytes = SPOILED_BYTES.load(Ordering::Relaxed);
    if alternate.ss_flags & libc::SS_ONSTACK == 0 || alternate.ss_size > 2 * bytes {
        spoil(bytes);
    }
}

/// Runs something with a signal after each instruction of this thread. The handler runs wherever the stack pointer is, and
/// overwrites so many bytes there. Answers how many signals that were.
#[cfg(target_arch = "x86_64")]
pub(crate) fn at_every_instruction(spoiled_bytes: usize, run: impl FnOnce()) -> u64 {
    static STEPS: AtomicBool = AtomicBool::new(false);
    const TRAP_FLAG: i64 = 1 << 8;

    extern "C" fn handler(_: c_int, _: *mut siginfo_t, context: *mut c_void) {
        counting(0, ptr::null_mut(), ptr::null_mut());
        // SAFETY: handlers that ask for it are given the context of what they interrupted, and nobody else has it.
        let flags =
            unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs[libc::REG_EFL as usize] };
        if STEPS.load(Ordering::Relaxed) {
            *flags |= TRAP_FLAG;
        } else {
            *flags &= !TRAP_FLAG;
        }
    }

    SPOILED_BYTES.store(spoiled_bytes, Ordering::Relaxed);
    let before = COUNTED.load(Ordering::Relaxed);
    install(libc::SIGTRAP, handler, 0);
    STEPS.store(true, Ordering::Relaxed);
    // SAFETY: the signal has a handler.
    assert_eq!(unsafe { libc::raise(libc::SIGTRAP) }, 0);
    run();
    STEPS.store(false, Ordering::Relaxed);
    COUNTED.load(Ordering::Relaxed) - before
}

/// Overwrites so many bytes of the stack below.
#[inline(never)]
fn spoil(bytes: usize) {
    const STEP: usize = 4096;
    let mut block = [0xa5_u8; STEP];
    std::hint::black_box(&mut block);
    if bytes > STEP {
        spoil(bytes - STEP);
    }
    std::hint::black_box(&mut block);
}

/// How much stack something needs, on a thread with so much of it.
pub(crate) fn stack_used(thread_bytes: usize, run: impl FnOnce() + Send) -> usize {
    std::thread::scope(|threads| {
        let thread = std::thread::Builder::new()
            .stack_size(thread_bytes)
            .spawn_scoped(threads, || painted(run))
            .expect("there can be another thread");
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Paints what is free of this thread's stack, and looks afterwards how much of it has been overwritten.
#[inline(never)]
fn painted(run: impl FnOnce()) -> usize {
    const PAINT: u64 = 0x6c6f_636b_7374_6570;
    /// Left alone: what is in use here, and what the guard may take.
    const MARGIN: usize = 8192;
    let here = 0_u64;
    let highest = (&raw const here as usize - MARGIN) & !7;
    let words = || ((lowest_of_stack() + MARGIN).next_multiple_of(8)..highest).step_by(8);
    for at in words() {
        // SAFETY: the thread's own stack, below every frame that is there.
        unsafe { (at as *mut u64).write_volatile(PAINT) };
    }
    run();
    // SAFETY: as above.
    let lowest = words().find(|at| unsafe { (*at as *const u64).read_volatile() } != PAINT);
    assert_ne!(lowest, words().next(), "all of the stack has been used");
    highest + MARGIN - lowest.unwrap_or(highest)
}

/// Where this thread's stack ends, above its guard.
fn lowest_of_stack() -> usize {
    // SAFETY: all zeros are room for the attributes, which the first call fills in and the last one frees.
    unsafe {
        let mut attributes: libc::pthread_attr_t = MaybeUninit::zeroed().assume_init();
        assert_eq!(libc::pthread_getattr_np(libc::pthread_self(), &mut attributes), 0);
        let (mut lowest, mut bytes) = (ptr::null_mut(), 0);
        assert_eq!(libc::pthread_attr_getstack(&attributes, &mut lowest, &mut bytes), 0);
        libc::pthread_attr_destroy(&mut attributes);
        lowest as usize
    }
}
