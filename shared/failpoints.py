"""Places where the fault tests stop a process: between two writes, named `<service>.<what was just done>`.

Armed only by `STOPLINE_FAILPOINT=name=action[@hit]`, several separated by commas: `kill` ends the process as
`kill -9` would, `stop` freezes it until SIGCONT; `@3` acts at the third time the place is reached (the first, if
left out), `@*` each time. Not armed, `failpoint` is one dictionary look-up.
"""

import os
import signal

_ACTIONS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
_EACH = 0
_armed: dict[str, tuple[signal.Signals, int]] = {}
_hits: dict[str, int] = {}


def arm_from_environment() -> None:
    """Arm what `STOPLINE_FAILPOINT` names; called once when a service starts.

    Raises:
        ValueError: the setting cannot be read.
    """
    for entry in filter(None, os.environ.get("STOPLINE_FAILPOINT", "").split(",")):
        name, _, rest = entry.partition("=")
        action, _, hit = rest.partition("@")
        hit = str(_EACH) if hit == "*" else hit or "1"
        if action not in _ACTIONS or not hit.isdigit():
            raise ValueError(f"STOPLINE_FAILPOINT: {entry!r} is not name=kill or name=stop, with @hit or @* if wanted")
        _armed[name] = (_ACTIONS[action], int(hit))


def failpoint(name: str) -> None:
    """Mark that the process is at `name`; acts if the failpoint is armed and this is its hit."""
    if name not in _armed:
        return
    action, at_hit = _armed[name]
    _hits[name] = _hits.get(name, 0) + 1
    if at_hit in (_EACH, _hits[name]):
        os.kill(os.getpid(), action)
