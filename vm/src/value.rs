//! Values as the host sees them.
//!
//! Owns [`Val`] and how it becomes a slot. It must not know functions' types.

use crate::error::Usage;
use crate::externref::ExternRef;
use crate::func::{Func, WasmTy};
use crate::store::StoreId;
use crate::types::ValType;
use core::fmt;

/// A WebAssembly value. Floats are bits, so that no payload of a NaN is lost on the way.
///
/// ```
/// use lockstep_vm::{Val, ValType};
///
/// let value = Val::from(7_i64);
/// assert_eq!((value.ty(), value.i64(), value.i32()), (ValType::I64, Some(7), None));
/// assert_eq!(value.to_string(), "i64:7");
/// assert_eq!(Val::from(0.5_f32), Val::F32(0x3f00_0000));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(clippy::exhaustive_enums, reason = "the spec's types of values")]
pub enum Val {
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// The bits of a 32-bit float.
    F32(u32),
    /// The bits of a 64-bit float.
    F64(u64),
    /// A reference to a function, or null.
    FuncRef(Option<Func>),
    /// A reference to a value of the host's, or null.
    ExternRef(Option<ExternRef>),
}

impl Val {
    /// The type of the value.
    pub const fn ty(&self) -> ValType {
        match self {
            Val::I32(_) => ValType::I32,
            Val::I64(_) => ValType::I64,
            Val::F32(_) => ValType::F32,
            Val::F64(_) => ValType::F64,
            Val::FuncRef(_) => ValType::FuncRef,
            Val::ExternRef(_) => ValType::ExternRef,
        }
    }

    /// The value that a local of this type has at first: zero or null.
    pub const fn default_for_ty(ty: ValType) -> Val {
        match ty {
            ValType::I32 => Val::I32(0),
            ValType::I64 => Val::I64(0),
            ValType::F32 => Val::F32(0),
            ValType::F64 => Val::F64(0),
            ValType::FuncRef => Val::FuncRef(None),
            ValType::ExternRef => Val::ExternRef(None),
        }
    }

    /// The integer, where this is an i32.
    pub const fn i32(&self) -> Option<i32> {
        if let Val::I32(value) = self { Some(*value) } else { None }
    }

    /// The integer, where this is an i64.
    pub const fn i64(&self) -> Option<i64> {
        if let Val::I64(value) = self { Some(*value) } else { None }
    }

    /// The float, where this is an f32.
    pub const fn f32(&self) -> Option<f32> {
        if let Val::F32(bits) = self { Some(f32::from_bits(*bits)) } else { None }
    }

    /// The float, where this is an f64.
    pub const fn f64(&self) -> Option<f64> {
        if let Val::F64(bits) = self { Some(f64::from_bits(*bits)) } else { None }
    }

    /// The reference, where this is a funcref.
    pub const fn func_ref(&self) -> Option<Option<&Func>> {
        if let Val::FuncRef(value) = self { Some(value.as_ref()) } else { None }
    }

    /// The reference, where this is an externref.
    pub const fn extern_ref(&self) -> Option<Option<&ExternRef>> {
        if let Val::ExternRef(value) = self { Some(value.as_ref()) } else { None }
    }

    /// The integer.
    ///
    /// # Panics
    /// When this is no i32.
    #[track_caller]
    pub fn unwrap_i32(&self) -> i32 {
        self.i32().expect("an i32")
    }

    /// The integer.
    ///
    /// # Panics
    /// When this is no i64.
    #[track_caller]
    pub fn unwrap_i64(&self) -> i64 {
        self.i64().expect("an i64")
    }

    /// The value as a slot of this store.
    pub(crate) fn into_slot(self, store: StoreId) -> Result<u64, Usage> {
        match self {
            Val::I32(value) => value.into_slot(store),
            Val::I64(value) => value.into_slot(store),
            Val::F32(bits) => Ok(bits.into()),
            Val::F64(bits) => Ok(bits),
            Val::FuncRef(value) => value.into_slot(store),
            Val::ExternRef(value) => value.into_slot(store),
        }
    }

    /// As [`into_slot`](Self::into_slot), for a place of this type.
    pub(crate) fn into_slot_of(self, expected: ValType, store: StoreId) -> Result<u64, Usage> {
        let given = self.ty();
        if given == expected { self.into_slot(store) } else { Err(Usage::ValueType { expected, given }) }
    }

    /// The value of a slot of this store.
    pub(crate) fn from_slot(slot: u64, ty: ValType, store: StoreId) -> Val {
        match ty {
            ValType::I32 => Val::I32(i32::from_slot(slot, store)),
            ValType::I64 => Val::I64(i64::from_slot(slot, store)),
            ValType::F32 => Val::F32(slot as u32),
            ValType::F64 => Val::F64(slot),
            ValType::FuncRef => Val::FuncRef(WasmTy::from_slot(slot, store)),
            ValType::ExternRef => Val::ExternRef(WasmTy::from_slot(slot, store)),
        }
    }
}

macro_rules! from_values {
    ($($ty:ty, $value:ident => $val:expr;)*) => {
        $(impl From<$ty> for Val {
            fn from($value: $ty) -> Val {
                $val
            }
        })*
    };
}

from_values! {
    i32, value => Val::I32(value);
    u32, value => Val::I32(value as i32);
    i64, value => Val::I64(value);
    u64, value => Val::I64(value as i64);
    f32, value => Val::F32(value.to_bits());
    f64, value => Val::F64(value.to_bits());
    Func, value => Val::FuncRef(Some(value));
    Option<Func>, value => Val::FuncRef(value);
    ExternRef, value => Val::ExternRef(Some(value));
    Option<ExternRef>, value => Val::ExternRef(value);
}

/// The type, a colon and the value: integers signed and decimal, floats as their bits in hexadecimal, references only as
/// `null` or not.
impl fmt::Display for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.ty())?;
        let reference = |null: bool| if null { "null" } else { "some" };
        match self {
            Val::I32(value) => value.fmt(f),
            Val::I64(value) => value.fmt(f),
            Val::F32(bits) => write!(f, "{bits:#010x}"),
            Val::F64(bits) => write!(f, "{bits:#018x}"),
            Val::FuncRef(value) => f.write_str(reference(value.is_none())),
            Val::ExternRef(value) => f.write_str(reference(value.is_none())),
        }
    }
}
