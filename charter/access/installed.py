"""Which Casbin is installed: two distributions bring the package ``casbin``, and each overwrites the other's files."""

from importlib.metadata import PackageNotFoundError, version

from charter.errors import Problem

_TWIN = "casbin"
"""The old name of ``pycasbin``; no installer sees that they exclude each other."""


def check_installed() -> list[Problem]:
    """A problem where the old distribution is there, alone or beside the one that is needed."""
    try:
        found = version(_TWIN)
    except PackageNotFoundError:
        return []
    message = f"The distribution '{_TWIN}' {found} is there too, and overwrites what 'pycasbin' brings, or the reverse."
    hint = f"Run: pip uninstall {_TWIN} pycasbin, then install again."
    return [Problem("casbin_twin", "installed packages", message, hint)]


__all__ = ["check_installed"]
