"""`python -m netlab` is the command `netlab`; in a cell, `%run -m netlab`."""

import sys

from netlab.cli import main

in_a_cell = "IPython" in sys.modules  # there SystemExit is a traceback, after our own words
status = main()
if not in_a_cell:
    sys.exit(status)
