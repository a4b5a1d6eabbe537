#!/usr/bin/env python3
"""PostgreSQL at SERIALIZABLE lets a cycle of three commits pass where one backend loses its processor at one place.

Starts a server of its own on loopback, makes three transactions, and holds the commit of one by gdb after it has become
visible and before it counts as committed among those that are watched for cycles. Then the same without gdb: one of the three is
refused. Ends with 0 where the first passes and the second is refused.

Needs Debian's postgresql and gdb, and the right to trace a process of one's own:  python3 examples/held-commit.py
"""

import glob
import os
import queue
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time

PORT = "55439"
HERE = ["psql", "-h", "127.0.0.1", "-p", PORT, "-U", "postgres", "-XqAt", "-d", "postgres"]
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []


class Session:
    """One session, whose answers are read up to a mark, so that one that waits does not hold up the others."""

    def __init__(self, name):
        self.name, self.sent, self.lines = name, 0, queue.Queue()
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        self.psql = subprocess.Popen(HERE, text=True, bufsize=1, **pipes)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.psql.stdout:
            self.lines.put(line.rstrip())

    def send(self, statement):
        self.sent += 1
        self.psql.stdin.write(f"{statement};\n\\echo mark {self.sent}\n")
        self.psql.stdin.flush()

    def answer(self):
        lines = []
        while (line := self.lines.get(timeout=20)) != f"mark {self.sent}":
            lines.append(line)
        return " ".join(lines)

    def do(self, statement):
        self.send(statement)
        answer = self.answer()
        print(f"  {self.name}: {statement}" + (f"  ->  {answer}" if answer else ""))
        return answer


def hold(backend):
    """gdb on the backend, which will stop where it begins to mark its transaction as committed."""
    command = ["gdb", "-q", "-nx", "-p", backend]
    gdb = subprocess.Popen(command, text=True, bufsize=1, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    gdb.stdin.write("set pagination off\nhandle SIGUSR1 nostop noprint pass\nbreak ReleasePredicateLocks\necho armed\\n\ncontinue\n")
    for line in gdb.stdout:
        if line.strip().endswith("armed"):
            time.sleep(1)
            return gdb
    sys.exit("gdb may not trace the backend; see /proc/sys/kernel/yama/ptrace_scope")


def three(is_held):
    """The three transactions; whether all of them committed."""
    setup, first, pivot, reader = (Session(name) for name in ("setup", "first", "pivot", "reader"))
    setup.do("drop table if exists t; create table t (k int primary key, v text)")
    setup.do("insert into t select k, '' from generate_series(1, 3000) k; analyze t")
    for session in (first, pivot, reader):
        session.do("set enable_seqscan = off")
    pivot.do("begin isolation level serializable")
    pivot.do("update t set v = v || 'pivot' where k = 2")
    pivot.do("select v from t where k = 1")
    backend = first.do("select pg_backend_pid()")
    first.do("begin isolation level serializable")
    first.do("update t set v = v || 'first ' where k = 1")
    if is_held:
        gdb = hold(backend)
        first.send("commit")
        time.sleep(1.5)
        print("  first: commit  (is visible, and held)")
    else:
        first.do("commit")
    reader.do("begin isolation level serializable")
    reader.do("update t set v = v || 'reader' where k = 1 returning v")
    committed = "ERROR" not in pivot.do("commit")
    if is_held:
        gdb.stdin.write("delete\ncontinue\n")
        committed &= "ERROR" not in first.answer()
    committed &= "ERROR" not in reader.do("select v from t where k = 2")
    committed &= "ERROR" not in reader.do("commit")
    for session in (setup, first, pivot, reader):
        session.psql.stdin.close()
    if is_held:
        gdb.terminate()
    return committed


def main():
    programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not programs or not shutil.which("gdb"):
        sys.exit("this needs postgresql and gdb: sudo apt-get install postgresql gdb")
    # A debugger that is ended while it holds a process may abort; nobody wants its core.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        data = f"{folder}/data"
        subprocess.run([*NOBODY, f"{programs[-1]}/initdb", "-D", data, "-U", "postgres", "-A", "trust"], check=True, stdout=subprocess.DEVNULL)
        options = ["-p", PORT, "-h", "127.0.0.1", "-k", folder]
        server = subprocess.Popen([*NOBODY, f"{programs[-1]}/postgres", "-D", data, *options], stderr=subprocess.DEVNULL)
        try:
            while subprocess.run([*HERE, "-c", "select version()"], capture_output=True).returncode != 0:
                time.sleep(0.2)
            print("The commit of one is held after it is visible:")
            passed = three(True)
            print("  all three committed, and each must come before the next" if passed else "  one was refused")
            print("The same without holding it:")
            refused = not three(False)
            print("  one was refused, as it must be" if refused else "  all three committed")
        finally:
            server.terminate()
            server.wait()
    sys.exit(0 if passed and refused else 1)


main()
