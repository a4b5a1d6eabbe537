//! The code that takes the places of the functions that tell the time, and its numbers.

use crate::skew::Terms;

/// The first byte of a jump to a place so and so far ahead.
pub(super) const JUMP: u8 = 0xe9;
/// How long a jump is.
pub(super) const JUMP_LENGTH: usize = 5;
/// How much of each function is kept.
pub(super) const ENTRY: usize = 8;

/// By which what we wrote is known again.
const MAGIC: u64 = u64::from_le_bytes(*b"disprove");
/// Where the numbers are: the mark, the four terms, and the three beginnings that were there before.
const NUMBERS: usize = 8 + 4 * 8 + 3 * ENTRY;

#[cfg(target_arch = "x86_64")]
std::arch::global_asm!(
    ".pushsection .rodata.disprove_vdso, \"a\"",
    ".balign 64",
    // An optimizing build puts the assembly and what refers to it in different object files.
    ".globl disprove_vdso_begin",
    ".hidden disprove_vdso_begin",
    ".globl disprove_vdso_clock_gettime",
    ".hidden disprove_vdso_clock_gettime",
    ".globl disprove_vdso_gettimeofday",
    ".hidden disprove_vdso_gettimeofday",
    ".globl disprove_vdso_time",
    ".hidden disprove_vdso_time",
    ".globl disprove_vdso_end",
    ".hidden disprove_vdso_end",
    "disprove_vdso_begin:",
    ".quad 0",
    "60: .quad 0", // offset
    "61: .quad 0", // anchor
    "62: .quad 0", // rate
    "63: .quad 0", // period
    ".quad 0, 0, 0",
    // From a time in rax to what it is taken for in rax. Changes rcx, rdx and r8.
    "20:",
    "mov r8, rax",
    "sub rax, qword ptr [rip + 61b]",
    "imul qword ptr [rip + 62b]",
    "shrd rax, rdx, 32",
    "mov rcx, qword ptr [rip + 63b]",
    "test rcx, rcx",
    "jz 21f",
    "push rax",
    "mov rax, r8",
    "xor edx, edx",
    "div rcx",
    "test al, 1",
    "pop rax",
    "jz 21f",
    "add rax, r8",
    "ret",
    "21:",
    "add rax, r8",
    "add rax, qword ptr [rip + 60b]",
    "ret",
    // clock_gettime(edi: clock, rsi: time)
    "disprove_vdso_clock_gettime:",
    "mov eax, 228",
    "syscall",
    "test rax, rax",
    "jnz 31f",
    "test edi, edi", // CLOCK_REALTIME
    "jz 30f",
    "cmp edi, 5", // CLOCK_REALTIME_COARSE
    "jne 31f",
    "30:",
    "mov rax, qword ptr [rsi]",
    "imul rax, rax, 1000000000",
    "add rax, qword ptr [rsi + 8]",
    "call 20b",
    "cqo",
    "mov ecx, 1000000000",
    "idiv rcx",
    "mov qword ptr [rsi], rax",
    "mov qword ptr [rsi + 8], rdx",
    "xor eax, eax",
    "31: ret",
    // gettimeofday(rdi: time, rsi: zone)
    "disprove_vdso_gettimeofday:",
    "mov eax, 96",
    "syscall",
    "test rax, rax",
    "jnz 41f",
    "test rdi, rdi",
    "jz 41f",
    "imul rax, qword ptr [rdi], 1000000000",
    "imul rcx, qword ptr [rdi + 8], 1000",
    "add rax, rcx",
    "call 20b",
    "cqo",
    "mov ecx, 1000000000",
    "idiv rcx",
    "mov qword ptr [rdi], rax",
    "mov rax, rdx",
    "cqo",
    "mov ecx, 1000",
    "idiv rcx",
    "mov qword ptr [rdi + 8], rax",
    "xor eax, eax",
    "41: ret",
    // time(rdi: where the seconds are put as well)
    "disprove_vdso_time:",
    "mov eax, 201",
    "syscall",
    "test rax, rax",
    "js 51f",
    "imul rax, rax, 1000000000",
    "call 20b",
    "cqo",
    "mov ecx, 1000000000",
    "idiv rcx",
    "test rdi, rdi",
    "jz 51f",
    "mov qword ptr [rdi], rax",
    "51: ret",
    "disprove_vdso_end:",
    ".popsection",
);

#[cfg(target_arch = "x86_64")]
unsafe extern "C" {
    static disprove_vdso_begin: u8;
    static disprove_vdso_clock_gettime: u8;
    static disprove_vdso_gettimeofday: u8;
    static disprove_vdso_time: u8;
    static disprove_vdso_end: u8;
}

/// Our code with room for its numbers before it.
#[cfg(target_arch = "x86_64")]
fn code() -> &'static [u8] {
    // SAFETY: the linker puts what the assembler made in one piece of read-only memory, from its begin to its end.
    unsafe {
        let begin = &raw const disprove_vdso_begin;
        std::slice::from_raw_parts(begin, (&raw const disprove_vdso_end) as usize - begin as usize)
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn code() -> &'static [u8] {
    &[0; NUMBERS]
}

/// How long the code and its numbers are.
pub(super) fn length() -> usize {
    code().len()
}

/// Where in the code each function begins.
#[cfg(target_arch = "x86_64")]
pub(super) fn goals() -> [u64; 3] {
    // Only addresses are taken.
    let goals = [
        &raw const disprove_vdso_clock_gettime,
        &raw const disprove_vdso_gettimeofday,
        &raw const disprove_vdso_time,
    ];
    goals.map(|goal| (goal as usize - code().as_ptr() as usize) as u64)
}

#[cfg(not(target_arch = "x86_64"))]
pub(super) fn goals() -> [u64; 3] {
    [0; 3]
}

/// A jump from one place to another.
pub(super) fn jump(from: u64, to: u64) -> [u8; JUMP_LENGTH] {
    let distance = to.wrapping_sub(from + JUMP_LENGTH as u64) as u32;
    let [a, b, c, d] = distance.to_le_bytes();
    [JUMP, a, b, c, d]
}

/// What is written into a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stub {
    pub(super) terms: Terms,
    pub(super) originals: [[u8; ENTRY]; 3],
}

impl Stub {
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = code().to_vec();
        let terms = &self.terms;
        let numbers = [MAGIC.cast_signed(), terms.offset, terms.anchor, terms.rate, terms.period];
        let numbers = numbers.map(i64::to_le_bytes).concat();
        let all = [numbers, self.originals.concat()].concat();
        bytes[..NUMBERS].copy_from_slice(&all);
        bytes
    }

    /// Reads what was written; `None` where it is not ours.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let number = |place: usize| {
            let bytes = bytes.get(place * 8..place * 8 + 8)?;
            Some(i64::from_le_bytes(bytes.try_into().ok()?))
        };
        if number(0)? != MAGIC.cast_signed() || bytes.get(NUMBERS..) != code().get(NUMBERS..) {
            return None;
        }
        let terms = Terms { offset: number(1)?, anchor: number(2)?, rate: number(3)?, period: number(4)? };
        let original = |place: usize| number(5 + place).map(i64::to_le_bytes);
        Some(Self { terms, originals: [original(0)?, original(1)?, original(2)?] })
    }
}
