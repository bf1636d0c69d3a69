//! `lockstep compile`: makes an artifact of a module, which runs without being compiled again.
//!
//! Owns the command's files. It must not know what an artifact is made of.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::key;
use crate::load::Input;
use crate::machine_code::Target;
use crate::options::EngineOptions;
use crate::output::{Output, complain};
use crate::refusal::{accept, explain};
use crate::text::{Name, grouped};
use crate::whole_file;
use clap::Args;
use lockstep_vm::{Backend, CodeTarget};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// What `compile` is told.
#[derive(Args, Debug)]
pub(crate) struct CompileArgs {
    /// The module, wasm or wat; `-` reads standard input
    file: PathBuf,
    /// The file to write; `-` is standard output
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Compile for any processor of this machine, instead of for the one at hand
    #[arg(long, value_name = "MACHINE")]
    target: Option<Target>,
    /// The file with the key, 32 bytes, instead of the user's own
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    options: EngineOptions,
}

pub(crate) const EXAMPLES: &str = "\
An artifact is taken by `lockstep run` of the same version with the same key and options, and by nothing else. The
user's own key is made when it is first wanted: lockstep/artifact-key in $XDG_CONFIG_HOME or $HOME/.config.

Examples:
  lockstep compile sort.wasm -o sort.artifact
  lockstep run sort.artifact --invoke quick 300 i64:11
  lockstep compile sort.wasm -o sort.artifact --target aarch64 --key node.key";

/// Runs the command.
pub(crate) fn run(args: &CompileArgs, output: &mut Output) -> Result<Exit, Failure> {
    let to_stdout = args.output == Path::new("-");
    if to_stdout && std::io::stdout().is_terminal() {
        return Err(Failure::usage("file", "a terminal cannot show an artifact")
            .help("name a file with `-o OUT`, or pipe standard output"));
    }
    // For another machine it is no matter what executes here.
    let backend = if args.target.is_some() { Backend::Interpreter } else { Backend::Native };
    let engine = args.options.engine(backend)?;
    let input = Input::load(&args.file, engine.limits().module_bytes)?;
    let target = match args.target {
        None => CodeTarget::HOST,
        Some(Target::X86_64) => CodeTarget::X86_64,
        Some(Target::Aarch64) => CodeTarget::Aarch64,
    };
    let artifact = match args.target {
        None => accept(&engine, &input)?.serialize(&key::read_or_make(args.key.as_deref())?),
        Some(_) => engine.precompile_module(&input.wasm, target, &key::read_or_make(args.key.as_deref())?),
    };
    let artifact = artifact.map_err(|error| explain(&error, &input))?;
    if to_stdout {
        output.bytes(&artifact)?;
    } else {
        whole_file::write(&args.output, &artifact).map_err(|error| {
            let file = args.output.to_string_lossy();
            Failure::usage("file", format!("cannot write {}: {error}", Name(&file)))
                .help("name a file that can be written, or `-` for standard output")
        })?;
    }
    complain(&format!(
        "{}: {} bytes, {} as an artifact for {target}\n",
        Name(&input.file),
        grouped(input.wasm.len() as u64),
        grouped(artifact.len() as u64),
    ));
    Ok(Exit::Ok)
}
