//! Daemons as the shell of a node keeps them: a folder each, with the process id, the time of its birth (so that
//! another process that has got the same id is not taken for it), and its exit code.

/// Reads the pid file of the folder `$1`: sets `pid` and `state`, and fails where the process has ended.
const LOOK: &str = r#"
look() {
  pid=; state=; read -r pid born < "$1/pid" 2>/dev/null || return 1
  s=$(cat "/proc/$pid/stat" 2>/dev/null) || return 1
  set -- ${s##*) }
  state=$1; [ "${20}" = "$born" ] || return 1
  case $state in Z|X) return 1;; esac
}
nap() { sleep 0.02 2>/dev/null || sleep 1; }
"#;

/// Prints the processes of a daemon that have not ended: the one that was started, its group, its session, all below
/// it, and whatever carries the mark of its folder in its environment.
const MEMBERS: &str = r#"
members() {
  marked=$(grep -alF "DISPROVE_DAEMON=$1;" /proc/[0-9]*/environ 2>/dev/null | tr -dc '0-9\n' | tr '\n' ' ')
  cat /proc/[0-9]*/stat 2>/dev/null | awk -v root="$2" -v marked="$marked" '
    $1 ~ /^[0-9]+$/ { p=$1; s=$0; sub(/^.*\) /, "", s); split(s, f, " "); st[p]=f[1]; up[p]=f[2]; gr[p]=f[3]; se[p]=f[4] }
    END {
      n=split(marked, m, " "); for (i=1; i<=n; i++) if (m[i] in st) in_[m[i]]=1
      if (root != "") for (p in st) if (p==root || gr[p]==root || se[p]==root) in_[p]=1
      do { grown=0; for (p in st) if (!(p in in_) && (up[p] in in_)) { in_[p]=1; grown=1 } } while (grown)
      for (p in in_) if (st[p] != "Z" && st[p] != "X") printf "%s ", p
    }'
}
strike() {
  seen=" "; n=0
  while [ $n -lt 8 ]; do
    n=$((n+1)); fresh=
    for p in $(members "$2" "$3"); do
      case $seen in *" $p "*) ;; *) fresh="$fresh $p"; seen="$seen$p ";; esac
    done
    [ -n "$fresh" ] || return 0
    kill -s "$1" $fresh 2>/dev/null
  done
  return 0
}
send() {
  root=; [ -s "$2/pid" ] && look "$2" && root=$pid
  # A process that has ended may have left others behind: they are still in its group, whose number is not given away
  # as long as anybody is in it.
  [ -n "$root" ] || { read -r pid born < "$2/pid" && [ "$state" = Z ] && root=$pid; } 2>/dev/null
  # Stopped first, so that none can notice that another died.
  [ "$1" != KILL ] || strike STOP "$2" "$root"
  strike "$1" "$2" "$root"
}
"#;

/// Starts the daemon of folder `$1` in `$2` with log `$3`; `$4` is its program, and `$5` to the end are environment and
/// command line as `env` takes them.
const START: &str = r#"
d=$1 dir=$2 log=$3 prog=$4; shift 4
mkdir -p "$d" "$dir" "${log%/*}" || exit 73
if look "$d"; then echo "it is alive as process $pid" >&2; exit 75; fi
cd "$dir" || exit 73
command -v "$prog" >/dev/null || { echo "there is no program $prog" >&2; exit 72; }
: >>"$log" || exit 73
rm -f "$d/pid" "$d/code"
setsid /bin/sh -c '
  d=$1 log=$2; shift 2
  DISPROVE_DAEMON="$d;" setsid env "$@" </dev/null >>"$log" 2>&1 &
  p=$!
  s=$(cat "/proc/$p/stat"); set -- ${s##*) }
  echo "$p ${20}" >"$d/pid.new"; mv "$d/pid.new" "$d/pid"
  wait $p; echo $? >"$d/code.new"; mv "$d/code.new" "$d/code"
' sh "$d" "$log" "$@" </dev/null >/dev/null 2>&1 &
n=0
while [ ! -s "$d/pid" ]; do n=$((n+1)); [ $n -lt 250 ] || { echo "it has not started" >&2; exit 74; }; nap; done
"#;

/// Says what the daemon of folder `$1` is doing.
const STATE: &str = r#"
d=$1
[ -d "$d" ] && [ -s "$d/pid" ] || { echo absent; exit 0; }
if look "$d"; then case $state in T|t) echo "stopped $pid";; *) echo "running $pid";; esac; exit 0; fi
# Who waits for it writes its code at once, unless that one ended with the machine.
n=0; while [ ! -s "$d/code" ] && [ $n -lt 25 ]; do n=$((n+1)); nap; done
if [ -s "$d/code" ]; then echo "exited $(cat "$d/code")"; else echo "exited 137"; fi
"#;

/// Sends the signal `$2` to the daemon of folder `$1`.
const SIGNAL: &str = r#"
[ -d "$1" ] || exit 0
send "$2" "$1"
"#;

/// Ends all daemons below the folder `$1`, and waits until they have ended.
const END_ALL: &str = r#"
for d in "$1"/*/; do
  d=${d%/}; [ -d "$d" ] || continue
  send KILL "$d"
  n=0; while look "$d" && [ $n -lt 250 ]; do n=$((n+1)); nap; done
  if look "$d"; then echo "process $pid of $d does not end" >&2; exit 74; fi
done
"#;

/// The script that starts a daemon.
pub(super) fn start() -> String {
    format!("{LOOK}{START}")
}

/// The script that says what a daemon is doing.
pub(super) fn state() -> String {
    format!("{LOOK}{STATE}")
}

/// The script that sends a daemon a signal.
pub(super) fn signal() -> String {
    format!("{LOOK}{MEMBERS}{SIGNAL}")
}

/// The script that ends all daemons below a folder.
pub(super) fn end_all() -> String {
    format!("{LOOK}{MEMBERS}{END_ALL}")
}
