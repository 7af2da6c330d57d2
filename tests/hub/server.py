"""The stand-in's server: it speaks to the unmodified client."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.hub.faults import HTML, Fault, Faults, spoiled
from tests.hub.repository import Repository, entity_headers, tree

Answer = tuple[int, dict[str, str], bytes]


class StandInHub:
    """Serves repositories.

    Attributes:
        requests: what was asked for, such as ``GET /api/datasets/a/b``.
        sent: how many bytes of bodies went out.
    """

    def __init__(self, repositories: dict[str, Repository]) -> None:
        self.repositories = repositories
        self.requests: list[str] = []
        self.sent = 0
        self.faults = Faults()
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def elsewhere(self) -> str:
        """Where large files lie: the same server by another name."""
        return f"http://localhost:{self._server.server_port}/elsewhere"

    @contextmanager
    def fresh(self) -> Iterator[StandInHub]:
        """Forget requests and faults before and after a test; the repositories stay."""
        self.requests.clear()
        self.sent = 0
        try:
            yield self
        finally:
            self.faults.clear()

    def fail(self, path: str, kind: str, **how: Any) -> None:
        """Answer wrongly where a path has this part."""
        self.faults.add(Fault(path, kind, **how))

    def __enter__(self) -> StandInHub:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.faults.clear()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: StandInHub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, posted: bytes = b"") -> None:
        url = urlsplit(self.path)
        path = unquote(url.path)
        self._recursive = "recursive=true" in url.query.lower()
        self.hub.requests.append(f"{self.command} {self.path}")
        fault = self.hub.faults.take(self.command, path)
        kind = fault.kind if fault else ""
        if kind == "hang":
            self.hub.faults.released.wait()
            self.close_connection = True
            return
        status, headers, content = self._find(path.strip("/"), posted)
        if fault and kind == "status":
            status, headers, content = fault.status, fault.headers, b""
        elif kind == "html":
            status, headers, content = 200, {"Content-Type": "text/html; charset=utf-8"}, HTML
        status, headers, content = self._part(status, headers, spoiled(kind, content))
        try:
            self._send(status, headers, content, kind)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client has gone

    def _part(self, status: int, headers: dict[str, str], content: bytes) -> Answer:
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if status != 200 or not asked or self.command != "GET" or "Accept-Ranges" not in headers:
            return status, headers, content
        start, end = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
        if start >= len(content):
            return 416, {"Content-Range": f"bytes */{len(content)}"}, b""
        told = {**headers, "Content-Range": f"bytes {start}-{end}/{len(content)}"}
        return 206, told, content[start : end + 1]

    def _send(self, status: int, headers: dict[str, str], content: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "HEAD":
            return
        released = self.hub.faults.released
        if kind in ("cut", "stall"):
            self.close_connection = True
            self.wfile.write(content[: len(content) // 2])
            if kind == "stall":
                released.wait()
        elif kind == "trickle":
            self.close_connection = True
            for byte in content:
                self.wfile.write(bytes([byte]))
                if released.wait(0.05):
                    return
        else:
            for start in range(0, len(content), 1 << 16):
                self.wfile.write(content[start : start + (1 << 16)])
                self.hub.sent += len(content[start : start + (1 << 16)])

    def _find(self, path: str, posted: bytes) -> Answer:
        if path == "api/repos/create":
            return self._create(json.loads(posted))
        if path.startswith("elsewhere/"):
            return self._large(path)
        match = re.fullmatch(r"(api/)?datasets/([^/]+/[^/]+)(?:/([^/]+)(?:/(.*))?)?", path)
        repository = self.hub.repositories.get(match[2]) if match else None
        signed_in = bool(self.headers.get("Authorization"))
        if not match or repository is None or (repository.private and not signed_in):
            return 401, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}, b"{}"
        if repository.gated and not match[1]:
            code = 403 if signed_in else 401
            return code, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access to dataset is restricted"}, b""
        verb, rest = match[3], match[4] or ""
        if verb == "refs":
            return _json(repository.ref_list())
        if verb == "preupload":
            files = [
                {"path": each["path"], "uploadMode": "regular", "shouldIgnore": False, "oid": None}
                for each in json.loads(posted)["files"]
            ]
            return _json({"files": files})
        if verb == "commit":
            return self._commit(match[2], repository, rest, posted)
        found = repository.split(rest or "main")
        if found is None:
            return 404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": f"Invalid rev id: {rest}"}, b"{}"
        commit, files, inside = found
        if verb in (None, "revision"):
            return _json(repository.info(match[2], commit, files))
        if verb == "tree":
            return _json(tree(files, inside, recursive=self._recursive))
        if verb == "paths-info":
            text = posted.decode()
            asked = json.loads(text)["paths"] if text.startswith("{") else parse_qs(text)["paths"]
            return _json([entry for entry in tree(files, "", recursive=True) if entry["path"] in asked])
        if verb == "resolve" and inside in files:
            headers = {"X-Repo-Commit": commit, "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
            headers |= entity_headers(inside, files[inside])
            if "X-Linked-Etag" in headers:
                # Large files lie elsewhere, at another host, where an access token is not sent.
                del headers["ETag"]
                return 302, headers | {"Location": f"{self.hub.elsewhere}/{match[2]}/{commit}/{quote(inside)}"}, b""
            return 200, headers, files[inside]
        return 404, {"X-Error-Code": "EntryNotFound", "X-Error-Message": "no entry", "X-Repo-Commit": commit}, b"{}"

    def _large(self, path: str) -> Answer:
        _, owner, name, rest = path.split("/", 3)
        found = self.hub.repositories[f"{owner}/{name}"].split(rest)
        assert found is not None
        return 200, {"Accept-Ranges": "bytes", "ETag": '"of the storage"'}, found[1][found[2]]

    def _create(self, asked: dict[str, Any]) -> Answer:
        name = f"{asked['organization']}/{asked['name']}"
        self.hub.repositories[name] = Repository({}, private=asked.get("visibility") == "private")
        return _json({"url": f"{self.hub.url}/datasets/{name}", "name": name, "id": name})

    def _commit(self, name: str, repository: Repository, ref: str, posted: bytes) -> Answer:
        lines = [json.loads(line) for line in posted.splitlines()]
        added = {
            line["value"]["path"]: base64.b64decode(line["value"]["content"]) for line in lines if line["key"] == "file"
        }
        deleted = [line["value"]["path"] for line in lines if line["key"] == "deletedFile"]
        commit = repository.commit(ref, added, deleted)
        url = f"{self.hub.url}/datasets/{name}/commit/{commit}"
        return _json({"success": True, "commitOid": commit, "commitUrl": url})


def _json(value: object) -> Answer:
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()
