"""Every setting of an application, read once at the start from the environment or ``.env``, and never changed."""

from charter.settings.keys import derived_key
from charter.settings.load import load_settings
from charter.settings.model import Settings
from charter.settings.values import Network

__all__ = ["Network", "Settings", "derived_key", "load_settings"]
