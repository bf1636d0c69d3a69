//! The visitor: from each operator to the method that compiles it.
//!
//! Owns the list. An operator that is missing here does not build. It must not know how anything is compiled.

use super::function::Compiler;
use super::masm::Size::{S32, S64};
use super::masm::{
    Alu, Cond, Conversion, Division, FloatBinary, FloatCompare, FloatUnary, Load, Masm, Shift, Store, Unary,
};
use crate::operators::Operators;
use alloc::vec::Vec;
use wasmparser::{BinaryReader, FrameKind, FrameStack, FunctionBody, MemArg, VisitOperator};

impl<M: Masm> Compiler<'_, M> {
    /// Compiles the operators of a body.
    pub(super) fn operators(&mut self, index: u32) {
        let body = &self.env.info.bodies[index as usize];
        let range = body.bytes.start as usize..body.bytes.end as usize;
        let reader = FunctionBody::new(BinaryReader::new(&self.env.bytes[range], body.bytes.start.into()));
        let mut reader = reader.get_binary_reader();
        for _ in 0..reader.read_var_u32().expect("validated") {
            reader.read_var_u32().expect("validated");
            reader.read::<wasmparser::ValType>().expect("validated");
        }
        let mut operators = Operators::new(reader);
        while !operators.eof() {
            // Modules are smaller than 4 GiB.
            self.offset = operators.position() as u32;
            self.masm.operator(self.offset);
            operators.visit(self).expect("validated");
            #[cfg(debug_assertions)]
            self.check();
        }
        assert!(self.constructs.is_empty() && self.dead_constructs == 0, "body and constructs end together");
        assert!(self.unpaid.is_empty(), "runs are never paid for: {:?}", self.unpaid);
        assert!(self.runs.is_empty(), "a run starts where no live operator is: {:?}", self.runs);
    }
}

/// Validation has found every `else` in its `if`; nobody asks for more.
impl<M> FrameStack for Compiler<'_, M> {
    fn current_frame(&self) -> Option<FrameKind> {
        Some(FrameKind::If)
    }
}

/// Any access lies within 32 bits: a memory has no more.
fn memory_offset(memarg: MemArg) -> u32 {
    u32::try_from(memarg.offset).expect("validated: the offset of a 32-bit memory")
}

/// An operator that can neither trap nor be seen: its run may be paid for later.
macro_rules! pure {
    ($d:ident, $body:expr) => {
        if $d.live {
            $d.begin_run();
            $body;
        }
    };
}

/// Any other operator that belongs to a run.
macro_rules! operator {
    ($d:ident, $body:expr) => {
        if $d.live {
            $d.charge();
            $body;
        }
    };
}

/// What each operator becomes.
macro_rules! compile {
    (Unreachable($d:ident)) => {
        operator!($d, $d.unreachable())
    };
    (Nop($d:ident)) => {
        pure!($d, {})
    };
    (Block($d:ident, $a0:ident)) => {
        $d.block($a0)
    };
    (Loop($d:ident, $a0:ident)) => {
        $d.loop_($a0)
    };
    (If($d:ident, $a0:ident)) => {
        $d.if_($a0)
    };
    (Else($d:ident)) => {
        $d.else_()
    };
    (End($d:ident)) => {
        $d.end()
    };
    (Br($d:ident, $a0:ident)) => {
        $d.br($a0)
    };
    (BrIf($d:ident, $a0:ident)) => {
        $d.br_if($a0)
    };
    (BrTable($d:ident, $a0:ident)) => {
        $d.br_table(&$a0)
    };
    (Return($d:ident)) => {
        $d.return_()
    };
    (Call($d:ident, $a0:ident)) => {
        $d.call($a0)
    };
    (CallIndirect($d:ident, $a0:ident, $a1:ident)) => {
        $d.call_indirect($a0, $a1)
    };
    (ReturnCall($d:ident, $a0:ident)) => {
        $d.return_call($a0)
    };
    (ReturnCallIndirect($d:ident, $a0:ident, $a1:ident)) => {
        $d.return_call_indirect($a0, $a1)
    };
    (Drop($d:ident)) => {
        pure!($d, $d.drop_operand())
    };
    (Select($d:ident)) => {
        pure!($d, $d.select())
    };
    (TypedSelect($d:ident, $a0:ident)) => {
        pure!($d, $d.select())
    };
    (LocalGet($d:ident, $a0:ident)) => {
        pure!($d, $d.local_get($a0.into()))
    };
    (LocalSet($d:ident, $a0:ident)) => {
        pure!($d, $d.local_set($a0.into()))
    };
    (LocalTee($d:ident, $a0:ident)) => {
        pure!($d, $d.local_tee($a0.into()))
    };
    (GlobalGet($d:ident, $a0:ident)) => {
        pure!($d, $d.global_get($a0))
    };
    (GlobalSet($d:ident, $a0:ident)) => {
        operator!($d, $d.global_set($a0))
    };
    (RefNull($d:ident, $a0:ident)) => {
        pure!($d, $d.constant(0))
    };
    (RefIsNull($d:ident)) => {
        pure!($d, $d.eqz(S64))
    };
    (RefFunc($d:ident, $a0:ident)) => {
        pure!($d, $d.ref_func($a0))
    };
    (TableGet($d:ident, $a0:ident)) => {
        operator!($d, $d.table_get($a0))
    };
    (TableSet($d:ident, $a0:ident)) => {
        operator!($d, $d.table_set($a0))
    };
    (TableSize($d:ident, $a0:ident)) => {
        pure!($d, $d.table_size($a0))
    };
    (TableGrow($d:ident, $a0:ident)) => {
        operator!($d, $d.table_grow($a0))
    };
    (TableFill($d:ident, $a0:ident)) => {
        operator!($d, $d.table_fill($a0))
    };
    (TableCopy($d:ident, $a0:ident, $a1:ident)) => {
        operator!($d, $d.table_copy($a0, $a1))
    };
    (TableInit($d:ident, $a0:ident, $a1:ident)) => {
        operator!($d, $d.table_init($a0, $a1))
    };
    (ElemDrop($d:ident, $a0:ident)) => {
        operator!($d, $d.elem_drop($a0))
    };
    (MemorySize($d:ident, $a0:ident)) => {
        pure!($d, $d.memory_size())
    };
    (MemoryGrow($d:ident, $a0:ident)) => {
        operator!($d, $d.memory_grow())
    };
    (MemoryFill($d:ident, $a0:ident)) => {
        operator!($d, $d.memory_fill())
    };
    (MemoryCopy($d:ident, $a0:ident, $a1:ident)) => {
        operator!($d, $d.memory_copy())
    };
    (MemoryInit($d:ident, $a0:ident, $a1:ident)) => {
        operator!($d, $d.memory_init($a0))
    };
    (DataDrop($d:ident, $a0:ident)) => {
        operator!($d, $d.data_drop($a0))
    };
    (I32Load($d:ident, $a0:ident)) => {
        operator!($d, $d.load(Load::U32, memory_offset($a0)))
    };
    (I64Load($d:ident, $a0:ident)) => {
        operator!($d, $d.load(Load::U64, memory_offset($a0)))
    };
    (F32Load($d:ident, $a0:ident)) => {
        operator!($d, $d.load(Load::U32, memory_offset($a0)))
    };
    (F64Load($d:ident, $a0:ident)) => {
        operator!($d, $d.load(Load::U64, memory_offset($a0)))
    };
    (I32Load8S($d:ident, $a0:ident)) => {
        operator!($d, $d.load(Load::S8(S32), memory_offset($a0)))
    };
    (I32Load8U($d:ident, $a0:ident)) => {
        operator!($d, $d.load(Load::U8, memory_offset($a0)))
    };
    (I32Load16S($d:ident, $a0:ident)) => {
        operator!($d, $d.load(Load::S16(S32), memory_offset($a0)))
    };
    (I32Load16U($d:ident, $a0:ident)) => {
        operator!($d, $d.load(Load::U16, memory_offset($a0)))
    };
    (I64Load8S($d:ident, $a0:ident)) => {
        operator!($d, $d.load(Load::S8(S64), memory_offset($a0)))
    };
    (I64Load8U($d:ident, $a0:ident)) => {
        operator!($d, $d.load(Load::U8, memory_offset($a0)))
    };
    (I64Load16S($d:ident, $a0:ident)) => {
        operator!($d, $d.load(Load::S16(S64), memory_offset($a0)))
    };
    (I64Load16U($d:ident, $a0:ident)) => {
        operator!($d, $d.load(Load::U16, memory_offset($a0)))
    };
    (I64Load32S($d:ident, $a0:ident)) => {
        operator!($d, $d.load(Load::S32, memory_offset($a0)))
    };
    (I64Load32U($d:ident, $a0:ident)) => {
        operator!($d, $d.load(Load::U32, memory_offset($a0)))
    };
    (I32Store($d:ident, $a0:ident)) => {
        operator!($d, $d.store(Store::B4, memory_offset($a0)))
    };
    (I64Store($d:ident, $a0:ident)) => {
        operator!($d, $d.store(Store::B8, memory_offset($a0)))
    };
    (F32Store($d:ident, $a0:ident)) => {
        operator!($d, $d.store(Store::B4, memory_offset($a0)))
    };
    (F64Store($d:ident, $a0:ident)) => {
        operator!($d, $d.store(Store::B8, memory_offset($a0)))
    };
    (I32Store8($d:ident, $a0:ident)) => {
        operator!($d, $d.store(Store::B1, memory_offset($a0)))
    };
    (I32Store16($d:ident, $a0:ident)) => {
        operator!($d, $d.store(Store::B2, memory_offset($a0)))
    };
    (I64Store8($d:ident, $a0:ident)) => {
        operator!($d, $d.store(Store::B1, memory_offset($a0)))
    };
    (I64Store16($d:ident, $a0:ident)) => {
        operator!($d, $d.store(Store::B2, memory_offset($a0)))
    };
    (I64Store32($d:ident, $a0:ident)) => {
        operator!($d, $d.store(Store::B4, memory_offset($a0)))
    };
    (I32Const($d:ident, $a0:ident)) => {
        pure!($d, $d.constant(u64::from($a0 as u32)))
    };
    (I64Const($d:ident, $a0:ident)) => {
        pure!($d, $d.constant($a0 as u64))
    };
    (F32Const($d:ident, $a0:ident)) => {
        pure!($d, $d.constant(u64::from($a0.bits())))
    };
    (F64Const($d:ident, $a0:ident)) => {
        pure!($d, $d.constant($a0.bits()))
    };
    (I32Eqz($d:ident)) => {
        pure!($d, $d.eqz(S32))
    };
    (I32Eq($d:ident)) => {
        pure!($d, $d.compare(Cond::Eq, S32))
    };
    (I32Ne($d:ident)) => {
        pure!($d, $d.compare(Cond::Ne, S32))
    };
    (I32LtS($d:ident)) => {
        pure!($d, $d.compare(Cond::LtS, S32))
    };
    (I32LtU($d:ident)) => {
        pure!($d, $d.compare(Cond::LtU, S32))
    };
    (I32GtS($d:ident)) => {
        pure!($d, $d.compare(Cond::GtS, S32))
    };
    (I32GtU($d:ident)) => {
        pure!($d, $d.compare(Cond::GtU, S32))
    };
    (I32LeS($d:ident)) => {
        pure!($d, $d.compare(Cond::LeS, S32))
    };
    (I32LeU($d:ident)) => {
        pure!($d, $d.compare(Cond::LeU, S32))
    };
    (I32GeS($d:ident)) => {
        pure!($d, $d.compare(Cond::GeS, S32))
    };
    (I32GeU($d:ident)) => {
        pure!($d, $d.compare(Cond::GeU, S32))
    };
    (I32Clz($d:ident)) => {
        pure!($d, $d.unary(Unary::Clz, S32))
    };
    (I32Ctz($d:ident)) => {
        pure!($d, $d.unary(Unary::Ctz, S32))
    };
    (I32Popcnt($d:ident)) => {
        pure!($d, $d.unary(Unary::Popcnt, S32))
    };
    (I32Add($d:ident)) => {
        pure!($d, $d.alu(Alu::Add, S32))
    };
    (I32Sub($d:ident)) => {
        pure!($d, $d.alu(Alu::Sub, S32))
    };
    (I32Mul($d:ident)) => {
        pure!($d, $d.alu(Alu::Mul, S32))
    };
    (I32And($d:ident)) => {
        pure!($d, $d.alu(Alu::And, S32))
    };
    (I32Or($d:ident)) => {
        pure!($d, $d.alu(Alu::Or, S32))
    };
    (I32Xor($d:ident)) => {
        pure!($d, $d.alu(Alu::Xor, S32))
    };
    (I32DivS($d:ident)) => {
        operator!($d, $d.divide(Division::DivS, S32))
    };
    (I32DivU($d:ident)) => {
        operator!($d, $d.divide(Division::DivU, S32))
    };
    (I32RemS($d:ident)) => {
        operator!($d, $d.divide(Division::RemS, S32))
    };
    (I32RemU($d:ident)) => {
        operator!($d, $d.divide(Division::RemU, S32))
    };
    (I32Shl($d:ident)) => {
        pure!($d, $d.shift(Shift::Shl, S32))
    };
    (I32ShrS($d:ident)) => {
        pure!($d, $d.shift(Shift::ShrS, S32))
    };
    (I32ShrU($d:ident)) => {
        pure!($d, $d.shift(Shift::ShrU, S32))
    };
    (I32Rotl($d:ident)) => {
        pure!($d, $d.shift(Shift::Rotl, S32))
    };
    (I32Rotr($d:ident)) => {
        pure!($d, $d.shift(Shift::Rotr, S32))
    };
    (I32Extend8S($d:ident)) => {
        pure!($d, $d.unary(Unary::Extend8, S32))
    };
    (I32Extend16S($d:ident)) => {
        pure!($d, $d.unary(Unary::Extend16, S32))
    };
    (I64Eqz($d:ident)) => {
        pure!($d, $d.eqz(S64))
    };
    (I64Eq($d:ident)) => {
        pure!($d, $d.compare(Cond::Eq, S64))
    };
    (I64Ne($d:ident)) => {
        pure!($d, $d.compare(Cond::Ne, S64))
    };
    (I64LtS($d:ident)) => {
        pure!($d, $d.compare(Cond::LtS, S64))
    };
    (I64LtU($d:ident)) => {
        pure!($d, $d.compare(Cond::LtU, S64))
    };
    (I64GtS($d:ident)) => {
        pure!($d, $d.compare(Cond::GtS, S64))
    };
    (I64GtU($d:ident)) => {
        pure!($d, $d.compare(Cond::GtU, S64))
    };
    (I64LeS($d:ident)) => {
        pure!($d, $d.compare(Cond::LeS, S64))
    };
    (I64LeU($d:ident)) => {
        pure!($d, $d.compare(Cond::LeU, S64))
    };
    (I64GeS($d:ident)) => {
        pure!($d, $d.compare(Cond::GeS, S64))
    };
    (I64GeU($d:ident)) => {
        pure!($d, $d.compare(Cond::GeU, S64))
    };
    (I64Clz($d:ident)) => {
        pure!($d, $d.unary(Unary::Clz, S64))
    };
    (I64Ctz($d:ident)) => {
        pure!($d, $d.unary(Unary::Ctz, S64))
    };
    (I64Popcnt($d:ident)) => {
        pure!($d, $d.unary(Unary::Popcnt, S64))
    };
    (I64Add($d:ident)) => {
        pure!($d, $d.alu(Alu::Add, S64))
    };
    (I64Sub($d:ident)) => {
        pure!($d, $d.alu(Alu::Sub, S64))
    };
    (I64Mul($d:ident)) => {
        pure!($d, $d.alu(Alu::Mul, S64))
    };
    (I64And($d:ident)) => {
        pure!($d, $d.alu(Alu::And, S64))
    };
    (I64Or($d:ident)) => {
        pure!($d, $d.alu(Alu::Or, S64))
    };
    (I64Xor($d:ident)) => {
        pure!($d, $d.alu(Alu::Xor, S64))
    };
    (I64DivS($d:ident)) => {
        operator!($d, $d.divide(Division::DivS, S64))
    };
    (I64DivU($d:ident)) => {
        operator!($d, $d.divide(Division::DivU, S64))
    };
    (I64RemS($d:ident)) => {
        operator!($d, $d.divide(Division::RemS, S64))
    };
    (I64RemU($d:ident)) => {
        operator!($d, $d.divide(Division::RemU, S64))
    };
    (I64Shl($d:ident)) => {
        pure!($d, $d.shift(Shift::Shl, S64))
    };
    (I64ShrS($d:ident)) => {
        pure!($d, $d.shift(Shift::ShrS, S64))
    };
    (I64ShrU($d:ident)) => {
        pure!($d, $d.shift(Shift::ShrU, S64))
    };
    (I64Rotl($d:ident)) => {
        pure!($d, $d.shift(Shift::Rotl, S64))
    };
    (I64Rotr($d:ident)) => {
        pure!($d, $d.shift(Shift::Rotr, S64))
    };
    (I64Extend8S($d:ident)) => {
        pure!($d, $d.unary(Unary::Extend8, S64))
    };
    (I64Extend16S($d:ident)) => {
        pure!($d, $d.unary(Unary::Extend16, S64))
    };
    (I64Extend32S($d:ident)) => {
        pure!($d, $d.unary(Unary::Extend32, S64))
    };
    (I32WrapI64($d:ident)) => {
        pure!($d, $d.unary(Unary::Wrap, S32))
    };
    (I64ExtendI32S($d:ident)) => {
        pure!($d, $d.unary(Unary::Extend32, S64))
    };
    (I64ExtendI32U($d:ident)) => {
        pure!($d, $d.extend_u())
    };
    (F32Eq($d:ident)) => {
        pure!($d, $d.float_compare(FloatCompare::Eq, S32))
    };
    (F32Ne($d:ident)) => {
        pure!($d, $d.float_compare(FloatCompare::Ne, S32))
    };
    (F32Lt($d:ident)) => {
        pure!($d, $d.float_compare(FloatCompare::Lt, S32))
    };
    (F32Gt($d:ident)) => {
        pure!($d, $d.float_compare(FloatCompare::Gt, S32))
    };
    (F32Le($d:ident)) => {
        pure!($d, $d.float_compare(FloatCompare::Le, S32))
    };
    (F32Ge($d:ident)) => {
        pure!($d, $d.float_compare(FloatCompare::Ge, S32))
    };
    (F32Abs($d:ident)) => {
        pure!($d, $d.float_unary(FloatUnary::Abs, S32))
    };
    (F32Neg($d:ident)) => {
        pure!($d, $d.float_unary(FloatUnary::Neg, S32))
    };
    (F32Ceil($d:ident)) => {
        pure!($d, $d.float_unary(FloatUnary::Ceil, S32))
    };
    (F32Floor($d:ident)) => {
        pure!($d, $d.float_unary(FloatUnary::Floor, S32))
    };
    (F32Trunc($d:ident)) => {
        pure!($d, $d.float_unary(FloatUnary::Trunc, S32))
    };
    (F32Nearest($d:ident)) => {
        pure!($d, $d.float_unary(FloatUnary::Nearest, S32))
    };
    (F32Sqrt($d:ident)) => {
        pure!($d, $d.float_unary(FloatUnary::Sqrt, S32))
    };
    (F32Add($d:ident)) => {
        pure!($d, $d.float_binary(FloatBinary::Add, S32))
    };
    (F32Sub($d:ident)) => {
        pure!($d, $d.float_binary(FloatBinary::Sub, S32))
    };
    (F32Mul($d:ident)) => {
        pure!($d, $d.float_binary(FloatBinary::Mul, S32))
    };
    (F32Div($d:ident)) => {
        pure!($d, $d.float_binary(FloatBinary::Div, S32))
    };
    (F32Min($d:ident)) => {
        pure!($d, $d.float_binary(FloatBinary::Min, S32))
    };
    (F32Max($d:ident)) => {
        pure!($d, $d.float_binary(FloatBinary::Max, S32))
    };
    (F32Copysign($d:ident)) => {
        pure!($d, $d.float_binary(FloatBinary::Copysign, S32))
    };
    (F64Eq($d:ident)) => {
        pure!($d, $d.float_compare(FloatCompare::Eq, S64))
    };
    (F64Ne($d:ident)) => {
        pure!($d, $d.float_compare(FloatCompare::Ne, S64))
    };
    (F64Lt($d:ident)) => {
        pure!($d, $d.float_compare(FloatCompare::Lt, S64))
    };
    (F64Gt($d:ident)) => {
        pure!($d, $d.float_compare(FloatCompare::Gt, S64))
    };
    (F64Le($d:ident)) => {
        pure!($d, $d.float_compare(FloatCompare::Le, S64))
    };
    (F64Ge($d:ident)) => {
        pure!($d, $d.float_compare(FloatCompare::Ge, S64))
    };
    (F64Abs($d:ident)) => {
        pure!($d, $d.float_unary(FloatUnary::Abs, S64))
    };
    (F64Neg($d:ident)) => {
        pure!($d, $d.float_unary(FloatUnary::Neg, S64))
    };
    (F64Ceil($d:ident)) => {
        pure!($d, $d.float_unary(FloatUnary::Ceil, S64))
    };
    (F64Floor($d:ident)) => {
        pure!($d, $d.float_unary(FloatUnary::Floor, S64))
    };
    (F64Trunc($d:ident)) => {
        pure!($d, $d.float_unary(FloatUnary::Trunc, S64))
    };
    (F64Nearest($d:ident)) => {
        pure!($d, $d.float_unary(FloatUnary::Nearest, S64))
    };
    (F64Sqrt($d:ident)) => {
        pure!($d, $d.float_unary(FloatUnary::Sqrt, S64))
    };
    (F64Add($d:ident)) => {
        pure!($d, $d.float_binary(FloatBinary::Add, S64))
    };
    (F64Sub($d:ident)) => {
        pure!($d, $d.float_binary(FloatBinary::Sub, S64))
    };
    (F64Mul($d:ident)) => {
        pure!($d, $d.float_binary(FloatBinary::Mul, S64))
    };
    (F64Div($d:ident)) => {
        pure!($d, $d.float_binary(FloatBinary::Div, S64))
    };
    (F64Min($d:ident)) => {
        pure!($d, $d.float_binary(FloatBinary::Min, S64))
    };
    (F64Max($d:ident)) => {
        pure!($d, $d.float_binary(FloatBinary::Max, S64))
    };
    (F64Copysign($d:ident)) => {
        pure!($d, $d.float_binary(FloatBinary::Copysign, S64))
    };
    (I32TruncF32S($d:ident)) => {
        operator!($d, $d.convert(Conversion::Trunc { to: S32, from: S32, signed: true, saturating: false }))
    };
    (I32TruncSatF32S($d:ident)) => {
        operator!($d, $d.convert(Conversion::Trunc { to: S32, from: S32, signed: true, saturating: true }))
    };
    (F32ConvertI32S($d:ident)) => {
        operator!($d, $d.convert(Conversion::Convert { to: S32, from: S32, signed: true }))
    };
    (I32TruncF32U($d:ident)) => {
        operator!($d, $d.convert(Conversion::Trunc { to: S32, from: S32, signed: false, saturating: false }))
    };
    (I32TruncSatF32U($d:ident)) => {
        operator!($d, $d.convert(Conversion::Trunc { to: S32, from: S32, signed: false, saturating: true }))
    };
    (F32ConvertI32U($d:ident)) => {
        operator!($d, $d.convert(Conversion::Convert { to: S32, from: S32, signed: false }))
    };
    (I32TruncF64S($d:ident)) => {
        operator!($d, $d.convert(Conversion::Trunc { to: S32, from: S64, signed: true, saturating: false }))
    };
    (I32TruncSatF64S($d:ident)) => {
        operator!($d, $d.convert(Conversion::Trunc { to: S32, from: S64, signed: true, saturating: true }))
    };
    (F64ConvertI32S($d:ident)) => {
        operator!($d, $d.convert(Conversion::Convert { to: S64, from: S32, signed: true }))
    };
    (I32TruncF64U($d:ident)) => {
        operator!($d, $d.convert(Conversion::Trunc { to: S32, from: S64, signed: false, saturating: false }))
    };
    (I32TruncSatF64U($d:ident)) => {
        operator!($d, $d.convert(Conversion::Trunc { to: S32, from: S64, signed: false, saturating: true }))
    };
    (F64ConvertI32U($d:ident)) => {
        operator!($d, $d.convert(Conversion::Convert { to: S64, from: S32, signed: false }))
    };
    (I64TruncF32S($d:ident)) => {
        operator!($d, $d.convert(Conversion::Trunc { to: S64, from: S32, signed: true, saturating: false }))
    };
    (I64TruncSatF32S($d:ident)) => {
        operator!($d, $d.convert(Conversion::Trunc { to: S64, from: S32, signed: true, saturating: true }))
    };
    (F32ConvertI64S($d:ident)) => {
        operator!($d, $d.convert(Conversion::Convert { to: S32, from: S64, signed: true }))
    };
    (I64TruncF32U($d:ident)) => {
        operator!($d, $d.convert(Conversion::Trunc { to: S64, from: S32, signed: false, saturating: false }))
    };
    (I64TruncSatF32U($d:ident)) => {
        operator!($d, $d.convert(Conversion::Trunc { to: S64, from: S32, signed: false, saturating: true }))
    };
    (F32ConvertI64U($d:ident)) => {
        operator!($d, $d.convert(Conversion::Convert { to: S32, from: S64, signed: false }))
    };
    (I64TruncF64S($d:ident)) => {
        operator!($d, $d.convert(Conversion::Trunc { to: S64, from: S64, signed: true, saturating: false }))
    };
    (I64TruncSatF64S($d:ident)) => {
        operator!($d, $d.convert(Conversion::Trunc { to: S64, from: S64, signed: true, saturating: true }))
    };
    (F64ConvertI64S($d:ident)) => {
        operator!($d, $d.convert(Conversion::Convert { to: S64, from: S64, signed: true }))
    };
    (I64TruncF64U($d:ident)) => {
        operator!($d, $d.convert(Conversion::Trunc { to: S64, from: S64, signed: false, saturating: false }))
    };
    (I64TruncSatF64U($d:ident)) => {
        operator!($d, $d.convert(Conversion::Trunc { to: S64, from: S64, signed: false, saturating: true }))
    };
    (F64ConvertI64U($d:ident)) => {
        operator!($d, $d.convert(Conversion::Convert { to: S64, from: S64, signed: false }))
    };
    (F32DemoteF64($d:ident)) => {
        operator!($d, $d.convert(Conversion::Demote))
    };
    (F64PromoteF32($d:ident)) => {
        operator!($d, $d.convert(Conversion::Promote))
    };
    (I32ReinterpretF32($d:ident)) => {
        pure!($d, $d.reinterpret())
    };
    (I64ReinterpretF64($d:ident)) => {
        pure!($d, $d.reinterpret())
    };
    (F32ReinterpretI32($d:ident)) => {
        pure!($d, $d.reinterpret())
    };
    (F64ReinterpretI64($d:ident)) => {
        pure!($d, $d.reinterpret())
    };
    ($op:ident($($any:tt)*)) => {
        unreachable!(concat!("validated: ", stringify!($op), " is not accepted"))
    };
}

macro_rules! define_visit {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident $ann:tt)*) => {
        $(
            #[allow(unused_variables, reason = "types and the only memory are of no interest any more")]
            fn $visit(&mut self $($(, $arg: $ty)*)?) {
                compile!($op(self $($(, $arg)*)?))
            }
        )*
    };
}

impl<'a, M: Masm> VisitOperator<'a> for Compiler<'_, M> {
    type Output = ();

    wasmparser::for_each_visit_operator!(define_visit);
}
