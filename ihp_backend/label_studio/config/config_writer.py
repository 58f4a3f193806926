"""Writes labelling configs that work: one click tool, hidden masks for the answer, and a hotkey for every label.

Plain keypoints look like smart ones and send nothing, and so does a smart brush; labels without a hotkey get one from
Label Studio, and then a tool's key would choose a hidden label.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from xml.sax.saxutils import quoteattr

from ihp_backend.labels import LabelSet, is_background

TOOL_KEYS = frozenset("vbehkmru")
"""Keys with which the editor chooses a tool."""

USUAL_KEYS: Mapping[str, str] = {
    "hat": "t", "hair": "a", "glove": "g", "sunglasses": "s", "upper clothes": "c", "dress": "d", "coat": "o",
    "socks": "x", "pants": "p", "torso skin": "n", "scarf": "w", "skirt": "i", "face": "f", "left arm": "1",
    "right arm": "2", "left leg": "3", "right leg": "4", "left shoe": "5", "right shoe": "6", "bag": "q", "belt": "l",
    "jumpsuit": "j",
}  # fmt: skip
"""The same key for the same part in every config."""

_KEYS = "123456789abcdefghijklmnopqrstuvwxyz"
_FUNCTION_KEYS = tuple(f"f{number}" for number in range(1, 13))
HIDDEN_KEYS = tuple(f"ctrl+alt+shift+{key}" for key in (*_KEYS[9:], *_KEYS[:9], *_FUNCTION_KEYS))
"""Combinations for hidden labels, out of the way of every key of the editor."""
_GREY = (128, 128, 128)


def labelling_config(labels: LabelSet, about: str = "", *, bitmask: bool = False) -> str:
    """A labelling config for photographs under ``$image``.

    Args:
        labels: background first; every label can be clicked.
        about: a comment at its beginning.
        bitmask: ``<BitmaskLabels>`` takes the masks, and not ``<BrushLabels>``.
    """
    # The editor blurs the pixels of a bitmask otherwise.
    tag, smoothing = ("BitmaskLabels", ' smoothing="false"') if bitmask else ("BrushLabels", "")
    visible, hidden = hotkeys(labels.names), _hidden_keys(len(labels))
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
    comment = f"<!-- {about.replace('--', '- -')} -->\n" if about else ""
    return f"""{comment}<View>
  <KeyPointLabels name="click" toName="image" smart="true" smartOnly="true" strokeWidth="3" opacity="0.9">
{clicked}
  </KeyPointLabels>
  <Image name="image" value="$image" zoom="true" zoomControl="true"{smoothing}/>
  <View style="display:none">
    <{tag} name="part" toName="image" smart="false">
{masked}
    </{tag}>
  </View>
</View>
"""


def hotkeys(names: Iterable[str], taken: Collection[str] = ()) -> list[str | None]:
    """A key for each label, different ones and none of a tool or among ``taken``; None where they have run out."""
    named = list(names)
    chosen: dict[str, str] = {}
    free = [key for key in _KEYS if key not in TOOL_KEYS and key not in taken]

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


def _hidden_keys(count: int) -> list[str | None]:
    """A combination for each hidden label, as long as there are some."""
    return [*HIDDEN_KEYS, *[None] * count][:count]


def _hotkey(key: str | None) -> str:
    return f' hotkey="{key}"' if key else ""
