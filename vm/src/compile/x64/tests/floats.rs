//! Operators on floats, each as the sequence that it is.

use super::*;

pub(super) const FORMS: &[Form] = &[
    ("float_binary", float_binary),
    ("float_unary", float_unary),
    ("float_compare", float_compare),
    ("convert", convert),
];

/// The suffixes of both widths: of arithmetic, and of moves to the vector unit.
fn suffix(size: Size) -> (&'static str, &'static str) {
    if size == Size::S32 { ("ss", "d") } else { ("sd", "q") }
}

/// Numbers for branches, which are known only when the lines before them are.
struct Lines(Vec<String>);

impl Lines {
    fn push(&mut self, line: impl Into<String>) {
        self.0.push(line.into());
    }

    fn here(&self) -> usize {
        self.0.len()
    }

    /// A branch to where [`land`](Self::land) is called with what this answers.
    fn ahead(&mut self, mnemonic: &str) -> usize {
        self.push(format!("{mnemonic} @"));
        self.here() - 1
    }

    fn land(&mut self, at: usize) {
        let here = self.here();
        self.0[at] += &here.to_string();
    }

    /// A branch to a stub, which stands nowhere yet: to the next instruction.
    fn traps(&mut self, mnemonic: &str) {
        let next = self.here() + 1;
        self.push(format!("{mnemonic} @{next}"));
    }

    fn enter(&mut self, xmm: u8, size: Size, from: Reg) {
        self.push(format!("mov{} xmm{xmm}, {}", suffix(size).1, name(size, from)));
    }

    fn leave(&mut self, size: Size, to: Reg, xmm: u8) {
        self.push(format!("mov{} {}, xmm{xmm}", suffix(size).1, name(size, to)));
    }

    fn arithmetic(&mut self, op: &str, size: Size, a: u8, b: u8) {
        self.push(format!("{op}{} xmm{a}, xmm{b}", suffix(size).0));
    }

    fn compare(&mut self, size: Size, a: u8, b: u8) {
        self.arithmetic("ucomi", size, a, b);
    }

    /// A constant in the second vector register.
    fn constant(&mut self, size: Size, bits: u64, by: Reg) {
        self.push(constant(by, bits));
        self.enter(1, size, by);
    }

    fn truncate(&mut self, from: Size, to: Reg) {
        self.push(format!("cvtt{}2si {}, xmm0", suffix(from).0, quad(to)));
    }

    fn canonicalize(&mut self, size: Size, dst: Reg) {
        self.leave(size, dst, 0);
        self.compare(size, 0, 0);
        let number = self.ahead("jnp");
        // The quiet NaN without a sign and a payload.
        self.push(constant(dst, bits(size, 0x7fc0_0000, 0x7ff8_0000_0000_0000)));
        self.land(number);
    }

    fn text(self) -> String {
        self.0.join("; ")
    }
}

fn lines() -> Lines {
    Lines(Vec::new())
}

fn bits(size: Size, single: u64, double: u64) -> u64 {
    if size == Size::S32 { single } else { double }
}

/// A float as bits of either width.
fn float(size: Size, value: f64) -> u64 {
    // The floats of this test are powers of two, which both widths have.
    bits(size, u64::from((value as f32).to_bits()), value.to_bits())
}

fn float_binary(forms: &mut Forms) {
    let (size, dst) = (forms.size(), forms.register());
    let (lhs, rhs) = (forms.register(), forms.register());
    for (op, text) in [
        (FloatBinary::Add, "add"),
        (FloatBinary::Sub, "sub"),
        (FloatBinary::Mul, "mul"),
        (FloatBinary::Div, "div"),
    ] {
        let mut e = lines();
        e.enter(0, size, lhs);
        e.enter(1, size, rhs);
        e.arithmetic(text, size, 0, 1);
        e.canonicalize(size, dst);
        forms.is(|x| x.float_binary(op, size, dst, lhs, rhs), e.text());
    }
    for (op, zeros, text) in [(FloatBinary::Min, "orps", "min"), (FloatBinary::Max, "andps", "max")] {
        let mut e = lines();
        e.enter(0, size, lhs);
        e.enter(1, size, rhs);
        e.compare(size, 0, 1);
        let (nan, differ) = (e.ahead("jp"), e.ahead("jne"));
        e.push(format!("{zeros} xmm0, xmm1"));
        let equal = e.ahead("jmp");
        e.land(nan);
        e.arithmetic("add", size, 0, 1);
        let sum = e.ahead("jmp");
        e.land(differ);
        e.arithmetic(text, size, 0, 1);
        e.land(equal);
        e.land(sum);
        e.canonicalize(size, dst);
        forms.is(|x| x.float_binary(op, size, dst, lhs, rhs), e.text());
    }
    let mut e = lines();
    e.enter(0, size, lhs);
    e.enter(1, size, rhs);
    e.push("pcmpeqd xmm2, xmm2");
    e.push(if size == Size::S32 { "pslld xmm2, 0x1f" } else { "psllq xmm2, 0x3f" });
    e.push("andps xmm1, xmm2");
    e.push("andnps xmm2, xmm0");
    e.push("orps xmm2, xmm1");
    e.leave(size, dst, 2);
    forms.is(|x| x.float_binary(FloatBinary::Copysign, size, dst, lhs, rhs), e.text());
}

fn float_unary(forms: &mut Forms) {
    let (size, dst, src) = (forms.size(), forms.register(), forms.register());
    let sign = bits(size, 31, 63);
    for (op, text) in [(FloatUnary::Abs, "btr"), (FloatUnary::Neg, "btc")] {
        let mut e = lines();
        if dst != src {
            e.push(format!("mov {}, {}", quad(dst), quad(src)));
        }
        e.push(format!("{text} {}, {sign:#x}", name(size, dst)));
        forms.is(|x| x.float_unary(op, size, dst, src), e.text());
    }
    // The modes of rounding: to the nearest, down, up, towards zero.
    for (op, mode) in
        [(FloatUnary::Nearest, 0), (FloatUnary::Floor, 1), (FloatUnary::Ceil, 2), (FloatUnary::Trunc, 3)]
    {
        let mut e = lines();
        e.enter(0, size, src);
        e.push(format!("round{} xmm0, xmm0, {mode:#x}", suffix(size).0));
        e.canonicalize(size, dst);
        forms.is(|x| x.float_unary(op, size, dst, src), e.text());
    }
    let mut e = lines();
    e.enter(0, size, src);
    e.arithmetic("sqrt", size, 0, 0);
    e.canonicalize(size, dst);
    forms.is(|x| x.float_unary(FloatUnary::Sqrt, size, dst, src), e.text());
}

fn float_compare(forms: &mut Forms) {
    let (size, dst) = (forms.size(), forms.register());
    let (lhs, rhs) = (forms.register(), forms.register());
    let d = byte(dst);
    for (op, exchanged, text) in [
        (FloatCompare::Lt, true, "seta"),
        (FloatCompare::Le, true, "setae"),
        (FloatCompare::Gt, false, "seta"),
        (FloatCompare::Ge, false, "setae"),
        (FloatCompare::Eq, false, "sete"),
        (FloatCompare::Ne, false, "setne"),
    ] {
        let mut e = lines();
        let (first, second) = if exchanged { (rhs, lhs) } else { (lhs, rhs) };
        e.enter(0, size, first);
        e.enter(1, size, second);
        e.push(constant(dst, 0));
        e.compare(size, 0, 1);
        match op {
            FloatCompare::Eq => {
                let nan = e.ahead("jp");
                e.push(format!("{text} {d}"));
                e.land(nan);
            }
            FloatCompare::Ne => {
                e.push(format!("{text} {d}"));
                let number = e.ahead("jnp");
                e.push(constant(dst, 1));
                e.land(number);
            }
            _ => e.push(format!("{text} {d}")),
        }
        forms.is(|x| x.float_compare(op, size, dst, lhs, rhs), e.text());
    }
}

fn convert(forms: &mut Forms) {
    let dst = forms.register();
    let src = forms.register_but(&[dst]);
    for (op, from, to, text) in [
        (Conversion::Demote, Size::S64, Size::S32, "cvtsd2ss xmm0, xmm0"),
        (Conversion::Promote, Size::S32, Size::S64, "cvtss2sd xmm0, xmm0"),
    ] {
        let mut e = lines();
        e.enter(0, from, src);
        e.push(text);
        e.canonicalize(to, dst);
        forms.is(|x| x.convert(op, dst, src, 3), e.text());
    }
    for (to, from, signed) in kinds() {
        let expected = from_integer(to, from, signed, dst, src);
        forms.is(|x| x.convert(Conversion::Convert { to, from, signed }, dst, src, 3), expected);
        for saturating in [false, true] {
            let mut e = lines();
            e.enter(0, from, src);
            if saturating {
                saturates(&mut e, to, from, signed, dst)
            } else {
                truncates(&mut e, to, from, signed, dst)
            }
            let op = Conversion::Trunc { to, from, signed, saturating };
            forms.is(|x| x.convert(op, dst, src, 3), e.text());
        }
    }
}

fn kinds() -> impl Iterator<Item = (Size, Size, bool)> {
    let sizes = SIZES.into_iter().flat_map(|to| SIZES.into_iter().map(move |from| (to, from)));
    sizes.flat_map(|(to, from)| [(to, from, false), (to, from, true)])
}

fn from_integer(to: Size, from: Size, signed: bool, dst: Reg, src: Reg) -> String {
    let mut e = lines();
    let convert = |register: &str| format!("cvtsi2{} xmm0, {register}", suffix(to).0);
    let (d, s) = (quad(dst), quad(src));
    e.push("xorps xmm0, xmm0");
    match (from, signed) {
        (Size::S32, true) => e.push(convert(name(Size::S32, src))),
        (Size::S32, false) | (Size::S64, true) => e.push(convert(s)),
        (Size::S64, false) => {
            e.push(format!("test {s}, {s}"));
            let large = e.ahead("js");
            e.push(convert(s));
            let done = e.ahead("jmp");
            e.land(large);
            e.push(format!("mov {d}, {s}"));
            e.push(format!("shr {d}, 0x1"));
            let even = e.ahead("jae");
            e.push(format!("or {d}, 0x1"));
            e.land(even);
            e.push(convert(d));
            e.arithmetic("add", to, 0, 0);
            e.land(done);
        }
    }
    e.leave(to, dst, 0);
    e.text()
}

fn truncates(e: &mut Lines, to: Size, from: Size, signed: bool, dst: Reg) {
    let (d, narrow) = (quad(dst), name(Size::S32, dst));
    e.compare(from, 0, 0);
    e.traps("jp");
    match (to, signed) {
        (Size::S32, _) => {
            e.truncate(from, dst);
            e.push(format!("movq xmm1, {d}"));
            e.push(if signed { format!("movsxd {d}, {narrow}") } else { format!("mov {narrow}, {narrow}") });
            e.push(format!("movq xmm0, {d}"));
            e.push("pxor xmm0, xmm1");
            e.push("ptest xmm0, xmm0");
            e.traps("jne");
            e.push(format!("mov {narrow}, {narrow}"));
        }
        (Size::S64, true) => {
            e.constant(from, float(from, -9_223_372_036_854_775_808.0), dst);
            e.compare(from, 0, 1);
            e.traps("jb");
            e.constant(from, float(from, 9_223_372_036_854_775_808.0), dst);
            e.compare(from, 0, 1);
            e.traps("jae");
            e.truncate(from, dst);
        }
        (Size::S64, false) => {
            e.constant(from, float(from, -1.0), dst);
            e.compare(from, 0, 1);
            e.traps("jbe");
            e.constant(from, float(from, 18_446_744_073_709_551_616.0), dst);
            e.compare(from, 0, 1);
            e.traps("jae");
            truncates_to_unsigned(e, from, dst);
        }
    }
}

fn truncates_to_unsigned(e: &mut Lines, from: Size, dst: Reg) {
    e.constant(from, float(from, 9_223_372_036_854_775_808.0), dst);
    e.compare(from, 0, 1);
    let large = e.ahead("jae");
    e.truncate(from, dst);
    let done = e.ahead("jmp");
    e.land(large);
    e.arithmetic("sub", from, 0, 1);
    e.truncate(from, dst);
    e.push(format!("btc {}, 0x3f", quad(dst)));
    e.land(done);
}

fn saturates(e: &mut Lines, to: Size, from: Size, signed: bool, dst: Reg) {
    let (least, greatest) = match (to, signed) {
        (Size::S32, true) => (u64::from(i32::MIN as u32), i32::MAX as u64),
        (Size::S32, false) => (0, u32::MAX.into()),
        (Size::S64, true) => (i64::MIN as u64, i64::MAX as u64),
        (Size::S64, false) => (0, u64::MAX),
    };
    let (beyond, floor) = match (to, signed) {
        (Size::S32, true) => (2_147_483_648.0, -2_147_483_648.0),
        (Size::S32, false) => (4_294_967_296.0, -1.0),
        (Size::S64, true) => (9_223_372_036_854_775_808.0, -9_223_372_036_854_775_808.0),
        (Size::S64, false) => (18_446_744_073_709_551_616.0, -1.0),
    };
    e.push(constant(dst, 0));
    e.compare(from, 0, 0);
    let nan = e.ahead("jp");
    e.constant(from, float(from, beyond), dst);
    e.push(constant(dst, greatest));
    e.compare(from, 0, 1);
    let great = e.ahead("jae");
    e.constant(from, float(from, floor), dst);
    e.push(constant(dst, least));
    e.compare(from, 0, 1);
    let small = e.ahead("jbe");
    match (to, signed) {
        (Size::S64, false) => truncates_to_unsigned(e, from, dst),
        _ => {
            e.truncate(from, dst);
            if to == Size::S32 {
                let narrow = name(Size::S32, dst);
                e.push(format!("mov {narrow}, {narrow}"));
            }
        }
    }
    for jump in [nan, great, small] {
        e.land(jump);
    }
}
