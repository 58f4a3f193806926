"""Writes labelling configs that work: one click tool, hidden masks for the answer, and a hotkey for every label.

Plain keypoints look like smart ones and send nothing, and so does a smart brush; labels without a hotkey get one from
Label Studio, and then a tool's key would choose a hidden label.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Literal
from xml.sax.saxutils import quoteattr

from ihp_backend.labels import LabelSet, is_background

TOOL_KEYS = frozenset("vbehkmru")
"""Keys with which the editor chooses a tool."""

EDITOR_KEYS = TOOL_KEYS | {
    "shift+1", "shift+2", "shift+r", "alt+h", "alt+l", "alt+m", "alt+r", *(f"alt+shift+{digit}" for digit in range(10))
}  # fmt: skip
"""All that the editor of images takes for itself, without arrows and what needs ctrl."""

USUAL_KEYS: Mapping[str, str] = {
    "hat": "t", "hair": "a", "glove": "g", "sunglasses": "s", "upper clothes": "c", "dress": "d", "coat": "o",
    "socks": "x", "pants": "p", "torso skin": "n", "scarf": "w", "skirt": "i", "face": "f", "left arm": "1",
    "right arm": "2", "left leg": "3", "right leg": "4", "left shoe": "5", "right shoe": "6", "bag": "q", "belt": "l",
    "jumpsuit": "j",
}  # fmt: skip
"""The same key for the same part in every config."""

_KEYS = "123456789abcdefghijklmnopqrstuvwxyz"
_LETTERS = _KEYS[9:]
_MENUS = "defsbtvh"
"""Browsers open their menus and the address bar with alt and these."""
_TYPED = (
    *_KEYS,
    *(f"shift+{key}" for key in (*_LETTERS, *_KEYS[:9], "0")),
    *(f"alt+shift+{letter}" for letter in _LETTERS),
    *(f"alt+{letter}" for letter in _LETTERS if letter not in _MENUS),
)
"""Hotkeys for labels that are chosen, the handiest first."""

_FUNCTION_KEYS = tuple(f"f{number}" for number in range(1, 20))
HIDDEN_KEYS = tuple(
    f"{held}+{key}"
    for held in (
        "ctrl+alt+shift",
        "command+ctrl+alt+shift",
        "command+alt+shift",
        "command+ctrl+shift",
        "command+ctrl+alt",
    )
    for key in (*_LETTERS, *_KEYS[:9], *_FUNCTION_KEYS, "0")
)
"""Combinations for hidden labels, out of the way of every key of the editor; enough for all labels of a label set."""
_GREY = (128, 128, 128)


Masks = Literal["BrushLabels", "BitmaskLabels", "PolygonLabels"]
"""Tags that take masks and have labels of their own."""


def labelling_config(labels: LabelSet, *, masks: Masks = "BrushLabels") -> str:
    """A labelling config for photographs under ``$image``; labels for which no handy hotkey is left stand in a comment.

    Args:
        labels: background first; every label can be clicked.
        masks: the tag that takes them.
    """
    # The editor blurs the pixels of a bitmask otherwise.
    smoothing = ' smoothing="false"' if masks == "BitmaskLabels" else ""
    hidden, spare = HIDDEN_KEYS[: len(labels)], iter(HIDDEN_KEYS[len(labels) :])
    typed = hotkeys(labels.names)
    # Without one, Label Studio would give it a key, and perhaps that of a tool.
    visible = [key or next(spare, None) for key in typed]
    comment = ""
    if None in typed:
        without = ", ".join(name for name, key in zip(labels.names, typed, strict=True) if key is None)
        about = f"Without a handy hotkey, to be chosen with the mouse: {without}."
        comment = f"<!-- {re.sub('-(?=-)', '- ', about)} -->\n"
    colours = [
        _GREY if is_background(name) else colour for name, colour in zip(labels.names, labels.colours, strict=True)
    ]
    clicked, masked = (
        "\n".join(
            f'{indent}<Label value={quoteattr(name)}{_hotkey(key)} background="#{red:02x}{green:02x}{blue:02x}"/>'
            for name, key, (red, green, blue) in zip(labels.names, keys, colours, strict=True)
        )
        for indent, keys in (("    ", visible), ("      ", hidden))
    )
    return f"""{comment}<View>
  <KeyPointLabels name="click" toName="image" smart="true" smartOnly="true" strokeWidth="3" opacity="0.9">
{clicked}
  </KeyPointLabels>
  <Image name="image" value="$image" zoom="true" zoomControl="true"{smoothing}/>
  <View style="display:none">
    <{masks} name="part" toName="image" smart="false">
{masked}
    </{masks}>
  </View>
</View>
"""


def hotkeys(names: Iterable[str], taken: Collection[str] = ()) -> list[str | None]:
    """Hotkeys for labels, different ones and none of the editor's or among ``taken``; None where they have run out.

    There are 102, first single keys, then with shift, alt and shift, and alt. Their names are those of Label Studio.

    Examples:
        >>> hotkeys(["background", "hair", "face"])
        ['0', 'a', 'f']
        >>> hotkeys(["beard"], taken={"1"})
        ['a']
    """
    named = list(names)
    chosen: dict[str, str] = {}
    free = [key for key in _TYPED if key not in EDITOR_KEYS and key not in taken]

    def take(name: str, keys: Iterable[str]) -> None:
        key = next((key for key in keys if key in free), None)
        if key is not None and name not in chosen:
            chosen[name] = key
            free.remove(key)

    for name in named:
        if is_background(name) and "0" not in (*chosen.values(), *taken):
            chosen[name] = "0"
        elif name.lower() in USUAL_KEYS:
            take(name, USUAL_KEYS[name.lower()])
    for name in named:
        take(name, name.lower())
    for name in named:
        take(name, free[:])
    return [chosen.get(name) for name in named]


def _hotkey(key: str | None) -> str:
    return f' hotkey="{key}"' if key else ""
