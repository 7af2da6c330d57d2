"""A training loop of torch.nn and nothing else, in a process of its own: prints characters a second."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional


def main() -> None:
    """Train on a text file for so many steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", type=Path)
    parser.add_argument("cell", choices=["LSTM", "GRU", "RNN"])
    for name in ("layers", "hidden", "seq-len", "batch-size", "steps"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    text = given.text.read_text()
    alphabet = {character: index for index, character in enumerate(sorted({*text}))}
    ids = torch.tensor([alphabet[character] for character in text])[: int(len(text) * 0.9)]
    lane = len(ids) // given.batch_size
    torch.set_default_device(given.device)
    lanes = ids[: lane * given.batch_size].view(given.batch_size, lane).t().contiguous().to(given.device)
    embedding = nn.Embedding(len(alphabet), 64)
    cells = getattr(nn, given.cell)(64, given.hidden, given.layers)
    output = nn.Linear(given.hidden, len(alphabet))
    model = nn.ModuleList([embedding, cells, output])
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, fused=True)
    state = None
    began = time.perf_counter()
    at = 0
    for _ in range(given.steps):
        if at + given.seq_len + 1 > lane:
            at, state = 0, None
        chunk = lanes[at : at + given.seq_len + 1]
        at += given.seq_len
        hidden, state = cells(embedding(chunk[:-1]), state)
        state = tuple(leaf.detach() for leaf in state) if isinstance(state, tuple) else state.detach()
        loss = functional.cross_entropy(output(hidden).flatten(0, 1), chunk[1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    loss.item()  # waits for a GPU
    seconds = time.perf_counter() - began
    print(given.steps * given.seq_len * given.batch_size / seconds)


if __name__ == "__main__":
    main()
