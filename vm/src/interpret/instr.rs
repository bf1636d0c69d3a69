//! The instructions: what a body is decoded to.
//!
//! Owns their form. There is one for each live operator, under the operator's name and with its immediates; three more
//! stand for what the spec and the law do between operators. It must not know how they are executed.

use lockstep_gas::Op;

/// Where a branch goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Branch {
    /// The instruction that execution continues with.
    pub(super) target: u32,
    /// How many values are taken along.
    pub(super) arity: u32,
    /// The height in the frame, locals included, that these values are put on.
    pub(super) height: u32,
}

/// A label of a `br_table`; the arity stands in the instruction, for all its labels have the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Target {
    pub(super) target: u32,
    pub(super) height: u32,
}

macro_rules! define_instr {
    (
        operators { $($op:ident $({ $($field:ident: $ty:ty),* })?,)* }
        others { $($(#[doc = $doc:literal])* $other:ident { $($other_field:ident: $other_ty:ty),* },)* }
    ) => {
        /// An instruction.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(super) enum Instr {
            $($op $({ $($field: $ty),* })?,)*
            $($(#[doc = $doc])* $other { $($other_field: $other_ty),* },)*
        }

        impl Instr {
            /// The operators that have an instruction.
            #[cfg(test)]
            pub(super) const OPERATORS: &[Op] = &[$(Op::$op,)*];

            /// The operator that this instruction is, where it is one.
            pub(super) fn op(&self) -> Option<Op> {
                match self {
                    $(Instr::$op { .. } => Some(Op::$op),)*
                    $(Instr::$other { .. } => None,)*
                }
            }
        }
    };
}

define_instr! {
    operators {
        Unreachable, Nop, Block, Loop,
        // To the first instruction behind `else`, or behind `end` where there is no `else`.
        If { otherwise: u32 },
        // To the first instruction behind `end`.
        Else { end: u32 },
        End,
        Br { branch: Branch }, BrIf { branch: Branch },
        // Labels `first..first + count` of the code's targets; the last is the default.
        BrTable { first: u32, count: u32, arity: u32 },
        Return { results: u32, frame_slots: u32 },
        Call { function: u32 }, CallIndirect { type_index: u32, table: u32 },
        // `frame_slots` is the frame that is released.
        ReturnCall { function: u32, frame_slots: u32 },
        ReturnCallIndirect { type_index: u32, table: u32, frame_slots: u32 },

        Drop, Select, TypedSelect,
        LocalGet { local: u32 }, LocalSet { local: u32 }, LocalTee { local: u32 },
        GlobalGet { global: u32 }, GlobalSet { global: u32 },
        RefNull, RefIsNull, RefFunc { function: u32 },

        TableGet { table: u32 }, TableSet { table: u32 }, TableSize { table: u32 }, TableGrow { table: u32 },
        TableFill { table: u32 }, TableCopy { destination: u32, source: u32 },
        TableInit { segment: u32, table: u32 }, ElemDrop { segment: u32 },

        I32Load { offset: u32 }, I64Load { offset: u32 }, F32Load { offset: u32 }, F64Load { offset: u32 },
        I32Load8S { offset: u32 }, I32Load8U { offset: u32 }, I32Load16S { offset: u32 }, I32Load16U { offset: u32 },
        I64Load8S { offset: u32 }, I64Load8U { offset: u32 }, I64Load16S { offset: u32 }, I64Load16U { offset: u32 },
        I64Load32S { offset: u32 }, I64Load32U { offset: u32 },
        I32Store { offset: u32 }, I64Store { offset: u32 }, F32Store { offset: u32 }, F64Store { offset: u32 },
        I32Store8 { offset: u32 }, I32Store16 { offset: u32 },
        I64Store8 { offset: u32 }, I64Store16 { offset: u32 }, I64Store32 { offset: u32 },
        MemorySize, MemoryGrow, MemoryFill, MemoryCopy, MemoryInit { segment: u32 }, DataDrop { segment: u32 },

        I32Const { value: u32 }, I64Const { value: u64 }, F32Const { bits: u32 }, F64Const { bits: u64 },

        I32Eqz, I32Eq, I32Ne, I32LtS, I32LtU, I32GtS, I32GtU, I32LeS, I32LeU, I32GeS, I32GeU,
        I64Eqz, I64Eq, I64Ne, I64LtS, I64LtU, I64GtS, I64GtU, I64LeS, I64LeU, I64GeS, I64GeU,
        F32Eq, F32Ne, F32Lt, F32Gt, F32Le, F32Ge,
        F64Eq, F64Ne, F64Lt, F64Gt, F64Le, F64Ge,

        I32Clz, I32Ctz, I32Popcnt, I32Add, I32Sub, I32Mul, I32DivS, I32DivU, I32RemS, I32RemU,
        I32And, I32Or, I32Xor, I32Shl, I32ShrS, I32ShrU, I32Rotl, I32Rotr,
        I64Clz, I64Ctz, I64Popcnt, I64Add, I64Sub, I64Mul, I64DivS, I64DivU, I64RemS, I64RemU,
        I64And, I64Or, I64Xor, I64Shl, I64ShrS, I64ShrU, I64Rotl, I64Rotr,
        F32Abs, F32Neg, F32Ceil, F32Floor, F32Trunc, F32Nearest, F32Sqrt,
        F32Add, F32Sub, F32Mul, F32Div, F32Min, F32Max, F32Copysign,
        F64Abs, F64Neg, F64Ceil, F64Floor, F64Trunc, F64Nearest, F64Sqrt,
        F64Add, F64Sub, F64Mul, F64Div, F64Min, F64Max, F64Copysign,

        I32WrapI64, I64ExtendI32S, I64ExtendI32U,
        I32Extend8S, I32Extend16S, I64Extend8S, I64Extend16S, I64Extend32S,
        I32TruncF32S, I32TruncF32U, I32TruncF64S, I32TruncF64U,
        I64TruncF32S, I64TruncF32U, I64TruncF64S, I64TruncF64U,
        I32TruncSatF32S, I32TruncSatF32U, I32TruncSatF64S, I32TruncSatF64U,
        I64TruncSatF32S, I64TruncSatF32U, I64TruncSatF64S, I64TruncSatF64U,
        F32ConvertI32S, F32ConvertI32U, F32ConvertI64S, F32ConvertI64U, F32DemoteF64,
        F64ConvertI32S, F64ConvertI32U, F64ConvertI64S, F64ConvertI64U, F64PromoteF32,
        I32ReinterpretF32, I64ReinterpretF64, F32ReinterpretI32, F64ReinterpretI64,
    }
    others {
        /// Pays for the run whose first operator comes next.
        Charge { price: u64 },
        /// Behind the first run's charge, before the first operator: makes room for the frame and zeroes the locals.
        Enter { declared_locals: u32, operand_height: u32 },
        /// Behind the last `end`: gives the results to the caller.
        Leave { results: u32, frame_slots: u32 },
    }
}

const _: () = assert!(size_of::<Instr>() == 16);

impl Instr {
    /// Whether this operator is the last of its run, by the law's list. A run also ends before a `loop`.
    pub(super) fn ends_run(&self) -> bool {
        self.transfers()
            || matches!(
                self,
                Instr::If { .. }
                    | Instr::Else { .. }
                    | Instr::End
                    | Instr::BrIf { .. }
                    | Instr::Call { .. }
                    | Instr::CallIndirect { .. }
            )
    }

    /// Whether this operator always transfers control, so that what follows it is dead.
    pub(super) fn transfers(&self) -> bool {
        matches!(
            self,
            Instr::Unreachable
                | Instr::Br { .. }
                | Instr::BrTable { .. }
                | Instr::Return { .. }
                | Instr::ReturnCall { .. }
                | Instr::ReturnCallIndirect { .. }
        )
    }
}
