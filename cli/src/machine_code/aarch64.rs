//! Instructions of aarch64.
//!
//! Owns their decoding and their text.

use super::{Flow, Line, Thunk};
use yaxpeax_arch::{Decoder, U8Reader};
use yaxpeax_arm::armv8::a64::InstDecoder;

/// `mov x17, x30`: what a stub of a stack check passes.
const PASSES_LINK: u32 = 0xaa1e_03f1;
/// `adr x7`, four bytes further, and `adr x17`, behind the branch that reads a table.
const NOTES: u32 = 0x1000_0027;
const READS_TABLE: u32 = 0x1000_0091;

/// The code of a function.
pub(super) fn decode(code: &[u8], start: u32, end: u32) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut at = start;
    // The number that `x16` holds: a table's last entry. And where the table is.
    let (mut number, mut table) = (0_u32, None);
    while at < end
        && let Some(word) = word(code, at)
    {
        if table == Some(at) {
            let entries = number.saturating_add(1).min((end - at) / 4);
            for entry in 0..entries {
                let at = at + 4 * entry;
                let distance = self::word(code, at).unwrap_or(0);
                lines.push(Line::word(at, table.unwrap_or(0).wrapping_add(distance)));
            }
            at += 4 * entries;
            table = None;
            continue;
        }
        if word == READS_TABLE {
            table = Some(at + 16);
        }
        number = constant(word, number);
        let flow = flow(word, at);
        lines.push(Line { at, next: at + 4, text: text(word, at, flow), flow });
        at += 4;
    }
    lines
}

fn word(code: &[u8], at: u32) -> Option<u32> {
    let bytes = code.get(at as usize..at as usize + 4)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

/// What `w16` holds behind an instruction, having held this.
fn constant(word: u32, before: u32) -> u32 {
    let (half, shift) = (word >> 5 & 0xffff, 16 * (word >> 21 & 1));
    match word & 0xffc0_001f {
        0x5280_0010 => half << shift,
        0x1280_0010 => !(half << shift),
        0x7280_0010 => before & !(0xffff << shift) | half << shift,
        _ => before,
    }
}

/// A field of so many bits with a sign, in words, from an offset on.
fn target(word: u32, lowest: u32, bits: u32, at: u32) -> u32 {
    let field = (word << (32 - bits - lowest)) as i32 >> (32 - bits);
    at.wrapping_add_signed(field.wrapping_mul(4))
}

fn flow(word: u32, at: u32) -> Flow {
    match word {
        NOTES => return Flow::Note,
        PASSES_LINK => return Flow::Passes,
        _ => {}
    }
    if word & 0xfc00_0000 == 0x9400_0000 {
        return Flow::Call(Some(target(word, 0, 26, at)));
    }
    if word & 0xffff_fc1f == 0xd63f_0000 {
        return Flow::Call(None);
    }
    if word & 0xfc00_0000 == 0x1400_0000 {
        return Flow::Jump(target(word, 0, 26, at));
    }
    if word & 0xff00_0010 == 0x5400_0000 || word & 0x7e00_0000 == 0x3400_0000 {
        return Flow::Conditional(target(word, 5, 19, at));
    }
    // `subs x27, x27`, a constant or `x16`.
    if word & 0xff80_03ff == 0xf100_037b || word == 0xeb10_037b {
        return Flow::Charge;
    }
    // Constants of 32 bits in `x16`.
    if matches!(word & 0xffc0_001f, 0x5280_0010 | 0x7280_0010) {
        return Flow::Passes;
    }
    Flow::Other
}

fn text(word: u32, at: u32, flow: Flow) -> String {
    let bytes = word.to_le_bytes();
    let Ok(instruction) = InstDecoder::default().decode(&mut U8Reader::new(&bytes)) else {
        return format!("(bad) {word:#010x}");
    };
    let text = instruction.to_string();
    // Distances become offsets.
    match (flow.target(), text.rsplit_once('$')) {
        (Some(target), Some((before, _))) => format!("{before}{target:#x}"),
        (None, Some((before, distance))) if before.starts_with("adr ") => {
            let distance = distance.trim_start_matches("+0x");
            let distance = u32::from_str_radix(distance, 16).unwrap_or(0);
            format!("{before}{:#x}", at.wrapping_add(distance))
        }
        _ => text,
    }
}

/// What a thunk is for. One that traps begins with the trap's number, and goes on elsewhere at once.
pub(super) fn thunk(code: &[u8]) -> Thunk {
    const LOADS_LIMIT: u32 = 0xf940_0007;
    let (Some(first), Some(second)) = (word(code, 0), word(code, 4)) else { return Thunk::Other };
    if first & 0xffc0_03ff == LOADS_LIMIT {
        return Thunk::StackCheck;
    }
    // `mov w17, number` and `b`.
    let is_trap = first & 0xffe0_001f == 0x5280_0011 && second & 0xfc00_0000 == 0x1400_0000;
    if is_trap { Thunk::of_trap(u64::from(first >> 5 & 0xffff)) } else { Thunk::Other }
}
