"""What all tests share: no shipped reach policy, so that their claims about lists do not depend on the date."""

import os
from pathlib import Path

os.environ["STOPLINE_REACH_POLICIES_FILE"] = str(Path(__file__).parent / "data" / "policies" / "none.toml")
