import msgspec

from netlab.core.errors import Refused
from netlab.core.games import Game, parse_action


class Action(msgspec.Struct):
    heap: int
    take: int


class Nim(Game):
    name = "nim"

    def __init__(self):
        super().__init__()
        self.heaps = [3, 4, 5]

    @property
    def board(self):
        return self.heaps

    def play(self, seat, action):
        move = parse_action(action, Action, '{"heap": 0 to 2, "take": 1 or more}')
        if not 0 <= move.heap <= 2:
            raise Refused("illegal_action", f"no heap {move.heap}; there are 0, 1 and 2")
        there = self.heaps[move.heap]
        if not 1 <= move.take <= there:
            raise Refused("illegal_action", f"take {move.take}; heap {move.heap} has {there}")
        self.heaps[move.heap] -= move.take
        if any(self.heaps):
            self.turn = 1 - seat
        else:
            self.winner, self.turn = seat, None
