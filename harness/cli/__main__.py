"""`python -m harness.cli` is `stopline`."""

import sys

from harness.cli.main import main

sys.exit(main())
