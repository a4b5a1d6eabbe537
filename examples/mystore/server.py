"""A store of one process: a command a line in JSON, an answer a line. It forgets everything when it ends."""
import json
import socketserver
import sys
import threading

lock, registers, sets = threading.Lock(), {}, {}


def answer(command):
    with lock:
        match command:
            case ["get", key]:
                return registers.get(key)
            case ["put", key, value]:
                registers[key] = value
            case ["swap", key, old, new]:
                if registers.get(key) != old:
                    return False
                registers[key] = new
            case ["add", key, element]:
                sets.setdefault(key, []).append(element)
            case ["all", key]:
                return sets.get(key, [])
        return True


class Session(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write((json.dumps(answer(json.loads(line))) + "\n").encode())


socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer.daemon_threads = True
socketserver.ThreadingTCPServer((sys.argv[1], int(sys.argv[2])), Session).serve_forever()
