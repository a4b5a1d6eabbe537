//! Commands that arrive on the far side as they were meant, whatever is in them.
//!
//! SSH carries one text, which the user's login shell takes apart: sh, bash, zsh, fish and csh each in its own way. So
//! that text is made of nothing that any of them would touch: single quotes round letters, digits, and octal escapes,
//! which a plain `/bin/sh` turns into the real script.

/// The longest script: Linux takes no argument over 128 KiB, and an escaped byte takes five.
pub(super) const SCRIPT_BYTES_MAX: usize = 24 << 10;

/// The text that makes any login shell run a script of the POSIX shell. `None` when it is too long or holds a zero byte,
/// which no command can.
pub(super) fn command(script: &str) -> Option<String> {
    if script.len() > SCRIPT_BYTES_MAX || script.contains('\0') {
        return None;
    }
    let mut text = String::from(r#"/bin/sh -c 'eval "$(printf "%b" ""#);
    for byte in script.bytes() {
        if byte.is_ascii_alphanumeric() || b" _-./:=,@+".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("\\0{byte:03o}"));
        }
    }
    // The substitution would eat the newlines at the end of the script, where nothing may depend on them.
    text.push_str(r#"")"'"#);
    Some(text)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::machine::quoting::quote_all;

    const HOSTILE: &[&str] = &[
        "",
        " ",
        "'",
        "\"",
        "'\\''",
        "$(touch /nowhere)",
        "`id`",
        "${HOME}",
        "a;b&&c|d>e<f",
        "*?[a-z]{x,y}~",
        "-rf",
        "--",
        "!history",
        "back\\slash\\",
        "\\0101",
        "%s%n%b",
        "line\nline\n",
        "tab\tcarriage\r",
        "ünïcödé ✓ 漢字",
        "#comment",
        "a=b",
        "\u{1}\u{7f}",
    ];

    #[test]
    fn hostile_words_arrive_as_they_are() {
        let script = format!("printf '%s\\0' {}", quote_all(HOSTILE.iter().copied()));
        let text = command(&script).expect("short and without zero bytes");
        // As sshd does it: the login shell gets the text as one argument.
        let shells = ["sh", "bash", "dash", "zsh", "fish", "csh", "tcsh", "ksh"];
        let mut tried = 0;
        for shell in shells {
            let Ok(output) = Command::new(shell).args(["-c", &text]).output() else { continue };
            let words: Vec<_> = output.stdout.split(|byte| *byte == 0).collect();
            let expected: Vec<_> =
                HOSTILE.iter().map(|word| word.as_bytes()).chain([b"".as_slice()]).collect();
            assert_eq!(words, expected, "{shell}: {}", String::from_utf8_lossy(&output.stderr));
            tried += 1;
        }
        assert!(tried > 0, "there is a shell");
    }

    #[test]
    fn what_no_command_can_carry_is_refused() {
        assert_eq!(command("echo \0"), None);
        assert_eq!(command(&"x".repeat(SCRIPT_BYTES_MAX + 1)), None);
        let longest = command(&"$".repeat(SCRIPT_BYTES_MAX)).expect("just short enough");
        assert!(longest.len() < 128 << 10);
    }
}
