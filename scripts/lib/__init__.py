"""What all scripts share: rules (pure), documents, storage, alerts."""

import sys
from importlib.util import find_spec

# A script that is run by a Python without its packages gets a line here instead of a traceback.
if sys.version_info < (3, 11) or find_spec("msgspec") is None:
    print(
        f"{sys.executable} is not the Python of this project: `make setup` prepares it,"
        " .venv/bin/python or `make` runs it [B-ENVIRONMENT]",
        file=sys.stderr,
    )
    sys.exit(4)
