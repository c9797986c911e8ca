// Links of one client that arrive together, in every order in which their bytes, proofs and verdicts can come: the
// newest claim wins, and what is told to its client is true.
import type { Acceptor } from "@holdfast/core/session";
import { describe, expect, test } from "vitest";
import { FakeSession } from "./fake-session.ts";
import { Client, greeted, makeAcceptor, Meeting, type Move } from "./meeting.ts";

/** Something that can be done next in a world; `undefined`: it cannot now. */
interface World {
  readonly moves: readonly string[];
  do(move: string): void;
  /** What must be true whenever something was done. */
  check(): void;
  /** What must be true when there is nothing more to do. */
  finish(): void;
}

/** Run every order of moves, each from the start. @returns how many there are. */
function everyOrder(make: () => World): number {
  const paths: string[][] = [[]];
  let ends = 0;
  for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
    const world = make();
    try {
      for (const move of path) {
        world.do(move);
        world.check();
      }
      // Go on with the first of what is possible; the others are paths of their own.
      for (let { moves } = world; moves.length > 0; { moves } = world) {
        const [first, ...others] = moves as [string, ...string[]];
        for (const other of others) paths.push([...path, other]);
        path.push(first);
        world.do(first);
        world.check();
      }
      world.finish();
      ends += 1;
    } catch (error) {
      throw new Error(`in the order ${path.join(", ")}: ${String(error)}`, { cause: error });
    }
  }
  return ends;
}

function moved(meetings: readonly Meeting[], move: string): void {
  const [index, name] = move.split(" ") as [string, Move];
  if (meetings[Number(index)]?.move(name) !== true) throw new Error(`${move} cannot be done`);
}

function possible(meetings: readonly Meeting[]): string[] {
  return meetings.flatMap((meeting, index) => meeting.possible.map((move) => `${index} ${move}`));
}

/**
 * `links` RESUMEs of one client, each given up for the next, while the old link still brings bytes. With `arrived` all
 * have come already, in that order, and only their proofs race.
 */
function resumes(links: number, oldPieces: number, arrived: readonly number[] = []): World {
  const acceptor = makeAcceptor();
  const client = new Client();
  const { server } = greeted({ acceptor, client });
  const far = FakeSession.of(server.session);
  client.session.sent = 1_000;
  // The client has let each link but the last go: it sent RESUME there and heard nothing.
  const meetings = Array.from({ length: links }, () => {
    const meeting = new Meeting({ acceptor, client }).start();
    meeting.run(() => meeting.toServer.length > 0);
    return meeting;
  });
  for (const index of arrived) meetings[index]?.move("toServer");
  const last = meetings.at(-1)!;
  /** Which links got the session so far. */
  const known: boolean[] = [];
  let pieces = oldPieces;
  let highest = server.claim;
  return {
    get moves() {
      const given = possible(meetings).filter((move) => !move.endsWith("toClient"));
      const old = pieces > 0 && server.claim === 1 ? ["old link"] : [];
      return [...given, ...old, ...(last.toClient.length > 0 ? [`${links - 1} toClient`] : [])];
    },
    do(move) {
      if (move !== "old link") return moved(meetings, move);
      pieces -= 1;
      far.rx += 10;
    },
    check() {
      if (server.claim < highest) throw new Error(`the claim fell from ${highest} to ${server.claim}`);
      highest = server.claim;
      const attached = meetings.map(({ serverOutcome }) => serverOutcome?.type === "attached");
      if (far.attached && highest > 1 && !attached.includes(true)) {
        throw new Error("attached to a link that is gone");
      }
      attached.forEach((is, index) => {
        if (is && !known[index] && index + 2 !== server.claim) throw new Error(`link ${index} was displaced`);
        known[index] = is;
      });
    },
    finish() {
      while (last.move("clientProof"));
      expect(last.clientOutcome?.type).toBe("resumed");
      expect(last.serverOutcome).toMatchObject({ type: "attached" });
      expect(server).toMatchObject({ claim: links + 1, away: false });
      expect(far.attached).toBe(true);
      expect(client.session.resumedAt?.rx).toBe(far.rx);
      // The ends of the links that lost change nothing.
      for (const meeting of meetings.slice(0, -1)) meeting.server.linkEnded(9_000);
      expect(server.away).toBe(false);
    },
  };
}

/** `links` HELLOs with one nonce, each given up for the next; all have come already. */
function hellos(links: number, acceptor: Acceptor): World {
  const client = new Client();
  const meetings = Array.from({ length: links }, () => {
    const meeting = new Meeting({ acceptor, client }).start();
    meeting.run(() => meeting.toServer.length > 0);
    return meeting;
  });
  for (const meeting of meetings) meeting.move("toServer");
  const last = meetings.at(-1)!;
  return {
    get moves() {
      const given = possible(meetings).filter((move) => !move.endsWith("toClient"));
      return last.toClient.length > 0 ? [...given, `${links - 1} toClient`] : given;
    },
    do: (move) => moved(meetings, move),
    check() {
      if (acceptor.size > 1) throw new Error("one HELLO, and two sessions");
    },
    finish() {
      while (last.move("clientProof"));
      expect(last.clientOutcome?.type).toBe("greeted");
      const sessions = [...acceptor.sessions()];
      expect(sessions).toHaveLength(1);
      expect(sessions[0]).toMatchObject({ claim: links, away: false });
      expect(Buffer.from(client.resumption?.sessionId ?? []).toString("hex")).toBe(sessions[0]?.id);
      for (const meeting of meetings.slice(0, -1)) meeting.server.linkEnded(9_000);
      expect(sessions[0]?.away).toBe(false);
      expect(new Meeting({ acceptor, client }).start().run().clientOutcome?.type).toBe("resumed");
    },
  };
}

describe("links that race", () => {
  test("two RESUMEs beside the bytes of the old link", () => {
    expect(everyOrder(() => resumes(2, 2))).toBeGreaterThan(200);
  });

  test.each([[[0, 1, 2]], [[2, 1, 0]], [[1, 2, 0]]])(
    "the proofs of three RESUMEs that came as %j",
    (arrived) => {
      expect(everyOrder(() => resumes(3, 0, arrived))).toBeGreaterThan(100);
    },
  );

  test("two HELLOs with the same nonce", () => {
    expect(everyOrder(() => hellos(2, makeAcceptor()))).toBeGreaterThan(300);
  });

  test("of two clients the links do not touch each other", () => {
    const acceptor = makeAcceptor();
    const clients = [new Client({}, 1), new Client({}, 50)];
    const sessions = clients.map((client) => greeted({ acceptor, client }).server);
    const meetings = clients.map((client) => new Meeting({ acceptor, client }).start());
    while (meetings.some((meeting) => meeting.possible.length > 0)) {
      for (const meeting of meetings) meeting.move(meeting.possible.at(-1) ?? "toServer");
    }
    expect(meetings.map(({ clientOutcome }) => clientOutcome?.type)).toEqual(["resumed", "resumed"]);
    expect(meetings.map(({ detached }) => detached)).toEqual(sessions.map((session) => [session]));
  });
});
