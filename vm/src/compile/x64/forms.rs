//! Over dynasm: instructions with a displacement that may be short.
//!
//! Owns one macro, for thunks and what else is rare.

/// An instruction with `[base + displacement]`, which is short where it can be.
macro_rules! based {
    ($s:expr, $base:expr, $displacement:expr, [$($before:tt)*] [$($after:tt)*]) => {{
        let (base, displacement): (u8, i32) = ($base, $displacement);
        if let Ok(short) = i8::try_from(displacement) {
            dynasm!($s.ops ; .arch x64 ; $($before)* [BYTE Rq(base) + short] $($after)*);
        } else {
            dynasm!($s.ops ; .arch x64 ; $($before)* [DWORD Rq(base) + displacement] $($after)*);
        }
    }};
}
