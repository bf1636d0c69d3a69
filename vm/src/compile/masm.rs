//! The macro-assembler: what the driver asks of a machine.
//!
//! Owns the trait and the words of its methods: registers, sources, conditions, families of operators. Each machine
//! implements it in a folder of its own. It must not know wasm's stack or control.
//!
//! Contracts that hold for every method:
//!
//! * A destination may be any of the sources.
//! * `mov`, `store_slot` and `select` leave the flags alone, and so do `load_context` and the methods on labels.
//! * A source of 32 bits has a zero upper half, and so has every result.
//! * Methods always succeed: what a machine cannot encode at once it encodes in several instructions.

use super::magic::Reciprocal;
use crate::trap::Trap;
use lockstep_gas::Run;

/// A general register, by the machine's number. As wide as a constant, so that what is either is passed in two registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Reg(pub(super) u64);

impl Reg {
    /// The machine's number: below 32.
    pub(super) const fn number(self) -> u8 {
        self.0 as u8
    }
}

/// A set of general registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct RegSet(u32);

impl RegSet {
    pub(super) const EMPTY: RegSet = RegSet(0);

    pub(super) const fn of(registers: &[Reg]) -> RegSet {
        let mut bits = 0;
        let mut at = 0;
        while at < registers.len() {
            bits |= 1 << registers[at].0;
            at += 1;
        }
        RegSet(bits)
    }

    pub(super) fn of_iter(registers: impl Iterator<Item = Reg>) -> RegSet {
        let mut set = RegSet::EMPTY;
        registers.for_each(|register| set.insert(register));
        set
    }

    /// How many there are.
    pub(super) fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    pub(super) fn contains(self, register: Reg) -> bool {
        self.0 & (1 << register.0) != 0
    }

    pub(super) fn insert(&mut self, register: Reg) {
        self.0 |= 1 << register.0;
    }

    pub(super) fn remove(&mut self, register: Reg) {
        self.0 &= !(1 << register.0);
    }

    pub(super) const fn union(self, other: RegSet) -> RegSet {
        RegSet(self.0 | other.0)
    }

    pub(super) const fn minus(self, other: RegSet) -> RegSet {
        RegSet(self.0 & !other.0)
    }

    pub(super) const fn and(self, other: RegSet) -> RegSet {
        RegSet(self.0 & other.0)
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The register with the lowest number.
    pub(super) fn first(self) -> Option<Reg> {
        if self.0 == 0 { None } else { Some(Reg(self.0.trailing_zeros().into())) }
    }
}

impl Iterator for RegSet {
    type Item = Reg;

    fn next(&mut self) -> Option<Reg> {
        let register = self.first()?;
        self.remove(register);
        Some(register)
    }
}

/// Where a value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Source {
    Reg(Reg),
    Imm(u64),
    /// A slot of the frame, by its index.
    Slot(u64),
}

/// How wide an operator is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Size {
    S32,
    S64,
}

/// When a comparison holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub(super) enum Cond {
    Eq,
    Ne,
    LtS,
    LtU,
    GtS,
    GtU,
    LeS,
    LeU,
    GeS,
    GeU,
}

impl Cond {
    /// Holds when this one does not.
    pub(super) fn negated(self) -> Cond {
        match self {
            Cond::Eq => Cond::Ne,
            Cond::Ne => Cond::Eq,
            Cond::LtS => Cond::GeS,
            Cond::LtU => Cond::GeU,
            Cond::GtS => Cond::LeS,
            Cond::GtU => Cond::LeU,
            Cond::LeS => Cond::GtS,
            Cond::LeU => Cond::GtU,
            Cond::GeS => Cond::LtS,
            Cond::GeU => Cond::LtU,
        }
    }

    /// Holds with its sides exchanged.
    pub(super) fn swapped(self) -> Cond {
        match self {
            Cond::Eq => Cond::Eq,
            Cond::Ne => Cond::Ne,
            Cond::LtS => Cond::GtS,
            Cond::LtU => Cond::GtU,
            Cond::GtS => Cond::LtS,
            Cond::GtU => Cond::LtU,
            Cond::LeS => Cond::GeS,
            Cond::LeU => Cond::GeU,
            Cond::GeS => Cond::LeS,
            Cond::GeU => Cond::LeU,
        }
    }
}

/// Integer operators of two operands that cannot trap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Alu {
    Add,
    Sub,
    Mul,
    And,
    Or,
    Xor,
}

impl Alu {
    pub(super) fn is_commutative(self) -> bool {
        !matches!(self, Alu::Sub)
    }
}

/// Shifts and rotations; distances are taken modulo the width.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shift {
    Shl,
    ShrS,
    ShrU,
    Rotl,
    Rotr,
}

/// Divisions and remainders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Division {
    DivS,
    DivU,
    RemS,
    RemU,
}

/// Integer operators of one operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unary {
    Clz,
    Ctz,
    Popcnt,
    Extend8,
    Extend16,
    /// From 32 bits to 64, with the sign.
    Extend32,
    /// From 64 bits to 32.
    Wrap,
}

/// What a load does with what it reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Load {
    U8,
    U16,
    U32,
    U64,
    /// Extended with the sign to this size.
    S8(Size),
    S16(Size),
    /// To 64 bits.
    S32,
}

impl Load {
    pub(super) fn bytes(self) -> u32 {
        match self {
            Load::U8 | Load::S8(_) => 1,
            Load::U16 | Load::S16(_) => 2,
            Load::U32 | Load::S32 => 4,
            Load::U64 => 8,
        }
    }
}

/// How much a store writes, in bytes: 1, 2, 4 or 8.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Store {
    B1,
    B2,
    B4,
    B8,
}

impl Store {
    pub(super) fn bytes(self) -> u32 {
        match self {
            Store::B1 => 1,
            Store::B2 => 2,
            Store::B4 => 4,
            Store::B8 => 8,
        }
    }
}

/// An address in memory 0: an index that a register holds, and a constant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Address {
    pub(super) index: Option<Reg>,
    pub(super) offset: u64,
}

/// Float operators of two operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FloatBinary {
    Add,
    Sub,
    Mul,
    Div,
    Min,
    Max,
    Copysign,
}

/// Float operators of one operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FloatUnary {
    Abs,
    Neg,
    Ceil,
    Floor,
    Trunc,
    Nearest,
    Sqrt,
}

/// Float comparisons.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FloatCompare {
    Eq,
    Ne,
    Lt,
    Gt,
    Le,
    Ge,
}

/// Conversions from and to floats; integers are of the size named first where there are two.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Conversion {
    /// To an integer of this size, from a float of this size. Traps unless it saturates.
    Trunc {
        to: Size,
        from: Size,
        signed: bool,
        saturating: bool,
    },
    /// To a float of this size, from an integer of this size.
    Convert {
        to: Size,
        from: Size,
        signed: bool,
    },
    Demote,
    Promote,
}

/// A place in the code of a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Label(pub(super) u32);

/// What a function's code calls by an address that is known when the module is put together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Target {
    /// A function that the module defines, by its index among these.
    Function(u32),
    /// Traps.
    Trap(Trap),
    StackCheck,
    Builtin,
    Resolve,
    MemoryFill,
    MemoryCopy,
    /// The table of functions, behind all code.
    FunctionTable,
    /// The first byte of the module's code.
    Start,
}

/// What a division need not check, because the divisor is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Divisor {
    pub(super) may_be_zero: bool,
    pub(super) may_be_minus_one: bool,
}

/// A machine.
pub(super) trait Masm {
    /// Registers for operands in every function.
    const TEMPS: RegSet;
    /// Registers for locals, or for operands where no local has them, best first.
    const HOMES: &'static [Reg];
    /// Homes that every call keeps.
    const KEPT: RegSet;
    /// Where the operands of `memory.fill` and `memory.copy` are passed: temporaries.
    const BULK: [Reg; 3];
    /// The home that holds the base of memory 0 in modules that import it.
    const IMPORTED_BASE: Reg;
    /// Where arguments are passed. The first of them are homes, the others temporaries.
    const ARGUMENTS: [Reg; crate::abi::REGISTER_ARGUMENTS];
    /// Where a single result is returned; a temporary that is no argument.
    const RESULT: Reg;
    /// A temporary that is no argument and not `RESULT`.
    const SCRATCH: Reg;
    /// Where dividend and quotient are, and the remainder: temporaries.
    const DIVIDEND: Reg;
    const REMAINDER: Reg;
    /// Where the distance of a shift must be that is not constant; a temporary.
    const DISTANCE: Reg;
    /// Whether [`add_shifted`](Self::add_shifted) is there.
    const ADDS_SHIFTED: bool = false;

    /// The operator that comes next stands there. Of use to machines that are [checked](super::checked) only.
    fn operator(&mut self, _wasm: u32) {}
    /// Traps as `unreachable` unless the upper half of a register or slot is 0. Changes the flags; for tests.
    fn check_upper_half(&mut self, value: Source, wasm: u32);

    /// Bytes so far.
    fn position(&self) -> u32;
    /// Notes that what has just been emitted belongs to the operator at this offset: a call's return address.
    fn site(&mut self, wasm: u32);

    fn new_label(&mut self) -> Label;
    fn bind(&mut self, label: Label);
    fn jump(&mut self, label: Label);
    fn jump_if(&mut self, cond: Cond, label: Label);
    /// Jumps to the label with this index, or to the last. Changes `index` and `scratch`.
    fn jump_table(&mut self, index: Reg, scratch: Reg, labels: &[Label]);
    /// Traps, at the operator at this offset.
    fn trap_if(&mut self, cond: Cond, trap: Trap, wasm: u32);
    fn trap(&mut self, trap: Trap, wasm: u32);

    /// Begins a function: checks the stack, takes the frame. Afterwards `RESULT` holds the state's address and all
    /// arguments are where they were.
    fn enter(&mut self, frame_slots: u32, check: bool, body: u32);
    /// Gives the frame back, so that only the return address is left of it.
    fn release_frame(&mut self, frame_slots: u32);
    /// Returns, the frame being given back.
    fn ret(&mut self);
    /// Pays for these runs at once, or traps at the first that cannot be paid. Their prices together are below 2^31 if there
    /// are several.
    fn charge(&mut self, runs: &[Run]);
    /// Gives back a price below 2^31 that the label which comes next takes once more. Changes the flags.
    fn credit(&mut self, price: u64);
    /// Jumps to the label if the condition holds, paying for these runs and giving back a price on the way.
    fn jump_if_paying(&mut self, cond: Cond, runs: &[Run], credit: u64, label: Label);
    /// Ends a function: emits what is out of line.
    fn finish(&mut self);

    fn mov(&mut self, dst: Reg, src: Source);
    /// Sets to 0; may change the flags.
    fn zero(&mut self, dst: Reg);
    fn exchange(&mut self, a: Reg, b: Reg);
    /// `src` is no slot.
    fn store_slot(&mut self, slot: u64, src: Source);
    /// Copies slots, lower ones first; changes `RESULT`, `SCRATCH` and the flags.
    fn copy_slots(&mut self, to: u64, from: u64, count: u32);
    /// Copies slots to `State::values`, from this place on; changes temporaries but `RESULT`.
    fn slots_to_values(&mut self, from: u64, count: u32, place: u32);
    /// Copies `State::values`, from this place on, to slots; changes temporaries but `RESULT`.
    fn values_to_slots(&mut self, place: u32, count: u32, to: u64);

    /// Whether an operator takes this constant as its right operand.
    fn is_immediate(size: Size, value: u64) -> bool;
    fn alu(&mut self, op: Alu, size: Size, dst: Reg, lhs: Reg, rhs: Source);
    /// The distance is an immediate, or any register where [`shifts_freely`](Self::shifts_freely), or `DISTANCE`; in
    /// this case `dst` is another.
    fn shift(&mut self, op: Shift, size: Size, dst: Reg, lhs: Reg, distance: Source);
    fn shifts_freely(&self, op: Shift) -> bool;
    /// Adds `rhs`, shifted left by 1, 2 or 3, to `lhs`; leaves the flags alone.
    fn add_shifted(&mut self, _size: Size, _dst: Reg, _lhs: Reg, _rhs: Reg, _distance: u8) {
        unreachable!("the driver asks first")
    }
    /// The dividend is in `DIVIDEND`; `rhs` is neither that nor `REMAINDER`, both of which it changes, and no immediate.
    fn divide(&mut self, op: Division, size: Size, rhs: Source, divisor: Divisor, wasm: u32);
    /// Divides `DIVIDEND`, without a sign, by a constant: the quotient is in `REMAINDER`, and `DIVIDEND` is changed. `copy`
    /// is the same dividend in another register.
    fn divide_by(&mut self, by: Reciprocal, copy: Reg);
    fn unary(&mut self, op: Unary, size: Size, dst: Reg, src: Reg);
    fn compare(&mut self, size: Size, lhs: Reg, rhs: Source);
    /// Compares with 0.
    fn test(&mut self, size: Size, value: Reg);
    /// 1 or 0.
    fn set(&mut self, cond: Cond, dst: Reg);
    /// `dst` becomes `src` if the condition holds.
    fn select(&mut self, cond: Cond, dst: Reg, src: Source);

    fn float_binary(&mut self, op: FloatBinary, size: Size, dst: Reg, lhs: Reg, rhs: Reg);
    fn float_unary(&mut self, op: FloatUnary, size: Size, dst: Reg, src: Reg);
    fn float_compare(&mut self, op: FloatCompare, size: Size, dst: Reg, lhs: Reg, rhs: Reg);
    fn convert(&mut self, op: Conversion, dst: Reg, src: Reg, wasm: u32);

    /// `scratch` is another register than the address's and `dst`; only some addresses need it.
    fn load(&mut self, kind: Load, dst: Reg, address: Address, scratch: Reg, wasm: u32);
    /// `src` is a register or an immediate.
    fn store(&mut self, kind: Store, src: Source, address: Address, scratch: Reg, wasm: u32);
    /// Whether an address needs the scratch register.
    fn needs_scratch(&self, address: Address, bytes: u32) -> bool;
    /// The pages of memory 0.
    fn memory_size(&mut self, dst: Reg);

    /// Loads a word that is so many bytes from the anchor.
    fn load_context(&mut self, dst: Reg, displacement: i32);
    /// `src` is a register or an immediate.
    fn store_context(&mut self, displacement: i32, src: Source);
    /// Loads the word at an address and a displacement.
    fn load_word(&mut self, dst: Reg, base: Reg, displacement: i32);
    /// `src` is a register or an immediate.
    fn store_word(&mut self, base: Reg, displacement: i32, src: Source);
    /// Loads the word with this index from an address; changes nothing else.
    fn load_indexed(&mut self, dst: Reg, base: Reg, index: Reg);
    fn store_indexed(&mut self, base: Reg, index: Reg, src: Source);
    /// Compares with the word at an address and a displacement, 64 bits wide.
    fn compare_word(&mut self, lhs: Reg, base: Reg, displacement: i32);
    /// A reference to a function that the module defines.
    fn own_reference(&mut self, dst: Reg, function: u32);

    /// Keeps the anchor in the frame, and takes it back.
    fn save_anchor(&mut self);
    fn restore_anchor(&mut self);
    fn call(&mut self, target: Target, wasm: u32);
    /// Jumps to a function, the frame being given back.
    fn jump_to(&mut self, target: Target);
    /// Calls the imported function whose words are at this displacement.
    fn call_import(&mut self, function: u32, displacement: i32, wasm: u32);
    fn jump_to_import(&mut self, function: u32, displacement: i32, frame_slots: u32, wasm: u32);
    /// Turns the reference in `RESULT` into the address to call, or traps unless its type is this one: by its place among
    /// the types that differ, and by an index. Changes `SCRATCH` only.
    fn resolve(&mut self, type_id: u32, type_index: u32, wasm: u32);
    /// Calls the address in `RESULT`.
    fn call_resolved(&mut self, wasm: u32);
    fn jump_to_resolved(&mut self, frame_slots: u32, wasm: u32);
    /// Fills or copies memory; changes temporaries only.
    fn bulk(&mut self, target: Target, wasm: u32);
    /// Asks the runtime for a builtin, its operands being where arguments are.
    fn call_builtin(&mut self, builtin: u64, wasm: u32);
}
