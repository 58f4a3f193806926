"""Run the benchmarks, print a table and write it down: ``python -m tests.benchmarks [--out bench/] [name ...]``."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
from dataclasses import asdict
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.benchmarks.timing import Row

HERE = Path(__file__).parent
PACKAGES = ("numpy", "opencv-python-headless", "pillow", "onnxruntime", "requests", "flask", "torch", "scikit-image")


def conditions() -> dict[str, Any]:
    """Everything that a number depends on besides the code: machine, versions, commit, date."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "cores_usable": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "load_before": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            "system": f"{platform.system()} {platform.machine()}",
        },
        "versions": versions,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _commit() -> str | None:
    """The commit, with "+" where tracked files differ from it; None outside a git checkout."""
    try:
        commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=HERE, text=True, stderr=subprocess.DEVNULL)
        changed = subprocess.check_output(["git", "status", "--porcelain", "-uno"], cwd=HERE, text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit.strip() + ("+" if changed.strip() else "")


def table(module: str, rows: list[Row]) -> Table:
    """The rows of one module, to print."""
    shown = Table(title=module, title_justify="left")
    for heading in ("what", "median ms", "times faster", "than", "note"):
        shown.add_column(heading, justify="right" if heading in ("median ms", "times faster") else "left")
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        shown.add_row(
            escape(row.name), f"{row.milliseconds:.3f}", ratio, escape(row.compared_to or ""), escape(row.note)
        )
    return shown


def main(arguments: list[str] | None = None) -> int:
    """Run all modules or the named ones; 1 if one of them failed (the others still run)."""
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"which ones (default: all): {', '.join(known)}")
    parser.add_argument("--out", type=Path, default=Path("bench"), help="folder of the JSON file (default: bench/)")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.names) - set(known):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(known)}")

    console = Console()
    chosen.out.mkdir(parents=True, exist_ok=True)
    report: dict[str, Any] = {**conditions(), "rows": {}, "failed": {}}
    for name in chosen.names or known:
        try:
            module = importlib.import_module(f"tests.benchmarks.bench_{name}")
            rows = module.measure()
        except Exception as error:
            report["failed"][name] = f"{type(error).__name__}: {error}"
            console.print(f"{name} failed: {report['failed'][name]}", style="red", markup=False)
            continue
        report["rows"][name] = [asdict(row) for row in rows]
        console.print(table(name, rows))
        if hasattr(module, "plot"):
            module.plot(report["rows"][name], chosen.out / f"{name}.png")
    stamp = report["date"].replace(":", "").replace("+0000", "Z")
    file = chosen.out / f"benchmarks-{stamp}.json"
    file.write_text(json.dumps(report, indent=2) + "\n")
    console.print(f"written: {file}", markup=False)
    return 1 if report["failed"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
