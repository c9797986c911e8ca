// The order of what a slow reader is told, with a socket whose buffer the test fills and empties itself.
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { Registry } from "./registry.ts";
import type { Message } from "./schemas/messages.ts";
import type { Request } from "./schemas/requests.ts";
import { serveClient } from "./session.ts";

class FakeSocket extends EventEmitter {
  readonly sent: Message[] = [];
  writable = true;
  writableLength = 0;
  paused = false;

  destroyed = false;
  readonly #done: (() => void)[] = [];

  write(line: string, done: () => void): boolean {
    this.sent.push(JSON.parse(line) as Message);
    this.#done.push(done);
    // As a socket whose mark lies above our limit: no `drain` ever comes.
    return true;
  }
  /** The reader catches up. */
  take(): void {
    this.writableLength = 0;
    for (const done of this.#done.splice(0)) done();
  }
  isPaused(): boolean {
    return this.paused;
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  destroySoon(): void {
    this.writable = false;
  }
  ask(request: Request): void {
    this.emit("data", Buffer.from(`${JSON.stringify(request)}\n`));
  }
}

function session(): { socket: FakeSocket; registry: Registry; touch: () => void } {
  const socket = new FakeSocket();
  const registry = new Registry(1, { wall: () => 0 });
  let streams = 0;
  const item = registry.add({
    kind: "relay",
    name: "relay",
    status: () => ({
      state: "listening",
      since: "1970-01-01T00:00:00.000Z",
      address: `bore://h:${++streams}`,
      addresses: ["bore://127.0.0.1:7835"],
      secret_required: false,
      tunnels: 0,
    }),
  });
  serveClient({
    socket: socket as unknown as Socket,
    registry,
    hello: { type: "hello", schema: 1, version: "0", pid: 1, command: "relay", started_at: "" },
    limits: { maxLineBytes: 1_000, maxQueuedBytes: 100 },
    parse: (value) => value as Request,
    carryOut: undefined,
  });
  return { socket, registry, touch: () => item.changed() };
}

function types(socket: FakeSocket): string[] {
  return socket.sent
    .splice(0)
    .map((message) => (message.type === "missed" ? `missed ${message.count}` : message.type));
}

test("while anything is missed, nothing that came later is sent before the count and the snapshot", () => {
  const { socket, touch } = session();
  socket.ask({ type: "subscribe", topics: ["all"] });
  expect(types(socket)).toEqual(["hello", "subscribed", "snapshot"]);
  touch();
  socket.writableLength = 101;
  touch();
  touch();
  // There is room again, but the reader has not caught up.
  socket.writableLength = 50;
  touch();
  expect(types(socket)).toEqual(["event"]);
  socket.take();
  touch();
  expect(types(socket)).toEqual(["missed 3", "snapshot", "event"]);
});

test("the requests of a reader that does not read are not read either", () => {
  const { socket } = session();
  socket.writableLength = 101;
  socket.ask({ type: "list" });
  expect(socket.paused).toBe(true);
  socket.take();
  expect(socket.paused).toBe(false);
});

test("a subscriber that half-closes stays; one that leaves is no longer served", () => {
  const { socket, touch } = session();
  socket.ask({ type: "subscribe", topics: ["relay"] });
  socket.emit("end");
  types(socket);
  touch();
  expect(types(socket)).toEqual(["event"]);
  socket.emit("close");
  touch();
  expect(types(socket)).toEqual([]);
});
