"""A project's labelling config: that clicks can be made with it and masks come back, and nothing misleads."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ihp_backend.doctor.case import Project
from ihp_backend.doctor.controls import Control, read_controls
from ihp_backend.doctor.finding import Finding, Mend, MendFailed
from ihp_backend.doctor.hotkeys import clashes, without_clashes
from ihp_backend.label_studio.api.client import LabelStudio
from ihp_backend.label_studio.config.config_text import Edits, set_attributes
from ihp_backend.label_studio.config.labelling_config import parse_labelling_config
from ihp_backend.label_studio.config.tag_table import tag_of
from ihp_backend.label_studio.problems import RequestError

_NEW_CONFIG = "paste one under Settings, Labeling Interface, Code; ihp config writes it"


def labelling(studio: LabelStudio, project: Project) -> Iterator[Finding]:
    """Findings about the config's tools and hotkeys; its labels are another check."""
    place = project.place
    try:
        config = parse_labelling_config(project.config)
    except RequestError as error:
        yield Finding("labelling config", "error", str(error), _NEW_CONFIG, place)
        return
    wrong = config.unusable or next(iter(config.problems), None)
    if wrong is not None:
        yield Finding("labelling config", "error", wrong.value, f"{wrong.remedy}; or {_NEW_CONFIG}", place)
        return
    controls = read_controls(project.config)
    checks = (_smart_brush, _click_tools, _hotkeys)
    found = [finding for check in checks for finding in check(studio, project, controls)]
    if not found:
        from_tasks = f" and what comes from {', '.join(config.from_task)}" if config.from_task else ""
        count = f"{len(config.labels)} labels{from_tasks}"
        yield Finding("labelling config", "ok", f"{count}, tools and hotkeys in order", "", place)
    yield from found


def _smart_brush(studio: LabelStudio, project: Project, controls: list[Control]) -> Iterator[Finding]:
    brushes = [control for control in controls if tag_of(control.tag).silent and control.smart]
    if brushes:
        names = ", ".join(control.name for control in brushes)
        yield Finding(
            "smart brush",
            "error",
            f"{names}: Auto-Annotation offers a smart brush, which sends nothing: annotators who take it see no masks",
            f'write smart="false" into the tags {names}',
            project.place,
            mend=_mend(studio, project, f"smart of {names}", "true", "false", _brushes_not_smart),
        )


def _click_tools(studio: LabelStudio, project: Project, controls: list[Control]) -> Iterator[Finding]:
    tools = [control for control in controls if tag_of(control.tag).prompt == "keypoint"]
    boxes = [control for control in controls if tag_of(control.tag).prompt == "box"]
    if not any(control.smart for control in (*tools, *boxes)):
        found = "no smart click tool: nothing that annotators do is sent to the backend"
        remedy = f'add <KeyPointLabels smart="true"> with the same labels, or {_NEW_CONFIG}'
        yield Finding("click tool", "error", found, remedy, project.place)
    plain = [control for control in tools if control.smart and not control.smart_only]
    if plain:
        names = ", ".join(control.name for control in plain)
        found = f"{names}: a plain keypoint tool is offered beside the smart one; it looks alike and sends nothing"
        remedy = f'write smartOnly="true" into {names}'
        mend = _mend(studio, project, f"smartOnly of {names}", "false", "true", _clicks_smart_only)
        yield Finding("click tool", "warning", found, remedy, project.place, mend=mend)


def _hotkeys(studio: LabelStudio, project: Project, controls: list[Control]) -> Iterator[Finding]:
    if told := clashes(controls):
        edits = without_clashes(controls)
        labels = {label.number: label for control in controls for label in control.labels}
        before = ", ".join(f"{labels[number].value}: {labels[number].key or 'none'}" for number in edits)
        after = ", ".join(f"{labels[number].value}: {edit['hotkey']}" for number, edit in edits.items())
        remedy = "give each label a hotkey of its own, and none of v b e h k m r u, which choose tools"
        mend = _mend(studio, project, "hotkeys", before, after, without_clashes)
        yield Finding("hotkeys", "warning", "; ".join(told), remedy, project.place, mend=mend)


def _brushes_not_smart(controls: list[Control]) -> Edits:
    return {one.number: {"smart": "false"} for one in controls if tag_of(one.tag).silent and one.smart}


def _clicks_smart_only(controls: list[Control]) -> Edits:
    return {one.number: {"smartOnly": "true"} for one in controls if tag_of(one.tag).prompt == "keypoint" and one.smart}


def _mend(
    studio: LabelStudio, project: Project, what: str, before: str, after: str, edits: Callable[[list[Control]], Edits]
) -> Mend | None:
    """A change of attributes in the config that the project has by then; None where the text does not allow it."""
    if _changed(project.config, edits) is None:
        return None

    def apply() -> None:
        text = str(studio.project(project.id)["label_config"])
        changed = _changed(text, edits)
        if changed is None:
            raise MendFailed("the labelling config was changed meanwhile; run ihp doctor again")
        studio.change("PATCH", f"/api/projects/{project.id}/", {"label_config": changed})

    return Mend(f"{what} in the labelling config of project {project.id}", before, after, apply)


def _changed(text: str, edits: Callable[[list[Control]], Edits]) -> str | None:
    return set_attributes(text, edits(read_controls(text)))
