// Connections from the machine, and ports on it.
import type { Duplex } from "node:stream";
import { demand, demandSame, failure, pattern, readAll, sha256, soon, until } from "./demands.ts";
import { echo, freePort, openService, visit } from "./far-ports.ts";
import type { Service } from "./far-ports.ts";
import type { Stage } from "./plugin-arena.ts";
import type { PluginCase } from "./plugin-case.ts";

const BULK = 1_048_576;

/** A service for as long as the case runs. */
async function withService(
  { arena }: Stage,
  serve: (socket: Duplex) => void,
  use: (service: Service) => Promise<void>,
): Promise<void> {
  const service = await openService(arena, serve);
  try {
    await use(service);
  } finally {
    await service.close();
  }
}

const there = async ({ machine }: Stage, { host, port }: Service): Promise<Duplex> => {
  return soon(machine.connectTcp(host, port), "a connection from the machine");
};

const forward: Readonly<Record<string, PluginCase["run"]>> = {
  "a connection carries 1 MiB there and back unchanged": (stage) =>
    withService(stage, echo, async (service) => {
      const stream = await there(stage, service);
      const bytes = pattern(BULK, 4);
      stream.end(bytes);
      demandSame(sha256(await readAll(stream, "the echo")), sha256(bytes), "the hash");
    }),
  "many connections do not mix": (stage) =>
    withService(stage, echo, async (service) => {
      const visits = Array.from({ length: 16 }, async (_, i) => {
        const stream = await there(stage, service);
        const bytes = pattern(20_000, 100 + i);
        stream.end(bytes);
        demandSame(sha256(await readAll(stream, "the echo")), sha256(bytes), `connection ${i}`);
      });
      await Promise.all(visits);
    }),
  "a connection that is destroyed here ends there": (stage) =>
    withService(
      stage,
      () => undefined,
      async (service) => {
        const stream = await there(stage, service);
        await until(() => service.sockets.length === 1, "the service's end");
        stream.destroy();
        const ended = (): boolean =>
          service.sockets.every((socket) => socket.readableEnded || socket.destroyed);
        await until(ended, "the end at the service");
      },
    ),
  "nobody listening is an error": async (stage) => {
    const port = await freePort(stage.arena);
    const connect = stage.machine.connectTcp(stage.arena.thisMachine ?? "127.0.0.1", port);
    const error = await failure(connect, "connection_refused", "a port without a listener");
    demandSame(error.kind, "transient", "its kind");
    await soon(stage.machine.ping(), "a ping afterwards");
  },
  "a port that is none is refused": async ({ machine }) => {
    for (const port of [0, -1, 65_536, 1.5, Number.NaN]) {
      await failure(machine.connectTcp("127.0.0.1", port), "bad_endpoint", `port ${port}`);
    }
    await failure(machine.connectTcp("", 80), "bad_endpoint", "no host");
  },
};

const halfClosed: Readonly<Record<string, PluginCase["run"]>> = {
  "our end is told, and the answer to it still comes": (stage) =>
    withService(stage, answerAtEnd, async (service) => {
      const stream = await there(stage, service);
      stream.end("question");
      demandSame((await readAll(stream, "the answer")).toString(), "8 bytes came", "the answer");
    }),
  "their end is told, and they still hear us": async (stage) => {
    let heard = "";
    const serve = (socket: Duplex): void => {
      socket.end("bye");
      socket.on("data", (piece: Buffer) => void (heard += piece.toString()));
    };
    await withService(stage, serve, async (service) => {
      const stream = await there(stage, service);
      demandSame((await readAll(stream, "what they say")).toString(), "bye", "their last words");
      demand(!stream.destroyed && stream.writable, "their end has closed our direction, too");
      stream.write("still ");
      await until(() => heard === "still ", "what we say after their end");
      stream.end("here");
      await until(() => heard === "still here", "our last words");
    });
  },
};

const reverse: Readonly<Record<string, PluginCase["run"]>> = {
  "port 0 is some port, and its connections come here": async (stage) => {
    const listener = await soon(stage.machine.listenTcp("127.0.0.1", 0, echo), "a far port");
    demand(listener.port > 0, `the port is ${listener.port}`);
    for (const seed of [5, 6]) {
      const visitor = await visit(stage.arena, listener.port);
      const bytes = pattern(BULK / 4, seed);
      visitor.end(bytes);
      demandSame(sha256(await readAll(visitor, "the echo")), sha256(bytes), "the hash");
    }
    await soon(listener.close(), "closing the far port");
  },
  "a visitor's end is told apart from its close": async (stage) => {
    const listener = await soon(stage.machine.listenTcp("127.0.0.1", 0, answerAtEnd), "a far port");
    const visitor = await visit(stage.arena, listener.port);
    visitor.end("question");
    demandSame((await readAll(visitor, "the answer")).toString(), "8 bytes came", "the answer");
    await soon(listener.close(), "closing the far port");
  },
  "a closed port is free again, and what was connected goes on": async (stage) => {
    const { machine, arena } = stage;
    const listener = await soon(machine.listenTcp("127.0.0.1", 0, echo), "a far port");
    const visitor = await visit(arena, listener.port);
    visitor.write("a");
    await until(() => visitor.readableLength === 1, "the echo");
    await soon(listener.close(), "closing the far port");
    await soon(listener.close(), "closing it again");
    const late = await visit(arena, listener.port).then(
      (socket) => closedAtOnce(socket),
      () => true,
    );
    demand(late, "a closed far port takes connections");
    const again = await soon(machine.listenTcp("127.0.0.1", listener.port, echo), "the same port again");
    demandSame(again.port, listener.port, "the port");
    visitor.end("b");
    demandSame((await readAll(visitor, "the rest")).toString(), "ab", "the open connection");
    await soon(again.close(), "closing it");
  },
  "a port that is taken is an error": async ({ machine }) => {
    const listener = await soon(machine.listenTcp("127.0.0.1", 0, echo), "a far port");
    const second = machine.listenTcp("127.0.0.1", listener.port, echo);
    await failure(second, "address_in_use", "a port that is taken");
    await soon(listener.close(), "closing the far port");
  },
};

const origin: PluginCase = {
  name: "a far port tells where a connection comes from",
  abilities: ["reverse_forward"],
  needs: "origin",
  run: async ({ machine, arena }) => {
    let from: unknown;
    const listener = await machine.listenTcp("127.0.0.1", 0, (stream, address) => {
      from = [address.host, address.port];
      echo(stream);
    });
    const visitor = await visit(arena, listener.port);
    await until(() => from !== undefined, "the connection");
    demandSame(from, [visitor.localAddress, visitor.localPort], "the visitor's address");
    visitor.destroy();
    await soon(listener.close(), "closing the far port");
  },
};

/** Says how much came, once all has. */
function answerAtEnd(socket: Duplex): void {
  let count = 0;
  socket.on("error", () => undefined);
  socket.on("data", (piece: Buffer) => void (count += piece.length));
  socket.on("end", () => socket.end(`${count} bytes came`));
}

/** Something between may accept for a moment; then it has to close without a byte. */
async function closedAtOnce(socket: Duplex): Promise<boolean> {
  socket.on("error", () => undefined);
  return (await readAll(socket, "a late visit").catch(() => Buffer.alloc(0))).length === 0;
}

const named = (
  cases: Readonly<Record<string, PluginCase["run"]>>,
): { name: string; run: PluginCase["run"] }[] => Object.entries(cases).map(([name, run]) => ({ name, run }));

export const networkCases: readonly PluginCase[] = [
  ...named(forward).map((one) => ({ ...one, abilities: ["forward"] as const })),
  ...named(halfClosed).map((one) => ({
    ...one,
    abilities: ["forward"] as const,
    needs: "halfClose" as const,
  })),
  ...named(reverse).map((one) => ({ ...one, abilities: ["reverse_forward"] as const })),
  origin,
];
