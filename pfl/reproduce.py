"""The paper's main experiment: train on VisA, test on all other sets; train on MVTec-AD, test on VisA.

Every finished part is saved: a training resumes where it stopped, and finished tests are not repeated.
"""

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

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
from .data.files import read_json, require_same, write, write_json
from .evaluation import Evaluation, data_summary, measure, record
from .model import BayesPFL
from .plotting import save_figure
from .selection import refusal, target_of, target_validation
from .training import train


def auxiliary_for(name: str) -> str:
    """The auxiliary data set for a test on `name`, never that set itself."""
    return "mvtec" if name == "visa" else "visa"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The data sets found under a folder, the missing ones, the possible tests and their auxiliary sets."""

    found: dict[str, Dataset]
    missing: dict[str, str]  # name -> reason
    tests: tuple[str, ...]

    @property
    def auxiliaries(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(auxiliary_for(name) for name in self.tests))


def survey(data_root: str | Path, only: Iterable[str] | None = None) -> Plan:
    """Find which of the fifteen sets are under `data_root`, each in a folder of its name, and plan the tests.

    Raises:
        ValueError: `only` has a name that is not one of the fifteen sets.
        FileNotFoundError: no test is possible.
    """
    root, wanted = Path(data_root), tuple(only or SPECS)
    if unknown := set(wanted) - set(SPECS):
        raise ValueError(f"{', '.join(sorted(unknown))}: no such data set; choose from {', '.join(SPECS)}")
    if not root.is_dir():
        raise FileNotFoundError(f"no folder {root}; give the folder that contains the data sets, one folder each")
    found, missing = {}, {}
    for name in dict.fromkeys([*wanted, *map(auxiliary_for, wanted)]):
        try:
            found[name] = sets.load(name, _folder_of(root, name))
        except (FileNotFoundError, ValueError) as error:
            missing[name] = str(error)
    tests = tuple(name for name in wanted if name in found and auxiliary_for(name) in found)
    if not tests:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in missing.items())
        raise FileNotFoundError(f"no test under {root}: VisA is needed for training, MVTec-AD to test VisA ({reasons})")
    return Plan(found=found, missing=missing, tests=tests)


def _folder_of(root: Path, name: str) -> Path:
    for folder in sorted(root.iterdir()):
        if folder.is_dir() and SPECS[name].is_called(folder.name):
            return folder
    raise FileNotFoundError(f"no folder {name} or {SPECS[name].title} under {root}")


def describe(plan: Plan, clip: FrozenCLIP, preset: Preset, seeds: int, processes: int = 1) -> str:
    """The plan as text: sets found and missing, and the time needed, estimated by timing noise on this machine."""
    model = BayesPFL(clip, preset.model)
    per_image = image_seconds(model, preset.eval) / processes
    share = replace(preset.train, batch_size=-(-preset.train.batch_size // processes))
    per_step = step_seconds(model, share)
    lines = [f"{len(plan.tests)} tests with {seeds} seeds each, CLIP {clip.name} at {clip.image_size} px"]
    total = 0.0
    for name in plan.auxiliaries:
        steps = -(-len(plan.found[name]) // preset.train.batch_size)
        hours = seeds * steps * per_step * (preset.train.epochs + preset.train.stage2_epochs) / 3600
        total += hours
        lines.append(f"  train on {name:9} {len(plan.found[name]):6} images  {_duration(hours)} at most")
    for name in plan.tests:
        hours = seeds * len(plan.found[name]) * per_image / 3600
        total += hours
        part = plan.found[name].part
        lines.append(f"  test on  {name:9} {len(plan.found[name]):6} images  {_duration(hours)}  ({part} part)")
    lines += [f"  missing  {name:9} {reason}" for name, reason in plan.missing.items()]
    lines.append(f"  about{_duration(total)}, less what earlier runs have finished (metrics and reading not included)")
    return "\n".join(lines)


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
    device: str | torch.device = "cpu",
    engine: Accelerator | None = None,
) -> pd.DataFrame:
    """Run the tests that `survey` finds, resuming in `out`, and compare our numbers with the published ones.

    A seed fixes a training and the samples drawn in its tests. Writes results/SET-seedN.json (both protocols, and all
    that is needed to repeat them) and -images.csv (a row per image), table.csv, and difference.png with its numbers.

    Args:
        select_on_target: allow a preset to select on the target's test set, as the reference does; results record it.

    Returns:
        a row per set, protocol and metric: mean and sd over seeds, and published value, grade and source.

    Raises:
        ValueError: `out` contains a result with other settings, weights or data.
    """
    out, plan = Path(out), survey(data_root, only)
    by_target = preset.train.selection == "target"
    if by_target and not select_on_target:
        raise ValueError(refusal("reference"))
    main = engine is None or engine.is_main_process
    clip = load_clip(**preset.clip, device=engine.device if engine else device)
    if main:
        print(describe(plan, clip, preset, seeds, engine.num_processes if engine else 1), flush=True)
    tables: dict[tuple[str, str], dict[int, pd.DataFrame]] = {}
    for auxiliary in plan.auxiliaries:
        for seed in range(seeds):
            model = None
            for name in (test for test in plan.tests if auxiliary_for(test) == auxiliary):
                file = out / "results" / f"{name}-seed{seed}.json"
                settings = replace(preset.eval, seed=seed)
                training = preset.train_on(auxiliary, seed=seed)
                if not file.exists():
                    validation = target_validation(plan.found[target_of(auxiliary)]) if by_target else None
                    model = model or _trained(
                        plan.found[auxiliary], training, clip, preset, out=out, validation=validation, engine=engine
                    )
                    started = time.perf_counter()
                    result = measure(model, plan.found[name], settings, engine=engine, progress=True)
                    if main:
                        seconds = time.perf_counter() - started
                        more = {"training": asdict(training), "seconds": seconds}
                        save_result(file, result, model, plan.found[name], settings, more)
                if engine:
                    engine.wait_for_everyone()
                saved = read_json(file)
                ours = {"clip": clip.identity, "model": asdict(preset.model), "evaluation": asdict(settings)}
                require_same(file, saved, ours | {"training": asdict(training), "data": data_summary(plan.found[name])})
                for protocol in PROTOCOLS:
                    tables.setdefault((name, protocol), {})[seed] = _frame(saved["tables"][protocol])
    table = compare(tables)
    if main:
        write(out / "table.csv", table.to_csv(index=False).encode())
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
        ours = {"training": asdict(settings), "data_fingerprint": data.fingerprint()}
        require_same(folder / CARD, saved | saved["card"], {"model": asdict(preset.model)} | ours)
        return load(folder, clip)
    model = BayesPFL(clip, preset.model, seed=settings.seed)
    return train(model, data, settings, out=folder, validation=validation, engine=engine).model


def save_result(
    file: Path, result: Evaluation, model: BayesPFL, data: Dataset, settings, more: dict | None = None
) -> None:
    """Write `record` and `more` as JSON, and NAME-images.csv with a row per image in the same folder."""
    write(file.with_name(f"{file.stem}-images.csv"), result.images.to_csv(index=False).encode())
    content = record(result, model, data, settings) | (more or {})
    write_json(file, content)


def _frame(rows: dict) -> pd.DataFrame:
    return pd.DataFrame.from_dict(rows, orient="index").astype(float)
