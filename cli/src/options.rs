//! Options that several commands have: how the engine is configured.
//!
//! Owns their names and the reading of limits. It must not know commands.

use crate::failure::Failure;
use crate::text::Name;
use clap::{Args, ValueEnum};
use lockstep_vm::{Backend, Config, ConfigError, Engine, ErrorKind, FloatPolicy, Limit, Limits};

/// What can change a verdict or an outcome.
#[derive(Args, Clone, Debug)]
pub(crate) struct EngineOptions {
    /// What to do with floating point: refuse it, or accept it with canonical NaNs
    #[arg(long, value_name = "POLICY", default_value = "reject")]
    floats: Floats,
    /// Set a limit; may be given several times. `--limit help` lists them
    #[arg(long = "limit", value_name = "NAME=VALUE")]
    limits: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum, Debug)]
enum Floats {
    Reject,
    Canonical,
}

/// What executes guest code.
#[derive(Clone, Copy, ValueEnum, Debug)]
pub(crate) enum EngineName {
    /// Machine code
    Native,
    /// The reference interpreter
    Interpreter,
    /// Both; a difference is a node fault
    #[value(name = "crosscheck")]
    CrossCheck,
}

impl Default for EngineName {
    fn default() -> Self {
        match Backend::default() {
            Backend::Native => EngineName::Native,
            _ => EngineName::Interpreter,
        }
    }
}

impl EngineName {
    /// The name as it is given on the command line.
    pub(crate) fn word(self) -> &'static str {
        match self {
            EngineName::Native => "native",
            EngineName::Interpreter => "interpreter",
            EngineName::CrossCheck => "crosscheck",
        }
    }

    pub(crate) fn backend(self) -> Backend {
        match self {
            EngineName::Native => Backend::Native,
            EngineName::Interpreter => Backend::Interpreter,
            EngineName::CrossCheck => Backend::CrossCheck,
        }
    }
}

impl EngineOptions {
    /// An engine as the options describe it.
    pub(crate) fn engine(&self, backend: Backend) -> Result<Engine, Failure> {
        let floats = match self.floats {
            Floats::Reject => FloatPolicy::Reject,
            Floats::Canonical => FloatPolicy::Canonical,
        };
        let mut limits = Limits::default();
        for setting in &self.limits {
            let (limit, value) = parse_limit(setting)?;
            limits.set(limit, value);
        }
        Engine::new(&Config::new().floats(floats).limits(limits).backend(backend)).map_err(
            |error| match error.kind() {
                ErrorKind::Config(ConfigError::AboveCeiling { limit, value }) => Failure::usage(
                    "option",
                    format!("the limit `{limit}` cannot be {value}: its ceiling is {}", limit.ceiling()),
                )
                .help("give `--limit` a value up to the ceiling"),
                _ => Failure::usage("option", error.to_string()),
            },
        )
    }
}

fn parse_limit(setting: &str) -> Result<(Limit, u64), Failure> {
    let name = setting.split_once('=').map_or(setting, |(name, _)| name);
    let Some(limit) = Limit::from_name(name) else {
        let limits = Limits::default();
        let known: String = Limit::ALL
            .iter()
            .map(|&limit| {
                format!("\n  {:<18} {:>12}  ceiling {}", limit.name(), limits.get(limit), limit.ceiling())
            })
            .collect();
        return Err(Failure::usage("option", format!("there is no limit `{}`", Name(name)))
            .help(format!("the limits and their defaults are:{known}")));
    };
    let value = setting.split_once('=').and_then(|(_, value)| whole_number(value));
    let Some(value) = value else {
        return Err(Failure::usage("option", format!("`--limit {}` gives no whole number", Name(setting)))
            .help(format!("write `--limit {limit}=N` with N up to {}", limit.ceiling())));
    };
    Ok((limit, value))
}

/// Gas as it is given on the command line.
pub(crate) fn parse_gas(text: &str) -> Result<u64, Failure> {
    const GAS_MAX: u64 = i64::MAX as u64;
    let help = || format!("give a whole number from 0 to 2^63 - 1 = {GAS_MAX}");
    let digits = text.replace('_', "");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Failure::usage("gas", format!("`{}` is no amount of gas", Name(text))).help(help()));
    }
    match digits.parse() {
        Ok(gas) if gas <= GAS_MAX => Ok(gas),
        _ => {
            Err(Failure::usage("gas", format!("{} is more gas than can be given", Name(&digits)))
                .help(help()))
        }
    }
}

/// A whole number, perhaps with `_` between its digits.
fn whole_number(text: &str) -> Option<u64> {
    let digits = text.replace('_', "");
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gas_up_to_the_greatest_there_is() {
        assert_eq!(parse_gas("0").unwrap(), 0);
        assert_eq!(parse_gas("1_000").unwrap(), 1_000);
        assert_eq!(parse_gas("9223372036854775807").unwrap(), i64::MAX as u64);
        for wrong in
            ["9223372036854775808", "99999999999999999999999", "", "_", "-1", "+1", "1.5", "1e9", "0x10"]
        {
            assert_eq!(parse_gas(wrong).unwrap_err().code, "gas", "{wrong}");
        }
    }

    #[test]
    fn a_limit_has_a_known_name_and_a_value() {
        assert_eq!(parse_limit("nesting=5_000").unwrap(), (Limit::Nesting, 5_000));
        for wrong in [
            "",
            "nesting",
            "nesting=",
            "nesting=-1",
            "nesting=x",
            "depth=1",
            "=1",
            "nesting=99999999999999999999",
        ] {
            assert_eq!(parse_limit(wrong).unwrap_err().code, "option", "{wrong}");
        }
    }
}
