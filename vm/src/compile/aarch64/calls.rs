//! Calls on aarch64 that go through words: of imported functions, and by reference.
//!
//! Owns how an address to call is found. It must not know arguments.

use super::assembler::Stub;
use super::encode::{self, ADD, By, LDR_W, LDR_X, NE, ORR, SP, SUBS, ZR};
use super::{ANCHOR, Aarch64, LINK, PASSING, TEMP, slot_offset};
use crate::abi::{field, import_word};
use crate::compile::masm::{Masm, Size, Source, Target};
use crate::trap::Trap;

impl Aarch64 {
    pub(super) fn emit_call_import(&mut self, function: u32, displacement: i32, wasm: u32) {
        self.load_at(LDR_X, TEMP, ANCHOR, (displacement + import_word::ENTRY).into());
        self.constant(Self::RESULT, function.into());
        self.constant(Self::SCRATCH, 0);
        self.emit(encode::blr(TEMP));
        self.asm.site(wasm);
    }

    pub(super) fn emit_jump_to_import(
        &mut self,
        function: u32,
        displacement: i32,
        frame_slots: u32,
        wasm: u32,
    ) {
        self.tail_site(wasm);
        self.give_frame_back(frame_slots);
        self.load_at(LDR_X, TEMP, ANCHOR, (displacement + import_word::ENTRY).into());
        self.constant(Self::RESULT, function.into());
        self.emit(encode::br(TEMP));
    }

    pub(super) fn emit_resolve(&mut self, type_id: u32, type_index: u32, wasm: u32) {
        let address = Self::RESULT;
        self.emit(encode::lsr_imm(Size::S64, TEMP, address, 32));
        self.load_at(LDR_W, PASSING, ANCHOR, (field::INSTANCE + 4).into());
        self.three(Size::S32, SUBS, ZR, TEMP, PASSING);
        let jump = self.asm.branch(encode::b_cond(NE));
        self.asm.address(PASSING, Target::FunctionTable);
        // The lower half, times the eight bytes of an entry.
        self.three(Size::S32, ORR, address, ZR, address);
        self.emit(encode::shifted(Size::S64, ADD, PASSING, PASSING, address, By::Left, 3));
        self.emit(encode::ldp_w(LINK, address, PASSING));
        self.add_sub(Size::S32, true, true, ZR, LINK, Source::Imm(type_id.into()));
        self.asm.trap_on(NE, Trap::BadSignature, wasm);
        self.asm.address(PASSING, Target::Start);
        self.three(Size::S64, ADD, address, address, PASSING);
        let back = self.position();
        self.asm.stub(Stub::Resolve { jump, back, type_index, wasm });
    }

    pub(super) fn emit_jump_to_resolved(&mut self, frame_slots: u32, wasm: u32) {
        self.tail_site(wasm);
        self.give_frame_back(frame_slots);
        self.emit(encode::br(Self::RESULT));
    }

    /// The address that comes next, for a tail call's host function to be found at.
    pub(super) fn tail_site(&mut self, wasm: u32) {
        self.emit(encode::adr(Self::SCRATCH, 4));
        self.asm.site(wasm);
    }

    pub(super) fn give_frame_back(&mut self, frame_slots: u32) {
        let bytes = slot_offset(frame_slots.into());
        self.load_at(LDR_X, LINK, SP, bytes - 8);
        self.move_pointer(false, SP, SP, bytes);
    }
}
