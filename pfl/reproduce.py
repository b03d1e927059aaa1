"""The paper's main experiment: train on VisA, test on all other sets; train on MVTec-AD, test on VisA.

Every finished part is saved: a training resumes where it stopped, and finished tests are not repeated.
"""

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from accelerate import Accelerator

from . import data as sets
from .bench import image_seconds, step_seconds
from .checkpoint import CARD, load
from .clip import FrozenCLIP, load_clip
from .comparison import PROTOCOLS, compare, draw_differences
from .config import Preset, TrainConfig
from .data import SPECS, Dataset
from .data.counting import in_short
from .data.files import Folder, read_json, require_same
from .data.writing import check_free, write_json, write_table
from .evaluation import Evaluation, data_summary, measure, record
from .model import BayesPFL
from .plotting import save_figure
from .selection import refusal, target_of, target_validation
from .training import metadata, train


def auxiliary_for(name: str) -> str:
    """The auxiliary data set for a test on `name`, never that set itself."""
    return "mvtec" if name == "visa" else "visa"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The data sets found under a folder, those missing or refused, the possible tests and their auxiliary sets."""

    root: Path
    folders: dict[str, Path]  # of every set found, also those not needed
    found: dict[str, Dataset]
    missing: dict[str, str]  # name -> reason
    tests: tuple[str, ...]

    @property
    def auxiliaries(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(auxiliary_for(name) for name in self.tests))

    def notes(self, name: str) -> str:
        """Why a test's numbers are not of complete copies and the paper's part, in short; empty if they are."""
        tested, auxiliary = self.found[name], self.found[auxiliary_for(name)]
        notes = [f"{tested.part} part, not the paper's"] * (tested.part != "paper")
        notes += [f"trained on an incomplete copy of {auxiliary.name}"] * bool(auxiliary.notes)
        return "; ".join([*notes, *[in_short(tested.notes)] * bool(tested.notes)])

    def __str__(self) -> str:
        """Which folder is taken for which set, and what is missing, refused, or not used."""
        lines, within = [f"data sets under {self.root}"], list(self.folders.values())
        shown = {name: str(folder.relative_to(self.root)) for name, folder in self.folders.items()}
        width = max(map(len, shown.values()), default=0)
        for name, data in self.found.items():
            lines.append(f"  found    {name:9} {shown[name]:{width}}  {data.layout} layout, {data.part} part")
            lines += [f"           {'':9} incomplete, accepted: {note}" for note in data.notes]
            if self.folders[name] == self.root:
                within += [path for sample in data.samples for path in (sample.image, sample.mask) if path]
        for name, reason in self.missing.items():
            refused = name in shown
            where = f"refused  {name:9} {shown[name]:{width}}  " if refused else f"missing  {name:9} "
            lines.append(f"  {where}{reason}")
        used = {part for path in within for part in path.relative_to(self.root).parts[:1]}
        unused = [name for name in Folder(self.root).folders if name not in used]
        return "\n".join(lines + [f"  not used: {', '.join(unused)}"] * bool(unused))


def survey(
    data_root: str | Path,
    only: Iterable[str] | None = None,
    *,
    accept_incomplete: bool = False,
    select_on_target: bool = False,
) -> Plan:
    """Find which of the fifteen sets are under `data_root` (`pfl.data.find`), and plan the tests.

    Args:
        only: the sets to test on; default: all that are found.
        accept_incomplete: use copies whose counts differ from the published ones; by default they are refused.
        select_on_target: training needs the target's data set, too (`selection.target_of`).

    Raises:
        ValueError: `only` has a name that is not one of the fifteen sets.
        FileNotFoundError: no test is possible, or not all of `only`.
    """
    root, wanted = Path(data_root).expanduser().absolute(), tuple(only or SPECS)
    if unknown := set(wanted) - set(SPECS):
        raise ValueError(f"{', '.join(sorted(unknown))}: no such data set; choose from {', '.join(SPECS)}")
    if not root.is_dir():
        raise FileNotFoundError(f"no folder {root}; give the folder that contains the data sets, one folder each")
    folders, missing = sets.find(root)
    needed = {name: _needed(name, select_on_target) for name in wanted}
    found, reasons = {}, {}
    for name in dict.fromkeys([*wanted, *(other for others in needed.values() for other in others)]):
        if name in missing:
            reasons[name] = missing[name]
            continue
        try:
            found[name] = sets.require_complete(sets.load(name, folders[name]), accept_incomplete=accept_incomplete)
        except (FileNotFoundError, ValueError) as error:
            reasons[name] = str(error)
    tests = tuple(name for name in wanted if {name, *needed[name]} <= set(found))
    if not tests or (only and len(tests) < len(wanted)):
        which = f"a test on {', '.join(name for name in wanted if name not in tests)}" if only else "a test"
        relevant = {*(only or ()), *folders, "visa", "mvtec"}
        lines = [f"\n  {name}: {reason}" for name, reason in reasons.items() if name in relevant]
        raise FileNotFoundError(
            f"{which} is not possible under {root}: training needs VisA, and MVTec-AD to test VisA{''.join(lines)}"
        )
    return Plan(root=root, folders=folders, found=found, missing=reasons, tests=tests)


def _needed(name: str, select_on_target: bool) -> list[str]:
    """The other data sets that a test needs: the one trained on, and the one whose test set is selected on."""
    auxiliary = auxiliary_for(name)
    return [auxiliary] + [target_of(auxiliary)] * select_on_target


def describe(plan: Plan, clip: FrozenCLIP, preset: Preset, seeds: int, processes: int = 1) -> str:
    """The time needed as text, estimated by timing noise on this machine."""
    model = BayesPFL(clip, preset.model)
    per_image = image_seconds(model, preset.eval) / processes
    share = replace(preset.train, batch_size=-(-preset.train.batch_size // processes))
    per_step = step_seconds(model, share)
    lines = [f"{len(plan.tests)} tests with {seeds} seeds each, CLIP {clip.name} at {clip.image_size} px"]
    total = 0.0
    for name in plan.auxiliaries:
        steps = -(-len(plan.found[name]) // preset.train.batch_size)
        validated = _validation(plan, name, preset)
        per_epoch = steps * per_step + len(validated or ()) * per_image
        hours = seeds * per_epoch * preset.train.total_epochs / 3600
        total += hours
        lines.append(f"  train on {name:9} {len(plan.found[name]):6} images  {_duration(hours)} at most")
    for name in plan.tests:
        hours = seeds * len(plan.found[name]) * per_image / 3600
        total += hours
        lines.append(f"  test on  {name:9} {len(plan.found[name]):6} images  {_duration(hours)}")
    lines.append(f"  about{_duration(total)}, less what earlier runs have finished (metrics and reading not included)")
    return "\n".join(lines)


def _validation(plan: Plan, auxiliary: str, preset: Preset) -> Dataset | None:
    """The part of the target's test set that a preset selects on, or None for a fixed number of epochs."""
    return target_validation(plan.found[target_of(auxiliary)]) if preset.train.selection == "target" else None


def _duration(hours: float) -> str:
    return f"{hours:7.1f} h" if hours >= 1 else f"{60 * hours:7.1f} min"


def reproduce(
    data_root: str | Path,
    preset: Preset,
    *,
    out: str | Path,
    seeds: int = 3,
    only: Iterable[str] | None = None,
    select_on_target: bool = False,
    accept_incomplete: bool = False,
    device: str | torch.device = "cpu",
    engine: Accelerator | None = None,
) -> pd.DataFrame:
    """Run the tests that `survey` finds, resuming in `out`, and compare our numbers with the published ones.

    A seed fixes a training and the samples drawn in its tests. Writes results/SET-seedN.json (both protocols, and all
    that is needed to repeat them) and -images.csv (a row per image), table.csv, and difference.png with its numbers.

    Args:
        select_on_target: allow a preset to select on the target's test set, as the reference does; results record it.
        accept_incomplete: use copies whose counts differ from the published ones, too; results and table say how.

    Returns:
        a row per set, protocol and metric: mean and sd over seeds, published value, grade and source, and notes.

    Raises:
        ValueError: `out` contains a result with other settings, weights or data.
        FileNotFoundError: as in `survey`.
    """
    out, by_target = Path(out), preset.train.selection == "target"
    if by_target and not select_on_target:
        raise ValueError(refusal())
    plan = survey(data_root, only, accept_incomplete=accept_incomplete, select_on_target=by_target)
    main = engine is None or engine.is_main_process
    if main:
        if not (out / "results").is_dir():
            check_free(out, "table.csv", "difference.*")
        print(plan, flush=True)
    clip = load_clip(**preset.clip, device=engine.device if engine else device)
    if main:
        print(describe(plan, clip, preset, seeds, engine.num_processes if engine else 1), flush=True)
    tables: dict[tuple[str, str], dict[int, pd.DataFrame]] = {}
    for auxiliary in plan.auxiliaries:
        validation = _validation(plan, auxiliary, preset)
        sources: dict[str, Any] = {
            "trained_on": data_summary(plan.found[auxiliary]),
            "selected_on": data_summary(validation) if validation else None,
        }
        for seed in range(seeds):
            model = None
            for name in (test for test in plan.tests if auxiliary_for(test) == auxiliary):
                file = out / "results" / f"{name}-seed{seed}.json"
                settings = replace(preset.eval, seed=seed)
                training = preset.train_on(auxiliary, seed=seed)
                if not file.exists():
                    model = model or _trained(
                        plan.found[auxiliary], training, clip, preset, out=out, validation=validation, engine=engine
                    )
                    started = time.perf_counter()
                    result = measure(model, plan.found[name], settings, engine=engine, progress=True, strict=True)
                    if main:
                        seconds = time.perf_counter() - started
                        more = {"training": asdict(training), "seconds": seconds} | sources
                        save_result(file, result, model, plan.found[name], settings, more)
                if engine:
                    engine.wait_for_everyone()
                saved = read_json(file)
                ours = {"clip": clip.identity, "model": asdict(preset.model), "evaluation": asdict(settings)}
                ours |= {"training": asdict(training), "data": data_summary(plan.found[name])} | sources
                require_same(file, saved, ours)
                for protocol in PROTOCOLS:
                    tables.setdefault((name, protocol), {})[seed] = _frame(saved["tables"][protocol])
    selected = ["epochs selected on the target's test set"] * by_target
    table = compare(tables, {name: "; ".join(filter(None, [plan.notes(name), *selected])) for name in plan.tests})
    if main:
        write_table(out / "table.csv", table)
        figure = draw_differences(table, f"CLIP {clip.name} at {clip.image_size} px, {seeds} seeds")
        if figure is not None:
            numbers = table.dropna(subset=["difference"])
            save_figure(figure, "difference", numbers, folder=out)
    return table


def _trained(
    data: Dataset,
    settings: TrainConfig,
    clip: FrozenCLIP,
    preset: Preset,
    *,
    out: Path,
    validation: Dataset | None,
    engine: Accelerator | None,
) -> BayesPFL:
    """The model trained on a set with a seed: loaded if its training is finished, else trained or resumed."""
    folder = out / f"train-{data.name}-seed{settings.seed}"
    if (folder / CARD).exists():
        saved = read_json(folder / CARD)
        ours = metadata(settings, data, validation)
        require_same(folder / CARD, saved | saved["card"], {"model": asdict(preset.model)} | ours)
        return load(folder, clip)
    model = BayesPFL(clip, preset.model, seed=settings.seed)
    return train(model, data, settings, out=folder, validation=validation, engine=engine).model


def save_result(
    file: Path, result: Evaluation, model: BayesPFL, data: Dataset, settings, more: dict | None = None
) -> None:
    """Write `record` and `more` as JSON, and NAME-images.csv with a row per image in the same folder."""
    images = pd.concat([result.images, result.unread]) if len(result.unread) else result.images
    write_table(file.with_name(f"{file.stem}-images.csv"), images)
    content = record(result, model, data, settings) | (more or {})
    write_json(file, content)


def _frame(rows: dict) -> pd.DataFrame:
    return pd.DataFrame.from_dict(rows, orient="index").astype(float)
