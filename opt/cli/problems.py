"""`counterpoint problems`: what can be solved."""

from counterpoint.opt.cli import arguments as arg

EXAMPLES = "Examples:\n\ncounterpoint problems --json"


def problems(json: arg.AsJson = False) -> None:
    """List the problems."""
    from counterpoint.opt.cli.output import print_json, print_table
    from counterpoint.opt.problems.table import problems as all_problems
    from counterpoint.opt.registry import methods

    rows = [(p.name, p.kind, len(methods(p.name)), p.default_method, p.summary) for p in all_problems()]
    columns = ("problem", "kind", "methods", "default", "summary")
    if json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table(columns, rows)
