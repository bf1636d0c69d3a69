//! The methods of the encoder, each with every number of an instruction that it takes.

use super::super::encode::*;
use super::*;

pub(super) const FORMS: &[Form] = &[
    ("rr", rr),
    ("rr_byte", rr_byte),
    ("rm", rm),
    ("lea_scaled", lea_scaled),
    ("store_byte", store_byte),
    ("store_word_16", store_word_16),
    ("store_immediate", store_immediate),
    ("ri", ri),
    ("mi", mi),
    ("shift_by", shift_by),
    ("shift_by_cl", shift_by_cl),
    ("one", one),
    ("multiply_by", multiply_by),
    ("load_immediate", load_immediate),
    ("rs", rs),
    ("rsi", rsi),
];

/// Those whose register is the result.
const BOTH: [(Op, &str); 7] =
    [(ADD, "add"), (OR, "or"), (AND, "and"), (SUB, "sub"), (XOR, "xor"), (CMP, "cmp"), (IMUL, "imul")];
const IMMEDIATE: [(Extension, &str); 6] = [
    (ADD_IMM, "add"),
    (OR_IMM, "or"),
    (AND_IMM, "and"),
    (SUB_IMM, "sub"),
    (XOR_IMM, "xor"),
    (CMP_IMM, "cmp"),
];
const SHIFTS: [(Extension, &str); 5] = [(ROL, "rol"), (ROR, "ror"), (SHL, "shl"), (SHR, "shr"), (SAR, "sar")];
const SINGLE: [(Extension, &str); 4] = [(NEG, "neg"), (MUL, "mul"), (DIV, "div"), (IDIV, "idiv")];

fn rr(forms: &mut Forms) {
    let (size, a, b) = (forms.size(), forms.register(), forms.register());
    let (an, bn) = (name(size, a), name(size, b));
    for (op, text) in BOTH.into_iter().chain([(MOV, "mov")]) {
        forms.is(|x| x.rr(size, op, a, b), format!("{text} {an}, {bn}"));
    }
    // The register is what is read.
    for (op, text) in [(MOV_STORE, "mov"), (TEST, "test")] {
        forms.is(|x| x.rr(size, op, a, b), format!("{text} {bn}, {an}"));
    }
    for (op, text) in [(MOVZX_WORD, "movzx"), (MOVSX_WORD, "movsx")] {
        forms.is(|x| x.rr(size, op, a, b), format!("{text} {an}, {}", word(b)));
    }
    forms.is(|x| x.rr(Size::S64, MOVSXD, a, b), format!("movsxd {}, {}", quad(a), name(Size::S32, b)));
    let (condition, text) = forms.condition();
    forms.is(|x| x.rr(size, Op::Two(0x40 | condition), a, b), format!("cmov{text} {an}, {bn}"));
}

fn rr_byte(forms: &mut Forms) {
    let (size, a, b) = (forms.size(), forms.register(), forms.register());
    for (op, text) in [(MOVZX_BYTE, "movzx"), (MOVSX_BYTE, "movsx")] {
        forms.is(|x| x.rr_byte(size, op, a, b), format!("{text} {}, {}", name(size, a), byte(b)));
    }
    let (condition, text) = forms.condition();
    forms.is(|x| x.rr_byte(Size::S32, Op::Two(0x90 | condition), RAX, b), format!("set{text} {}", byte(b)));
}

fn rm(forms: &mut Forms) {
    let (size, r, mem) = (forms.size(), forms.register(), forms.mem());
    let (rn, operand) = (name(size, r), memory(pointer(size), mem));
    for (op, text) in BOTH.into_iter().chain([(MOV, "mov")]) {
        forms.is(|x| x.rm(size, op, r, mem), format!("{text} {rn}, {operand}"));
    }
    forms.is(|x| x.rm(size, MOV_STORE, r, mem), format!("mov {operand}, {rn}"));
    forms.is(|x| x.rm(size, LEA, r, mem), format!("lea {rn}, {}", memory("", mem)));
    let signed = format!("movsxd {}, {}", quad(r), memory("dword ptr ", mem));
    forms.is(|x| x.rm(Size::S64, MOVSXD, r, mem), signed);
    for (op, text, width) in [
        (MOVZX_BYTE, "movzx", "byte ptr "),
        (MOVZX_WORD, "movzx", "word ptr "),
        (MOVSX_BYTE, "movsx", "byte ptr "),
        (MOVSX_WORD, "movsx", "word ptr "),
    ] {
        forms.is(|x| x.rm(size, op, r, mem), format!("{text} {rn}, {}", memory(width, mem)));
    }
    let (condition, text) = forms.condition();
    forms.is(|x| x.rm(size, Op::Two(0x40 | condition), r, mem), format!("cmov{text} {rn}, {operand}"));
}

fn lea_scaled(forms: &mut Forms) {
    let (size, dst, base) = (forms.size(), forms.register(), forms.register());
    let index = forms.register_but(&[RSP]);
    for distance in 0..=3 {
        let expected = format!("lea {}, {}", name(size, dst), scaled(base, index, distance));
        forms.is(|x| x.lea_scaled(size, dst, base, index, distance), expected);
    }
}

/// Stores by `MOV_STORE_BYTE`.
fn store_byte(forms: &mut Forms) {
    let (r, mem) = (forms.register(), forms.mem());
    forms.is(|x| x.store_byte(r, mem), format!("mov {}, {}", memory("byte ptr ", mem), byte(r)));
}

fn store_word_16(forms: &mut Forms) {
    let (r, mem) = (forms.register(), forms.mem());
    forms.is(|x| x.store_word_16(r, mem), format!("mov {}, {}", memory("word ptr ", mem), word(r)));
}

fn store_immediate(forms: &mut Forms) {
    let (mem, value) = (forms.mem(), forms.signed());
    for (bytes, width, text) in [
        (1, "byte ptr ", format!("{:#x}", value as u8)),
        (2, "word ptr ", format!("{:#x}", value as u16)),
        (4, "dword ptr ", immediate(Size::S32, value)),
        (8, "qword ptr ", immediate(Size::S64, value)),
    ] {
        forms.is(|x| x.store_immediate(bytes, mem, value), format!("mov {}, {text}", memory(width, mem)));
    }
}

fn ri(forms: &mut Forms) {
    let (size, r, value) = (forms.size(), forms.register(), forms.signed());
    for (op, text) in IMMEDIATE {
        let expected = format!("{text} {}, {}", name(size, r), immediate(size, value));
        forms.is(|x| x.ri(size, op, r, value), expected);
    }
}

fn mi(forms: &mut Forms) {
    let (size, mem, value) = (forms.size(), forms.mem(), forms.random.random::<i8>());
    for (op, text) in IMMEDIATE {
        let expected = format!("{text} {}, {}", memory(pointer(size), mem), immediate(size, value.into()));
        forms.is(|x| x.mi(size, op, mem, value), expected);
    }
}

fn shift_by(forms: &mut Forms) {
    let (size, r) = (forms.size(), forms.register());
    let greatest = if size == Size::S32 { 31 } else { 63 };
    let distance = forms.random.random_range(0..=greatest);
    for (op, text) in SHIFTS {
        for distance in [1, distance, greatest] {
            let expected = format!("{text} {}, {distance:#x}", name(size, r));
            forms.is(|x| x.shift_by(size, op, r, distance), expected);
        }
    }
}

fn shift_by_cl(forms: &mut Forms) {
    let (size, r) = (forms.size(), forms.register());
    for (op, text) in SHIFTS {
        forms.is(|x| x.shift_by_cl(size, op, r), format!("{text} {}, cl", name(size, r)));
    }
}

fn one(forms: &mut Forms) {
    let (size, r, slot) = (forms.size(), forms.register(), forms.slot());
    for (op, text) in SINGLE {
        forms.is(|x| x.one(size, op, Source::Reg(r)), format!("{text} {}", name(size, r)));
        let operand = format!("{}[rsp{}]", pointer(size), offset(8 * (slot as i64)));
        forms.is(|x| x.one(size, op, Source::Slot(slot)), format!("{text} {operand}"));
    }
}

fn multiply_by(forms: &mut Forms) {
    let (size, a, b, value) = (forms.size(), forms.register(), forms.register(), forms.signed());
    forms.is(|x| x.multiply_by(size, a, b, value), product(size, a, b, value));
}

fn load_immediate(forms: &mut Forms) {
    let (r, value) = (forms.register(), forms.wide());
    forms.is(|x| x.load_immediate(r, value), constant(r, value));
}

fn rs(forms: &mut Forms) {
    let (size, a, b, slot) = (forms.size(), forms.register(), forms.register(), forms.slot());
    let an = name(size, a);
    for (op, text) in BOTH {
        forms.is(|x| x.rs(size, op, a, Source::Reg(b)), format!("{text} {an}, {}", name(size, b)));
        let operand = format!("{}[rsp{}]", pointer(size), offset(8 * (slot as i64)));
        forms.is(|x| x.rs(size, op, a, Source::Slot(slot)), format!("{text} {an}, {operand}"));
    }
}

fn rsi(forms: &mut Forms) {
    let (size, a, b, value) = (forms.size(), forms.register(), forms.register(), forms.signed());
    let an = name(size, a);
    for ((op, text), (extension, _)) in BOTH.into_iter().zip(IMMEDIATE) {
        let source = Source::Imm(i64::from(value) as u64);
        let expected = format!("{text} {an}, {}", immediate(size, value));
        forms.is(|x| x.rsi(size, op, extension, a, source), expected);
        let expected = format!("{text} {an}, {}", name(size, b));
        forms.is(|x| x.rsi(size, op, extension, a, Source::Reg(b)), expected);
    }
}
