"""What the commands do, each with the arguments that `pfl.cli` has parsed."""

import glob
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd

from . import checkpoint, comparison, config, data, evaluation, inspection, parallel, selection, training
from . import figures as notebooks
from . import reproduce as reproduction
from .bench import bench as benchmark
from .clip import load_clip
from .data.files import read_json, require_same
from .data.own import no_images
from .data.writing import check_target, write_json, write_table
from .evaluation import measure
from .export import check_export
from .export import export as export_model
from .features import FeatureFolder
from .model import BayesPFL
from .reproduce import save_result
from .statistics import spread


def where(args) -> None:
    print(data.where(args.name))


def predict(args) -> int:
    if args.threshold is not None and args.normal is not None:
        raise ValueError("--threshold and --normal both set the threshold; use one")
    engine = parallel.accelerator(args.device)
    main = engine is None or engine.is_main_process
    images = data.folder(args.folder, **own_options(args), need_labels=False)
    _print_account(images, main)
    out = args.out or Path("runs") / "predict" / args.folder.resolve().name
    check_target(out / "results.csv")
    device = engine.device if engine else args.device
    model = checkpoint.load(args.model, device=device, precision=args.precision, trust=args.trust_model)
    options = {"num_samples": args.num_samples, "seed": args.seed, "precision": args.precision, "engine": engine}
    threshold = args.threshold
    if args.normal is not None:
        name = args.class_name or images[0].class_name
        normal = inspection.known_normal(args.normal, class_name=name, bit_depth=args.bit_depth)
        _print_account(normal, main)
        if len({sample.white for sample in (*images.samples, *normal.samples) if sample.white}) > 1:
            raise ValueError(
                f"{args.folder} and {args.normal} have other bit depths; say the camera's with --bit-depth"
            )
        scores = inspection.scores_of(model, normal, **options)
        threshold = inspection.calibrate(scores, args.false_alarms)
        if main:
            print(f"threshold {threshold:.4f}, from {len(scores)} normal images:", end=" ")
            print(f"a new one is above it with a probability of at most {args.false_alarms:.1%}")
    table = inspection.inspect(
        model,
        images,
        out,
        root=args.folder,
        threshold=threshold,
        heatmaps=args.heatmaps,
        full_size=args.full_size,
        resume=args.resume,
        **options,
    )
    failed = table[table.error != ""]
    if not main:
        return int(len(failed) > 0)
    scored = table.drop(columns=["heatmap", "error"])[table.error == ""]
    print(scored.head(10).to_string(index=False, float_format="%.3f"))
    print(f"{len(scored)} images; all scores in {out / 'results.csv'}, the report in {out / 'report.html'}")
    if len(failed):
        print(
            f"{len(failed)} of {len(table)} images could not be read: see the column error; --resume tries them again"
        )
    return int(len(failed) > 0)


def _print_account(images: data.Dataset, main: bool) -> None:
    """Print what an own folder's files were taken for, on one line, in the main process."""
    if images.account and main:
        print(images.account)


def own_options(args) -> dict:
    """The arguments of `data.folder` that were given."""
    options = {"class_name": args.class_name, "images": args.images, "masks": args.masks}
    options |= {"normal": args.normal_images, "bit_depth": args.bit_depth}
    return {name: value for name, value in options.items() if value is not None}


def check(args) -> int:
    if args.root is None and args.name not in data.SPECS:
        _, account = data.survey(args.name, **own_options(args))
        print(account.text(None if args.all else 10))
        if not account.images:
            print(f"problem: {no_images(args.name)}")
        return 0 if account.images and not account.problems else 1
    if args.root is None or own_options(args):
        raise ValueError(f"pfl data check {args.name} FOLDER checks a copy of a published set, without --images etc.")
    report = data.check(args.name, args.root, subset=args.subset)
    print(report.text(None if args.all else 10))
    return 0 if report.ok else 1


def train(args) -> None:
    check_target(args.out / training.HISTORY)
    preset = _preset(args)
    auxiliary = _load(args.data, args.root, args, split="auxiliary" if args.data == "workshop" else "test")
    if auxiliary.account and args.out.resolve().is_relative_to(auxiliary.account.root.resolve()):
        raise ValueError(f"--out {args.out} is in the folder of the images, {args.data}; choose one outside of it")
    settings = preset.train_on(auxiliary.name, seed=args.seed)
    if args.precision:
        settings = replace(settings, precision=args.precision)
    validation = None
    if args.select_on_target:
        target = _load(selection.target_of(auxiliary.name), args.select_on_target, args)
        validation = selection.target_validation(target)
    engine = parallel.accelerator(args.device)
    _print_account(auxiliary, engine is None or engine.is_main_process)
    device = engine.device if engine else args.device
    clip = load_clip(**preset.clip, device=device, precision=settings.precision)
    model = BayesPFL(clip, preset.model, seed=args.seed)
    if not (settings.alters_images or engine):
        model.clip.memory = FeatureFolder()  # without augmentation an image is encoded only once
    run = training.train(model, auxiliary, settings, out=args.out, validation=validation, engine=engine)
    if engine is None or engine.is_main_process:
        print(run.history.to_string(index=False, float_format="%.4g"))


def _preset(args) -> config.Preset:
    """The preset of a training, its epochs selected or fixed as the arguments say."""
    return selection.choose_epochs(
        config.preset(args.preset),
        args.preset,
        on_target=bool(args.select_on_target),
        epochs=args.epochs,
        stage2_epochs=args.stage2_epochs,
    )


def _load(name: str, root: Path | None, args, split: str = "test") -> data.Dataset:
    """A published set, refused if its copy is incomplete and --accept-incomplete is not given; or an own folder."""
    if name not in (*data.SPECS, "workshop", "photographs", "elpv", "textile") and root is None:
        if not Path(name).is_dir():
            data.load(name)  # raises ValueError with the names of the published sets
        return data.folder(name, **own_options(args))
    if own_options(args):
        raise ValueError(
            f"--{next(iter(own_options(args))).replace('_', '-')} is for a folder of your own, not for {name}"
        )
    return data.require_complete(data.load(name, root, split=split), accept_incomplete=args.accept_incomplete)


def evaluate(args) -> int:
    _check_files(args)
    engine = parallel.accelerator(args.device)
    device = engine.device if engine else args.device
    if str(args.model).endswith(".pth"):
        if args.preset is None:
            raise ValueError(
                f"{args.model} does not name its CLIP; give --preset reference, or the one it was trained with"
            )
        clip = load_clip(**config.preset(args.preset).clip, device=device, precision=args.precision)
        model = checkpoint.load_reference(args.model, clip, stage=args.stage)
    else:
        model = checkpoint.load(args.model, device=device, precision=args.precision, trust=args.trust_model)
    base = config.preset(args.preset).eval if args.preset else config.EvalConfig()
    settings = replace(
        base,
        protocol=args.protocol or base.protocol,
        seed=args.seed,
        num_samples=args.num_samples,
        precision=args.precision,
    )
    tested = _load(args.data, args.root, args, split="target" if args.data == "workshop" else "test")
    tables, files, main = {}, _result_files(args), engine is None or engine.is_main_process
    _print_account(tested, main)
    if not tested.level:
        raise ValueError(
            f"nothing can be measured on {args.data}: that needs normal and anomalous images, or anomalous ones with "
            f"masks; `pfl data check {args.data}` says what was found, --normal-images names the normal ones"
        )
    if args.json:
        _check_results(args.json, model, tested, settings)
    for seed in range(args.seed, args.seed + args.seeds):
        one = replace(settings, seed=seed)
        result = measure(model, tested, one, engine=engine, progress=True)
        tables[seed] = result.table(settings.protocol)
        if main and seed in files:
            save_result(files[seed], result, model, tested, one)
    if not main:
        return int(len(result.unread) > 0)
    table = tables[args.seed]
    if args.seeds > 1:
        table = spread(tables)
        table = table.dropna(subset=["mean"]).set_index(["category", "metric"])
    _print(table)
    if args.csv:
        write_table(args.csv, table, index=True)
    return int(len(result.unread) > 0)


def _result_files(args) -> dict[int, Path]:
    """The JSON file of each sampling seed."""
    seeds = range(args.seed, args.seed + args.seeds) if args.json else ()
    stem, suffix = (args.json.stem, args.json.suffix) if args.json else ("", "")
    return {s: args.json if args.seeds == 1 else args.json.with_name(f"{stem}-seed{s}{suffix}") for s in seeds}


def _check_files(args) -> None:
    """Raise an error if a file to write is not writable, or exists and is no result of `pfl evaluate`."""
    check_target(args.csv, ".csv", "category,")
    for file in _result_files(args).values():
        images = file.with_name(f"{file.stem}-images.csv")
        check_target(file, ".json", '{\n  "data": ')
        check_target(images, ".csv", "path,category,")
        if args.csv and images.absolute() == args.csv.absolute():
            raise ValueError(f"--csv is {images}, which --json writes; choose another name")


def _check_results(file: Path, model: BayesPFL, tested: data.Dataset, settings: config.EvalConfig) -> None:
    """Raise ValueError if the result file, or one of another seed beside it, is of another model, set or evaluation."""
    ours = evaluation.identity(model, tested, settings) | {"evaluation": asdict(replace(settings, seed=0))}
    for old in [file] * file.exists() + sorted(file.parent.glob(f"{glob.escape(file.stem)}-seed*{file.suffix}")):
        found = read_json(old)
        if not isinstance(found, dict) or not isinstance(found.get("evaluation", {}), dict):
            raise ValueError(f"{old} is no result of pfl evaluate; choose another name")
        require_same(old, found | {"evaluation": found.get("evaluation", {}) | {"seed": 0}}, ours)


def reproduce(args) -> None:
    engine = parallel.accelerator(args.device)
    only = args.only.split(",") if args.only else None
    preset = _preset(args)
    table = reproduction.reproduce(
        args.data_root,
        preset,
        out=args.out,
        seeds=args.seeds,
        only=only,
        select_on_target=args.select_on_target,
        accept_incomplete=args.accept_incomplete,
        device=args.device,
        engine=engine,
    )
    if engine and not engine.is_main_process:
        return
    print(comparison.summary(table))
    print(f"ours: {preset.clip['name']} and your copies; published: second-hand, on other weights or copies")
    print("; ".join(f"{key} {name}" for key, name in comparison.SOURCES.items()))
    print(f"all columns, a row per protocol, and a figure of the differences: {args.out}")


def export(args) -> None:
    check_export(args.to, args.weights)
    model = checkpoint.load(args.model, trust=args.trust_model)
    export_model(model, args.to, weights=args.weights, names=args.names)
    print(f"{args.to}: {args.to.stat().st_size / 1e6:.1f} MB")


def _print(table: pd.DataFrame) -> None:
    with pd.option_context("display.width", 200):
        print(table.to_string(float_format="%.3f", na_rep="-"))


def bench(args) -> None:
    check_target(args.json, ".json", '{\n  "clip": ')
    tiny = args.clip.startswith("tiny")
    clip = load_clip(
        args.clip,
        pretrained=None if tiny else "random",
        image_size=args.image_size,
        device=args.device,
        precision=args.precision,
        compile=args.compile,
    )
    result = benchmark(BayesPFL(clip), rounds=args.rounds, precision=args.precision)
    print(f"{result['clip']}, {result['image_size']} px, {result['precision']}, {result['device']}")
    for name, seconds in result["seconds"].items():
        ratio = f"{result['ratios'][name]:6.2f} x the encoder" if name in result["ratios"] else ""
        print(f"  {name:20} {seconds * 1e3:9.1f} ms {result['operations'][name]:6} operations {ratio}")
    total = sum(result["profile"].values())
    print("where a prediction's time goes (R = 10, one image)")
    for name, seconds in result["profile"].items():
        print(f"  {name:22} {seconds * 1e3:7.1f} ms {seconds / total:6.1%}")
    print(f"peak memory {result['peak_memory_mb']:.0f} MB")
    if args.json:
        write_json(args.json, result)


def figures(args) -> int:
    results = notebooks.run(args.preset, args.only, args.jobs, solutions=args.solutions)
    print("\nnotebook                      minutes  CPU minutes  peak GB  result")
    for r in results:
        outcome = r.error.strip().splitlines()[0] if r.error else "done"
        print(f"{r.path.name:29} {r.seconds / 60:7.1f} {r.cpu / 60:12.1f} {r.memory / 1e9:8.1f}  {outcome}")
    print(FeatureFolder())
    return 1 if any(r.error for r in results) else 0
