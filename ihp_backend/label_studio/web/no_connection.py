"""NoConnection: the reason why a request got no answer, and the setting that cures it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

_Error = TypeVar("_Error", bound=BaseException)


class NoConnection(OSError):
    """A request got no answer.

    Attributes:
        what: the cause, without a semicolon.
        refused: nobody listens at that address.
        passing: it may be otherwise a moment later, as when a server is started again.
    """

    def __init__(self, what: str, remedy: str, *, refused: bool = False, passing: bool = False) -> None:
        super().__init__(what)
        self.what, self.refused, self.passing = what, refused, passing or refused
        self._remedy = remedy

    def remedy(self, server: str, setting: str) -> str:
        """Remedy: the setting to change, and how.

        Args:
            server: who was asked, for example "Label Studio".
            setting: where its address stands, for example "LABEL_STUDIO_URL".
        """
        return self._remedy.replace("{server}", server).replace("{setting}", setting)


def within(error: BaseException, *kinds: type[_Error]) -> _Error | None:
    """The first of some kinds among an error and what it was made of; None for none."""
    return next((one for one in chain(error) if isinstance(one, kinds)), None)


def chain(error: BaseException) -> Iterator[BaseException]:
    """An error and all that it was made of: requests wraps causes in one another, the telling one innermost."""
    left, seen = [error], set()
    while left:
        one = left.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            inner = (*one.args, getattr(one, "reason", None), one.__cause__, one.__context__)
            left += [each for each in inner if isinstance(each, BaseException)]
