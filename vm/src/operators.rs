//! Reading operators: the frequent ones here, all others by wasmparser.
//!
//! Owns the short forms of operators that make up nearly all of a body. A form that is not here (a longer immediate, a rarer
//! operator, a byte that is none) is wasmparser's, which alone decides what is malformed. So this may only leave forms out,
//! never read one differently; a test holds the two against each other. It must not know what is done with operators.

use wasmparser::{
    BinaryReader, BinaryReaderError, BlockType, FrameStack, MemArg, MemArgTarget, ValType, VisitOperator,
};

/// The operators of a body that have not been read yet. Every method is inlined, so that whoever loops over them has the
/// fields in registers.
#[derive(Clone, Debug)]
pub(crate) struct Operators<'a> {
    /// What is left.
    bytes: &'a [u8],
    /// Where it ends, in bytes from the start of the module.
    end: u64,
    /// What was left at first, for what is left to wasmparser; its position does not move.
    reader: BinaryReader<'a>,
}

/// An immediate without a sign, of 32 bits: its value and what follows it.
#[inline(always)]
fn unsigned(bytes: &[u8]) -> Option<(u32, &[u8])> {
    match *bytes {
        [only @ 0..0x80, ref rest @ ..] => Some((only.into(), rest)),
        [low, high @ 0..0x80, ref rest @ ..] => Some((seven(low, 0) | seven(high, 1), rest)),
        _ => long_unsigned(bytes),
    }
}

fn long_unsigned(bytes: &[u8]) -> Option<(u32, &[u8])> {
    match *bytes {
        [low, middle, high @ 0..0x80, ref rest @ ..] => {
            Some((seven(low, 0) | seven(middle, 1) | seven(high, 2), rest))
        }
        [a, b, c, d @ 0..0x80, ref rest @ ..] => Some((first_four([a, b, c, d]), rest)),
        // Four bits of the last byte are left.
        [a, b, c, d, high @ 0..0x10, ref rest @ ..] => {
            Some((first_four([a, b, c, d]) | u32::from(high) << 28, rest))
        }
        _ => None,
    }
}

fn first_four(bytes: [u8; 4]) -> u32 {
    let [a, b, c, d] = bytes;
    seven(a, 0) | seven(b, 1) | seven(c, 2) | seven(d, 3)
}

/// The bits of an immediate's byte in their place.
#[inline(always)]
fn seven(byte: u8, place: u32) -> u32 {
    u32::from(byte & 0x7f) << (7 * place)
}

/// An immediate with a sign that 32 bits hold.
#[inline(always)]
fn signed(bytes: &[u8]) -> Option<(i32, &[u8])> {
    match *bytes {
        [only @ 0..0x80, ref rest @ ..] => Some((extended(only.into(), 7), rest)),
        [low, high @ 0..0x80, ref rest @ ..] => Some((extended(seven(low, 0) | seven(high, 1), 14), rest)),
        _ => long_signed(bytes),
    }
}

fn long_signed(bytes: &[u8]) -> Option<(i32, &[u8])> {
    match *bytes {
        [low, middle, high @ 0..0x80, ref rest @ ..] => {
            Some((extended(seven(low, 0) | seven(middle, 1) | seven(high, 2), 21), rest))
        }
        [a, b, c, d @ 0..0x80, ref rest @ ..] => Some((extended(first_four([a, b, c, d]), 28), rest)),
        // The last byte's bits beyond the 32nd are all like it.
        [a, b, c, d, high @ (0..0x08 | 0x78..0x80), ref rest @ ..] => {
            Some(((first_four([a, b, c, d]) | u32::from(high) << 28) as i32, rest))
        }
        _ => None,
    }
}

/// The value of an immediate of so many bits, whose highest is its sign.
#[inline(always)]
fn extended(value: u32, bits: u32) -> i32 {
    ((value << (32 - bits)) as i32) >> (32 - bits)
}

/// Alignment and offset of an access to memory 0 that is naturally aligned to so many bits at most.
#[inline(always)]
fn memarg(bytes: &[u8], max_align: u8) -> Option<(MemArg, &[u8])> {
    let [align @ 0..16, rest @ ..] = bytes else { return None };
    let (offset, rest) = unsigned(rest)?;
    let target = MemArgTarget::Memory(0);
    Some((MemArg { align: *align, max_align, offset: offset.into(), target, ordering: None }, rest))
}

/// The type of a construct, of one byte.
#[inline(always)]
fn block_type(bytes: &[u8]) -> Option<(BlockType, &[u8])> {
    let (ty, rest) = bytes.split_first()?;
    let ty = match ty {
        0x40 => BlockType::Empty,
        0x7f => BlockType::Type(ValType::I32),
        0x7e => BlockType::Type(ValType::I64),
        _ => return None,
    };
    Some((ty, rest))
}

/// The operators whose short forms are read here, by their first byte.
macro_rules! frequent {
    ($self:ident, $visitor:ident, $code:ident, $rest:ident;
        plain { $($plain:literal $visit_plain:ident)* }
        immediate { $($with:literal $read:ident $visit_with:ident)* }
        memory { $($access:literal $align:literal $visit_access:ident)* }
    ) => {
        match $code {
            $($plain => {
                $self.bytes = $rest;
                return Some($visitor.$visit_plain());
            })*
            $($with => if let Some((immediate, rest)) = $read($rest) {
                $self.bytes = rest;
                return Some($visitor.$visit_with(immediate.into()));
            })*
            $($access => if let Some((memarg, rest)) = memarg($rest, $align) {
                $self.bytes = rest;
                return Some($visitor.$visit_access(memarg));
            })*
            _ => {}
        }
    };
}

impl<'a> Operators<'a> {
    /// What a reader has not read yet.
    pub(crate) fn new(reader: BinaryReader<'a>) -> Self {
        let mut rest = reader.clone();
        let bytes = rest.read_bytes(rest.bytes_remaining()).unwrap_or_default();
        Operators { bytes, end: rest.original_position(), reader }
    }

    /// Whether all has been read.
    #[inline(always)]
    pub(crate) fn eof(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Where the next operator begins, in bytes from the start of the module.
    #[inline(always)]
    pub(crate) fn position(&self) -> u64 {
        self.end - self.bytes.len() as u64
    }

    /// A reader of what has not been read yet.
    #[inline(always)]
    fn rest(&self) -> BinaryReader<'a> {
        let mut reader = self.reader.clone();
        let read = reader.bytes_remaining() - self.bytes.len();
        reader.read_bytes(read).expect("so many bytes are there");
        reader
    }

    /// Ends an expression: nothing may be left, neither bytes nor constructs.
    #[inline(always)]
    pub(crate) fn finish_expression(&self, stack: &impl FrameStack) -> Result<(), BinaryReaderError> {
        self.rest().finish_expression(stack)
    }

    /// Visits the next operator.
    #[inline(always)]
    pub(crate) fn visit<V>(&mut self, visitor: &mut V) -> Result<V::Output, BinaryReaderError>
    where
        V: VisitOperator<'a> + FrameStack,
    {
        match self.visit_frequent(visitor) {
            Some(output) => Ok(output),
            None => self.visit_rare(visitor),
        }
    }

    /// Visits the next operator if its form is read here.
    #[inline(always)]
    pub(crate) fn visit_frequent<V>(&mut self, visitor: &mut V) -> Option<V::Output>
    where
        V: VisitOperator<'a> + FrameStack,
    {
        if let Some((&code, rest)) = self.bytes.split_first()
            && visitor.current_frame().is_some()
        {
            frequent! { self, visitor, code, rest;
                plain {
                    0x0b visit_end 0x0f visit_return 0x1a visit_drop 0x1b visit_select
                    0x45 visit_i32_eqz 0x46 visit_i32_eq 0x47 visit_i32_ne 0x48 visit_i32_lt_s 0x49 visit_i32_lt_u
                    0x4a visit_i32_gt_s 0x4b visit_i32_gt_u 0x4c visit_i32_le_s 0x4d visit_i32_le_u
                    0x4e visit_i32_ge_s 0x4f visit_i32_ge_u
                    0x50 visit_i64_eqz 0x51 visit_i64_eq 0x52 visit_i64_ne 0x53 visit_i64_lt_s 0x54 visit_i64_lt_u
                    0x55 visit_i64_gt_s 0x56 visit_i64_gt_u 0x57 visit_i64_le_s 0x58 visit_i64_le_u
                    0x59 visit_i64_ge_s 0x5a visit_i64_ge_u
                    0x67 visit_i32_clz 0x68 visit_i32_ctz 0x69 visit_i32_popcnt 0x6a visit_i32_add
                    0x6b visit_i32_sub 0x6c visit_i32_mul 0x6d visit_i32_div_s 0x6e visit_i32_div_u
                    0x6f visit_i32_rem_s 0x70 visit_i32_rem_u 0x71 visit_i32_and 0x72 visit_i32_or
                    0x73 visit_i32_xor 0x74 visit_i32_shl 0x75 visit_i32_shr_s 0x76 visit_i32_shr_u
                    0x77 visit_i32_rotl 0x78 visit_i32_rotr
                    0x79 visit_i64_clz 0x7a visit_i64_ctz 0x7b visit_i64_popcnt 0x7c visit_i64_add
                    0x7d visit_i64_sub 0x7e visit_i64_mul 0x7f visit_i64_div_s 0x80 visit_i64_div_u
                    0x81 visit_i64_rem_s 0x82 visit_i64_rem_u 0x83 visit_i64_and 0x84 visit_i64_or
                    0x85 visit_i64_xor 0x86 visit_i64_shl 0x87 visit_i64_shr_s 0x88 visit_i64_shr_u
                    0x89 visit_i64_rotl 0x8a visit_i64_rotr
                    0xa7 visit_i32_wrap_i64 0xac visit_i64_extend_i32_s 0xad visit_i64_extend_i32_u
                }
                immediate {
                    0x02 block_type visit_block 0x03 block_type visit_loop 0x04 block_type visit_if
                    0x0c unsigned visit_br 0x0d unsigned visit_br_if 0x10 unsigned visit_call
                    0x20 unsigned visit_local_get 0x21 unsigned visit_local_set 0x22 unsigned visit_local_tee
                    0x23 unsigned visit_global_get 0x24 unsigned visit_global_set
                    0x41 signed visit_i32_const 0x42 signed visit_i64_const
                }
                memory {
                    0x28 2 visit_i32_load 0x29 3 visit_i64_load
                    0x2c 0 visit_i32_load8_s 0x2d 0 visit_i32_load8_u
                    0x2e 1 visit_i32_load16_s 0x2f 1 visit_i32_load16_u
                    0x30 0 visit_i64_load8_s 0x31 0 visit_i64_load8_u
                    0x32 1 visit_i64_load16_s 0x33 1 visit_i64_load16_u
                    0x34 2 visit_i64_load32_s 0x35 2 visit_i64_load32_u
                    0x36 2 visit_i32_store 0x37 3 visit_i64_store
                    0x3a 0 visit_i32_store8 0x3b 1 visit_i32_store16
                    0x3c 0 visit_i64_store8 0x3d 1 visit_i64_store16 0x3e 2 visit_i64_store32
                }
            }
        }
        None
    }

    /// Visits the next operator by wasmparser.
    #[inline(always)]
    pub(crate) fn visit_rare<V>(&mut self, visitor: &mut V) -> Result<V::Output, BinaryReaderError>
    where
        V: VisitOperator<'a> + FrameStack,
    {
        let (output, length) = visit_by_wasmparser(self.rest(), visitor)?;
        self.bytes = self.bytes.get(length..).unwrap_or_default();
        Ok(output)
    }
}

/// Visits one operator, and says how long it is.
#[inline(never)]
fn visit_by_wasmparser<'a, V>(
    mut reader: BinaryReader<'a>,
    visitor: &mut V,
) -> Result<(V::Output, usize), BinaryReaderError>
where
    V: VisitOperator<'a> + FrameStack,
{
    let before = reader.bytes_remaining();
    let output = reader.visit_operator(visitor)?;
    Ok((output, before - reader.bytes_remaining()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::String, vec, vec::Vec};
    use wasmparser::{FrameKind, for_each_visit_operator};

    /// Tells operators as text.
    struct Teller(Option<FrameKind>);

    macro_rules! tell {
        ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident $ann:tt)*) => {
            $(fn $visit(&mut self $($(, $arg: $ty)*)?) -> String {
                format!(concat!(stringify!($op) $(, $(" ", stringify!($arg), "={:?}"),*)?) $($(, $arg)*)?)
            })*
        };
    }

    impl<'a> VisitOperator<'a> for Teller {
        type Output = String;

        for_each_visit_operator!(tell);
    }

    impl FrameStack for Teller {
        fn current_frame(&self) -> Option<FrameKind> {
            self.0
        }
    }

    /// What is read first, and how long it is; or wasmparser's refusal.
    type Read = Result<(String, usize), String>;

    fn here(bytes: &[u8], frame: Option<FrameKind>) -> Read {
        let mut operators = Operators::new(BinaryReader::new(bytes, 7));
        let told = operators.visit(&mut Teller(frame)).map_err(|error| format!("{error}"))?;
        let length = bytes.len() - operators.bytes.len();
        assert_eq!(operators.position(), 7 + length as u64);
        Ok((told, length))
    }

    fn wasmparser(bytes: &[u8], frame: Option<FrameKind>) -> Read {
        let mut reader = BinaryReader::new(bytes, 7);
        let told = reader.visit_operator(&mut Teller(frame)).map_err(|error| format!("{error}"))?;
        Ok((told, bytes.len() - reader.bytes_remaining()))
    }

    /// What the last bytes of long immediates may be, at each side of what 32 bits hold.
    const THIRD_TO_FIFTH: [(u8, u8, u8); 14] = [
        (0x00, 0x7f, 0x41),
        (0x80, 0x40, 0x41),
        (0xff, 0x3f, 0x41),
        (0xbf, 0xff, 0x00),
        (0x80, 0x80, 0x07),
        (0xff, 0xff, 0x07),
        (0x80, 0x80, 0x08),
        (0xff, 0xff, 0x0f),
        (0x80, 0x80, 0x10),
        (0x80, 0x80, 0x77),
        (0x80, 0x80, 0x78),
        (0xff, 0xff, 0x7f),
        (0xff, 0xff, 0x80),
        (0xff, 0xff, 0xff),
    ];

    /// Each first byte, followed by every pair of bytes that matters to an immediate's length and sign, and cut short.
    #[test]
    fn what_is_read_here_is_what_wasmparser_reads() {
        let tails = [0x00, 0x01, 0x03, 0x0f, 0x10, 0x20, 0x3f, 0x40, 0x7e, 0x7f];
        let tails: Vec<u8> = tails.iter().flat_map(|low| [*low, low | 0x80]).collect();
        let mut read = 0;
        for code in 0..=u8::MAX {
            for first in &tails {
                for second in &tails {
                    for (third, fourth, fifth) in THIRD_TO_FIFTH {
                        let bytes = [code, *first, *second, third, fourth, fifth, 0x81, 0x01, 0x00];
                        for bytes in
                            [&bytes[..], &bytes[..5], &bytes[..4], &bytes[..3], &bytes[..2], &bytes[..1]]
                        {
                            for frame in [Some(FrameKind::If), None] {
                                let (ours, theirs) = (here(bytes, frame), wasmparser(bytes, frame));
                                assert_eq!(ours, theirs, "{bytes:02x?}, {frame:?}");
                                read += usize::from(ours.is_ok());
                            }
                        }
                    }
                }
            }
        }
        assert!(read > 100_000, "{read}");
    }

    #[test]
    fn nothing_is_left_at_the_end() {
        let bytes = vec![0x20, 0x00, 0x1a, 0x0b];
        let mut operators = Operators::new(BinaryReader::new(&bytes, 0));
        for operator in ["LocalGet local_index=0", "Drop", "End"] {
            assert!(!operators.eof());
            assert!(operators.finish_expression(&Teller(None)).is_err());
            assert_eq!(operators.visit(&mut Teller(Some(FrameKind::Block))).unwrap(), operator);
        }
        assert!(operators.eof());
        operators.finish_expression(&Teller(None)).unwrap();
        assert!(operators.finish_expression(&Teller(Some(FrameKind::Block))).is_err());
        assert!(operators.visit(&mut Teller(None)).is_err());
    }
}
