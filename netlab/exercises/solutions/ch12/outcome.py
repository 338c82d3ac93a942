LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))


def outcome(board):
    def has_won(mark):
        return any(all(board[cell] == mark for cell in line) for line in LINES)

    ahead = board.count("X") - board.count("O")
    if ahead not in (0, 1):
        raise ValueError("they did not take turns")
    if (has_won("X") and ahead == 0) or (has_won("O") and ahead == 1):
        raise ValueError("somebody moved after the end")
    if has_won("X"):
        return "X"
    if has_won("O"):
        return "O"
    return None if "" in board else "draw"
