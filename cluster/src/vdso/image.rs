//! The vDSO of a process: where the functions that tell the time are, and where there is room.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
};

/// The functions that tell the time of day, in the order in which our code takes their places.
const NAMES: [&str; 3] = ["__vdso_clock_gettime", "__vdso_gettimeofday", "__vdso_time"];

/// The longest library that is believed to be one.
const LENGTH_MAX: u64 = 1 << 20;

/// What our code begins with is put at a multiple of this.
const ALIGNMENT: u64 = 64;

/// Types of entries of an ELF file.
const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;
/// The length of an entry of the table of symbols.
const SYMBOL: u64 = 24;

/// Where things are in a process.
#[derive(Debug)]
pub(super) struct Image {
    end: u64,
    /// The end of what the kernel put there.
    used: u64,
    /// Where the functions begin.
    pub(super) entries: [u64; 3],
}

impl Image {
    /// Finds the vDSO in the memory of a process.
    pub(super) fn of(pid: i32, memory: &File) -> io::Result<Self> {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
        let line =
            maps.lines().find(|line| line.ends_with("[vdso]")).ok_or_else(|| other("it has no vDSO"))?;
        let (begin, end) = range(line).ok_or_else(|| other("its memory map cannot be read"))?;
        let mut bytes = vec![0; (end - begin).min(LENGTH_MAX) as usize];
        memory.read_exact_at(&mut bytes, begin)?;
        let library = Library(&bytes);
        let (used, entries) = library.find().ok_or_else(|| other("its vDSO is of an unknown kind"))?;
        Ok(Self { end, used: begin + used, entries: entries.map(|entry| begin + entry) })
    }

    /// Where so many bytes find room, in the page that the library does not fill.
    pub(super) fn room(&self, length: usize) -> io::Result<u64> {
        let at = (self.end - length as u64) / ALIGNMENT * ALIGNMENT;
        if at < self.used { Err(other("its vDSO has no room left")) } else { Ok(at) }
    }
}

fn other(what: &str) -> io::Error {
    io::Error::other(what)
}

fn range(line: &str) -> Option<(u64, u64)> {
    let (begin, end) = line.split_once(' ')?.0.split_once('-')?;
    let (begin, end) = (u64::from_str_radix(begin, 16).ok()?, u64::from_str_radix(end, 16).ok()?);
    (begin < end).then_some((begin, end))
}

/// The bytes of a library, of which nothing is believed.
struct Library<'a>(&'a [u8]);

impl Library<'_> {
    fn number(&self, at: u64, length: usize) -> Option<u64> {
        let at = usize::try_from(at).ok()?;
        let bytes = self.0.get(at..at.checked_add(length)?)?;
        Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The end of what is in use, and where the functions begin.
    fn find(&self) -> Option<(u64, [u64; 3])> {
        if self.0.get(..5)? != b"\x7fELF\x02" {
            return None;
        }
        let (headers, size, count) = (self.number(32, 8)?, self.number(54, 2)?, self.number(56, 2)?);
        let (mut used, mut dynamic) = (0, None);
        for place in 0..count {
            let at = headers.checked_add(place * size)?;
            let (offset, length) = (self.number(at + 8, 8)?, self.number(at + 32, 8)?);
            match self.number(at, 4)? as u32 {
                PT_LOAD => used = used.max(offset.checked_add(self.number(at + 40, 8)?)?),
                PT_DYNAMIC => dynamic = Some((offset, length)),
                _ => {}
            }
        }
        let (offset, length) = dynamic?;
        let (mut symbols, mut strings) = (None, None);
        for at in (offset..offset.checked_add(length)?).step_by(16) {
            match self.number(at, 8)? {
                DT_SYMTAB => symbols = Some(self.number(at + 8, 8)?),
                DT_STRTAB => strings = Some(self.number(at + 8, 8)?),
                _ => {}
            }
        }
        let (symbols, strings) = (symbols?, strings?);
        let named = |name: &str| {
            // The names lie behind the symbols, so they are the end of the table.
            (symbols..strings).step_by(SYMBOL as usize).find_map(|at| {
                let text = usize::try_from(strings.checked_add(self.number(at, 4)?)?).ok()?;
                let rest = self.0.get(text..)?.strip_prefix(name.as_bytes())?;
                (rest.first() == Some(&0)).then(|| self.number(at + 8, 8)).flatten()
            })
        };
        Some((used, [named(NAMES[0])?, named(NAMES[1])?, named(NAMES[2])?]))
    }
}
