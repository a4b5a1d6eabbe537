"""A client program: one JSON object a line, calls on standard input, answers on standard output."""
import json
import socket
import sys


def say(answer):
    print(json.dumps(answer), flush=True)  # Without the flush the tester waits in vain.


def ask(*command):
    store.write(json.dumps(command) + "\n")
    store.flush()
    return json.loads(store.readline())


def carry_out(call):
    match call:
        case {"read": key}:
            return {"elements": ask("all", key)} if to["vocabulary"] == "set" else {"value": ask("get", key)}
        case {"write": [key, value]}:
            return ask("put", key, value) and "written"
        case {"cas": [key, old, new]}:
            return "swapped" if ask("swap", key, old, new) else "refused"
        case {"add": [key, element]}:
            return ask("add", key, element) and "added"


to = json.loads(sys.stdin.readline())["open"]
try:
    store = socket.create_connection((to["address"], 7000), timeout=10).makefile("rw")
    say({"open": "ok"})
except OSError as error:
    sys.exit(say({"fail": str(error)}))  # Harmless: no call was made.
for line in sys.stdin:
    request = json.loads(line)
    try:
        say({"id": request["id"], "ok": carry_out(request["call"])})
    except (OSError, ValueError) as error:  # It may have happened: never say "fail" here.
        say({"id": request["id"], "unknown": str(error)})
