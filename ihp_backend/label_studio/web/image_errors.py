"""Image errors: the texts about images that cannot be fetched, without tokens or signatures."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

_LONGEST = 120

# A user and a password, which may have slashes, @ and the like in it, as people forget to encode them; no port.
_LOGIN = re.compile(r"^([A-Za-z][\w+.-]*:(?=/)|(?![A-Za-z][\w+.-]*:/))(/*)[^/\s@]*:(?!\d+[/?#])(?:[^\s?#]*@|\S*@)")

# Where no @ follows, ``_LOGIN`` would look for one anew from every colon.
_WITH_LOGIN = re.compile(r"[^\s@]*@")


class ImageFetchError(ValueError):
    """An image could not be fetched; the text names the address, what happened and the remedy.

    Safe to log and to show: addresses are given by `shown`, tokens never.
    """

    @property
    def of_no_image(self) -> str:
        """The text, where what was fetched in the same way is no image."""
        return str(self).removeprefix("image ")


def shown(url: object) -> str:
    """The part of an image address that may stand in logs and error texts.

    Query strings (they sign pre-signed addresses), user names and passwords are left out; only the ``d`` of
    local files, which is a path, is kept. Long addresses are cut.
    """
    if not isinstance(url, str):
        return f"<{type(url).__name__}>"
    if url[:5].lower() == "data:":
        return f"{url.partition(',')[0][:40]},... ({len(url)} characters)"
    try:
        parts = urlsplit(_LOGIN.sub(r"\1\2", url) if _WITH_LOGIN.match(url) else url)
        scheme, host = parts.scheme, parts.netloc.rpartition("@")[2]
        path = parts.path
        if path.endswith("/data/local-files/"):
            path += "?d=" + parse_qs(parts.query).get("d", [""])[0]
    except ValueError:
        return "<malformed address>"
    text = (f"{scheme}:" if scheme else "") + (f"//{host}" if host else "") + path
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}...{text[-_LONGEST // 2 :]}"
