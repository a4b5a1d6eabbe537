"""A keyed store behind HTTP, of one process: GET, PUT, and a PUT with a condition. It forgets everything when it ends.

    GET /kv/x                            200 {"value": 3}, or 404
    PUT /kv/x  {"value": 4}              204
    PUT /kv/x  with If-Match: "3"        204, or 412 where another value is there
    PUT /kv/x  with If-None-Match: *     204, or 412 where a value is there
    GET /sets/x                          200 {"elements": [1, 2]}
    POST /sets/x  {"element": 3}         204

With `--cached SECONDS` it answers every GET from a cache of that age, which is the disease to be found.
"""
import copy
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

lock, registers, sets = threading.Lock(), {}, {}
seconds = float(sys.argv[sys.argv.index("--cached") + 1]) if "--cached" in sys.argv else 0
cache, filled = ({}, {}), 0.0


def seen():
    """What a GET sees: what is there, or what was when the cache was filled."""
    global cache, filled
    if not seconds:
        return registers, sets
    if time.monotonic() - filled >= seconds:
        cache, filled = copy.deepcopy((registers, sets)), time.monotonic()
    return cache


class Session(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # An answer is one packet.

    def answer(self, status, body=None):
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def asked(self):
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        _, folder, key = self.path.split("/", 2)
        return folder, key, json.loads(content) if content else None

    def do_GET(self):
        folder, key, _ = self.asked()
        with lock:
            registers_seen, sets_seen = seen()
            if folder == "sets":
                self.answer(200, {"elements": sets_seen.get(key, [])})
            elif key in registers_seen:
                self.answer(200, {"value": registers_seen[key]})
            else:
                self.answer(404)

    def do_PUT(self):
        folder, key, body = self.asked()
        with lock:
            there = key in registers
            expected = self.headers.get("If-Match")
            if expected is not None and not (there and expected == f'"{registers[key]}"'):
                self.answer(412)
            elif self.headers.get("If-None-Match") == "*" and there:
                self.answer(412)
            else:
                registers[key] = body["value"]
                self.answer(204)

    def do_POST(self):
        folder, key, body = self.asked()
        with lock:
            sets.setdefault(key, []).append(body["element"])
            self.answer(204)

    def log_message(self, *_):
        pass  # A line for every call would fill the log.


ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Session).serve_forever()
