"""What is promised of the public names of a package: listed, documented, with examples that run."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re


def public(package):
    """Public objects of a package by name."""
    return {name: getattr(package, name) for name in package.__all__}


def functions(package):
    """Names of the public functions."""
    return [name for name, each in public(package).items() if inspect.isfunction(each)]


def undocumented(function):
    """What a public function's docstring lacks."""
    text = inspect.getdoc(function) or ""
    signature = inspect.signature(function)
    lacking = [
        parameter
        for parameter in signature.parameters
        if not re.search(rf"^ +{parameter}: ", text, re.MULTILINE)
    ]
    sections = ["Args:"] if signature.parameters else []
    if signature.return_annotation != "None":
        sections.append("Returns:")
    lacking += [section for section in (*sections, "Raises:", ">>> ") if section not in text]
    return lacking


def failed_examples(each):
    """How many examples of a public object's docstring do not give what they say."""
    module = importlib.import_module(each.__module__)
    runner = doctest.DocTestRunner(verbose=False)
    for test in doctest.DocTestFinder(recurse=False).find(
        each, each.__name__, module=module, globs=dict(vars(module))
    ):
        runner.run(test)
    return runner.summarize(verbose=False).failed
