//! The mode of the processor's float unit: rounding, treatment of denormals, exceptions.
//!
//! A host may have changed it (C libraries are known to set flush-to-zero in the threads that load them), and the same
//! operator would give another result there. So engines run in the default mode: round to nearest, denormals as they
//! are, no exceptions. Owns reading, setting and restoring it. It must not know what runs in between.
//!
//! | machine | register | default |
//! |---|---|---|
//! | x86-64 | MXCSR | 0x1f80: every exception masked |
//! | aarch64 | FPCR | 0 |
//! | others (wasm32) | none | |

/// Restores the environment that was there, when dropped.
#[derive(Debug)]
pub(crate) struct FloatEnvironment {
    before: machine::Register,
}

/// Enters the default environment until the answer is dropped. What must run in it must not be inlined into the caller.
#[inline]
#[must_use]
pub(crate) fn enter_default() -> FloatEnvironment {
    let before = machine::read();
    if before & machine::CONTROL != machine::DEFAULT {
        machine::write(machine::DEFAULT);
    }
    FloatEnvironment { before }
}

impl Drop for FloatEnvironment {
    #[inline]
    fn drop(&mut self) {
        // Of MXCSR this restores the sticky exception flags too, which arithmetic has set.
        if machine::read() != self.before {
            machine::write(self.before);
        }
    }
}

#[cfg(all(target_arch = "x86_64", target_feature = "sse"))]
mod machine {
    use core::arch::asm;

    pub(super) type Register = u32;
    /// All exceptions masked, none flagged; round to nearest; denormals neither read nor written as zero.
    pub(super) const DEFAULT: Register = 0x1f80;
    /// All bits but the flags.
    pub(super) const CONTROL: Register = !0x3f;

    #[inline]
    pub(super) fn read() -> Register {
        let mut register: Register = 0;
        // SAFETY: SSE is there by the target's features; the 4 bytes written are `register`'s; nothing else changes.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut register, options(nostack, preserves_flags)) };
        register
    }

    #[inline]
    pub(super) fn write(register: Register) {
        // SAFETY: the 4 bytes read are `register`'s, and reserved bits are 0, because the value is `DEFAULT` or came
        // from `read`. Rust code assumes `DEFAULT`, so setting it is sound; what came from `read` is what the caller of
        // `enter_default` was already running with. The block may be thought to touch memory (no `nomem`), so
        // the compiler moves no call across it.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const register, options(nostack)) };
    }
}

#[cfg(target_arch = "aarch64")]
mod machine {
    use core::arch::asm;

    pub(super) type Register = u64;
    /// Round to nearest; no flush to zero, no default NaN, no exceptions.
    pub(super) const DEFAULT: Register = 0;
    /// All bits: the flags are in another register.
    pub(super) const CONTROL: Register = !0;

    #[inline]
    pub(super) fn read() -> Register {
        let register: Register;
        // SAFETY: every aarch64 target of Rust with `std` or hard floats may read FPCR; nothing else changes.
        unsafe { asm!("mrs {}, fpcr", out(reg) register, options(nomem, nostack, preserves_flags)) };
        register
    }

    #[inline]
    pub(super) fn write(register: Register) {
        // SAFETY: the value is `DEFAULT`, which Rust code assumes, or what `read` found, with which the caller of
        // `enter_default` was already running. The block may be thought to touch memory (no `nomem`), so the compiler
        // moves no call across it.
        unsafe { asm!("msr fpcr, {}", in(reg) register, options(nostack)) };
    }
}

#[cfg(not(any(all(target_arch = "x86_64", target_feature = "sse"), target_arch = "aarch64")))]
mod machine {
    pub(super) type Register = u32;
    pub(super) const DEFAULT: Register = 0;
    pub(super) const CONTROL: Register = !0;

    /// There is no mode to be in.
    pub(super) fn read() -> Register {
        DEFAULT
    }

    pub(super) fn write(_: Register) {}
}

#[cfg(all(test, any(all(target_arch = "x86_64", target_feature = "sse"), target_arch = "aarch64")))]
mod tests {
    use super::*;
    use crate::{Caller, Config, Engine, FloatPolicy, Linker, Module, Store};

    /// Flush to zero, denormals are zero, round towards zero; and, on x86-64, the sticky flag for "inexact".
    #[cfg(target_arch = "x86_64")]
    const HOSTILE: machine::Register = 0x1f80 | 1 << 15 | 1 << 6 | 0b11 << 13 | 1 << 5;
    #[cfg(target_arch = "aarch64")]
    const HOSTILE: machine::Register = 1 << 24 | 0b11 << 22;

    const WAT: &str = r#"(module
        (import "host" "look" (func $look))
        ;; Denormal operands: 2^-1074 + 2^-1074.
        (func (export "denormals") (param f64 f64) (result i64)
            local.get 0 local.get 1 f64.add i64.reinterpret_f64)
        ;; A denormal result: 2^-1022 / 2.
        (func (export "underflow") (param f64 f64) (result i64)
            local.get 0 local.get 1 f64.div i64.reinterpret_f64)
        ;; 1 / 10, whose nearest is above; with a call of the host before it.
        (func (export "rounding") (param f64 f64) (result i64)
            call $look
            local.get 0 local.get 1 f64.div i64.reinterpret_f64)
        (func (export "trap") (param f64 f64) (result i64)
            local.get 0 local.get 1 f64.div i64.reinterpret_f64 unreachable))"#;

    /// Runs with a register that hostile code has left so, and answers the register afterwards.
    #[inline(never)]
    fn with_register(register: machine::Register, run: impl FnOnce()) -> machine::Register {
        let before = machine::read();
        machine::write(register);
        run();
        let after = machine::read();
        machine::write(before);
        after
    }

    /// What the guest computes is the same whatever the host's mode is, and the host keeps its mode.
    #[test]
    fn a_hosts_float_mode_changes_nothing_and_stays_the_hosts() {
        let engine = Engine::new(&Config::new().floats(FloatPolicy::Canonical)).unwrap();
        let module = Module::new(&engine, wat::parse_str(WAT).unwrap()).unwrap();
        let mut linker = Linker::new(&engine);
        linker
            .func_wrap("host", "look", |mut caller: Caller<'_, machine::Register>| {
                *caller.data_mut() = machine::read();
            })
            .unwrap();
        let mut store = Store::new(&engine, 0);
        store.set_gas(1 << 40).unwrap();
        let instance = linker.instantiate(&mut store, &module).unwrap();
        for (name, left, right, result) in [
            ("denormals", 1u64, 1u64, Some(2u64)),
            ("underflow", 1 << 52, 0x4000_0000_0000_0000, Some(1 << 51)),
            ("rounding", 0x3ff0_0000_0000_0000, 0x4024_0000_0000_0000, Some(0x3fb9_9999_9999_999a)),
            ("trap", 1 << 52, 0x4000_0000_0000_0000, None),
        ] {
            let function = instance.get_func(&store, name).unwrap();
            for register in [machine::DEFAULT, HOSTILE] {
                *store.data_mut() = register;
                let mut results = [crate::Val::I64(0)];
                let mut outcome = None;
                let after = with_register(register, || {
                    let arguments = [crate::Val::F64(left), crate::Val::F64(right)];
                    outcome = Some(function.call(&mut store, &arguments, &mut results));
                });
                match result {
                    Some(bits) => assert_eq!(results, [crate::Val::I64(bits as i64)], "{name} {register:#x}"),
                    None => assert!(outcome.unwrap().is_err()),
                }
                assert_eq!(after, register, "{name}: the register after the call");
                assert_eq!(*store.data(), register, "{name}: the register in the host function");
            }
        }
    }

    /// The mode would matter: without this the test above could pass by accident.
    #[test]
    fn the_hostile_mode_does_change_results() {
        let mut sum = 0;
        with_register(HOSTILE, || {
            let denormal = core::hint::black_box(f64::from_bits(1));
            sum = core::hint::black_box(denormal + denormal).to_bits();
        });
        assert_eq!(sum, 0);
    }
}
