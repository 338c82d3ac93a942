// Games: which there are, and the board of the one that you play or watch.
//
// The server is the referee. A click asks for a move; the board changes when the server says so.

import { button, byId, fill, text } from "./view.js";

const LOOK_EVERY_MS = 5000; // nobody is told of games that others begin: the page asks
const MARKS = ["X", "O"]; // of the first player, and of the second
const GAMES = {
  "tic-tac-toe": {
    title: "Tic-tac-toe",
    rows: (board) => [0, 3, 6].map((start) => board.slice(start, start + 3)),
    action: (row, column) => ({ cell: 3 * row + column }),
  },
  "connect-four": {
    title: "Connect four",
    rows: (board) => board,
    action: (row, column) => ({ column }),
  },
};

// send(type, fields) sends a request; me is who we are, by `id`; note(...parts) writes a line.
export function makeGames(send, me, note) {
  let session = null; // the one on the board

  const handlers = {
    game_session_list({ sessions }) {
      fill(byId("games"), sessions.filter(isKnown), drawEntry);
      // After a new connection: the game in which we have a seat.
      const mine = sessions.find((one) => isKnown(one) && one.players.some(isMe));
      if (session === null && mine) show(mine);
      // One that the server does not know any more.
      if (session && !sessions.some(({ session_id: id }) => id === session.session_id)) hide();
    },
    game_session_created(message) {
      show(message.session);
      refresh();
      byId("board-title").focus();
    },
    player_joined_game(message) {
      if (isMe(message.player)) {
        if (!isKnown(message.session)) return;
        show(message.session);
        refresh();
        byId("board-title").focus();
      } else if (isShown(message)) show(message.session);
      if (isShown(message) && message.as === "player" && !isMe(message.player)) {
        note(text(message.player.username, "name"), " plays");
      }
    },
    game_action_broadcast(message) {
      if (!isShown(message)) return;
      show({ ...session, state: message.state, status: message.status });
    },
    player_left_game(message) {
      if (!isShown(message)) return;
      if (isMe(message.player)) return hide();
      note(text(message.player.username, "name"), " left the game");
      show({ ...session, players: message.players, host: message.host, status: message.status });
    },
    player_away(message) {
      if (isShown(message)) note(text(message.player.username, "name"), " is away from the game");
    },
    player_back(message) {
      if (isShown(message) || isMe(message.player)) show(message.session);
    },
    game_session_closed(message) {
      if (!isShown(message)) return;
      note(`The game was closed: ${message.reason}`);
      hide();
    },
  };

  const isMe = (player) => player.client_id === me.id;
  const isKnown = (one) => one.game_type in GAMES;
  const isShown = (message) => session !== null && message.session_id === session.session_id;

  function drawEntry(item, one) {
    const names = one.players.map(({ username }) => username).join(", ") || "nobody";
    item.append(GAMES[one.game_type].title, ": ", text(names, "name"), " ");
    if (session?.session_id === one.session_id) return item.append("(on your board)");
    const what = `the ${GAMES[one.game_type].title} of ${names}`;
    const enter = (as) => () => send("join_game_session", { session_id: one.session_id, as });
    if (one.status === "waiting") item.append(button(`Play ${what}`, enter("player"), "Play"), " ");
    item.append(button(`Watch ${what}`, enter("spectator"), "Watch"));
  }

  function show(shown) {
    session = shown;
    const game = GAMES[session.game_type];
    byId("board").hidden = false;
    byId("board-title").textContent = game.title;
    byId("turn").replaceChildren(...standing());
    draw(game.rows(session.state.board), game.action);
  }

  function hide() {
    session = null;
    byId("board").hidden = true;
    refresh();
  }

  function standing() {
    const { turn, winner, draw } = session.state;
    const name = (player) => (isMe(player) ? ["you"] : [text(player.username, "name")]);
    const sides = session.players.flatMap((player, seat) => [
      seat ? " against " : "", ...name(player), ` (${MARKS[seat]})`,
    ]);
    if (winner) return [...sides, ". Winner: ", ...name(winner)];
    if (draw) return [...sides, ". A draw"];
    if (session.status === "waiting") return [...sides, ". Waiting for another player"];
    if (session.status === "finished") return [...sides, ". The game is over"];
    return [...sides, ". ", ...(turn && isMe(turn) ? ["Your turn"] : ["Turn of ", ...name(turn)])];
  }

  function draw(rows, action) {
    const cells = byId("cells");
    const focused = [...cells.children].indexOf(document.activeElement);
    const myTurn = session.status === "playing" && session.state.turn && isMe(session.state.turn);
    cells.style.setProperty("--columns", rows[0].length);
    cells.replaceChildren(
      ...rows.flatMap((marks, row) =>
        marks.map((mark, column) => drawCell(mark, row, column, myTurn, action(row, column))),
      ),
    );
    cells.children[focused]?.focus();
  }

  function drawCell(mark, row, column, myTurn, action) {
    const label = `row ${row + 1}, column ${column + 1}: ${mark || "empty"}`;
    const move = () => send("game_action", { session_id: session.session_id, action });
    const cell = button(label, () => myTurn && move(), mark);
    cell.dataset.mark = mark;
    // Not `disabled`: the keyboard would lose its place with each move of the other side.
    cell.setAttribute("aria-disabled", String(!myTurn));
    return cell;
  }

  for (const one of document.querySelectorAll("[data-game]")) {
    one.addEventListener("click", () => {
      send("create_game_session", { game_type: one.dataset.game });
    });
  }
  byId("leave-game").addEventListener("click", () => {
    if (session) send("leave_game_session", { session_id: session.session_id });
    hide();
  });

  const refresh = () => send("list_game_sessions");
  setInterval(() => document.hidden || refresh(), LOOK_EVERY_MS);
  return { handlers, refresh };
}
