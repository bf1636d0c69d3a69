//! Functions that execute one operator with its operands in chosen places, and use its result in a chosen way.
//!
//! Owns how an operand is brought to a place: through what the compiler cannot see ahead. It must not know engines.
//!
//! A function gets the operands as parameters and gives the operator's result, or something that the result decides.
//! Everything else that it holds meanwhile, temporaries below the operands and locals, goes into the global `0`.

use wasm_encoder::{BlockType, Function, InstructionSink, MemArg, MemArgTarget, ValType};

use crate::operators::{F32, F64, I32, I64, Operator, Ty};

/// Where an operand is when its operator comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// A constant of these bits.
    Const(u64),
    /// A local that is used much.
    Home,
    /// A local that is used less than there are registers for.
    Slot,
    /// The result of an operator.
    Register,
    /// The same, below more values than there are registers.
    Deep,
    /// The same, where a construct has begun since.
    Settled,
    /// The same, where a call has come since.
    Called,
    /// The result of a block that was left early.
    BlockResult,
    /// The result of a call.
    CallResult,
    /// The remainder of a division.
    Remainder,
    /// A local that is read first after a call.
    Stale,
    /// A local that was read before a call.
    ReadBeforeCall,
    /// A local that has been set since it was read.
    SetSince,
    /// A comparison that comes last.
    Comparison,
    /// The first operand's local once more.
    Same,
}

/// Places that are no constants, for operands of a type.
pub(crate) fn places(ty: Ty) -> Vec<Place> {
    use Place::*;
    let mut places = vec![
        Home,
        Slot,
        Register,
        Deep,
        Settled,
        Called,
        BlockResult,
        CallResult,
        Stale,
        ReadBeforeCall,
        SetSince,
        Same,
    ];
    if matches!(ty, I32 | I64) {
        places.push(Remainder);
    }
    if ty == I32 {
        places.push(Comparison);
    }
    places
}

/// What becomes of the result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Use {
    Set,
    SetHome,
    SetOperand,
    Tee,
    Drop,
    SelectFirst,
    SelectSecond,
    SelectCondition,
    BranchValue,
    BranchCondition,
    IfCondition,
    Return,
    Store,
}

/// The uses of a result.
pub(crate) fn uses(ty: Ty) -> Vec<Use> {
    use Use::*;
    let mut uses =
        vec![Set, SetHome, SetOperand, Tee, Drop, SelectFirst, SelectSecond, BranchValue, Return, Store];
    if ty == I32 {
        uses.extend([SelectCondition, BranchCondition, IfCondition]);
    }
    uses
}

/// One function of the matrix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) operator: Operator,
    pub(crate) first: Place,
    /// Also of operators with one operand, where it says nothing.
    pub(crate) second: Place,
    pub(crate) result: Use,
    /// Nothing, or so many temporaries below the operands, while all homes are taken.
    pub(crate) below: Option<u32>,
}

/// Functions that every module of the matrix has first, by their type's index too.
pub(crate) const NOTHING: u32 = 0;

/// The function that answers its argument.
pub(crate) fn identity(ty: Ty) -> u32 {
    1 + ty as u32
}

/// How many these are.
pub(crate) const HELPERS: u32 = 5;

/// Locals that take all homes.
const HEAVY: u32 = 9;

/// The address that results are stored at.
const RESULT_ADDRESS: i32 = 8;

pub(crate) fn val_type(ty: Ty) -> ValType {
    match ty {
        I32 => ValType::I32,
        I64 => ValType::I64,
        F32 => ValType::F32,
        F64 => ValType::F64,
    }
}

/// Turns a value into an i64 of the same bits.
pub(crate) fn to_bits(code: &mut InstructionSink<'_>, ty: Ty) {
    match ty {
        I32 => code.i64_extend_i32_u(),
        I64 => code,
        F32 => code.i32_reinterpret_f32().i64_extend_i32_u(),
        F64 => code.i64_reinterpret_f64(),
    };
}

pub(crate) fn constant(code: &mut InstructionSink<'_>, ty: Ty, bits: u64) {
    match ty {
        I32 => code.i32_const(bits as u32 as i32),
        I64 => code.i64_const(bits as i64),
        F32 => code.f32_const(wasm_encoder::Ieee32::new(bits as u32)),
        F64 => code.f64_const(wasm_encoder::Ieee64::new(bits)),
    };
}

impl Case {
    /// The function's body.
    pub(crate) fn body(&self) -> Function {
        let parameters = self.operator.operands.len() as u32;
        let result = parameters;
        let heavy = parameters + 1;
        // The first of them has the result's type, so that it can be set to it.
        let locals = [
            (1, val_type(self.operator.result)),
            (1, val_type(self.operator.result)),
            (HEAVY - 1, ValType::I64),
        ];
        let mut writer = Writer { case: self, code: Vec::new(), result, heavy };
        writer.write();
        let mut function = Function::new(locals);
        function.raw(writer.code);
        function
    }
}

struct Writer<'a> {
    case: &'a Case,
    code: Vec<u8>,
    result: u32,
    heavy: u32,
}

impl Writer<'_> {
    fn op(&mut self) -> InstructionSink<'_> {
        InstructionSink::new(&mut self.code)
    }

    /// Gives a local weight, without a trace in the code.
    fn weigh(&mut self, local: u32, times: usize) {
        for _ in 0..times {
            self.op().local_get(local).drop();
        }
    }

    fn write(&mut self) {
        let Case { operator, first, second, result, below } = *self.case;
        let places = [first, second];
        let heavy = below.is_some() || places[..operator.operands.len()].contains(&Place::Slot);
        if heavy {
            let (first, rest) = (self.heavy, self.heavy + 1..self.heavy + HEAVY);
            constant(&mut self.op(), operator.result, 0x5a5a_5a5a);
            self.op().local_set(first);
            for local in rest.clone() {
                let value = i64::from(local).wrapping_mul(0x0123_4567_89ab_cdef);
                self.op().i64_const(value).local_set(local);
            }
            for local in first..rest.end {
                self.weigh(local, 8);
            }
        }
        for (local, place) in (0..operator.operands.len() as u32).zip(places) {
            if place != Place::Slot {
                self.weigh(local, 20);
            }
        }
        for below in 0..below.unwrap_or_default() {
            let local = self.heavy + 1 + below % (HEAVY - 1);
            self.op().local_get(local).i64_const(i64::from(below) + 1).i64_add();
        }
        match result {
            Use::Return => {
                // What is kept must be looked at before.
                self.keep_locals(heavy);
                self.operands();
                self.operator();
                self.op().return_().end();
                return;
            }
            Use::SelectSecond => constant(&mut self.op(), operator.result, 0x1111),
            Use::SelectCondition => {
                self.op().i32_const(77).local_get(0);
                to_bits(&mut self.op(), operator.operands[0]);
                self.op().i32_wrap_i64();
            }
            Use::BranchValue => {
                self.op().block(BlockType::Result(val_type(operator.result)));
            }
            Use::BranchCondition => {
                let local = self.result;
                self.op().i32_const(3).local_set(local).block(BlockType::Empty);
            }
            Use::Store => {
                self.op().i32_const(RESULT_ADDRESS);
            }
            _ => {}
        }
        self.operands();
        self.operator();
        self.use_result();
        for _ in 0..below.unwrap_or_default() {
            self.keep();
        }
        self.keep_locals(heavy);
        let local = self.result;
        self.op().local_get(local).end();
    }

    /// Puts the i64 on top into the global.
    fn keep(&mut self) {
        self.op().global_get(0).i64_xor().i64_const(7).i64_rotl().global_set(0);
    }

    fn keep_locals(&mut self, heavy: bool) {
        for (local, ty) in (0..).zip(self.case.operator.operands) {
            self.op().local_get(local);
            to_bits(&mut self.op(), *ty);
            self.keep();
        }
        if heavy {
            let (local, ty) = (self.heavy, self.case.operator.result);
            self.op().local_get(local);
            to_bits(&mut self.op(), ty);
            self.keep();
            for local in self.heavy + 1..self.heavy + HEAVY {
                self.op().local_get(local);
                self.keep();
            }
        }
    }

    fn operator(&mut self) {
        self.code.extend_from_slice(self.case.operator.code.bytes());
    }

    fn operands(&mut self) {
        let Case { operator, first, second, .. } = *self.case;
        for (local, (&ty, place)) in (0..).zip(operator.operands.iter().zip([first, second])) {
            self.operand(local, ty, place);
        }
    }

    fn operand(&mut self, local: u32, ty: Ty, place: Place) {
        match place {
            Place::Const(bits) => constant(&mut self.op(), ty, bits),
            Place::Home | Place::Slot => {
                self.op().local_get(local);
            }
            Place::Same => {
                self.op().local_get(0);
            }
            Place::Register => self.register(local, ty),
            Place::Deep => {
                self.register(local, ty);
                for _ in 0..14 {
                    self.op().global_get(0);
                }
                for _ in 0..14 {
                    self.op().drop();
                }
            }
            Place::Settled => {
                self.register(local, ty);
                self.op().block(BlockType::Empty).end();
            }
            Place::Called => {
                self.register(local, ty);
                self.op().call(NOTHING);
            }
            Place::BlockResult => {
                self.op().block(BlockType::Result(val_type(ty)));
                self.register(local, ty);
                self.op().br(0).end();
            }
            Place::CallResult => {
                self.op().local_get(local).call(identity(ty));
            }
            Place::Remainder => {
                self.op().local_get(local);
                constant(&mut self.op(), ty, if ty == I32 { 0xffff_fff1 } else { u64::MAX - 58 });
                match ty {
                    I32 => self.op().i32_rem_u(),
                    _ => self.op().i64_rem_u(),
                };
            }
            Place::Stale => {
                self.op().call(NOTHING).local_get(local);
            }
            Place::ReadBeforeCall => {
                self.op().local_get(local).call(NOTHING);
            }
            Place::SetSince => {
                self.op().local_get(local);
                constant(&mut self.op(), ty, 0x77);
                self.op().local_set(local);
            }
            Place::Comparison => {
                self.op().local_get(local).i32_const(31).i32_gt_u();
            }
        }
    }

    /// The local's value, as an operator's result.
    fn register(&mut self, local: u32, ty: Ty) {
        self.op().local_get(local);
        match ty {
            I32 => self.op().i32_const(0).i32_add(),
            I64 => self.op().i64_const(0).i64_add(),
            F32 => self.op().i32_reinterpret_f32().i32_const(0).i32_add().f32_reinterpret_i32(),
            F64 => self.op().i64_reinterpret_f64().i64_const(0).i64_add().f64_reinterpret_i64(),
        };
    }

    fn use_result(&mut self) {
        let Case { operator, result: how, .. } = *self.case;
        let (result, heavy) = (self.result, self.heavy);
        match how {
            Use::Set => {
                self.op().local_set(result);
            }
            Use::SetHome => {
                self.op().local_set(heavy).local_get(heavy).local_set(result);
            }
            Use::SetOperand if operator.operands[0] == operator.result => {
                self.op().local_set(0).local_get(0).local_set(result);
            }
            Use::SetOperand => {
                self.op().local_set(result);
            }
            Use::Tee => {
                self.op().local_tee(result);
                to_bits(&mut self.op(), operator.result);
                self.keep();
            }
            Use::Drop => {
                self.op().drop();
            }
            Use::SelectFirst => {
                constant(&mut self.op(), operator.result, 0x2222);
                self.op().local_get(0);
                to_bits(&mut self.op(), operator.operands[0]);
                self.op().i64_eqz().select().local_set(result);
            }
            Use::SelectSecond => {
                self.op().local_get(0);
                to_bits(&mut self.op(), operator.operands[0]);
                self.op().i64_const(31).i64_lt_s().select().local_set(result);
            }
            Use::SelectCondition => {
                self.op().select().local_set(result);
            }
            Use::BranchValue => {
                self.op().local_get(0);
                to_bits(&mut self.op(), operator.operands[0]);
                self.op().i64_const(0).i64_lt_s().br_if(0).drop();
                constant(&mut self.op(), operator.result, 0x3333);
                self.op().end().local_set(result);
            }
            Use::BranchCondition => {
                self.op().br_if(0).i32_const(5).local_set(result).end();
            }
            Use::IfCondition => {
                self.op().if_(BlockType::Empty).i32_const(6).local_set(result).else_();
                self.op().i32_const(9).local_set(result).end();
            }
            Use::Return => unreachable!("written elsewhere"),
            Use::Store => {
                let at = MemArg { offset: 0, align: 0, target: MemArgTarget::Memory(0), ordering: None };
                match operator.result {
                    I32 => self.op().i32_store(at).i32_const(RESULT_ADDRESS).i32_load(at),
                    I64 => self.op().i64_store(at).i32_const(RESULT_ADDRESS).i64_load(at),
                    F32 => self.op().f32_store(at).i32_const(RESULT_ADDRESS).f32_load(at),
                    F64 => self.op().f64_store(at).i32_const(RESULT_ADDRESS).f64_load(at),
                };
                self.op().local_set(result);
            }
        }
    }
}
