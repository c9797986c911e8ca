// The control protocol as a stranger speaks it: raw lines on a real socket.
import { expect, test } from "vitest";
import { RawClient, connected, host } from "./fixture.ts";

async function withConnection(
  limits = {},
): Promise<{ client: RawClient; changed: (state: object) => void; asked: string[] }> {
  const control = await host({ limits });
  const asked: string[] = [];
  let fields = connected();
  for (let id = 1; id < 7; id++)
    control.add({ kind: "connection", name: `gone-${id}`, status: connected }).remove();
  const item = control.add({
    kind: "connection",
    name: "example",
    status: () => fields,
    reconnect: () => {
      asked.push("reconnect");
      fields = connected({ state: "reconnecting", phase: "dialing", attempt: 1 });
      item.changed();
    },
  });
  const changed = (state: object): void => {
    fields = { ...fields, ...state };
    item.changed();
  };
  const client = new RawClient(control.socketPath!);
  expect(await client.next()).toMatchObject({ type: "hello", schema: 1, version: "0.1.0", pid: process.pid });
  return { client, changed, asked };
}

test("subscribed, then a snapshot, then events in sequence with state, attempt and reason", async () => {
  const { client, changed } = await withConnection();
  client.send({ type: "subscribe", topics: ["connection"] });
  expect(await client.next()).toEqual({ type: "subscribed", topics: ["connection"] });
  const snapshot = await client.next();
  expect(snapshot).toMatchObject({
    type: "snapshot",
    entries: [{ type: "connection", id: 7, state: "connected" }],
  });
  const failure = {
    code: "connection_reset",
    message: "connection reset",
    kind: "transient",
    fault: "peer",
    retryable: true,
    retry_after_ms: null,
    hint: null,
  };
  changed({
    state: "reconnecting",
    phase: "waiting",
    attempt: 3,
    delay_ms: 4200,
    retry_at: "2026-11-22T08:01:00.000Z",
    failure,
  });
  const first = await client.next();
  expect(first).toMatchObject({
    type: "event",
    seq: Number(snapshot?.["seq"]) + 1,
    event: { type: "connection_state", id: 7, state: "reconnecting", attempt: 3, delay_ms: 4200, failure },
  });
  changed({ state: "connected", phase: null, epoch: 2 });
  expect(await client.next()).toMatchObject({
    seq: Number(first?.["seq"]) + 1,
    event: { state: "connected", epoch: 2 },
  });
});

test("reconnect is acknowledged with exactly type and id, before the events that follow", async () => {
  const { client, asked } = await withConnection();
  client.send({ type: "subscribe", topics: ["all"] });
  await client.next();
  await client.next();
  client.send({ type: "reconnect", id: 7 });
  expect(await client.next()).toEqual({ type: "reconnect_initiated", id: 7 });
  expect(await client.next()).toMatchObject({ type: "event", event: { state: "reconnecting" } });
  expect(asked).toEqual(["reconnect"]);
});

test("what cannot be done is a coded error and the connection goes on", async () => {
  const { client } = await withConnection();
  client.send(
    { type: "reconnect", id: 99 },
    { type: "disconnect", id: 7 },
    { type: "fly" },
    { type: "status" },
  );
  client.send({ type: "subscribe", topics: ["weather"] }, 5, { type: "reconnect", id: 7, force: 1 });
  client.socket.write('{"type":\n\n\xff\n');
  const codes: unknown[] = [];
  for (let line = 0; line < 9; line++) codes.push((await client.next())?.["code"]);
  expect(codes).toEqual([
    "unknown_id",
    "unsupported",
    "unknown_request",
    "bad_request",
    "bad_request",
    "bad_request",
    "bad_request",
    "bad_json",
    "bad_json",
  ]);
  client.send({ type: "status", id: 7 });
  expect(await client.next()).toMatchObject({ type: "status", entry: { id: 7, name: "example" } });
});

test("after unsubscribed nothing more comes", async () => {
  const { client, changed } = await withConnection();
  client.send({ type: "subscribe", topics: ["connection", "tunnel"] });
  await client.next();
  await client.next();
  client.send({ type: "unsubscribe", topics: ["connection"] });
  expect(await client.next()).toEqual({ type: "unsubscribed", topics: ["tunnel"] });
  changed({ epoch: 9 });
  client.send({ type: "list" });
  expect(await client.next()).toMatchObject({ type: "list", entries: [{ epoch: 9 }] });
});

test("another topic's events do not come, and unchanged entries make none", async () => {
  const { client, changed } = await withConnection();
  client.send({ type: "subscribe", topics: ["relay"] });
  await client.next();
  expect(await client.next()).toMatchObject({ type: "snapshot", entries: [] });
  changed({ epoch: 9 });
  client.send({ type: "subscribe", topics: ["connection"] });
  expect(await client.next()).toEqual({ type: "subscribed", topics: ["relay", "connection"] });
  const snapshot = await client.next();
  changed({});
  changed({ epoch: 10 });
  expect(await client.next()).toMatchObject({ seq: Number(snapshot?.["seq"]) + 1, event: { epoch: 10 } });
});

test("a slow reader is told how many events it missed and gets a new snapshot", async () => {
  const { client, changed } = await withConnection({ maxQueuedBytes: 16 * 1024 });
  client.send({ type: "subscribe", topics: ["all"] });
  await client.next();
  const start = Number((await client.next())?.["seq"]);
  client.socket.pause();
  const total = 5_000;
  for (let epoch = 1; epoch <= total; epoch++) {
    changed({ epoch: epoch + 1 });
    // Let the kernel's buffers fill up as they would in a long-lived process.
    if (epoch % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  client.socket.resume();
  let seq = start;
  let missed = 0;
  let epoch = 0;
  while (epoch <= total) {
    const line = await client.next();
    if (line?.["type"] === "missed") {
      missed += Number(line["count"]);
      seq += Number(line["count"]);
      const snapshot = await client.next();
      expect(snapshot).toMatchObject({ type: "snapshot", seq });
      epoch = epochOf((snapshot?.["entries"] as unknown[] | undefined)?.[0]);
    } else {
      expect(line).toMatchObject({ type: "event", seq: ++seq });
      epoch = epochOf(line?.["event"]);
    }
  }
  expect(missed).toBeGreaterThan(0);
});

function epochOf(value: unknown): number {
  return (value as { epoch: number }).epoch;
}

test("an overlong line ends the connection with a coded error", async () => {
  const { client } = await withConnection({ maxLineBytes: 1_000 });
  client.socket.write(" ".repeat(2_000));
  expect(await client.next()).toMatchObject({ type: "error", code: "line_too_long" });
  expect(await client.next()).toBeUndefined();
});

test("a client that half-closes is answered and let go", async () => {
  const { client } = await withConnection();
  client.send({ type: "list" });
  client.socket.end();
  expect(await client.next()).toMatchObject({ type: "list" });
  expect(await client.next()).toBeUndefined();
});

test("one client too many is told so", async () => {
  const control = await host({ limits: { maxClients: 1 } });
  const first = new RawClient(control.socketPath!);
  await first.next();
  const second = new RawClient(control.socketPath!);
  expect(await second.next()).toMatchObject({ type: "error", code: "too_many_clients", retryable: true });
  expect(await second.next()).toBeUndefined();
  first.socket.destroy();
  for (;;) {
    const third = new RawClient(control.socketPath!);
    if ((await third.next())?.["type"] === "hello") break;
  }
});

test("a host that does not listen is seen by its own process only", async () => {
  const control = await host({ listen: false });
  const seen: string[] = [];
  control.onEvent(({ event }) => seen.push(event.type));
  control.add({ kind: "connection", name: "example", status: connected }).remove();
  expect(control.socketPath).toBeUndefined();
  expect(seen).toEqual(["connection_state", "connection_removed"]);
});

test("a subscriber that leaves is noticed at once, though nothing happens that it would have to be told", async () => {
  const gone: Promise<void>[] = [];
  const control = await host({
    carryOut: async ({ type }, peer) => {
      gone.push(peer.gone);
      if (type !== "answer") throw new Error(`${type} was not asked`);
      return { type: "answered", question: 1 };
    },
  });
  const client = new RawClient(control.socketPath!);
  client.send({ type: "subscribe", topics: ["all"] }, { type: "answer", question: 1, answers: null });
  for (const type of ["hello", "subscribed", "snapshot", "answered"])
    expect(await client.next()).toMatchObject({ type });
  client.socket.destroy();
  await gone[0];
});

test("a subscriber that only half-closes gets a snapshot to see whether it reads, and its events", async () => {
  const { client, changed } = await withConnection();
  client.send({ type: "subscribe", topics: ["connection"] });
  client.socket.end();
  for (const type of ["subscribed", "snapshot", "snapshot"])
    expect(await client.next()).toMatchObject({ type });
  changed({ epoch: 2 });
  expect(await client.next()).toMatchObject({ type: "event" });
});
