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
    return [name for name, value in public(package).items() if inspect.isfunction(value)]


def undocumented(value, whole=False):
    """What the docstring of a public function or class lacks.

    Args:
        whole: whether it must have the sections of all that a function takes, gives and raises,
            even where there is one parameter.
    """
    text = inspect.getdoc(value) or ""
    summary = text.splitlines()[0] if text else ""
    begins = summary[:1].isupper() or summary.startswith("``")
    lacking = [] if begins and summary.endswith(".") else ["a summary"]
    if not inspect.isfunction(value):
        return lacking
    signature = inspect.signature(value)
    parameters = list(signature.parameters)
    if whole or len(parameters) > 1:
        lacking += [name for name in parameters if not re.search(rf"(?m)^ +{name}: ", text)]
    sections = [">>> "]
    if whole:
        sections += ["Raises:", *(["Args:"] if parameters else [])]
        sections += ["Returns:"] if signature.return_annotation != "None" else []
    return lacking + [section for section in sections if section not in text]


def failed_examples(value):
    """How many examples of a public object's docstring do not give what they say."""
    if not (inspect.isfunction(value) or inspect.isclass(value)):
        return 0
    module = importlib.import_module(value.__module__)
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    for test in doctest.DocTestFinder().find(
        value, value.__name__, module=module, globs=dict(vars(module))
    ):
        runner.run(test)
    return runner.summarize(verbose=False).failed
