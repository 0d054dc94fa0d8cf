"""The core: problems, checkers, results, evaluation, studies, reports and the command line."""

if not __name__.startswith("counterpoint."):
    raise ImportError("import counterpoint.opt")
