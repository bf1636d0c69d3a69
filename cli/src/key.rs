//! The key that artifacts are made and loaded with.
//!
//! Owns its file: 32 random bytes that nobody else can read, by default one for each user, made when first wanted. It must
//! not know artifacts.

use crate::failure::Failure;
use crate::text::Name;
use lockstep_vm::ArtifactKey;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
#[cfg(unix)]
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The key in a file, or else the user's own.
pub(crate) fn read(file: Option<&Path>) -> Result<ArtifactKey, Failure> {
    match file {
        Some(file) => read_file(file),
        None => read_file(&users_own()?),
    }
}

/// The same; the user's own is made if it is not there yet.
pub(crate) fn read_or_make(file: Option<&Path>) -> Result<ArtifactKey, Failure> {
    if let Some(file) = file {
        return read_file(file);
    }
    let file = users_own()?;
    if !file.exists() {
        make(&file).map_err(|error| {
            failure(format!("cannot make the key {}: {error}", Name(&file.to_string_lossy())))
        })?;
    }
    read_file(&file)
}

fn failure(message: String) -> Failure {
    Failure::usage("key", message).help(
        "`lockstep compile` makes the user's own key; another is given with `--key FILE`, and made with `(umask 077; head -c 32 /dev/urandom > FILE)`",
    )
}

fn users_own() -> Result<PathBuf, Failure> {
    let folder =
        |variable: &str| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")));
    let config = config.ok_or_else(|| failure(String::from("there is no home folder to keep a key in")))?;
    Ok(config.join("lockstep").join("artifact-key"))
}

fn read_file(path: &Path) -> Result<ArtifactKey, Failure> {
    let name = path.to_string_lossy().into_owned();
    let name = Name(&name);
    let cannot = |error: io::Error| failure(format!("cannot read the key {name}: {error}"));
    let mut file = File::open(path).map_err(cannot)?;
    if !is_private(&file.metadata().map_err(cannot)?) {
        return Err(Failure::usage("key", format!("the key {name} can be read or written by others"))
            .help(format!("whoever has the key can make code that runs here: `chmod 600 {name}`")));
    }
    let mut bytes = Vec::new();
    Read::by_ref(&mut file).take(33).read_to_end(&mut bytes).map_err(cannot)?;
    let bytes: [u8; 32] =
        bytes.try_into().map_err(|_| failure(format!("the key {name} has not exactly 32 bytes")))?;
    Ok(ArtifactKey::new(bytes))
}

/// Who comes second finds the first's, whole.
fn make(path: &Path) -> io::Result<()> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let folder = path.parent().expect("a file in a folder");
    fs::create_dir_all(folder)?;
    let new = path.with_extension(std::process::id().to_string());
    let mut file = create_private(&new)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    let linked = match fs::hard_link(&new, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    };
    fs::remove_file(&new)?;
    linked
}

/// Makes a file that only its owner reads and writes.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    options.open(path)
}

#[cfg(unix)]
fn is_private(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & 0o077 == 0
}

/// Elsewhere a user's folder is his own.
#[cfg(not(unix))]
fn is_private(_: &Metadata) -> bool {
    true
}
