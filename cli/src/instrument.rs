//! `lockstep instrument`: writes the meter into a module, so that any engine counts the same gas.
//!
//! Owns the command's files. It must not know how a module is rewritten.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::load::Input;
use crate::output::{Output, complain};
use crate::text::{Name, grouped};
use clap::{Args, ValueEnum};
use lockstep_gas::{Form, InstrumentConfig, InstrumentErrorKind, instrument, plan};
use lockstep_vm::{Limits, Schedule};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// What `instrument` is told.
#[derive(Args, Debug)]
pub(crate) struct InstrumentArgs {
    /// The module, wasm or wat; `-` reads standard input
    #[arg(value_name = "IN")]
    file: PathBuf,
    /// The file to write; `-` is standard output
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Whether the meter's globals are the module's own and exported, or imported and shared
    #[arg(long, value_name = "FORM", default_value = "exported")]
    form: FormName,
    /// The module that the imported form takes its meter from
    #[arg(long, value_name = "NAME", default_value = "lockstep")]
    import_from: String,
    /// The stack that all active functions may take together
    #[arg(long, value_name = "N", default_value_t = Limits::default().stack_slots)]
    stack_slots: u64,
}

#[derive(Clone, Copy, ValueEnum, Debug)]
enum FormName {
    Exported,
    Imported,
}

pub(crate) const EXAMPLES: &str = "\
The meter is four mutable i64 globals: lockstep:gas, lockstep:height, lockstep:peak, lockstep:trap. Set
the first before a call and read what is left after it. The price of instantiation is not charged.

Examples:
  lockstep instrument token.wasm -o metered.wasm
  lockstep instrument token.wat --form imported --stack-slots 65536 -o - | wasm-tools print";

/// Runs the command.
pub(crate) fn run(args: &InstrumentArgs, output: &mut Output) -> Result<Exit, Failure> {
    let to_stdout = args.output == Path::new("-");
    if to_stdout && std::io::stdout().is_terminal() {
        return Err(Failure::usage("file", "a terminal cannot show a wasm module")
            .help("name a file with `-o OUT`, or pipe standard output"));
    }
    let input = Input::load(&args.file, Limits::default().module_bytes)?;
    let schedule = Schedule::default();
    let form = match args.form {
        FormName::Exported => Form::Exported,
        FormName::Imported => Form::Imported { module: &args.import_from },
    };
    let config = InstrumentConfig::new(&schedule, args.stack_slots).form(form);
    let metered = instrument(&input.wasm, &config).map_err(|error| {
        let help = match error.kind() {
            InstrumentErrorKind::HasStart => "use `--form imported`",
            InstrumentErrorKind::ImportTaken(_) => "use another `--import-from`",
            InstrumentErrorKind::ExportTaken(_) => "use `--form imported`, or instrument the original module",
            InstrumentErrorKind::OperandHeight { .. } | InstrumentErrorKind::Limit { .. } => {
                "make the module smaller"
            }
            _ => "see what `lockstep check` says of it",
        };
        // 0 where the module as a whole is meant.
        let place = match error.offset() {
            0 => crate::place::Place { file: input.file.clone(), ..Default::default() },
            offset => input.place(offset),
        };
        Failure::refused("instrument", error.kind().to_string()).help(help).at(place)
    })?;
    if to_stdout {
        output.bytes(&metered)?;
    } else {
        std::fs::write(&args.output, &metered).map_err(|error| {
            let file = args.output.to_string_lossy();
            Failure::usage("file", format!("cannot write {}: {error}", Name(&file)))
                .help("name a file that can be written, or `-` for standard output")
        })?;
    }
    let instantiation = plan(&input.wasm, &schedule).map_or(0, |plan| plan.instantiation_price());
    complain(&format!(
        "{}: {} bytes, {} with the meter; instantiation costs {} gas more\n",
        Name(&input.file),
        grouped(input.wasm.len() as u64),
        grouped(metered.len() as u64),
        grouped(instantiation),
    ));
    Ok(Exit::Ok)
}
