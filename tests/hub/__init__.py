"""A stand-in for the Hugging Face hub, on loopback: enough for the unmodified client to load a dataset."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


@dataclass
class Repository:
    """A dataset: its files by path, at one commit."""

    files: dict[str, bytes]
    gated: bool = False
    refs: set[str] = field(default_factory=lambda: {"main"})

    @property
    def sha(self) -> str:
        content = json.dumps({path: hashlib.sha1(data).hexdigest() for path, data in sorted(self.files.items())})
        return hashlib.sha1(content.encode()).hexdigest()


class StandInHub:
    """Serves repositories; ``requests`` are what the client asked for."""

    def __init__(self, repositories: dict[str, Repository]) -> None:
        self.repositories = repositories
        self.requests: list[str] = []
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> StandInHub:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: StandInHub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        self._answer(body=True, posted=self.rfile.read(size))

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, *, body: bool, posted: bytes = b"") -> None:
        url = urlsplit(self.path)
        path = unquote(url.path)
        self._recursive = "recursive=true" in url.query.lower()
        self.hub.requests.append(f"{self.command} {self.path}")
        status, headers, content = self._find(path.strip("/").split("/"), posted)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)

    def _find(self, parts: list[str], posted: bytes) -> tuple[int, dict[str, str], bytes]:
        api = parts[:2] == ["api", "datasets"]
        start = 2 if api else 1
        name = "/".join(parts[start : start + 2])
        repository = self.hub.repositories.get(name)
        if repository is None:
            return _missing("RepoNotFound", f"Repository {name} not found")
        if repository.gated and not api:
            return 403, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access to dataset is restricted"}, b""
        verb, *rest = parts[start + 2 :] or ["info"]
        if verb in ("revision", "tree", "resolve", "paths-info") and not self._known(repository, rest):
            return _missing("RevisionNotFound", f"Invalid rev id: {'/'.join(rest)}")
        if verb in ("info", "revision"):
            return _json(_info(name, repository))
        path = "/".join(self._after_revision(repository, rest))
        if verb == "tree":
            return _json(_tree(repository, path, recursive=self._recursive))
        if verb == "paths-info":
            asked = json.loads(posted)["paths"]
            return _json([entry for entry in _tree(repository, "", recursive=True) if entry["path"] in asked])
        if verb == "resolve" and path in repository.files:
            content = repository.files[path]
            tag = hashlib.sha256(content).hexdigest()
            return 200, {"ETag": f'"{tag}"', "X-Repo-Commit": repository.sha, "Accept-Ranges": "bytes"}, content
        return _missing("EntryNotFound", f"no {path}")

    @staticmethod
    def _known(repository: Repository, rest: list[str]) -> bool:
        text = "/".join(rest)
        return any(text == ref or text.startswith(f"{ref}/") for ref in (*repository.refs, repository.sha))

    @staticmethod
    def _after_revision(repository: Repository, rest: list[str]) -> list[str]:
        text = "/".join(rest)
        ref = max((ref for ref in (*repository.refs, repository.sha) if text.startswith(ref)), key=len)
        return [part for part in text[len(ref) :].split("/") if part]


def _info(name: str, repository: Repository) -> dict[str, object]:
    return {
        "_id": hashlib.md5(name.encode()).hexdigest()[:24],
        "id": name,
        "sha": repository.sha,
        "private": False,
        "gated": "manual" if repository.gated else False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [],
        "lastModified": "2026-01-01T00:00:00.000Z",
        "createdAt": "2026-01-01T00:00:00.000Z",
        "siblings": [{"rfilename": path} for path in repository.files],
    }


def _tree(repository: Repository, under: str, *, recursive: bool) -> list[dict[str, object]]:
    prefix = f"{under}/" if under else ""
    entries: dict[str, dict[str, object]] = {}
    for path, content in repository.files.items():
        if not path.startswith(prefix):
            continue
        first, slash, _ = path[len(prefix) :].partition("/")
        if slash and not recursive:
            entries[prefix + first] = {"type": "directory", "path": prefix + first, "size": 0, "oid": "0" * 40}
        else:
            oid = hashlib.sha1(content).hexdigest()
            entries[path] = {"type": "file", "path": path, "size": len(content), "oid": oid}
    return list(entries.values())


def _json(value: object) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()


def _missing(code: str, message: str) -> tuple[int, dict[str, str], bytes]:
    return 404, {"X-Error-Code": code, "X-Error-Message": message}, b"{}"
