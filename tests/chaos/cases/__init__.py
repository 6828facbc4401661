"""Reproductions: one function for each situation, see casebook.py."""

import importlib
import pathlib

for _file in sorted(pathlib.Path(__file__).parent.glob('[a-z]*.py')):
    importlib.import_module(f'cases.{_file.stem}')
