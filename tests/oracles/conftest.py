"""Keeps pytest from importing the scripts that need torch and keras; the tests need neither."""

collect_ignore_glob = ["make_*_vectors.py"]
