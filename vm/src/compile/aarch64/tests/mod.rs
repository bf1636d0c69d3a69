//! Every form of instruction through a disassembler that shares nothing with the encoder: random registers, and every
//! immediate next to where it stops fitting. `constants` has what takes several instructions.

mod constants;

use super::encode::*;
use crate::compile::masm::{Reg, Size};
use alloc::{format, string::String, string::ToString, vec, vec::Vec};
use rand::{Rng, SeedableRng, rngs::StdRng};
use yaxpeax_arch::{Decoder, U8Reader};
use yaxpeax_arm::armv8::a64::InstDecoder;

fn disassembled(word: u32) -> String {
    let bytes = word.to_le_bytes();
    match InstDecoder::default().decode(&mut U8Reader::new(&bytes)) {
        Ok(instruction) => instruction.to_string(),
        Err(error) => format!("{error:?}"),
    }
}

/// Random operands, and what has been compared.
struct Forms {
    random: StdRng,
    compared: usize,
}

impl Forms {
    fn is(&mut self, word: u32, text: impl AsRef<str>) {
        self.compared += 1;
        assert_eq!(disassembled(word), text.as_ref(), "{word:#010x}");
    }

    /// A register that is neither `ZR` nor `SP`.
    fn register(&mut self) -> Reg {
        Reg(self.random.random_range(0..31))
    }

    fn vector(&mut self) -> Vector {
        Vector(self.random.random_range(0..32))
    }

    fn condition(&mut self) -> (Condition, &'static str) {
        const ALL: [(Condition, &str); 12] = [
            (EQ, "eq"),
            (NE, "ne"),
            (HS, "hs"),
            (LO, "lo"),
            (MI, "mi"),
            (VS, "vs"),
            (HI, "hi"),
            (LS, "ls"),
            (GE, "ge"),
            (LT, "lt"),
            (GT, "gt"),
            (LE, "le"),
        ];
        ALL[self.random.random_range(0..ALL.len())]
    }
}

fn name(size: Size, Reg(register): Reg) -> String {
    let letter = if size == Size::S32 { 'w' } else { 'x' };
    if register == 31 { format!("{letter}zr") } else { format!("{letter}{register}") }
}

fn float(size: Size, Vector(register): Vector) -> String {
    let letter = if size == Size::S32 { 's' } else { 'd' };
    format!("{letter}{register}")
}

fn hex(value: i64) -> String {
    if value < 0 { format!("-{:#x}", value.unsigned_abs()) } else { format!("{value:#x}") }
}

fn hops(value: i64) -> String {
    if value < 0 { format!("$-{:#x}", value.unsigned_abs()) } else { format!("$+{value:#x}") }
}

const SIZES: [Size; 2] = [Size::S32, Size::S64];
/// How often each form is tried; `LOCKSTEP_FUZZ_ITERS` multiplies it.
const ROUNDS: usize = if cfg!(target_arch = "x86_64") { 1_800 } else { 60 };

#[allow(clippy::disallowed_methods, reason = "how long a test runs is no part of the crate")]
fn rounds() -> usize {
    let factor = std::env::var("LOCKSTEP_FUZZ_ITERS").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    ROUNDS * factor
}

/// Answers how many instructions each round compares.
fn over_forms(check: impl Fn(&mut Forms)) -> usize {
    let mut forms = Forms { random: StdRng::seed_from_u64(64), compared: 0 };
    for _ in 0..rounds() {
        check(&mut forms);
    }
    std::println!("{} instructions", forms.compared);
    forms.compared / rounds()
}

#[test]
fn integer_instructions_are_what_they_say() {
    let compared = over_forms(|forms| {
        for size in SIZES {
            let (d, n, m, a) = (forms.register(), forms.register(), forms.register(), forms.register());
            let [dn, nn, mn, an] = [d, n, m, a].map(|register| name(size, register));
            let width: u32 = if size == Size::S32 { 32 } else { 64 };
            let distance = forms.random.random_range(1..width - 1);
            for (op, text) in [
                (ADD, "add"),
                (ADDS, "adds"),
                (SUB, "sub"),
                (SUBS, "subs"),
                (AND, "and"),
                (ORR, "orr"),
                (EOR, "eor"),
            ] {
                forms.is(three(size, op, d, n, m), format!("{text} {dn}, {nn}, {mn}"));
                let shift = |by| shifted(size, op, d, n, m, by, distance);
                forms.is(shift(By::Left), format!("{text} {dn}, {nn}, {mn}, lsl #{distance}"));
                forms.is(shift(By::RightUnsigned), format!("{text} {dn}, {nn}, {mn}, lsr #{distance}"));
            }
            forms.is(three(size, ORR, d, ZR, m), format!("mov {dn}, {mn}"));
            forms.is(three(size, SUB, d, ZR, m), format!("neg {dn}, {mn}"));
            forms.is(three(size, SUBS, ZR, n, m), format!("cmp {nn}, {mn}"));
            for (op, text) in
                [(UDIV, "udiv"), (SDIV, "sdiv"), (LSLV, "lsl"), (LSRV, "lsr"), (ASRV, "asr"), (RORV, "ror")]
            {
                forms.is(two(size, op, d, n, m), format!("{text} {dn}, {nn}, {mn}"));
            }
            forms.is(one(size, RBIT, d, n), format!("rbit {dn}, {nn}"));
            forms.is(one(size, CLZ, d, n), format!("clz {dn}, {nn}"));
            forms.is(mul(size, d, n, m), format!("mul {dn}, {nn}, {mn}"));
            forms.is(msub(size, d, n, m, a), format!("msub {dn}, {nn}, {mn}, {an}"));
            let x = |register| name(Size::S64, register);
            forms.is(umulh(d, n, m), format!("umulh {}, {}, {}", x(d), x(n), x(m)));
            let (cond, text) = forms.condition();
            forms.is(csel(size, d, n, m, cond), format!("csel {dn}, {nn}, {mn}, {text}"));
            forms.is(cset(d, cond), format!("cset {}, {text}", name(Size::S32, d)));
            for value in [0, 1, 31] {
                let flags = forms.random.random_range(0..16);
                let expected = format!("ccmp {nn}, #{}, #{}, {text}", hex(value.into()), hex(flags.into()));
                forms.is(ccmp_imm(size, n, value, flags, cond), expected);
            }
            for distance in [1, distance, width - 1] {
                let text = |op| format!("{op} {dn}, {nn}, #{}", hex(distance.into()));
                forms.is(lsl_imm(size, d, n, distance), text("lsl"));
                forms.is(lsr_imm(size, d, n, distance), text("lsr"));
                forms.is(asr_imm(size, d, n, distance), text("asr"));
                forms.is(ror_imm(size, d, n, distance), text("ror"));
            }
            // A distance of 0 is a copy.
            forms.is(lsl_imm(size, d, n, 0), format!("lsr {dn}, {nn}, #0x0"));
            let from = name(Size::S32, n);
            forms.is(sign_extend(size, d, n, 8), format!("sxtb {dn}, {from}"));
            forms.is(sign_extend(size, d, n, 16), format!("sxth {dn}, {from}"));
            forms.is(sign_extend(Size::S64, d, n, 32), format!("sxtw {}, {from}", x(d)));
            for (half, place) in [(0x1234_u16, 0), (1, 1), (0x8000, 1)] {
                let value = u64::from(half) << (16 * place);
                forms.is(movz(size, d, half, place), format!("mov {dn}, #{value:#x}"));
                let value = super::truncate(size, !value);
                forms.is(movn(size, d, half, place), format!("mov {dn}, #{value:#x}"));
                let shift = if place == 0 { String::new() } else { format!(", lsl #{}", 16 * place) };
                forms.is(movk(size, d, half, place), format!("movk {dn}, #{half:#x}{shift}"));
            }
        }
    });
    assert!(compared > 90, "{compared}");
}

#[test]
fn immediates_fit_up_to_their_ends() {
    for (value, fits) in [
        (0, true),
        (0xfff, true),
        (0x1000, true),
        (0x1001, false),
        (0xff_f000, true),
        (0xff_f001, false),
        (0x100_0000, false),
        (1 << 32, false),
        (u64::MAX, false),
    ] {
        assert_eq!(Imm12::new(value).is_some(), fits, "{value:#x}");
    }
    let compared = over_forms(|forms| {
        for size in SIZES {
            let (d, n) = (forms.register(), forms.register());
            let (dn, nn) = (name(size, d), name(size, n));
            for value in [0_u64, 1, 0xfff, 0x1000, 0xfff << 12] {
                let imm = Imm12::new(value).unwrap();
                let (low, shift) = if value > 0xfff { (value >> 12, ", lsl #12") } else { (value, "") };
                for (op, text) in [(ADD, "add"), (ADDS, "adds"), (SUB, "sub"), (SUBS, "subs")] {
                    let expected = format!("{text} {dn}, {nn}, #{low:#x}{shift}");
                    forms.is(add_imm(size, op, d, n, imm), expected);
                }
                forms.is(add_imm(size, SUBS, ZR, n, imm), format!("cmp {nn}, #{low:#x}{shift}"));
                forms.is(add_imm(size, ADDS, ZR, n, imm), format!("cmn {nn}, #{low:#x}{shift}"));
            }
        }
        for (value, distance) in [(0, 0), (0x123, 0x123), (0xf_ffff, 0xfff)] {
            let d = forms.register();
            let x = name(Size::S64, d);
            let imm = Imm12::low(value);
            forms.is(add_imm(Size::S64, ADD, d, d, imm), format!("add {x}, {x}, #{distance:#x}"));
        }
    });
    assert!(compared > 55, "{compared}");
}

/// Every pattern that there is, and that nothing else is one.
#[test]
fn bit_masks_are_all_that_the_processor_knows() {
    let mut forms = Forms { random: StdRng::seed_from_u64(7), compared: 0 };
    for size in SIZES {
        let width = if size == Size::S32 { 32 } else { 64 };
        let mut known = Vec::new();
        for bits in [2_u32, 4, 8, 16, 32, 64].into_iter().filter(|bits| *bits <= width) {
            for (ones, rotation) in (1..bits).flat_map(|ones| (0..bits).map(move |by| (ones, by))) {
                let run = u64::MAX >> (64 - ones);
                let element = if rotation == 0 { run } else { run >> rotation | run << (bits - rotation) };
                let element = element & (u64::MAX >> (64 - bits));
                let value = (0..width / bits).fold(0, |value, at| value | element << (at * bits));
                let mask = Bitmask::new(size, value).unwrap_or_else(|| panic!("{value:#x}"));
                let (d, n) = (forms.register(), forms.register());
                for (op, text) in [(AND, "and"), (ORR, "orr"), (EOR, "eor")] {
                    let expected = format!("{text} {}, {}, #{value:#x}", name(size, d), name(size, n));
                    forms.is(logical_imm(size, op, d, n, mask), expected);
                }
                known.push(value);
            }
        }
        known.sort_unstable();
        known.dedup();
        assert_eq!(known.len(), if width == 32 { 1302 } else { 5334 });
        let mut others = vec![0, u64::MAX >> (64 - width), 5, 0x1234_5678, 0b1011];
        others.extend((0..20_000).map(|_| forms.random.random::<u64>() >> (64 - width)));
        // Next to those that are.
        others.extend(known.iter().map(|value| value ^ 1 << (value % u64::from(width))));
        for value in others {
            assert_eq!(
                Bitmask::new(size, value).is_some(),
                known.binary_search(&value).is_ok(),
                "{value:#x}"
            );
        }
    }
}

#[test]
fn the_stack_pointer_and_extended_registers_are_what_they_say() {
    over_forms(|forms| {
        let (d, n, m) = (forms.register(), forms.register(), forms.register());
        let x = |register| name(Size::S64, register);
        let w = name(Size::S32, m);
        for (op, text) in [(ADD, "add"), (SUB, "sub")] {
            forms.is(extended(op, d, SP, m, Extend::All), format!("{text} {}, sp, {}", x(d), x(m)));
            forms.is(extended(op, SP, SP, m, Extend::All), format!("{text} sp, sp, {}", x(m)));
            // The disassembler leaves this extension out, not the width.
            forms.is(extended(op, d, n, m, Extend::Word), format!("{text} {}, {}, {w}", x(d), x(n)));
            let expected = format!("{text} {}, {}, {w}, sxtw", x(d), x(n));
            forms.is(extended(op, d, n, m, Extend::SignedWord), expected);
        }
        forms.is(extended(SUBS, ZR, n, m, Extend::SignedWord), format!("cmp {}, {w}, sxtw", x(n)));
        forms.is(extended(SUBS, ZR, n, m, Extend::Word), format!("cmp {}, {w}", x(n)));
        forms.is(stp_pre(d, n, SP, -16), format!("stp {}, {}, [sp, #-0x10]!", x(d), x(n)));
        forms.is(stp_pre(ZR, n, SP, -16), format!("stp xzr, {}, [sp, #-0x10]!", x(n)));
        if d != n {
            forms.is(ldp_post(d, n, SP, 16), format!("ldp {}, {}, [sp], #0x10", x(d), x(n)));
            let (dw, nw) = (name(Size::S32, d), name(Size::S32, n));
            forms.is(ldp_w(d, n, m), format!("ldp {dw}, {nw}, [{}]", x(m)));
        }
    });
}

const MOVES: [(Move, &str, Size); 13] = [
    (STRB, "strb", Size::S32),
    (STRH, "strh", Size::S32),
    (STR_W, "str", Size::S32),
    (STR_X, "str", Size::S64),
    (LDRB, "ldrb", Size::S32),
    (LDRH, "ldrh", Size::S32),
    (LDR_W, "ldr", Size::S32),
    (LDR_X, "ldr", Size::S64),
    (LDRSB_X, "ldrsb", Size::S64),
    (LDRSH_X, "ldrsh", Size::S64),
    (LDRSW, "ldrsw", Size::S64),
    (LDRSB_W, "ldrsb", Size::S32),
    (LDRSH_W, "ldrsh", Size::S32),
];

#[test]
fn loads_and_stores_are_what_they_say_up_to_the_ends_of_their_displacements() {
    let compared = over_forms(|forms| {
        for (of, text, size) in MOVES {
            let (n, m) = (forms.register(), forms.register());
            // Nothing is stored by the register that is always 0, and a probe's result goes nowhere.
            let t = if forms.random.random_range(0..8) == 0 { ZR } else { forms.register() };
            let tn = name(size, t);
            let (nx, mx, mw) = (name(Size::S64, n), name(Size::S64, m), name(Size::S32, m));
            let bytes = 1_i64 << of.scale();
            for (base, bn) in [(n, nx.as_str()), (SP, "sp")] {
                for value in [0, bytes, 4095 * bytes] {
                    let displacement = Displacement::new(of, value).unwrap();
                    let inner = if value == 0 { String::new() } else { format!(", #{value:#x}") };
                    forms.is(at(of, t, base, displacement), format!("{text} {tn}, [{bn}{inner}]"));
                }
                let unscaled = text.replacen("str", "stur", 1).replacen("ldr", "ldur", 1);
                for value in [-256, -1, bytes - 1, 255] {
                    let displacement = Displacement::new(of, value).unwrap();
                    if value >= 0 && value % bytes == 0 {
                        continue;
                    }
                    let expected = format!("{unscaled} {tn}, [{bn}, #{}]", hex(value));
                    forms.is(at(of, t, base, displacement), expected);
                }
            }
            assert_eq!(Displacement::new(of, -257), None);
            assert_eq!(Displacement::new(of, 4096 * bytes), None);
            assert_eq!(Displacement::new(of, 4095 * bytes + 1), None);
            assert_eq!(Displacement::new(of, 1 << 40), None);
            forms.is(indexed(of, t, n, m, Extend::All, false), format!("{text} {tn}, [{nx}, {mx}]"));
            forms.is(indexed(of, t, n, m, Extend::Word, false), format!("{text} {tn}, [{nx}, {mw}, uxtw]"));
            if bytes > 1 {
                let scaled = |extend| indexed(of, t, n, m, extend, true);
                let by = of.scale();
                forms.is(scaled(Extend::All), format!("{text} {tn}, [{nx}, {mx}, lsl #{by}]"));
                forms.is(scaled(Extend::Word), format!("{text} {tn}, [{nx}, {mw}, uxtw #{by}]"));
            }
            if t != n {
                for step in [-256, 1, 8, 255] {
                    forms.is(post(of, t, n, step), format!("{text} {tn}, [{nx}], #{}", hex(step)));
                }
            }
        }
    });
    assert!(compared > 170, "{compared}");
    assert_eq!((STRB.as_load(), STR_X.as_load()), (LDRB, LDR_X));
}

#[test]
fn branches_and_addresses_are_what_they_say_up_to_their_reach() {
    over_forms(|forms| {
        let n = forms.register();
        for distance in [-(1 << 18), -1, 0, 1, (1 << 18) - 1] {
            let target = hops(4 * distance);
            let (cond, text) = forms.condition();
            forms.is(with_short(b_cond(cond), distance), format!("b.{text} {target}"));
            assert_eq!(cond.negated().negated(), cond);
            for size in SIZES {
                forms.is(with_short(cbz(size, n), distance), format!("cbz {}, {target}", name(size, n)));
                forms.is(with_short(cbnz(size, n), distance), format!("cbnz {}, {target}", name(size, n)));
            }
            // A distance that was there before is forgotten.
            let before = with_short(b_cond(cond), -1);
            forms.is(with_short(before, distance), format!("b.{text} {target}"));
        }
        for distance in [-(1 << 25), -1, 0, 1, (1 << 25) - 1] {
            forms.is(with_long(B, distance), format!("b {}", hops(4 * distance)));
            forms.is(with_long(with_long(BL, -1), distance), format!("bl {}", hops(4 * distance)));
        }
        let x = name(Size::S64, n);
        for bytes in [-(1 << 20), -1, 0, 4, 16, (1 << 20) - 1] {
            forms.is(adr(n, bytes), format!("adr {x}, {}", hops(bytes)));
        }
        for pages in [-(1 << 20), -1, 0, 1, (1 << 20) - 1] {
            forms.is(adrp(n, pages), format!("adrp {x}, {}", hops(pages << 12)));
            assert_eq!(is_adrp(adrp(n, pages)), Some(n));
        }
        assert_eq!((is_adrp(adr(n, 0)), is_adrp(with_long(BL, 5))), (None, None));
        forms.is(br(n), format!("br {x}"));
        forms.is(blr(n), format!("blr {x}"));
        forms.is(RET, "ret");
        forms.is(BRK, "brk #0x0");
    });
}

#[test]
fn float_instructions_are_what_they_say() {
    let compared = over_forms(|forms| {
        for size in SIZES {
            let (d, n, m, r) = (forms.vector(), forms.vector(), forms.vector(), forms.register());
            let [dn, nn, mn] = [d, n, m].map(|vector| float(size, vector));
            let rn = name(size, r);
            forms.is(fmov_in(size, d, r), format!("fmov {dn}, {rn}"));
            forms.is(fmov_out(size, r, n), format!("fmov {rn}, {nn}"));
            for (op, text) in [
                (FMUL, "fmul"),
                (FDIV, "fdiv"),
                (FADD, "fadd"),
                (FSUB, "fsub"),
                (FMAX, "fmax"),
                (FMIN, "fmin"),
            ] {
                forms.is(float_two(size, op, d, n, m), format!("{text} {dn}, {nn}, {mn}"));
            }
            for (op, text) in [
                (FSQRT, "fsqrt"),
                (FRINTN, "frintn"),
                (FRINTP, "frintp"),
                (FRINTM, "frintm"),
                (FRINTZ, "frintz"),
            ] {
                forms.is(float_one(size, op, d, n), format!("{text} {dn}, {nn}"));
            }
            forms.is(fcmp(size, n, m), format!("fcmp {nn}, {mn}"));
            for integer in SIZES {
                let rn = name(integer, r);
                forms.is(fcvtz(integer, size, true, r, n), format!("fcvtzs {rn}, {nn}"));
                forms.is(fcvtz(integer, size, false, r, n), format!("fcvtzu {rn}, {nn}"));
                forms.is(cvtf(size, integer, true, d, r), format!("scvtf {dn}, {rn}"));
                forms.is(cvtf(size, integer, false, d, r), format!("ucvtf {dn}, {rn}"));
            }
            let (Vector(di), Vector(ni)) = (d, n);
            forms.is(promote(d, n), format!("fcvt d{di}, s{ni}"));
            forms.is(demote(d, n), format!("fcvt s{di}, d{ni}"));
            forms.is(cnt(d, n), format!("cnt v{di}.8b, v{ni}.8b"));
            forms.is(addv(d, n), format!("addv b{di}, v{ni}.8b"));
        }
    });
    assert!(compared > 35, "{compared}");
}

/// A form of instruction, or a number of one, that no test here names fails.
#[test]
fn every_form_of_the_encoder_is_tried() {
    let encoder = [
        include_str!("../encode/mod.rs"),
        include_str!("../encode/immediate.rs"),
        include_str!("../encode/memory.rs"),
        include_str!("../encode/float.rs"),
    ]
    .concat()
    .replace("pub(in crate::compile::aarch64)", "pub(super)");
    let tests = include_str!("mod.rs");
    let words: alloc::collections::BTreeSet<&str> =
        tests.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let named = |before| {
        encoder.lines().filter_map(move |line| line.trim_start().strip_prefix(before)).map(|rest: &str| {
            rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
        })
    };
    let names: Vec<&str> = named("pub(super) fn ")
        .chain(named("pub(super) const "))
        // What follows `const` where it is a function.
        .filter(|name| *name != "fn")
        .collect();
    assert!(names.len() > 80, "{}", names.len());
    for name in names {
        assert!(words.contains(name), "no test tries {name}");
    }
}
