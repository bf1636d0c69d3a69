//! Files that are there whole or not at all, however the process or the machine ends.
//!
//! Owns the way to that: another file in the same folder, which takes the place of the first when all of it is on disk. It
//! must not know what is written.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Writes a file, or replaces one, which keeps its permissions. What is no file but a device or a pipe is just written to.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let before = match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => return fs::write(path, bytes),
        Ok(metadata) => Some(metadata.permissions()),
        Err(_) => None,
    };
    // Where a link leads is replaced, and not the link; and nothing that may not be written.
    let path = match before {
        Some(_) => &fs::canonicalize(path)?,
        None => path,
    };
    if before.is_some() {
        OpenOptions::new().write(true).open(path)?;
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".lockstep-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut new = builder.tempfile_in(folder)?;
    if let Some(permissions) = before {
        new.as_file().set_permissions(permissions)?;
    }
    new.write_all(bytes)?;
    new.as_file().sync_all()?;
    new.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_made_and_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        write(&file, b"one").unwrap();
        let plain = folder.path().join("plain");
        fs::write(&plain, b"").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&file), mode(&plain), "permissions are those of any new file");

        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        let mut reader = fs::File::open(&file).unwrap();
        symlink("file", &link).unwrap();
        write(&link, b"another").unwrap();
        assert_eq!(io::read_to_string(&mut reader).unwrap(), "one", "a reader has what it began with");
        assert_eq!((fs::read(&file).unwrap(), mode(&file) & 0o777), (b"another".to_vec(), 0o640));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(names(folder.path()), ["file", "link", "plain"]);
    }

    #[test]
    fn what_cannot_be_written_is_as_before() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("none/file"), b"one").unwrap_err();
        write(folder.path(), b"one").unwrap_err();
        write(Path::new("/dev/null"), b"one").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        assert!(names(folder.path()).is_empty());
    }
}
