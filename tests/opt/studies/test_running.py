"""A case in progress: which signals it gets, and when; and its log."""

import os
import signal
import socket
import sys
from contextlib import contextmanager

import bad_methods
import pytest

from counterpoint.opt.budget import Budget
from counterpoint.opt.studies import running
from counterpoint.opt.studies.case import Case


@contextmanager
def started():
    """A case with a time limit of 10 s and 5 s of grace, started at 0."""
    case = Case(bad_methods.shop(1), bad_methods.method("hang"), 0, Budget(time_limit_s=10.0))
    ours, theirs = socket.socketpair()
    with ours, theirs, running.scratch_file() as log:
        yield running.Running(case, 0, 1, 5.0, ours, log, started=0.0)


def test_a_driver_that_was_held_up_still_leaves_time_to_answer(monkeypatch):
    """90 s late, it does not send all signals at once: 40, 40 and 20 % of the 5 s of grace lie before them."""
    now, sent = 0.0, []
    monkeypatch.setattr(running.time, "monotonic", lambda: now)
    with started() as run:
        assert run.climb(lambda *signals: sent.append(signals)) == 12.0
        now = 102.0
        assert run.climb(lambda *signals: sent.append(signals)) == pytest.approx(104.0)
        assert sent == [(1, signal.SIGINT)]
        now = 104.01
        assert run.climb(lambda *signals: sent.append(signals)) == pytest.approx(105.01)
        assert sent[1:] == [(1, signal.SIGTERM)]
        now = 105.02
        assert run.climb(lambda *signals: sent.append(signals)) == float("inf")
        assert sent[2:] == [(1, signal.SIGKILL)]
    assert run.reason == "deadline"


@pytest.mark.skipif(sys.platform != "linux", reason="fallocate")
def test_a_long_log_is_cut_down_and_loses_no_last_words():
    with started() as run:
        for k in range(3):
            for _ in range(3 * running.LOG_BYTES // 2**20):
                os.write(run.log.fileno(), bytes([k + 1]) * 2**20)
            size = os.fstat(run.log.fileno()).st_size
            run.trim_log()
            assert os.fstat(run.log.fileno()).st_size == size  # cut at its front: what is printed meanwhile stays
            assert os.fstat(run.log.fileno()).st_blocks * 512 < running.LOG_BYTES
            assert run.log_tail() == bytes([k + 1]) * running.TAIL_BYTES
            os.write(run.log.fileno(), b"last words")
            assert run.log_tail().endswith(bytes([k + 1]) + b"last words")


def test_a_long_log_is_cut_down_where_files_have_no_holes(monkeypatch):
    monkeypatch.setattr(running, "_empty", lambda file, size: False)
    with started() as run:
        for _ in range(2 * running.LOG_BYTES // 2**20):
            os.write(run.log.fileno(), b"x" * 2**20)
        run.trim_log()
        assert os.fstat(run.log.fileno()).st_size == 0
        os.write(run.log.fileno(), b"last words")
        assert run.log_tail() == b"x" * (running.TAIL_BYTES - 10) + b"last words"
