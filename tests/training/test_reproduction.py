"""The reproduction's plumbing: what needs what, what is done again, and what is said of the results."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer

from ihp_backend.labels import ATR, HUMAN18
from training import evaluate, evaluate_parsing, reproduce
from training.reproduction import figures, jobs, records
from training.reproduction.claims import CANNOT_SAY, DOES_NOT, HOLDS, SWEEP_CLAIMS, Claim, judge
from training.reproduction.methods import (
    CENTRAL,
    EXTREME_POINTS,
    FORGETFUL,
    METHODS,
    MIRRORED,
    NOTHING,
    PART_BY_PART,
    SCALED,
    UNSEEN,
    UNSEEN_LABELS,
    UNSWEPT,
    swept,
)
from training.reproduction.parser_claims import PARSER_CLAIMS
from training.reproduction.parser_tables import PARSER_TABLES
from training.reproduction.results import Results, spread_text
from training.reproduction.runner import Timings, duration, run
from training.reproduction.scales import CCP, FULL, PARSERS_CCP, PARSERS_FULL, PARSERS_SMOKE, SMOKE, scales
from training.reproduction.smoke import draw_data
from training.reproduction.steps import MEASURE, TRAIN, Folders, Step, fit_command, steps
from training.reproduction.tables import by_corrections, table1, table3, table_of_labels, unseen
from training.reproduction.targets import PARSER_TARGETS, TARGETS, needs, parsers_wanted, wanted


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path / "data", tmp_path / "work", tmp_path / "results")


def measured(folders: Folders, method: str, seed: int, mean_iou: list[float], start: str = CENTRAL) -> None:
    """Writes figures as ``training.evaluate`` would."""
    file = folders.measured(method, seed, start)
    file.parent.mkdir(parents=True, exist_ok=True)
    rounds = range(len(mean_iou))
    figures = {
        "mean_iou": [mean_iou],
        "near_edge_f1": [mean_iou],
        "near_edge_mean_iou": [mean_iou],
        "clicks_per_label": [[1 + round_ / 10 for round_ in rounds]],
        "labels": {"background": [[90.0 for _ in rounds]], "glove": [[None for _ in rounds]]},
    }
    file.write_text(json.dumps(figures))


def test_every_target_needs_methods_that_exist() -> None:
    for target, needed in (TARGETS | PARSER_TARGETS).items():
        assert needed, target
        assert {method for method, _ in needed} <= set(METHODS)
    assert {method for method, _ in needs(TARGETS | PARSER_TARGETS)} == set(METHODS), "a method that nothing needs"


def test_targets_share_their_runs() -> None:
    needed = dict(needs(["table3", "fig7"]))
    assert needed["central"] == ("central", "nothing")
    assert needed["near-edge"] == ("central",)


def test_tables_of_other_data_are_refused_below_the_full_scale() -> None:
    with pytest.raises(ValueError, match="table6 is about helen"):
        wanted("table6", "ccp-human18", "ccp")
    with pytest.raises(ValueError, match="'table9' is unknown; choose one of table1"):
        wanted("table9", "ccp-human18", "ccp")
    assert {"table5", "ablations", "unseen"}.isdisjoint(wanted("all", "ccp-human18", "ccp"))
    with pytest.raises(ValueError, match="unseen is made below the full scale"):
        wanted("unseen", "lip", "full")
    assert "table6" in wanted("all", "helen", "full")
    assert wanted("table6", "lip", "full") == ()


def test_tables_of_automatic_parsers_are_made_for_the_papers_data() -> None:
    lip, atr, limbs = PARSERS_FULL
    assert parsers_wanted("rpr1", lip) == parsers_wanted("rpr3", atr) == parsers_wanted("table1", atr) == ()
    assert parsers_wanted("rpr3", lip) == ("rpr3",)
    assert parsers_wanted("all", limbs) == ("ssl",)
    assert set(parsers_wanted("parsers", PARSERS_CCP)) == set(PARSER_TARGETS)
    assert wanted("parsers", "ccp-human18", "ccp") == wanted("rpr1", "lip", "full") == ()


def test_scales_name_configurations_that_exist() -> None:
    root = Path(reproduce.__file__).parents[1]
    for scale in (PARSERS_CCP, PARSERS_SMOKE, *PARSERS_FULL):
        assert all((root / file).is_file() for file in scale.configs)
    for scale in (CCP, SMOKE, *FULL):
        for kind in ("clicks", "live", "ideeplab", "dextr"):
            assert all((root / file).is_file() for file in scale.configs_of(kind))
    with pytest.raises(ValueError, match="'huge' is unknown"):
        scales("huge")


def test_what_is_measured_is_not_made_again(folders: Folders) -> None:
    names = [step.name for step in steps("random", 1, ("central", "nothing"), CCP, folders)]
    assert [name.split()[0] for name in names] == ["train", "export", "measure", "measure"]
    measured(folders, "random", 1, [50.0])
    [*_, last] = steps("random", 1, ("central", "nothing"), CCP, folders)
    assert last.product == folders.measured("random", 1, "nothing")
    measured(folders, "random", 1, [10.0], start="nothing")
    assert list(steps("random", 1, ("central", "nothing"), CCP, folders)) == []


def test_classical_methods_need_no_training(folders: Folders) -> None:
    [only] = steps("watershed", 0, ("central",), CCP, folders)
    assert only.kind == MEASURE
    assert "watershed" in only.command


def test_part_networks_are_trained_and_measured_their_own_way(folders: Folders) -> None:
    by_name = {step.name: step.command for step in steps("ideeplab", 0, (CENTRAL, PART_BY_PART), CCP, folders)}
    train, _, central, part_by_part = by_name.values()
    assert "training.train_parts" in train
    assert train[train.index("--model.network.num_labels") + 1] == "18"
    assert central[central.index("--corrections") + 1] == "10"
    assert part_by_part[1] == "training.evaluate_parts"
    train, measure = [step.command for step in steps("dextr", 0, (EXTREME_POINTS,), CCP, folders)]
    assert measure[2].endswith("last.ckpt")


def test_automatic_parsers_are_measured_without_clicks(folders: Folders) -> None:
    commands = [step.command for step in steps("ce2p", 0, (NOTHING, MIRRORED, SCALED), PARSERS_CCP, folders)]
    assert [command[1] for command in commands[2:]] == ["training.evaluate_parsing"] * 3
    command = typer.Typer()
    command.command()(evaluate_parsing.main)
    given = [typer.main.get_command(command).make_context("evaluate", list(one[2:])).params for one in commands[2:]]
    assert [(one["flip"], one["scales"]) for one in given] == [(False, None), (True, None), (True, "0.75,1,1.25")]
    assert given[0]["dataset"] == "ccp-atr"


def test_tables_of_automatic_parsers_stand_beside_the_papers(folders: Folders) -> None:
    labels = {name: {"f1": 50.0, "iou": None if name == "hat" else 40.0} for name in ATR.names}
    for method, seed, shift in (("ce2p", 0, 0.0), ("ce2p", 1, 2.0), ("ce2p-rpr", 0, 5.0), ("ce2p-rpr", 1, 5.5)):
        file = folders.measured(method, seed, NOTHING)
        file.parent.mkdir(parents=True)
        measures = ("pixel_accuracy", "foreground_accuracy", "mean_accuracy", "mean_precision", "mean_recall")
        figures = dict.fromkeys((*measures, "f1_of_means", "mean_f1", "mean_iou"), 60 + shift)
        counts = {"parameters": {"without_norm_layers": 5e6}, "photographs_per_second": 10.0}
        file.write_text(json.dumps({**figures, **counts, "labels": labels}))
    results = Results(folders, PARSERS_CCP)
    tables = {name: {row[0]: row[1:] for row in make(results).rows} for name, make in PARSER_TABLES.items()}
    assert tables["rpr5"]["CE2P"][:2] == ("61.00 ± 1.41", "95.45")
    assert tables["rpr5"]["CE2P + RPR, head only"][:2] == ("-", "95.63")
    assert tables["rpr3"]["CE2P + RPR"][-2:] == ("65.25 ± 0.35", "55.17")
    assert tables["rpr4"]["CE2P"][:2] == ("40.0 ± 0.0", "-")
    assert tables["rpr9"]["CE2P"] == ("5.000", "66.61", "10.0", "26.88")
    assert tables["today"]["CE2P, mirrored too"] == ("-",) * 6
    limbs = {row[0]: row[1:] for row in PARSER_TABLES["ssl"](Results(folders, PARSERS_FULL[2])).rows}
    assert limbs["Attention + SSL"][-1] == "59.36"
    verdicts = {judge(claim, results).claim.text: judge(claim, results).verdict for claim in PARSER_CLAIMS}
    assert verdicts["RPR is better than CE2P (mean F1 of labels)"] == HOLDS
    assert verdicts["RPR helps OCR"] == CANNOT_SAY


def test_evaluate_understands_its_commands(folders: Folders) -> None:
    command = typer.Typer()
    command.command()(evaluate.main)
    for start in ("central", "nothing"):
        *_, arguments = [step.command[2:] for step in steps("watershed", 0, (start,), SMOKE, folders)]
        given = typer.main.get_command(command).make_context("evaluate", list(arguments)).params
        assert (given["start"], given["enforce_clicks"], given["model"]) == (start, False, "watershed")
    starts = (CENTRAL, NOTHING, UNSEEN_LABELS, FORGETFUL)
    for step in list(steps("live", 0, starts, SMOKE, folders))[2:]:
        given = typer.main.get_command(command).make_context("evaluate", list(step.command[2:])).params
        assert given["enforce_clicks"]
        told = {
            NOTHING: given["start"] == "nothing",
            UNSEEN_LABELS: given["unseen_labels"],
            FORGETFUL: not given["last_answer"],
        }
        assert {start for start, is_told in told.items() if is_told} == {step.product.parent.name} - {CENTRAL}


def test_figures_of_other_settings_are_not_mixed_in(folders: Folders) -> None:
    records.write(folders, "random", 0, CCP, [], {}, data="")
    records.check(folders, "random", 0, CCP)
    with pytest.raises(SystemExit, match="made with steps = 1200, now it is 7; give another --out"):
        records.check(folders, "random", 0, replace(CCP, steps=7))


def test_what_was_made_before_stays_on_record(folders: Folders) -> None:
    first, second = (Step(name, MEASURE, ("-c", name), folders.results / name) for name in ("one", "two"))
    records.write(folders, "random", 0, CCP, [first], {"one": 1.0}, data="")
    records.write(folders, "random", 0, CCP, [second], {"two": 2.0}, data="")
    record = json.loads((folders.results / "random" / "seed-0" / "run.json").read_text())
    assert record["commands"] == ["python -c one", "python -c two"]
    assert record["seconds"] == {"one": 1.0, "two": 2.0}


def test_each_step_keeps_the_commit_that_it_was_made_at(folders: Folders) -> None:
    steps_ = [Step(name, MEASURE, ("-c", name), folders.results / name) for name in ("one", "two")]
    records.write(folders, "random", 0, CCP, steps_[:1], {"one": 1.0}, data="")
    file = folders.results / "random" / "seed-0" / "run.json"
    record = json.loads(file.read_text())
    # As an earlier release kept it.
    file.write_text(json.dumps({**record, "commit": "earlier", "commits": {}}))
    records.write(folders, "random", 0, CCP, steps_[1:], {"two": 2.0}, data="")
    assert json.loads(file.read_text())["commits"] == {"one": "earlier", "two": record["commit"]}


def test_a_failed_command_is_named(tmp_path: Path) -> None:
    timings = Timings(tmp_path / "timings.json")
    step = Step("measure nothing", MEASURE, ("-c", "raise SystemExit(3)"), tmp_path / "product")
    with pytest.raises(SystemExit, match="'measure nothing' failed with status 3; run it alone: python -c"):
        run(step, timings)


def test_timings_learn(tmp_path: Path) -> None:
    timings = Timings(tmp_path / "timings.json")
    step = Step("train", TRAIN, (), tmp_path / "product", work=10)
    timings.learn(step, 20.0)
    assert Timings(tmp_path / "timings.json").estimate([step, step]) == pytest.approx(40)
    assert duration(7260) == "2 h 01 min"
    assert duration(10) == "1 min"


@pytest.mark.parametrize(
    ("larger", "smaller", "verdict"),
    [
        ([60.0, 61.0], [50.0, 51.0], HOLDS),
        ([50.0, 51.0], [60.0, 61.0], DOES_NOT),
        ([50.0, 60.0], [51.0, 58.0], CANNOT_SAY),
        ([60.0], [50.0], CANNOT_SAY),
        ([], [50.0], CANNOT_SAY),
    ],
)
def test_a_claim_is_held_against_the_spread(
    folders: Folders, larger: list[float], smaller: list[float], verdict: str
) -> None:
    claim = Claim("a is larger than b", "nowhere", lambda _: larger, lambda _: smaller)
    assert judge(claim, Results(folders, CCP)).verdict == verdict


def test_tables_show_the_papers_figures_beside_ours(folders: Folders) -> None:
    for seed, shift in enumerate((0.0, 1.0)):
        measured(folders, "central", seed, [30 + shift + round_ for round_ in range(21)])
    results = Results(folders, CCP)
    paper, here, *_ = table1(results).rows
    assert paper[:2] == ("central, paper (LIP)", "79.00")
    assert here[:3] == ("central, here", "30.50 ± 0.71", "32.50 ± 0.71")
    first = table3(results).rows[0]
    assert first == ("central", "never", "6 / 1.60, 5 / 1.50", "8 / 1.80, 7 / 1.70", "10 / 2.00, 9 / 1.90")
    [row] = table_of_labels(results, "table4").rows
    assert row == ("central", "20", "3.00 ± 0.00", "50.50 ± 0.71", "-", "90.0 ± 0.0", "-")


def test_parsers_without_clicks_stand_above_methods_with_the_same_labels(folders: Folders) -> None:
    measured(folders, "central", 0, [50.0] * 21)
    for method, other in (("attention", "glove"), ("ce2p", "left shoe")):
        file = folders.measured(method, 0, NOTHING)
        file.parent.mkdir(parents=True)
        figures = {"mean_iou": 40.0, "labels": {"background": {"iou": 80.0}, other: {"iou": None}}}
        file.write_text(json.dumps(figures))
    above, below = table_of_labels(Results(folders, CCP), "table4").rows
    assert above == ("Attention", "0", "-", "40.00", "-", "80.0", "-")
    assert below[0] == "central"
    above, _ = table_of_labels(Results(folders, FULL[0]), "table4").rows
    assert above[:5] == ("Attention", "0", "-", "40.00", "42.92")


def test_unseen_labels_stand_beside_the_same_ones_seen(folders: Folders) -> None:
    for method, iou in (("live", 80.0), ("live-unseen-1", 70.0)):
        measured(folders, method, 0, [50.0] * 21)
        file = folders.measured(method, 0, CENTRAL)
        labels = {name: [[iou + position] * 21] for position, name in enumerate(HUMAN18.names)}
        file.write_text(json.dumps({**json.loads(file.read_text()), "labels": labels}))
    rows = {row[:2]: row[2:] for row in unseen(Results(folders, CCP)).rows}
    names = ", ".join(UNSEEN[1])
    mean = sum(HUMAN18.id_of(name) for name in UNSEEN[1]) / len(UNSEEN[1])
    assert rows[names, "seen"] == (f"{80 + mean:.1f}",) * 3
    assert rows[names, "never seen"] == (f"{70 + mean:.1f}",) * 3
    assert rows[", ".join(UNSEEN[0]), "never seen"] == ("-",) * 3
    assert ("live network", *["50.0"] * 6) in by_corrections(Results(folders, CCP), "ablations").rows


def test_ablations_are_drawn_as_what_each_seed_loses(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert figures.ablations(Results(folders, CCP), tmp_path).path is None
    for seed, shift in enumerate((0.0, 1.0)):
        measured(folders, "live", seed, [50 + shift] * 21)
        measured(folders, "live", seed, [49.5 + 2 * shift] * 21, UNSEEN_LABELS)
    measured(folders, "live-stride-8", 0, [47.0] * 21)
    drawn: dict[str, list[list[float]]] = {}
    monkeypatch.setattr(figures, "plot_curves", lambda path, curves, *_: drawn.update(curves))
    assert figures.ablations(Results(folders, CCP), tmp_path).path == tmp_path / "ablations.png"
    assert drawn == {
        "live network, stride 8": [[-3.0] * 21],
        "live network, unseen labels": [[-0.5] * 21, [0.5] * 21],
    }


def test_the_sweep_is_trained_longer_drawn_by_margin_and_judged_by_setting(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    command = fit_command(METHODS[UNSWEPT], 0, SMOKE, folders, tmp_path)
    assert command[command.index("--data.steps") + 1] == "8"
    assert records.settings(UNSWEPT, CCP)["steps"] == 2400
    for seed in (0, 1):
        measured(folders, UNSWEPT, seed, [40.0 + seed] * 11)
        for margin in (0.1, 0.5, 1.5):
            measured(folders, swept("linear", margin, 0.1), seed, [43.0 + seed + margin] * 11)
    measured(folders, swept("log", 0.1, 1), 0, [50.0] * 11)
    drawn: dict[str, Any] = {}
    monkeypatch.setattr(figures, "plot_curves", lambda path, curves, *texts, **how: drawn.update(curves))
    figures.semantic_perceiving(Results(folders, CCP), tmp_path)
    assert drawn == {
        "linear, weight 0.1": [[43.1, 43.5, 44.5], [44.1, 44.5, 45.5]],
        "no SP-loss": [[40.0] * 3, [41.0] * 3],
    }
    verdicts = [judge(claim, Results(folders, CCP)) for claim in SWEEP_CLAIMS]
    said = {verdict.claim.text: verdict.verdict for verdict in verdicts if verdict.why != "not measured"}
    assert said == {
        "R + SP-loss, log, margin 0.1, weight 1: better than without it (10 corrections)": CANNOT_SAY,
        **{
            f"R + SP-loss, linear, margin {margin}, weight 0.1: better than without it (10 corrections)": HOLDS
            for margin in (0.1, 0.5, 1.5)
        },
    }


def test_spread_needs_two_values() -> None:
    assert [spread_text(values) for values in ([], [1.0], [1.0, 3.0])] == ["-", "1.00", "2.00 ± 1.41"]


def test_a_page_is_made_of_what_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every command is replaced by one that leaves its product; the second call has nothing left to do."""
    ran: list[str] = []

    def stand_in(step: Step, timings: Timings, threads: int | None) -> float:
        ran.append(step.name)
        if step.kind == MEASURE:
            method, seed, start = step.product.parts[-4:-1]
            measured(there, method, int(seed[-1]), [50.0, 55.0, 60.0], start)
        else:
            step.product.parent.mkdir(parents=True, exist_ok=True)
            step.product.touch()
        return 1.0

    monkeypatch.setattr(jobs, "run", stand_in)
    out = tmp_path / "out"
    there = Folders(out / "data", out / "work", out / "results")
    options: dict[str, Any] = {"out": out, "scale": "smoke", "seeds": 2}
    for target in ("table1", "fig7"):
        reproduce.main(target, **options)
    assert ran.count("train central, seed 0") == 1
    before = len(ran)
    reproduce.main("fig7", **options)
    assert len(ran) == before
    page = (out / "index.html").read_text()
    assert "fig7.png" in page
    assert (out / "fig7.png").stat().st_size > 5000
    assert "central clicks lift the parsing" in page
    assert "A smoke run." in page
    assert page.index('<table class="claims">') < page.index("<h2>")
    # Two corrections were measured; nothing is said of more.
    assert results_after(there, 2) != "-" == results_after(there, 3)
    with (out / "table1.csv").open() as file:
        assert len(list(csv.reader(file))) == 5


def results_after(folders: Folders, corrections: int) -> str:
    """What a table says of the central clicks after so many corrections."""
    return spread_text(Results(folders, SMOKE).at("central", corrections))


def test_drawn_data_are_the_same_every_time(tmp_path: Path) -> None:
    from ihp_backend.datasets import open_dataset

    first, second = (open_dataset("ccp-human18", draw_data(tmp_path / name), "val") for name in "ab")
    assert records.fingerprint(first) == records.fingerprint(second)
    assert {int(label) for label in set(first[0].parsing.ravel())} == {0, 2, 5, 9, 14}


def test_data_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"reproduce: .*split.json"):
        reproduce.main("table1", out=tmp_path / "out", data=tmp_path)
    with pytest.raises(SystemExit, match=r"reproduce: .*lip"):
        reproduce.main("table4", out=tmp_path / "out", scale="full", data=tmp_path)


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit, match=r"reproduce: out: \S*file cannot be written to \(File exists\)"):
        reproduce.main("table1", out=tmp_path / "file", scale="smoke")


def test_data_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="--data is missing"):
        reproduce.main("table1", out=tmp_path)


def test_weights_are_a_file_or_a_name(folders: Folders, tmp_path: Path) -> None:
    file = tmp_path / "encoder.pth"
    file.touch()
    of_file, of_name = (
        fit_command(METHODS["random"], 0, CCP, replace(folders, weights=given), tmp_path)
        for given in (file, "imagenet")
    )
    assert of_file[of_file.index("--model.encoder_weights") + 1] == str(file)
    assert "--model.encoder_weights" not in of_name
    assert of_name[of_name.index("--model.network.encoder_weights") + 1] == "imagenet"
    assert json.loads(of_name[of_name.index("--model.network.mean") + 1]) == [0.485, 0.456, 0.406]
    with pytest.raises(SystemExit, match=r"weights: .*nowhere\.pth does not exist"):
        reproduce.main("table1", out=tmp_path / "out", scale="smoke", weights=str(tmp_path / "nowhere.pth"))
