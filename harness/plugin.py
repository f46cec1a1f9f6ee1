"""An empty module: environments that were installed before `tests/conftest.py` had the fixtures still load it."""
