"""One picture at a time, in order, and none for who has left."""

import asyncio
import threading

import pytest

from spiden_cli.web.turns import EndingError, StoppedError, Turns


async def stays():
    return False


async def leaves():
    return True


def test_work_is_done_one_by_one_in_order(monkeypatch):
    monkeypatch.setattr("spiden_cli.web.turns.LOOK_EVERY", 0.01)
    turns, order, go = Turns(), [], threading.Event()

    def work(number):
        def run(turn):
            go.wait(5)
            turn.on_tile(1, 2)
            order.append((number, turn.share, threading.current_thread().name))
            return number

        return run

    async def all_of_them():
        waiting = [asyncio.create_task(turns.take(f"t{n}", work(n), stays)) for n in range(5)]
        await asyncio.sleep(0.02)
        assert [turns.ahead(f"t{n}") for n in range(5)] == [0, 1, 2, 3, 4]
        go.set()
        return await asyncio.gather(*waiting)

    assert asyncio.run(all_of_them()) == [0, 1, 2, 3, 4]
    assert [number for number, _, _ in order] == [0, 1, 2, 3, 4]
    assert {(share, thread) for _, share, thread in order} == {(0.5, "denoising_0")}
    assert turns.ahead("t0") is None
    turns.close()


def test_work_that_nobody_waits_for_ends(monkeypatch):
    monkeypatch.setattr("spiden_cli.web.turns.LOOK_EVERY", 0.01)
    turns, begun, ended = Turns(), threading.Event(), threading.Event()

    def endless(turn):
        begun.set()
        try:
            while not ended.wait(0.005):
                turn.on_tile(0, 1)
        finally:
            ended.set()

    async def give_up():
        with pytest.raises(StoppedError):
            await turns.take("a", endless, leaves)
        assert await turns.take("b", lambda turn: "next", stays) == "next"

    asyncio.run(give_up())
    assert begun.is_set()
    assert ended.is_set()
    turns.close()


def test_an_error_is_that_of_its_turn():
    turns = Turns()

    async def fail():
        with pytest.raises(ValueError, match="no"):
            await turns.take("a", lambda turn: int("no"), stays)
        return await turns.take("b", lambda turn: 1, stays)

    assert asyncio.run(fail()) == 1
    turns.close()


def test_those_who_wait_are_told_when_all_ends(monkeypatch):
    monkeypatch.setattr("spiden_cli.web.turns.LOOK_EVERY", 0.01)
    turns, begun, go = Turns(), threading.Event(), threading.Event()

    def deaf(turn):
        begun.set()
        go.wait(5)

    async def end():
        waiting = [asyncio.create_task(turns.take(name, deaf, stays)) for name in ("a", "b")]
        await asyncio.to_thread(begun.wait, 5)
        turns.end()
        return await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 2)

    assert [type(told) for told in asyncio.run(end())] == [EndingError, EndingError]
    turns.close()
    assert turns.is_busy(0.01)
    go.set()
    assert not turns.is_busy(5)
