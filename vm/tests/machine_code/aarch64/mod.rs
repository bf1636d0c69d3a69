//! Decodes code of aarch64 and holds it against what must be true of all of it. The disassembler shares nothing with the
//! encoder.
//!
//! Owns two questions. Does every branch go to an instruction, as far as it may reach? Is every store to memory that is
//! wider than a byte preceded by a load of as much at the same place, or by a comparison with the memory's length, or known
//! to be aligned? Memory 0 is what is at an index from the anchor, or behind it; what is before it is the context. It
//! must not know how code is made.
#![allow(dead_code, reason = "each test uses some of it")]

mod accesses;

use accesses::{Temp, constant};

use lockstep_vm::CodeMap;
use yaxpeax_arch::{Decoder, U8Reader};
use yaxpeax_arm::armv8::a64::{InstDecoder, Instruction, Opcode, Operand, SizeCode};

/// How accesses to memory are kept within it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bounds {
    Guard,
    Explicit,
}

/// What code is made of and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) bounds: Bounds,
    /// Whether memory 0 is another module's, so that its base is in a register of its own.
    pub(crate) imports_memory: bool,
}

/// What has been seen.
#[derive(Clone, Default, Debug)]
pub(crate) struct Counts {
    pub(crate) functions: usize,
    pub(crate) instructions: usize,
    /// Branches within functions, and out of them.
    pub(crate) branches: usize,
    pub(crate) calls: usize,
    /// Entries of tables of labels.
    pub(crate) entries: usize,
    /// Conditional branches to others, and computed ones.
    pub(crate) veneers: usize,
    pub(crate) far: usize,
    /// Stores to memory: of bytes, behind a probe, aligned. And accesses behind a comparison.
    pub(crate) bytes: usize,
    pub(crate) probed: usize,
    pub(crate) aligned: usize,
    pub(crate) compared: usize,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Counts) {
        for (sum, part) in [
            (&mut self.functions, other.functions),
            (&mut self.instructions, other.instructions),
            (&mut self.branches, other.branches),
            (&mut self.calls, other.calls),
            (&mut self.entries, other.entries),
            (&mut self.veneers, other.veneers),
            (&mut self.far, other.far),
            (&mut self.bytes, other.bytes),
            (&mut self.probed, other.probed),
            (&mut self.aligned, other.aligned),
            (&mut self.compared, other.compared),
        ] {
            *sum += part;
        }
    }
}

const DIVIDED_BY: i64 = if cfg!(feature = "short-branches") { 1024 } else { 1 };
/// Bytes that branches reach, to either side.
const SHORT: i64 = (1 << 20) / DIVIDED_BY;
const LONG: i64 = (1 << 27) / DIVIDED_BY;

/// Registers that code uses within one operator, the memory's base where that is imported, the anchor, and the stack
/// pointer.
const TEMP: u16 = 16;
const PASSING: u16 = 17;
const IMPORTED_BASE: u16 = 15;
const ANCHOR: u16 = 28;
const SP: u16 = 31;
/// Where the memory's length is, from its base.
const LENGTH: i32 = -16;
/// A comparison and what it compares stand so many instructions before an access at most.
const NEAR: usize = 12;

/// Code that is being read.
struct Code<'c> {
    code: &'c [u8],
    map: &'c CodeMap,
    kind: Kind,
}

/// The code of a function.
struct Function {
    entry: i64,
    /// Each instruction, but for those in place of which there is data.
    lines: Vec<Option<Instruction>>,
    /// Where the entries of tables of labels go.
    entries: Vec<i64>,
}

impl Function {
    fn end(&self) -> i64 {
        self.entry + 4 * self.lines.len() as i64
    }

    /// Whether nothing goes on to an instruction from the one before.
    fn is_dead(&self, at: i64) -> bool {
        matches!(self.opcode(at - 4), Some(Opcode::RET | Opcode::B | Opcode::BR | Opcode::BRK))
    }

    fn opcode(&self, at: i64) -> Option<Opcode> {
        let index = usize::try_from(at - self.entry).ok()? / 4;
        Some(self.lines.get(index)?.as_ref()?.opcode)
    }

    fn is_instruction(&self, target: i64) -> bool {
        let at = target - self.entry;
        at >= 0 && at % 4 == 0 && matches!(self.lines.get(at as usize / 4), Some(Some(_)))
    }
}

/// Holds all functions of a module against what must be true of them.
pub(crate) fn check(code: &[u8], map: &CodeMap, kind: Kind) -> Result<Counts, String> {
    let code = Code { code, map, kind };
    let mut counts = Counts::default();
    for &(index, entry, end) in &map.functions {
        let function = code.read(entry, end).map_err(|error| format!("function {index}: {error}"))?;
        counts.functions += 1;
        counts.instructions += function.lines.iter().flatten().count();
        code.branches(&function, &mut counts).map_err(|error| format!("function {index}: {error}"))?;
        code.accesses(&function, &mut counts, &mut Vec::new())
            .map_err(|error| format!("function {index}: {error}"))?;
    }
    Ok(counts)
}

/// Where the instructions are that keep stores from being written in part.
pub(crate) fn guards(code: &[u8], map: &CodeMap, kind: Kind) -> Vec<usize> {
    let code = Code { code, map, kind };
    let mut guards = Vec::new();
    for &(_, entry, end) in &map.functions {
        let function = code.read(entry, end).unwrap();
        code.accesses(&function, &mut Counts::default(), &mut guards).unwrap();
    }
    guards
}

fn decoded(word: u32) -> Result<Instruction, String> {
    let bytes = word.to_le_bytes();
    InstDecoder::default()
        .decode(&mut U8Reader::new(&bytes))
        .map_err(|error| format!("{error:?}: {word:#010x}"))
}

/// A branch: what it goes to, in bytes from itself, and how far it may.
fn branch(line: &Instruction) -> Option<(i64, i64)> {
    let (at, reach) = match line.opcode {
        Opcode::B | Opcode::BL => (0, LONG),
        Opcode::Bcc(_) => (0, SHORT),
        Opcode::CBZ | Opcode::CBNZ => (1, SHORT),
        _ => return None,
    };
    match line.operands[at] {
        Operand::PCOffset(distance) => Some((distance, reach)),
        _ => None,
    }
}

impl Code<'_> {
    fn word(&self, at: i64) -> Result<u32, String> {
        let at = usize::try_from(at).map_err(|_| "before the code".to_string())?;
        let bytes = self.code.get(at..at + 4).ok_or("behind the code")?;
        Ok(u32::from_le_bytes(bytes.try_into().unwrap()))
    }

    fn read(&self, entry: u32, end: u32) -> Result<Function, String> {
        let (entry, end) = (i64::from(entry), i64::from(end));
        let mut function = Function { entry, lines: Vec::new(), entries: Vec::new() };
        let mut number = Temp::Unknown;
        let mut at = entry;
        while at < end {
            let line = decoded(self.word(at)?).map_err(|error| format!("{at:#x}: {error}"))?;
            number = constant(&line, number);
            function.lines.push(Some(line));
            at += 4;
            // `adr x17, #16`, three instructions, and the table, whose last entry's number is in x16.
            if is_table(&line) {
                let Temp::Constant(last) = number else {
                    return Err(format!("{at:#x}: a table without an end"));
                };
                for _ in 0..3 {
                    function.lines.push(Some(decoded(self.word(at)?)?));
                    at += 4;
                }
                let table = at;
                for _ in 0..=last {
                    function.entries.push(table + i64::from(self.word(at)? as i32));
                    function.lines.push(None);
                    at += 4;
                }
            }
        }
        if at == end { Ok(function) } else { Err("a table reaches behind the function".into()) }
    }

    /// Whether something outside functions, or the beginning of one, is there.
    fn is_entry(&self, target: i64) -> bool {
        let first = self.map.functions.first().map_or(0, |(_, entry, _)| i64::from(*entry));
        let is_thunk = (0..first).contains(&target) && target % 4 == 0;
        is_thunk || self.map.functions.binary_search_by_key(&target, |(_, at, _)| i64::from(*at)).is_ok()
    }

    fn branches(&self, function: &Function, counts: &mut Counts) -> Result<(), String> {
        for (line, at) in function.lines.iter().zip((function.entry..).step_by(4)) {
            let Some(line) = line else { continue };
            let wrong = |what: &str| Err(format!("{at:#x}: {line}: {what}"));
            if let Some((distance, reach)) = branch(line) {
                let target = at + distance;
                if distance.abs() > reach {
                    return wrong("out of reach");
                }
                match line.opcode {
                    Opcode::BL if self.is_entry(target) => counts.calls += 1,
                    Opcode::BL => return wrong("calls no function"),
                    _ if function.is_instruction(target) => counts.branches += 1,
                    Opcode::B if self.is_entry(target) => counts.calls += 1,
                    // Over an island that ends the function: nothing comes here.
                    Opcode::B if target == function.end() && function.is_dead(at) => counts.branches += 1,
                    _ => return wrong("goes to no instruction"),
                }
                let is_veneer = reach == SHORT && function.opcode(target) == Some(Opcode::B);
                counts.veneers += usize::from(is_veneer);
            }
            if let Some(target) = self.computed(function, at)? {
                match function.is_instruction(target) {
                    true => counts.far += 1,
                    false => return wrong("a computed branch goes to no instruction"),
                }
            }
            if line.opcode == Opcode::ADRP {
                let Operand::PCOffset(pages) = line.operands[1] else { return wrong("no page") };
                let page = (at & !0xfff) + pages;
                let within = decoded(self.word(at + 4)?)?;
                let (Opcode::ADD, Operand::Immediate(low)) = (within.opcode, within.operands[2]) else {
                    return wrong("a page without an address");
                };
                let target = page + i64::from(low);
                let end = self.map.functions.last().map_or(0, |(_, _, end)| i64::from(*end));
                if !(self.is_entry(target) || target >= end && target < end + 16) {
                    return wrong("the address of nothing");
                }
            }
        }
        for target in &function.entries {
            if !function.is_instruction(*target) {
                return Err(format!("an entry of a table goes to {target:#x}, where no instruction is"));
            }
        }
        counts.entries += function.entries.len();
        Ok(())
    }

    /// Where a branch goes that begins here with `adr x16, #0`.
    fn computed(&self, function: &Function, at: i64) -> Result<Option<i64>, String> {
        let begin = (at - function.entry) as usize / 4;
        let Some([Some(adr), Some(low), Some(high), Some(add), Some(br)]) =
            function.lines.get(begin..begin + 5)
        else {
            return Ok(None);
        };
        let is_here = adr.opcode == Opcode::ADR
            && adr.operands[0] == Operand::Register(SizeCode::X, TEMP)
            && adr.operands[1] == Operand::PCOffset(0);
        if !is_here {
            return Ok(None);
        }
        let half = |line: &Instruction, opcode, shift| match (line.operands[0], line.operands[1]) {
            (Operand::Register(SizeCode::W, PASSING), Operand::ImmShift(half, by)) => {
                (line.opcode == opcode && by == shift).then_some(half)
            }
            _ => None,
        };
        let (Some(low), Some(high)) = (half(low, Opcode::MOVZ, 0), half(high, Opcode::MOVK, 16)) else {
            return Err(format!("{at:#x}: a computed branch without its distance"));
        };
        let texts = (add.to_string(), br.to_string());
        if texts != ("add x16, x16, w17, sxtw".to_string(), "br x16".to_string()) {
            return Err(format!("{at:#x}: {texts:?} is no end of a computed branch"));
        }
        let distance = (u32::from(high) << 16 | u32::from(low)) as i32;
        Ok(Some(at + i64::from(distance)))
    }
}

/// `adr x17, #16`.
fn is_table(line: &Instruction) -> bool {
    line.opcode == Opcode::ADR
        && line.operands[0] == Operand::Register(SizeCode::X, PASSING)
        && line.operands[1] == Operand::PCOffset(16)
}
