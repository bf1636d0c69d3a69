//! Operators on integers, words and memory.

use super::super::encode::{at, slot};
use super::*;
use crate::compile::magic::Reciprocal;

pub(super) const FORMS: &[Form] = &[
    ("check_upper_half", check_upper_half),
    ("mov", mov),
    ("zero", zero),
    ("exchange", exchange),
    ("store_slot", store_slot),
    ("copy_slots", copy_slots),
    ("slots_to_values", slots_to_values),
    ("values_to_slots", values_to_slots),
    ("alu", alu),
    ("add_shifted", add_shifted),
    ("shift", shift),
    ("divide", divide),
    ("divide_by", divide_by),
    ("unary", unary),
    ("compare", compare),
    ("test", test),
    ("set", set),
    ("select", select),
    ("load", load),
    ("store", store),
    ("memory_size", memory_size),
    ("load_context", load_context),
    ("store_context", store_context),
    ("load_word", load_word),
    ("store_word", store_word),
    ("load_indexed", load_indexed),
    ("store_indexed", store_indexed),
    ("compare_word", compare_word),
    ("own_reference", own_reference),
];

/// Appends to a sequence, which may be empty.
fn then(mut text: String, next: impl AsRef<str>) -> String {
    if !text.is_empty() && !next.as_ref().is_empty() {
        text.push_str("; ");
    }
    text + next.as_ref()
}

/// A copy, of which there is none to itself.
fn copied(dst: Reg, src: Reg) -> String {
    if dst == src { String::new() } else { format!("mov {}, {}", quad(dst), quad(src)) }
}

fn check_upper_half(forms: &mut Forms) {
    let (r, index) = (forms.register(), forms.slot());
    let expected = format!("mov qword ptr [rsp+0x8], {}; cmp dword ptr [rsp+0xc], 0x0; jne @3", quad(r));
    forms.is(|x| x.check_upper_half(Source::Reg(r), 1), expected);
    let upper = memory("dword ptr ", at(RSP, slot(index).displacement + 4));
    forms.is(|x| x.check_upper_half(Source::Slot(index), 1), format!("cmp {upper}, 0x0; jne @2"));
    forms.is(|x| x.check_upper_half(Source::Imm(1), 1), "");
}

fn mov(forms: &mut Forms) {
    let (a, b, index, value) = (forms.register(), forms.register(), forms.slot(), forms.wide());
    forms.is(|x| x.mov(a, Source::Reg(b)), copied(a, b));
    forms.is(|x| x.mov(a, Source::Imm(value)), constant(a, value));
    forms.is(|x| x.mov(a, Source::Slot(index)), format!("mov {}, {}", quad(a), frame(index)));
}

fn zero(forms: &mut Forms) {
    let r = forms.register();
    let rn = name(Size::S32, r);
    forms.is(|x| x.zero(r), format!("xor {rn}, {rn}"));
}

fn exchange(forms: &mut Forms) {
    let a = forms.register();
    let b = forms.register_but(&[a]);
    forms.is(|x| x.exchange(a, b), format!("xchg {}, {}", quad(b), quad(a)));
}

fn store_slot(forms: &mut Forms) {
    let (r, index, value) = (forms.register(), forms.slot(), forms.wide());
    forms.is(|x| x.store_slot(index, Source::Reg(r)), format!("mov {}, {}", frame(index), quad(r)));
    let signed = value as i64;
    let expected = if (-0x8000_0000..0x8000_0000).contains(&signed) {
        format!("mov {}, {value:#x}", frame(index))
    } else {
        let low = 8 * (index as i64);
        let half = |at, half: u64| format!("mov dword ptr [rsp{}], {half:#x}", offset(at));
        format!("{}; {}", half(low, value & 0xffff_ffff), half(low + 4, value >> 32))
    };
    forms.is(|x| x.store_slot(index, Source::Imm(value)), expected);
}

/// Copies words between blocks, named by a register and where they begin.
fn copies(to: (Reg, i64), from: (Reg, i64), count: u32, value: Reg, counter: Reg) -> String {
    let place = |(base, start): (Reg, i64)| format!("qword ptr [{}{}]", quad(base), offset(start));
    let v = quad(value);
    if count <= 4 {
        let pair = |word: i64| {
            let (from, to) = (place((from.0, from.1 + 8 * word)), place((to.0, to.1 + 8 * word)));
            format!("mov {v}, {from}; mov {to}, {v}")
        };
        return (0..i64::from(count)).map(pair).fold(String::new(), then);
    }
    let c = quad(counter);
    let end = |(base, start): (Reg, i64)| {
        format!("qword ptr [{}+{c}*8{}]", quad(base), offset(start + 8 * i64::from(count)))
    };
    let negative = -i64::from(count);
    format!("mov {c}, {negative:#x}; mov {v}, {}; mov {}, {v}; inc {c}; jne @1", end(from), end(to))
}

/// So many words, next to where they become a loop.
fn count(forms: &mut Forms) -> u32 {
    [0, 1, 4, 5, forms.random.random_range(0..1000)][forms.random.random_range(0..5)]
}

fn copy_slots(forms: &mut Forms) {
    let (to, from, count) =
        (forms.random.random_range(3..5000), forms.random.random_range(3..5000), count(forms));
    let expected = copies((RSP, 8 * (to as i64)), (RSP, 8 * (from as i64)), count, RAX, RBX);
    forms.is(|x| x.copy_slots(to, from, count), expected);
}

fn with_values(forms: &mut Forms, copies: String, emit: impl FnOnce(&mut X64)) {
    // The loop begins one instruction later.
    let expected = then("mov rcx, qword ptr [r14-0x8]".into(), copies.replace("@1", "@2"));
    forms.is(emit, expected);
}

fn slots_to_values(forms: &mut Forms) {
    let (from, place, count) =
        (forms.random.random_range(3..5000), forms.random.random_range(0..24), count(forms));
    let values = i64::from(state::VALUES) + 8 * i64::from(place);
    let expected = copies((RCX, values), (RSP, 8 * (from as i64)), count, RBX, RDX);
    with_values(forms, expected, |x| x.slots_to_values(from, count, place));
}

fn values_to_slots(forms: &mut Forms) {
    let (to, place, count) =
        (forms.random.random_range(3..5000), forms.random.random_range(0..24), count(forms));
    let values = i64::from(state::VALUES) + 8 * i64::from(place);
    let expected = copies((RSP, 8 * (to as i64)), (RCX, values), count, RBX, RDX);
    with_values(forms, expected, |x| x.values_to_slots(place, count, to));
}

/// What an operator's right-hand side is in text.
fn operand(size: Size, source: Source) -> String {
    match source {
        Source::Reg(register) => name(size, register).into(),
        Source::Slot(index) => format!("{}[rsp{}]", pointer(size), offset(8 * (index as i64))),
        Source::Imm(value) => immediate(size, value as i32),
    }
}

fn source(forms: &mut Forms, size: Size) -> Source {
    match forms.random.random_range(0..3) {
        0 => Source::Reg(forms.register_but(&[RSP])),
        1 => Source::Slot(forms.slot()),
        _ => {
            let value = i64::from(forms.signed());
            Source::Imm(if size == Size::S32 { value as u64 & 0xffff_ffff } else { value as u64 })
        }
    }
}

/// An address of arithmetic has the full width of its parts, and the result that of the operator.
fn alu(forms: &mut Forms) {
    let size = forms.size();
    let (dst, lhs) = (forms.register_but(&[RSP]), forms.register_but(&[RSP]));
    let rhs = source(forms, size);
    let (d, l) = (name(size, dst), name(size, lhs));
    for (op, text) in
        [(Alu::Add, "add"), (Alu::Sub, "sub"), (Alu::And, "and"), (Alu::Or, "or"), (Alu::Xor, "xor")]
    {
        let expected = match (op, rhs) {
            (Alu::Add, Source::Reg(right)) if dst != lhs && dst != right => {
                format!("lea {d}, [{}+{}]", quad(lhs), quad(right))
            }
            (Alu::Add, Source::Imm(value)) if dst != lhs => {
                format!("lea {d}, [{}{}]", quad(lhs), offset((value as i32).into()))
            }
            (Alu::Sub, Source::Imm(value)) if dst != lhs && value as i32 != i32::MIN => {
                format!("lea {d}, [{}{}]", quad(lhs), offset(-i64::from(value as i32)))
            }
            (Alu::Sub, Source::Reg(right)) if right == dst && dst != lhs => format!("neg {d}; add {d}, {l}"),
            (_, Source::Reg(right)) if right == dst && dst != lhs => format!("{text} {d}, {l}"),
            _ => then(copied(dst, lhs), format!("{text} {d}, {}", operand(size, rhs))),
        };
        forms.is(|x| x.alu(op, size, dst, lhs, rhs), expected);
    }
    let expected = match rhs {
        Source::Imm(value) if value.is_power_of_two() => {
            let distance = value.trailing_zeros();
            let shift = if distance == 0 { String::new() } else { format!("shl {d}, {distance:#x}") };
            then(copied(dst, lhs), shift)
        }
        Source::Imm(value) => product(size, dst, lhs, value as i32),
        Source::Reg(right) if right == dst && dst != lhs => format!("imul {d}, {l}"),
        _ => then(copied(dst, lhs), format!("imul {d}, {}", operand(size, rhs))),
    };
    forms.is(|x| x.alu(Alu::Mul, size, dst, lhs, rhs), expected);
}

fn add_shifted(forms: &mut Forms) {
    let (size, dst, lhs) = (forms.size(), forms.register(), forms.register());
    let rhs = forms.register_but(&[RSP]);
    for distance in 1..=3 {
        let expected = format!("lea {}, {}", name(size, dst), scaled(lhs, rhs, distance));
        forms.is(|x| x.add_shifted(size, dst, lhs, rhs, distance), expected);
    }
}

fn shift(forms: &mut Forms) {
    let (size, dst, lhs) = (forms.size(), forms.register_but(&[RCX]), forms.register());
    let (d, l) = (name(size, dst), name(size, lhs));
    let value = forms.wide();
    for (op, text) in [
        (Shift::Shl, "shl"),
        (Shift::ShrS, "sar"),
        (Shift::ShrU, "shr"),
        (Shift::Rotl, "rol"),
        (Shift::Rotr, "ror"),
    ] {
        let bits = if size == Size::S32 { 32 } else { 64 };
        let distance = value % bits;
        let right = if op == Shift::Rotl { bits - distance } else { distance };
        let by = if distance == 0 { String::new() } else { format!("{text} {d}, {distance:#x}") };
        let expected = if distance != 0 && dst != lhs && matches!(op, Shift::Rotl | Shift::Rotr) {
            format!("rorx {d}, {l}, {right:#x}")
        } else {
            then(copied(dst, lhs), by.clone())
        };
        forms.is(|x| x.shift(op, size, dst, lhs, Source::Imm(value)), expected);
        forms.x.cpu.bmi2 = false;
        forms.is(|x| x.shift(op, size, dst, lhs, Source::Imm(value)), then(copied(dst, lhs), by));
        let expected = then(copied(dst, lhs), format!("{text} {d}, cl"));
        forms.is(|x| x.shift(op, size, dst, lhs, Source::Reg(RCX)), expected);
        forms.x.cpu.bmi2 = true;
        if forms.x.shifts_freely(op) {
            let by = forms.register();
            let expected = format!("{text}x {d}, {l}, {}", name(size, by));
            forms.is(|x| x.shift(op, size, dst, lhs, Source::Reg(by)), expected);
        }
    }
}

fn divide(forms: &mut Forms) {
    let size = forms.size();
    let rhs = match forms.random.random::<bool>() {
        true => Source::Reg(forms.register_but(&[RAX, RDX, RSP])),
        false => Source::Slot(forms.slot()),
    };
    let divisor = Divisor {
        may_be_zero: forms.random.random::<bool>(),
        may_be_minus_one: forms.random.random::<bool>(),
    };
    let by = operand(size, rhs);
    let extend = if size == Size::S32 { "cdq" } else { "cqo" };
    let a = name(size, RAX);
    for (op, signed) in
        [(Division::DivS, true), (Division::DivU, false), (Division::RemS, true), (Division::RemU, false)]
    {
        let mut lines: Vec<String> = Vec::new();
        if divisor.may_be_zero {
            lines.push(match rhs {
                Source::Reg(_) => format!("test {by}, {by}"),
                _ => format!("cmp {by}, 0x0"),
            });
            lines.push(format!("je @{}", lines.len() + 1));
        }
        if !signed {
            lines.extend(["xor edx, edx".into(), format!("div {by}")]);
        } else {
            if divisor.may_be_minus_one {
                lines.push(format!("cmp {by}, {}", immediate(size, -1)));
                // Over what -1 needs, to the division.
                let at = lines.len();
                let special = if op == Division::DivS { 2 } else { 1 };
                lines.push(format!("jne @{}", at + special + 2));
                match op {
                    Division::DivS => lines.extend([format!("neg {a}"), format!("jo @{}", at + 3)]),
                    _ => lines.push("xor edx, edx".into()),
                }
                lines.push(format!("jmp @{}", lines.len() + 3));
            }
            lines.extend([extend.into(), format!("idiv {by}")]);
        }
        forms.is(|x| x.divide(op, size, rhs, divisor, 3), lines.join("; "));
    }
}

fn divide_by(forms: &mut Forms) {
    let (factor, shift) = (forms.wide(), forms.random.random_range(0..64));
    let copy = forms.register_but(&[RAX, RDX]);
    for adds in [false, true] {
        let mut expected = format!("{}; mul rdx", constant(RDX, factor));
        if adds {
            expected += &format!("; mov rax, {}; sub rax, rdx; shr rax, 0x1; add rdx, rax", quad(copy));
        }
        if shift > 0 {
            expected += &format!("; shr rdx, {shift:#x}");
        }
        forms.is(|x| x.divide_by(Reciprocal { factor, adds, shift }, copy), expected);
    }
}

fn unary(forms: &mut Forms) {
    let (size, dst, src) = (forms.size(), forms.register(), forms.register());
    let (d, s) = (name(size, dst), name(size, src));
    let bits = if size == Size::S32 { 32 } else { 64 };
    for has in [true, false] {
        (forms.x.cpu.lzcnt, forms.x.cpu.tzcnt) = (has, has);
        let (clz, ctz) = match has {
            true => (format!("lzcnt {d}, {s}"), format!("tzcnt {d}, {s}")),
            false => (
                format!(
                    "bsr {d}, {s}; jne @3; {}; xor {}, {:#x}",
                    constant(dst, 2 * bits - 1),
                    name(Size::S32, dst),
                    bits - 1
                ),
                format!("bsf {d}, {s}; jne @3; {}", constant(dst, bits)),
            ),
        };
        forms.is(|x| x.unary(Unary::Clz, size, dst, src), clz);
        forms.is(|x| x.unary(Unary::Ctz, size, dst, src), ctz);
    }
    let (low, narrow) = (byte(src), name(Size::S32, src));
    for (op, expected) in [
        (Unary::Popcnt, format!("popcnt {d}, {s}")),
        (Unary::Extend8, format!("movsx {d}, {low}")),
        (Unary::Extend16, format!("movsx {d}, {}", word(src))),
        (Unary::Extend32, format!("movsxd {}, {narrow}", quad(dst))),
        (Unary::Wrap, format!("mov {}, {narrow}", name(Size::S32, dst))),
    ] {
        forms.is(|x| x.unary(op, size, dst, src), expected);
    }
}

fn compare(forms: &mut Forms) {
    let (size, lhs) = (forms.size(), forms.register());
    let rhs = source(forms, size);
    let expected = format!("cmp {}, {}", name(size, lhs), operand(size, rhs));
    forms.is(|x| x.compare(size, lhs, rhs), expected);
}

fn test(forms: &mut Forms) {
    let (size, r) = (forms.size(), forms.register());
    let rn = name(size, r);
    forms.is(|x| x.test(size, r), format!("test {rn}, {rn}"));
    // Flags that tell the same are there already, unless they tell of another register or width, or code may come together.
    let (other, narrow) = (forms.register_but(&[r]), if size == Size::S32 { Size::S64 } else { Size::S32 });
    for (op, text) in [(Alu::And, "and"), (Alu::Or, "or"), (Alu::Xor, "xor")] {
        let set = |x: &mut X64| x.alu(op, size, r, r, Source::Reg(other));
        let text = format!("{text} {rn}, {}", name(size, other));
        let tested = |size, r| format!("{text}; test {0}, {0}", name(size, r));
        forms.is(|x| (set(x), x.test(size, r)), &text);
        forms.is(|x| (set(x), x.test(size, other)), tested(size, other));
        forms.is(|x| (set(x), x.test(narrow, r)), tested(narrow, r));
        let label = |x: &mut X64| {
            let label = x.new_label();
            x.bind(label);
        };
        forms.is(|x| (set(x), label(x), x.test(size, r)), tested(size, r));
    }
}

fn set(forms: &mut Forms) {
    let ((cond, text), r) = (forms.comparison(), forms.register());
    let low = byte(r);
    forms.is(|x| x.set(cond, r), format!("set{text} {low}; movzx {}, {low}", name(Size::S32, r)));
}

fn select(forms: &mut Forms) {
    let ((cond, text), dst) = (forms.comparison(), forms.register());
    let (src, index) = (forms.register(), forms.slot());
    forms.is(|x| x.select(cond, dst, Source::Reg(src)), format!("cmov{text} {}, {}", quad(dst), quad(src)));
    let expected = format!("cmov{text} {}, {}", quad(dst), frame(index));
    forms.is(|x| x.select(cond, dst, Source::Slot(index)), expected);
}

/// An offset of an access, next to where it is no displacement any more.
fn access_offset(forms: &mut Forms) -> u64 {
    let ends =
        [0, 1, 127, 128, 0x7fff_fff0, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, forms.random.random::<u32>()];
    ends[forms.random.random_range(0..ends.len())].into()
}

/// What comes before an access, and its operand in memory.
fn place(forms: &mut Forms, bytes: u32, scratch: Reg, memory_base: Reg) -> (Address, String, String) {
    let index = forms.random.random::<bool>().then(|| forms.register_but(&[RSP, scratch]));
    let offset_of = access_offset(forms);
    let address = Address { index, offset: offset_of };
    let (s, base) = (quad(scratch), quad(memory_base));
    let mut before = String::new();
    let add = index.map_or(String::new(), |index| format!("add {s}, {}", quad(index)));
    if forms.x.explicit_bounds {
        let end = offset_of + u64::from(bytes);
        before = match index {
            Some(index) if end < 0x8000_0000 => format!("lea {s}, [{}+{end:#x}]", quad(index)),
            _ => then(constant(scratch, end), &add),
        };
        before += &format!("; cmp {s}, qword ptr [{base}-0x10]");
        before += &format!("; ja @{}", before.matches(';').count() + 2);
    }
    if offset_of < 0x8000_0000 {
        // Below 2^31.
        let mem = Mem { base: memory_base, index, displacement: offset_of as i32 };
        return (address, before, memory("", mem));
    }
    before = then(before, constant(scratch, offset_of));
    before = then(before, add);
    (address, before, format!("[{base}+{s}]"))
}

fn either_bounds(forms: &mut Forms) -> Reg {
    forms.x.explicit_bounds = forms.random.random();
    forms.x.memory = if forms.random.random() { R13 } else { R14 };
    forms.x.memory
}

fn load(forms: &mut Forms) {
    let base = either_bounds(forms);
    let (dst, scratch) = (forms.register(), forms.register_but(&[RSP]));
    let (d32, d64) = (name(Size::S32, dst), quad(dst));
    for (kind, text) in [
        (Load::U8, format!("movzx {d32}, byte ptr ")),
        (Load::U16, format!("movzx {d32}, word ptr ")),
        (Load::U32, format!("mov {d32}, dword ptr ")),
        (Load::U64, format!("mov {d64}, qword ptr ")),
        (Load::S8(Size::S32), format!("movsx {d32}, byte ptr ")),
        (Load::S8(Size::S64), format!("movsx {d64}, byte ptr ")),
        (Load::S16(Size::S32), format!("movsx {d32}, word ptr ")),
        (Load::S16(Size::S64), format!("movsx {d64}, word ptr ")),
        (Load::S32, format!("movsxd {d64}, dword ptr ")),
    ] {
        let (address, before, operand) = place(forms, kind.bytes(), scratch, base);
        let expected = then(before, format!("{text}{operand}"));
        forms.is(|x| x.load(kind, dst, address, scratch, 5), expected);
    }
    (forms.x.explicit_bounds, forms.x.memory) = (false, R14);
}

fn store(forms: &mut Forms) {
    let base = either_bounds(forms);
    let (src, scratch) = (forms.register(), forms.register_but(&[RSP]));
    let value = forms.signed();
    for (kind, width, from, constant) in [
        (Store::B1, "byte", byte(src), format!("{:#x}", value as u8)),
        (Store::B2, "word", word(src), format!("{:#x}", value as u16)),
        (Store::B4, "dword", name(Size::S32, src), immediate(Size::S32, value)),
        (Store::B8, "qword", quad(src), immediate(Size::S64, value)),
    ] {
        let (address, before, operand) = place(forms, kind.bytes(), scratch, base);
        let expected = then(before, format!("mov {width} ptr {operand}, {from}"));
        forms.is(|x| x.store(kind, Source::Reg(src), address, scratch, 5), expected);
        let (address, before, operand) = place(forms, kind.bytes(), scratch, base);
        let expected = then(before, format!("mov {width} ptr {operand}, {constant}"));
        let source = Source::Imm(i64::from(value) as u64);
        forms.is(|x| x.store(kind, source, address, scratch, 5), expected);
    }
    (forms.x.explicit_bounds, forms.x.memory) = (false, R14);
}

fn memory_size(forms: &mut Forms) {
    let dst = forms.register();
    let d = quad(dst);
    forms.is(|x| x.memory_size(dst), format!("mov {d}, qword ptr [r14-0x10]; shr {d}, 0x10"));
}

fn load_context(forms: &mut Forms) {
    let (dst, by) = (forms.register(), forms.signed());
    let expected = format!("mov {}, {}", quad(dst), memory("qword ptr ", at(R14, by)));
    forms.is(|x| x.load_context(dst, by), expected);
}

fn store_context(forms: &mut Forms) {
    let (src, by) = (forms.register(), forms.signed());
    let expected = format!("mov {}, {}", memory("qword ptr ", at(R14, by)), quad(src));
    forms.is(|x| x.store_context(by, Source::Reg(src)), expected);
}

fn load_word(forms: &mut Forms) {
    let (dst, base, by) = (forms.register(), forms.register(), forms.signed());
    let expected = format!("mov {}, {}", quad(dst), memory("qword ptr ", at(base, by)));
    forms.is(|x| x.load_word(dst, base, by), expected);
}

fn store_word(forms: &mut Forms) {
    let (src, base, by, value) = (forms.register(), forms.register(), forms.signed(), forms.signed());
    let operand = memory("qword ptr ", at(base, by));
    forms.is(|x| x.store_word(base, by, Source::Reg(src)), format!("mov {operand}, {}", quad(src)));
    let source = Source::Imm(i64::from(value) as u64);
    let expected = format!("mov {operand}, {}", immediate(Size::S64, value));
    forms.is(|x| x.store_word(base, by, source), expected);
}

fn indexed(forms: &mut Forms) -> (Reg, Reg, String) {
    let (base, index) = (forms.register(), forms.register_but(&[RSP]));
    (base, index, format!("qword ptr [{}+{}*8]", quad(base), quad(index)))
}

fn load_indexed(forms: &mut Forms) {
    let (dst, (base, index, operand)) = (forms.register(), indexed(forms));
    forms.is(|x| x.load_indexed(dst, base, index), format!("mov {}, {operand}", quad(dst)));
}

fn store_indexed(forms: &mut Forms) {
    let (src, (base, index, operand)) = (forms.register(), indexed(forms));
    forms.is(|x| x.store_indexed(base, index, Source::Reg(src)), format!("mov {operand}, {}", quad(src)));
    let value = forms.signed();
    let expected = format!("mov {operand}, {}", immediate(Size::S64, value));
    forms.is(|x| x.store_indexed(base, index, Source::Imm(i64::from(value) as u64)), expected);
}

fn compare_word(forms: &mut Forms) {
    let (lhs, base, by) = (forms.register(), forms.register(), forms.signed());
    let expected = format!("cmp {}, {}", quad(lhs), memory("qword ptr ", at(base, by)));
    forms.is(|x| x.compare_word(lhs, base, by), expected);
}

fn own_reference(forms: &mut Forms) {
    let (dst, function) = (forms.register(), forms.signed() as u32 & 0x7fff_ffff);
    let d = quad(dst);
    let expected = format!("mov {d}, qword ptr [r14-0x20]; add {d}, {function:#x}");
    forms.is(|x| x.own_reference(dst, function), expected);
}
