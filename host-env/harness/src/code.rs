//! Code to deploy: bytes, and the name that accounts with it get.

use std::borrow::Cow;

/// A module with a name.
#[derive(Clone, Debug)]
pub struct Code {
    name: Cow<'static, str>,
    wasm: Cow<'static, [u8]>,
}

impl Code {
    /// A module, and the name that an account with it gets.
    pub fn new(name: impl Into<Cow<'static, str>>, wasm: impl Into<Cow<'static, [u8]>>) -> Code {
        Code { name: name.into(), wasm: wasm.into() }
    }

    /// A module and its path; it is named after the file.
    pub fn of_path(path: &'static str, wasm: &'static [u8]) -> Code {
        let file = path.rsplit('/').next().unwrap_or(path);
        Code::new(file.strip_suffix(".wasm").unwrap_or(file), wasm)
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bytes.
    pub fn wasm(&self) -> &[u8] {
        &self.wasm
    }
}

/// A module that is read when the test is compiled: `wasm!("token")` is `contracts/token.wasm` in the folder of the
/// package, `wasm!(path "../token.wasm")` any file from there.
///
/// ```
/// let code = lockstep_test::wasm!(path "../contracts/token.wasm");
/// assert_eq!((code.name(), &code.wasm()[..4]), ("token", &b"\0asm"[..]));
/// ```
#[macro_export]
macro_rules! wasm {
    (path $path:expr) => {
        $crate::Code::of_path($path, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $path)))
    };
    ($name:literal) => {
        $crate::Code::new(
            $name,
            &include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/contracts/", $name, ".wasm"))[..],
        )
    };
}
