//! Packages and archives on a node.

/// Installs the packages `$@` by the first package manager that is there.
pub(super) const INSTALL: &str = r#"
if command -v apt-get >/dev/null; then
  missing=
  for p; do dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q ' installed$' || missing="$missing $p"; done
  [ -n "$missing" ] || exit 0
  DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND
  apt-get install -y -q --no-install-recommends $missing >&2 \
    || { apt-get update -q >&2 && apt-get install -y -q --no-install-recommends $missing >&2; }
elif command -v dnf >/dev/null; then dnf install -y "$@" >&2
elif command -v yum >/dev/null; then yum install -y "$@" >&2
elif command -v zypper >/dev/null; then zypper --non-interactive install "$@" >&2
elif command -v pacman >/dev/null; then pacman -S --needed --noconfirm "$@" >&2
elif command -v apk >/dev/null; then apk add "$@" >&2
else echo "there is no package manager that is known here (apt-get, dnf, yum, zypper, pacman, apk)" >&2; exit 72
fi
"#;

/// Unpacks the archive that it reads into the folder `$1`, without the first `$2` folders, by the program `$3`.
pub(super) const UNPACK: &str = r#"
mkdir -p "$1" || exit
case $3 in
  none) exec tar -x -f - -C "$1" --strip-components "$2" --no-same-owner ;;
  *) command -v "$3" >/dev/null || { echo "there is no $3 to unpack it with" >&2; exit 72; }
     # The first failure of the two is the one that tells.
     "$3" -dc >"$1/.archive.$$" || { rm -f "$1/.archive.$$"; exit 65; }
     tar -x -f "$1/.archive.$$" -C "$1" --strip-components "$2" --no-same-owner; code=$?
     rm -f "$1/.archive.$$"; exit $code ;;
esac
"#;

/// The program that an archive was packed by, as its first bytes show.
pub(super) fn compression(content: &[u8]) -> &'static str {
    match content {
        [0x1f, 0x8b, ..] => "gzip",
        [0xfd, b'7', b'z', b'X', b'Z', ..] => "xz",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd",
        [b'B', b'Z', b'h', ..] => "bzip2",
        _ => "none",
    }
}
