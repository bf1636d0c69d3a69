//! Constants, and words and bytes in memory, however far away.
//!
//! Owns which instructions make a constant, and how an address is formed that no single instruction has room for. Nothing
//! here changes the flags, but for the check of an address. It must not know operators.

use super::encode::{self, ADD, Bitmask, Displacement, Extend, HI, Imm12, LDR_W, LDR_X, Move, SP, SUBS, ZR};
use super::{ANCHOR, Aarch64, LINK, PASSING, TEMP};
use crate::abi::field;
use crate::compile::masm::{Address, Load, Masm, Reg, Size, Source, Store};
use crate::trap::Trap;

/// An address that one instruction has room for.
#[derive(Clone, Copy, Debug)]
enum Place {
    At(Reg, i64),
    /// A base and an index, of which all bits count or the lower half.
    Indexed(Reg, Reg, Extend),
}

/// Constants.
impl Aarch64 {
    /// Puts a constant into a register and leaves the flags alone.
    pub(super) fn constant(&mut self, dst: Reg, value: u64) {
        // An instruction of 32 bits clears the upper half, so that its other halves are two only.
        let (size, halves) = if value >> 32 == 0 { (Size::S32, 2) } else { (Size::S64, 4) };
        let half = |value: u64, place: u32| (value >> (16 * place)) as u16;
        let skipped = |filler: u16| (0..halves).filter(|place| half(value, *place) == filler).count();
        let (zeros, ones) = (skipped(0), skipped(u16::MAX));
        if zeros + 1 < halves as usize
            && ones + 1 < halves as usize
            && let Some(mask) = Bitmask::new(size, value)
        {
            return self.emit(encode::logical_imm(size, encode::ORR, dst, ZR, mask));
        }
        let filler = if ones > zeros { u16::MAX } else { 0 };
        let mut places = (0..halves).filter(|place| half(value, *place) != filler);
        let first = places.next().unwrap_or(0);
        self.emit(match filler {
            0 => encode::movz(size, dst, half(value, first), first),
            _ => encode::movn(size, dst, !half(value, first), first),
        });
        for place in places {
            self.emit(encode::movk(size, dst, half(value, place), place));
        }
    }

    /// A register or constant that is about to be stored, in a register.
    pub(super) fn storable(&mut self, src: Source) -> Reg {
        match src {
            Source::Reg(register) => register,
            Source::Imm(0) => ZR,
            Source::Imm(value) => {
                self.constant(LINK, value);
                LINK
            }
            Source::Slot(_) => unreachable!("a slot is not stored at once"),
        }
    }
}

/// Words in frames, contexts and the state.
impl Aarch64 {
    /// Loads or stores at a base, which may be the stack pointer, and a displacement.
    pub(super) fn load_at(&mut self, of: Move, t: Reg, base: Reg, displacement: i64) {
        match Displacement::new(of, displacement) {
            Some(displacement) => self.emit(encode::at(of, t, base, displacement)),
            None => {
                self.constant(PASSING, displacement as u64);
                self.emit(encode::indexed(of, t, base, PASSING, Extend::All, false));
            }
        }
    }

    pub(super) fn load_state(&mut self, dst: Reg) {
        self.load_at(LDR_X, dst, ANCHOR, field::STATE.into());
    }

    /// Copies words from one block to another, both named by a register and a displacement, lower ones first. A base that is
    /// `TEMP` is changed.
    pub(super) fn copy_words(&mut self, to: (Reg, i64), from: (Reg, i64), count: u32) {
        const UNROLLED: u32 = 4;
        if count <= UNROLLED {
            for word in 0..i64::from(count) {
                self.load_at(LDR_X, LINK, from.0, from.1 + 8 * word);
                self.load_at(encode::STR_X, LINK, to.0, to.1 + 8 * word);
            }
            return;
        }
        // The base that is not the stack pointer first, because both pointers are temporary.
        let (target, source, counter) = (TEMP, LINK, Self::SCRATCH);
        if from.0 == TEMP {
            self.pointer(source, from);
            self.pointer(target, to);
        } else {
            self.pointer(target, to);
            self.pointer(source, from);
        }
        self.constant(counter, count.into());
        let top = self.position();
        self.emit(encode::post(LDR_X, PASSING, source, 8));
        self.emit(encode::post(encode::STR_X, PASSING, target, 8));
        self.emit(encode::add_imm(Size::S64, SUBS, counter, counter, Imm12::one()));
        let more = self.asm.branch(encode::b_cond(encode::NE));
        self.asm.patch_short(more, top);
    }

    fn pointer(&mut self, dst: Reg, (base, displacement): (Reg, i64)) {
        self.move_pointer(false, dst, base, displacement);
    }
}

/// Memory 0.
impl Aarch64 {
    /// Checks an address where that is not the guard's business, and makes it one that an instruction has room for.
    fn place(&mut self, of: Move, bytes: u32, address: Address, wasm: u32) -> Place {
        let Address { index, offset } = address;
        let memory = self.memory;
        if self.explicit_bounds {
            self.check(index, offset + u64::from(bytes), wasm);
        }
        // Below 2^33.
        let displacement = offset as i64;
        match (index, Displacement::new(of, displacement)) {
            (Some(index), Some(_)) if offset == 0 => Place::Indexed(memory, index, Extend::Word),
            (Some(index), Some(_)) => {
                self.emit(encode::extended(ADD, TEMP, memory, index, Extend::Word));
                Place::At(TEMP, displacement)
            }
            (Some(index), None) => {
                self.constant(TEMP, offset);
                self.emit(encode::extended(ADD, TEMP, TEMP, index, Extend::Word));
                Place::Indexed(memory, TEMP, Extend::All)
            }
            (None, Some(_)) => Place::At(memory, displacement),
            (None, None) => {
                self.constant(TEMP, offset);
                Place::Indexed(memory, TEMP, Extend::All)
            }
        }
    }

    /// Traps if an access that ends so many bytes behind an index ends behind the memory.
    fn check(&mut self, index: Option<Reg>, end: u64, wasm: u32) {
        match (index, Imm12::new(end)) {
            (Some(index), Some(end)) => self.emit(encode::add_imm(Size::S64, ADD, TEMP, index, end)),
            (index, _) => {
                self.constant(TEMP, end);
                if let Some(index) = index {
                    self.emit(encode::extended(ADD, TEMP, TEMP, index, Extend::Word));
                }
            }
        }
        self.load_at(LDR_X, PASSING, self.memory, field::MEMORY_LENGTH.into());
        self.three(Size::S64, SUBS, ZR, TEMP, PASSING);
        self.asm.trap_on(HI, Trap::MemoryOutOfBounds, wasm);
    }

    fn access(&mut self, of: Move, t: Reg, place: Place) {
        match place {
            Place::At(base, displacement) => self.load_at(of, t, base, displacement),
            Place::Indexed(base, index, extend) => {
                self.emit(encode::indexed(of, t, base, index, extend, false));
            }
        }
    }

    /// Notes that the instruction that comes next may fault.
    fn may_fault(&mut self, wasm: u32) {
        if !self.explicit_bounds {
            self.asm.site(wasm);
        }
    }

    pub(super) fn load_memory(&mut self, kind: Load, dst: Reg, address: Address, wasm: u32) {
        let of = match kind {
            Load::U8 => encode::LDRB,
            Load::U16 => encode::LDRH,
            Load::U32 => LDR_W,
            Load::U64 => LDR_X,
            Load::S8(Size::S32) => encode::LDRSB_W,
            Load::S8(Size::S64) => encode::LDRSB_X,
            Load::S16(Size::S32) => encode::LDRSH_W,
            Load::S16(Size::S64) => encode::LDRSH_X,
            Load::S32 => encode::LDRSW,
        };
        let place = self.place(of, kind.bytes(), address, wasm);
        self.may_fault(wasm);
        self.access(of, dst, place);
    }

    pub(super) fn store_memory(&mut self, kind: Store, src: Source, address: Address, wasm: u32) {
        let of = match kind {
            Store::B1 => encode::STRB,
            Store::B2 => encode::STRH,
            Store::B4 => encode::STR_W,
            Store::B8 => encode::STR_X,
        };
        let src = match src {
            // Of an immediate as much counts as is stored.
            Source::Imm(value) => Source::Imm(value & u64::MAX >> (64 - 8 * kind.bytes())),
            src => src,
        };
        let place = self.place(of, kind.bytes(), address, wasm);
        let from = self.storable(src);
        self.may_fault(wasm);
        self.probe(of, kind.bytes(), address, place);
        self.access(of, from, place);
    }

    /// Reads where a store is about to write. A store that reaches from the memory into its guard may write the bytes within
    /// before the processor notices: the load, which reads from the same bytes, faults instead.
    fn probe(&mut self, of: Move, bytes: u32, address: Address, place: Place) {
        // What is aligned does not reach from one page into another.
        let is_aligned = address.index.is_none() && address.offset.is_multiple_of(bytes.into());
        if !self.explicit_bounds && bytes > 1 && !is_aligned {
            self.access(of.as_load(), ZR, place);
        }
    }
}

const _: () = assert!(SP.0 == ZR.0);
