"""`python -m netlab` is the command `netlab`; in a cell, `%run -m netlab`."""

import sys

from netlab.cli import main

status = main()
if "IPython" not in sys.modules:  # there SystemExit is shown as a traceback, after our own words
    sys.exit(status)
