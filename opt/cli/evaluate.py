"""`counterpoint evaluate`: policies of a sequential problem on the same scenarios."""

from typing import Annotated

import typer

from counterpoint.opt.cli import arguments as arg

EXAMPLES = (
    "Examples:\n\n"
    "counterpoint generate interrupted-job-shop --set jobs=8 --set machines=6 --out plants/\n\n"
    "counterpoint evaluate plants/*.json -p fifo -p mwkr --scenarios 200 --bound\n\n"
    "counterpoint evaluate plant.json -p fifo -p runs/a/policy.safetensors --export costs.csv\n\n"
    "counterpoint evaluate 'plant-*' --problem stochastic-lot-sizing -p lagrangian -p static-assignment -p idle"
)


def evaluate(
    instances: arg.Inputs,
    policy: Annotated[list[str], typer.Option("--policy", "-p", "-m", help="A method or checkpoint; repeat for more.")],
    scenarios: Annotated[int, typer.Option("--scenarios", "-n", help="How many.", min=1)] = 100,
    seed: Annotated[int, typer.Option("--seed", "-s", help="Seed of the scenarios.")] = 0,
    bound: Annotated[bool, typer.Option("--bound", help="Also prove a perfect-information bound.")] = False,
    bound_time_limit: Annotated[float, typer.Option("--bound-time-limit", help="Wall seconds for each.", min=0)] = 10.0,
    problem: arg.InputProblem = None,
    format: arg.InputFormat = None,
    export: arg.Export = None,
    json: arg.AsJson = False,
    quiet: arg.Quiet = False,
) -> None:
    """Run policies through the same scenarios; the reference simulator judges."""
    from counterpoint.opt.cli.inputs import complain, load_instances
    from counterpoint.opt.cli.output import print_json
    from counterpoint.opt.errors import CounterpointError
    from counterpoint.opt.evaluation.evaluate import evaluate as run
    from counterpoint.opt.studies.export import check_suffix, export_frame

    if export is not None:
        check_suffix(export)
    found, errors = load_instances(instances, format, problem)
    complain(errors)
    done = []
    for instance in found:
        try:
            evaluation = run(
                policy,
                instance,
                scenarios=scenarios,
                seed=seed,
                bound=bound,
                bound_time_limit_s=bound_time_limit,
                progress=not (quiet or json),
            )
        except CounterpointError as error:  # the other instances still get their table
            errors.append(error)
            complain([error])
            continue
        done.append(evaluation)
        if not json:
            _show(evaluation)
        if evaluation.is_interrupted:
            break
    if export is not None and done:
        import pandas as pd

        export_frame(pd.concat([e.frame.assign(instance=e.instance.name) for e in done]), export)
    if json:
        print_json([_plain(e) for e in done])
    if any(e.is_interrupted for e in done):
        raise typer.Exit(130)
    failed = any(run.message for e in done for run in e.runs)
    raise typer.Exit(2 if errors else int(failed))


def _show(evaluation: object) -> None:
    from counterpoint.opt.cli.output import percent, print_table
    from counterpoint.opt.errors import printable
    from counterpoint.opt.evaluation.evaluation import Evaluation
    from counterpoint.opt.evaluation.figures import figure

    assert isinstance(evaluation, Evaluation)
    if not evaluation.runs:
        typer.echo("nothing was evaluated")
        return
    table = evaluation.summary().reset_index()
    print_table(
        (
            "policy", "scenarios", "failed", "mean cost", "95 % interval", "worst 5 %", "regret to bound %",
            "behind the best", "95 % interval of that", "cpu s each",
        ),
        (
            (
                row.policy,
                row.scenarios,
                row.failed,
                row.mean,
                f"{figure(float(str(row.low)), 5)} .. {figure(float(str(row.high)), 5)}",
                row.cvar,
                percent(float(str(row.regret))),
                row.behind_best,
                f"{figure(float(str(row.behind_low)))} .. {figure(float(str(row.behind_high)))}",
                row.cpu_s,
            )
            for row in table.itertuples()
        ),
        title=f"{evaluation.instance.name}, scenarios of seed {evaluation.seed}",
    )  # fmt: skip
    if evaluation.parts:
        split = evaluation.split()
        print_table(("policy", *split.columns), ((row[0], *row[1:]) for row in split.itertuples()), title="mean costs")
    for line in evaluation.verdict():
        typer.echo(line)
    for message in dict.fromkeys(run.message for run in evaluation.runs if run.message):
        typer.echo(f"failed: {printable(message)}")


def _plain(evaluation: object) -> dict[str, object]:
    """Return an evaluation for programs; numbers that are none become null."""
    from counterpoint.opt.evaluation.evaluation import Evaluation

    assert isinstance(evaluation, Evaluation)
    summary = evaluation.summary().reset_index().to_dict("records") if evaluation.runs else []
    runs = evaluation.frame.to_dict("records")
    return {
        "problem": evaluation.problem,
        "instance": evaluation.instance.name,
        "seed": evaluation.seed,
        "is_interrupted": evaluation.is_interrupted,
        "expected_bound": evaluation.expected_bound,
        "verdict": list(evaluation.verdict()),
        "summary": [{str(k): _finite(v) for k, v in row.items()} for row in summary],
        "runs": [{str(k): _finite(v) for k, v in row.items()} for row in runs],
    }


def _finite(value: object) -> object:
    import math

    return None if isinstance(value, float) and not math.isfinite(value) else value
