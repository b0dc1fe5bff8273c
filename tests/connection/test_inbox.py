"""The queue between socket and consumer: bounded, in order, and what it drops is told."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from aftershock.venues.connection.inbox import Frame, Inbox, Lost, Skipped


def drained(inbox: Inbox) -> list[object]:
    items: list[object] = []
    while (taken := inbox.take_now()) is not None:
        items.append(taken[1])
    return items


def test_frames_beyond_the_bound_become_one_skip_with_bounds_and_count() -> None:
    inbox = Inbox(max_frames=4)
    for number in range(1, 11):
        inbox.offer(0, Frame(str(number), number))
    items = drained(inbox)
    assert [item.text for item in items if isinstance(item, Frame)] == ["1", "2", "3", "4"]
    assert items[4:] == [Skipped(4, 10, 6, "6 frames came faster than they were used", overflow=True)]
    assert (inbox.frames, inbox.dropped) == (10, 6)


def test_after_an_overflow_frames_are_taken_again_once_half_is_free() -> None:
    inbox = Inbox(max_frames=4)
    for number in range(1, 6):
        inbox.offer(0, Frame(str(number), number))
    inbox.take_now()
    inbox.offer(0, Frame("6", 6))  # three wait: still too many
    inbox.take_now()
    inbox.offer(0, Frame("7", 7))
    assert drained(inbox)[2:] == [
        Skipped(4, 6, 2, "2 frames came faster than they were used", overflow=True),
        Frame("7", 7),
    ]


def test_large_frames_fill_it_by_size() -> None:
    inbox = Inbox(max_frames=1000, max_chars=100)
    for number in range(10):
        inbox.offer(0, Frame("x" * 60, number))
    items = drained(inbox)
    assert [type(item) for item in items] == [Frame, Frame, Skipped]


def test_a_loss_is_never_dropped_and_keeps_its_place_behind_what_was() -> None:
    inbox = Inbox(max_frames=2)
    for number in range(1, 4):
        inbox.offer(0, Frame(str(number), number))
    inbox.put(0, Lost(3, 4, "gone"))
    assert [type(item) for item in drained(inbox)] == [Frame, Frame, Skipped, Lost]


def test_what_waits_is_still_given_after_the_end() -> None:
    async def scenario() -> None:
        inbox = Inbox(max_frames=1)
        inbox.offer(0, Frame("1", 1))
        inbox.offer(0, Frame("2", 2))
        inbox.end(ValueError("first"))
        inbox.end()
        inbox.offer(0, Frame("3", 3))
        kinds = [type(taken[1]) for _ in range(2) if (taken := await inbox.take()) is not None]
        assert kinds == [Frame, Skipped]
        assert await inbox.take() is None
        assert str(inbox.error) == "first"

    asyncio.run(scenario())


@given(moves=st.lists(st.sampled_from(["offer 0", "offer 1", "take", "lose 0"]), max_size=200), bound=st.integers(2, 8))
def test_every_frame_is_given_once_in_order_or_lies_in_a_skip_of_its_connection(moves: list[str], bound: int) -> None:
    inbox, offered = Inbox(max_frames=bound), {0: [0], 1: [0]}
    taken: list[tuple[int, object]] = []
    for now, move in enumerate(moves, start=1):
        if move == "take":
            item = inbox.take_now()
            taken += [] if item is None else [item]
        elif move == "lose 0":
            inbox.put(0, Lost(now, now, ""))
        else:
            link = int(move[-1])
            offered[link].append(now)
            inbox.offer(link, Frame("", now))
    while (item := inbox.take_now()) is not None:
        taken.append(item)
    for link, times in offered.items():
        given_out = [item.received_ns for at, item in taken if at == link and isinstance(item, Frame)]
        skips = [item for at, item in taken if at == link and isinstance(item, Skipped)]
        assert given_out == sorted(set(given_out))
        lacking = [time for time in times[1:] if time not in given_out]
        assert all(any(skip.from_ns <= time <= skip.to_ns for skip in skips) for time in lacking)
        assert len(lacking) == sum(skip.frames for skip in skips)
    assert len(inbox) == 0
