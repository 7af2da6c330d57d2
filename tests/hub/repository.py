"""A dataset of the stand-in: files at commits, and what the hub's API tells of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

#: What the hub keeps as large files, told apart by their SHA-256; other files are blobs of git.
_LARGE = (".parquet", ".arrow", ".gz", ".zst", ".bin")

Files = dict[str, bytes]


@dataclass
class Repository:
    """A dataset.

    Attributes:
        files: what ``refs`` point at.
        refs: branches and tags, all of the same commit.
        others: files of other refs.
        gated: its files are for those who were let in.
        private: it exists for those with a token only.
    """

    files: Files
    gated: bool = False
    private: bool = False
    refs: set[str] = field(default_factory=lambda: {"main"})
    others: dict[str, Files] = field(default_factory=dict)
    _old: dict[str, Files] = field(default_factory=dict)

    @property
    def sha(self) -> str:
        return sha(self.files)

    def branches(self) -> dict[str, Files]:
        """Return the files of each ref."""
        return dict.fromkeys(self.refs, self.files) | self.others

    def split(self, text: str) -> tuple[str, Files, str] | None:
        """Take ``REVISION/PATH`` apart: the commit, its files, the path."""
        known = {**self._old, self.sha: self.files, **{sha(files): files for files in self.others.values()}}
        known |= self.branches()
        fitting = [ref for ref in known if text == ref or text.startswith(f"{ref}/")]
        if not fitting:
            return None
        ref = max(fitting, key=len)
        return sha(known[ref]), known[ref], text[len(ref) + 1 :]

    def commit(self, ref: str, added: Files, deleted: list[str]) -> str:
        """Put files at a ref; the commits before it stay."""
        before = self.branches()[ref]
        self._old[sha(before)] = before
        after = {path: content for path, content in before.items() if path not in deleted} | added
        if ref in self.others:
            self.others[ref] = after
        else:
            self.files = after
        return sha(after)

    def info(self, name: str, commit: str, files: Files) -> dict[str, object]:
        return {
            "_id": hashlib.md5(name.encode()).hexdigest()[:24],
            "id": name,
            "sha": commit,
            "private": self.private,
            "gated": "manual" if self.gated else False,
            "disabled": False,
            "downloads": 0,
            "likes": 0,
            "tags": [],
            "lastModified": "2026-01-01T00:00:00.000Z",
            "createdAt": "2026-01-01T00:00:00.000Z",
            "siblings": [{"rfilename": path} for path in files],
        }

    def ref_list(self) -> dict[str, object]:
        refs = [
            {"name": ref.removeprefix("refs/convert/"), "ref": ref, "targetCommit": sha(files)}
            for ref, files in self.branches().items()
        ]
        converts = [ref for ref in refs if ref["ref"].startswith("refs/convert/")]
        return {"branches": [ref for ref in refs if ref not in converts], "converts": converts, "tags": []}


def sha(files: Files) -> str:
    """Name a commit by what is in it."""
    content = json.dumps({path: hashlib.sha1(data).hexdigest() for path, data in sorted(files.items())})
    return hashlib.sha1(content.encode()).hexdigest()


def entity_headers(path: str, content: bytes) -> dict[str, str]:
    """Return what a HEAD of a file says of its content."""
    if path.endswith(_LARGE):
        tag = f'"{hashlib.sha256(content).hexdigest()}"'
        return {"ETag": tag, "X-Linked-Etag": tag, "X-Linked-Size": str(len(content))}
    return {"ETag": f'"{_git_blob(content)}"'}


def tree(files: Files, under: str, *, recursive: bool) -> list[dict[str, object]]:
    """List a folder."""
    prefix = f"{under}/" if under else ""
    entries: dict[str, dict[str, object]] = {}
    for path, content in files.items():
        if not path.startswith(prefix):
            continue
        first, slash, _ = path[len(prefix) :].partition("/")
        if slash and not recursive:
            entries[prefix + first] = {"type": "directory", "path": prefix + first, "size": 0, "oid": "0" * 40}
        else:
            entries[path] = {"type": "file", "path": path, "size": len(content), "oid": _git_blob(content)}
            if path.endswith(_LARGE):
                oid = hashlib.sha256(content).hexdigest()
                entries[path]["lfs"] = {"oid": oid, "size": len(content), "pointerSize": 130}
    return list(entries.values())


def _git_blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
