"""Options: text, dictionaries, presets; unknown keys and wrong values are refused with a hint."""

import dataclasses
from dataclasses import dataclass

import pytest

import counterpoint as ct
from counterpoint.opt import options
from counterpoint.opt.errors import OptionError
from counterpoint.opt.options import build_options, options_dict, split_spec
from counterpoint.opt.registry import Method, resolve


@dataclass(frozen=True)
class Options:
    rule: str = "spt"
    depth: int = 3
    share: float = 0.5
    is_greedy: bool = False
    sizes: tuple[int, ...] = (2, 1)

    def __post_init__(self):
        if self.depth < 0:
            raise OptionError(f"depth must be at least 0, not {self.depth}")


@pytest.fixture
def method(monkeypatch):
    monkeypatch.setattr(options, "resolve", lambda target: Options)
    return Method("m", "job-shop", "x:solve", "a method", options="x:Options", preset={"rule": "lpt"})


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("spt", ("spt", {})),
        ("spt:scheme=active", ("spt", {"scheme": "active"})),
        ("m:a-b=1,c= 2 ", ("m", {"a_b": "1", "c": "2"})),
        ("m:text=a=b", ("m", {"text": "a=b"})),
        ("m:empty=", ("m", {"empty": ""})),
    ],
)
def test_specs_are_split(spec, expected):
    assert split_spec(spec) == expected


@pytest.mark.parametrize("spec", ["m:", "m:a", "m:=1", "m:a=1,,b=2", "m:\x1b[31m"])
def test_broken_specs_are_refused_without_control_characters(spec):
    with pytest.raises(OptionError, match="must read key=value") as caught:
        split_spec(spec)
    assert str(caught.value).isprintable()


def test_text_becomes_the_field_s_type(method):
    built = build_options(method, {"depth": "7", "share": "0.25", "is_greedy": "true", "sizes": "4/2/2"})
    assert built == Options(rule="lpt", depth=7, share=0.25, is_greedy=True, sizes=(4, 2, 2))
    assert options_dict(built) == {"rule": "lpt", "depth": 7, "share": 0.25, "is_greedy": True, "sizes": (4, 2, 2)}


@pytest.mark.parametrize(("given", "sizes"), [("3", (3,)), ("3/2", (3, 2)), ([3, 2], (3, 2)), ((), ())])
def test_options_of_several_parts(method, given, sizes):
    assert build_options(method, {"sizes": given}).sizes == sizes


def test_nothing_given_leaves_preset_and_defaults(method):
    assert build_options(method, None) == Options(rule="lpt")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dept": 4}, "did you mean depth"),
        ({"zzz": 4}, "it takes: depth, share, is_greedy, sizes"),
        ({"rule": "spt"}, "has no option 'rule'"),  # the name fixes it
        ({"depth": "many"}, "method m, option depth"),
        ({"depth": 1.5}, "method m, option depth"),
        ({"is_greedy": "perhaps"}, "option is_greedy"),
        ({"sizes": "3/x"}, "method m, option sizes.1: "),
        ({"sizes": ""}, "method m, option sizes.0: "),
        ({"depth": -1}, "^method m: depth must be at least 0, not -1$"),
    ],
)
def test_wrong_options_are_refused(method, given, message):
    with pytest.raises(OptionError, match=message):
        build_options(method, given)


def test_a_method_without_options():
    bare = Method("bare", "job-shop", "x:solve", "a method")
    assert build_options(bare, None) is None
    assert options_dict(None) == {}
    with pytest.raises(OptionError, match="bare takes no options, but got depth"):
        build_options(bare, {"depth": 1})


@pytest.mark.parametrize("value", ["-1", "nan", "text"])
def test_every_refusal_names_the_method_and_the_option(value: str) -> None:
    """Of every option of every method: whatever is checked, by type or by the class itself."""
    refusals = []
    for problem in ct.problems():
        for method in ct.methods(problem.name):
            for field in dataclasses.fields(resolve(method.options)) if method.options else ():
                if field.name in method.preset:
                    continue
                try:
                    build_options(method, {field.name: value})
                except OptionError as error:
                    refusals.append((method.name, field.name, str(error)))
    assert len(refusals) > 100
    assert [said for name, key, said in refusals if name not in said or key not in said] == []
