"""Whether every file of a run is what was written, and what can still be used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from charrnn.errors import RunError
from charrnn.runs.layout import BEST as BEST_PART
from charrnn.runs.layout import CONFIG, LATEST, MANIFEST, METRICS, MODEL, PARTS, TOKENIZER
from charrnn.runs.lock import holder
from charrnn.runs.manifest import FileRecord, check_file, damaged_files, names_below
from charrnn.runs.run import Run
from charrnn.runs.saves import SavedDirectory, Saves
from charrnn.runs.tensor_file import read_shapes
from charrnn.strict_file import read_file

#: How often a run that is trained meanwhile is looked at, until what is found holds still.
_LOOKS = 20
#: Files that are named which do not belong there; a stranger may have put any number there.
_MOST_FOREIGN = 20
_NO_TOKENS = "the model's tokens cannot be read"


@dataclass(frozen=True)
class Damage:
    """What is wrong with a file; ``harm`` says what cannot be done with it."""

    path: Path
    problem: str
    harm: str = ""


@dataclass
class Findings:
    """What was found out of a run.

    Attributes:
        run: the run.
        format: that it is written in; 0 where its config cannot be read.
        checked: files that were compared with what was recorded of them.
        damage: what is not as it was.
        whole: the saves that can be gone on from, the oldest first, with their steps.
        latest: the save that counts, where that is known.
        left: what a killed process left behind, which does no harm.
        holder: the process that trains it meanwhile, if one does.
        generates: whether text can be generated and scored.
        trains: whether training can go on from the save that counts.
    """

    run: Run
    format: int = 0
    checked: int = 0
    damage: list[Damage] = field(default_factory=list)
    whole: dict[str, int] = field(default_factory=dict)
    latest: str | None = None
    left: list[Path] = field(default_factory=list)
    holder: str | None = None
    generates: bool = False
    trains: bool = False


def verify(run: Run) -> Findings:
    """Compare every file of a run with what was recorded of it; nothing is changed.

    It may be trained meanwhile. Another save may count then, and this one be gone: that is looked at again.
    """
    for _ in range(_LOOKS):
        before = _pointer(run)
        try:
            found = _look(run)
        except OSError as error:
            found = Findings(run)
            path = Path(error.filename or run.path)
            found.damage.append(
                Damage(path, f"{path} cannot be read: {error.strerror}", "what else is wrong is unknown")
            )
            break
        if _pointer(run) == before:
            break
    return found


def _pointer(run: Run) -> bytes:
    try:
        return read_file(run.path / LATEST, 100)
    except (OSError, ValueError):
        return b""


def _look(run: Run) -> Findings:
    found = Findings(run)
    try:
        found.format = run.format
    except RunError as error:
        found.damage.append(Damage(run.path / CONFIG, str(error), "nothing can be done with the run"))
    known = found.format > 0
    tokenizer = known and _verify_tokenizer(run, found)
    saves = run.saves if known else Saves(run.path, sealed=True)
    latest = _verify_latest(run.path, saves, found)
    best, every = False, saves.all()
    for save in every:
        damaged = list(_damaged_parts(save, found))
        if not damaged:
            found.whole[save.path.name] = save.step
        elif not save.path.is_dir():
            continue  # an old one, which another process has removed meanwhile
        found.damage += damaged
        if latest is not None and save.path == latest.path:
            best = not {each.path.name for each in damaged} & {BEST_PART, MANIFEST}
    if latest is not None and latest.path.name in found.whole:
        _verify_metrics(run.path, latest, found)
        _verify_model(run.path, [latest, *saves.uncounted(latest)], found)  # killed before the newer one counted
    elif found.whole and (latest or any(each.path == run.path / LATEST for each in found.damage)):
        newest = next(each for each in reversed(every) if each.path.name in found.whole)
        _verify_metrics(run.path, newest, found)
        _verify_model(run.path, [newest, *(each for each in every if each.path != newest.path)], found)
    found.holder = holder(run.path)
    found.left = [*([] if found.holder else run.left_behind()), *saves.aside()]
    found.generates = tokenizer and best
    found.trains = tokenizer and found.latest in found.whole
    return found


def _verify_tokenizer(run: Run, found: Findings) -> bool:
    folder, records = run.path / TOKENIZER, run.config.tokenizer.files
    if folder.is_symlink():  # and what it leads to may be large, and nobody's business
        problem = f"{folder} is a link, and is not followed; put the folder in its place"
        found.damage.append(Damage(folder, problem, _NO_TOKENS))
        return False
    found.checked += len(records)
    damaged = [Damage(path, problem, _NO_TOKENS) for path, problem in damaged_files(folder, records)]
    found.damage += damaged
    if found.format > 1:
        foreign = sorted(set(names_below(folder)) - records.keys())
        named = foreign[:_MOST_FOREIGN]
        found.damage += [Damage(folder / name, f"{folder / name} is no file of the tokenizer") for name in named]
        if more := len(foreign) - len(named):
            found.damage.append(Damage(folder, f"{folder} holds {more} more files that are none of the tokenizer's"))
    return not damaged and folder.is_dir()


def _verify_latest(path: Path, saves: Saves, found: Findings) -> SavedDirectory | None:
    harm = "nobody knows which save counts"
    try:
        latest = saves.latest()
        if latest is None and found.format == 1 and saves.all():  # later formats say that nothing was saved
            raise RunError(f"{path / LATEST} is missing")
        if latest is not None and _is_sound(replace(latest, seal="")):
            _ = latest.manifest  # then it is the seal that is wrong
    except RunError as error:
        found.damage.append(Damage(path / LATEST, str(error), harm))
        return None
    found.checked += latest is not None
    found.latest = None if latest is None else latest.path.name
    return latest


def _is_sound(save: SavedDirectory) -> bool:
    """Tell whether a save has a manifest that fits itself."""
    try:
        return save.manifest is not None
    except RunError:
        return False


def _damaged_parts(save: SavedDirectory, found: Findings) -> Iterator[Damage]:
    harm = f"training cannot go on from save {save.path.name}"
    try:
        manifest = save.manifest
    except RunError as error:
        yield Damage(save.path / MANIFEST, str(error), harm)
        return
    for name in PARTS:
        try:
            path = save.file(name)
            if path.suffix == ".safetensors":
                read_shapes(path)
            elif save.state()["step"] != save.step:
                raise RunError(f"{path} is damaged: it is of another step than the save")
        except RunError as error:
            yield Damage(save.path / name, str(error), harm)
        found.checked += manifest is not None


def _verify_metrics(path: Path, save: SavedDirectory, found: Findings) -> None:
    record = None if save.manifest is None else save.manifest.metrics
    if record is None:
        return
    found.checked += 1
    harm = "training goes on; plots and comparisons lack what is damaged"
    try:
        now = FileRecord.of(path / METRICS, record.size)
    except OSError as error:
        found.damage.append(Damage(path / METRICS, f"{path / METRICS} cannot be read: {error.strerror}", harm))
        return
    if now != record:
        found.damage.append(Damage(path / METRICS, f"{path / METRICS} is damaged: it is not what was saved", harm))


def _verify_model(path: Path, saves: Sequence[SavedDirectory], found: Findings) -> None:
    """Look at the model for other programs, which is of one of some saves: of the first, if all is well."""
    if saves[0].manifest is None:
        return
    found.checked += 1
    problems = []
    for each in saves:
        try:
            if each.manifest is not None:
                check_file(path / MODEL, each.manifest.files[BEST_PART])
            return
        except RunError as error:
            problems.append(str(error))
    harm = "only other programs read it; charrnn has the same in the save"
    found.damage.append(Damage(path / MODEL, problems[0], harm))
