// What commands ask for: joined, attended, tried once or for ever, and ended with who asked.
import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { socketPath, type Message } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import { failsWith, ScriptedPlugin, succeeds } from "./scripted.ts";
import { newPlace, until, type Command, type Place } from "./stage.ts";

const REFUSED = new HoldfastError({ code: "connection_refused", message: "nobody listens there" });
const LISTEN = { host: "127.0.0.1", port: 0 };

async function scene(options: Parameters<Place["start"]>[0] = {}): Promise<{
  place: Place;
  scripted: ScriptedPlugin;
  command: Command;
}> {
  const place = await newPlace();
  const scripted = new ScriptedPlugin();
  place.plugins = [scripted.plugin];
  await place.start(options);
  return { place, scripted, command: await place.watcher() };
}

test("what becomes of a connection is told after the answer that names it", async () => {
  const { place, scripted } = await scene();
  scripted.onDial = failsWith(REFUSED);
  const socket = connect(socketPath(place.runtimeFolder, "daemon", process.pid));
  onTestFinished(() => void socket.destroy());
  let text = "";
  socket.on("data", (data) => (text += data.toString()));
  socket.write('{"type":"subscribe","topics":["connection"]}\n');
  socket.write(`{"type":"connect","key":"${randomUUID()}","destination":"scripted://there"}\n`);
  await until(() => text.includes('"connection_removed"'));
  const lines = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Message);
  const types = lines.map((line) => (line.type === "event" ? line.event.type : line.type));
  expect(types).toEqual([
    "hello",
    "subscribed",
    "snapshot",
    "connection_state",
    "connect_initiated",
    "connection_state",
    "connection_removed",
  ]);
});

test("a first dial that fails is the end, and nothing is kept", async () => {
  const { scripted, command } = await scene();
  scripted.onDial = failsWith(REFUSED);
  const { id } = await command.connect("scripted://there");
  await until(() => command.about(id).includes("connection_removed"));
  const states = command.events.filter((event) => event.type === "connection_state" && event.id === id);
  expect(states.at(-1)).toMatchObject({
    state: "disconnected",
    failure: { code: "connection_refused" },
    reason: { code: "gave_up", error: { code: "connection_refused" } },
    kept: false,
  });
  await expect(command.client.status(id)).rejects.toMatchObject({ code: "unknown_id" });
  expect(await command.client.list()).toHaveLength(1);
});

test("with `background` it is kept and dialled again from the start", async () => {
  const { scripted, command } = await scene();
  const { id } = await command.connect("scripted://there", { background: true });
  const script = await scripted.of("there");
  await (await script.dial(1)).fail(REFUSED);
  expect(await command.reaches(id, "connecting")).toMatchObject({ kept: true });
  await (await script.dial(2)).open();
  await command.reaches(id, "connected");
});

test("one that somebody tries once, and somebody else wants for ever, is dialled on", async () => {
  const { place, scripted, command } = await scene();
  const { id } = await command.connect("scripted://there");
  const other = await place.command();
  expect(await other.connect("scripted://there", { background: true })).toMatchObject({ id, joined: true });
  const script = await scripted.of("there");
  await (await script.dial(1)).fail(REFUSED);
  await (await script.dial(2)).fail(REFUSED);
  await (await script.dial(3)).open();
  await command.reaches(id, "connected");
});

test("what cannot be is refused at once, and shows nothing", async () => {
  const { command } = await scene({ limits: { connections: 1, forwards: 1 } });
  const wrong = (destination: string, wish = {}): Promise<unknown> => command.connect(destination, wish);
  await expect(wrong("no destination")).rejects.toMatchObject({ code: "bad_destination" });
  await expect(wrong("elsewhere://there")).rejects.toMatchObject({ code: "unknown_scheme" });
  const policy = { max_reconnect_delay_ms: 1 };
  await expect(wrong("scripted://there", { policy })).rejects.toMatchObject({ code: "bad_config" });
  const unknown = { connection: 99, direction: "dynamic", listen: LISTEN } as const;
  await expect(command.forward(unknown)).rejects.toMatchObject({ code: "unknown_id" });
  await expect(command.client.ask({ type: "attach", id: 99 })).rejects.toMatchObject({ code: "unknown_id" });
  const { id } = await command.connect("scripted://there", { background: true });
  await expect(wrong("scripted://there2")).rejects.toMatchObject({ code: "too_many", retryable: true });
  const local = { connection: id, direction: "local", listen: LISTEN } as const;
  await expect(command.forward(local)).rejects.toMatchObject({ code: "bad_request" });
  await command.forward({ ...local, direction: "dynamic" });
  await expect(command.forward({ ...local, direction: "dynamic" })).rejects.toMatchObject({
    code: "too_many",
  });
  expect(await command.client.list()).toHaveLength(3);
});

test("the same destination and options are joined, others and `new` are not", async () => {
  const { place, scripted, command } = await scene();
  scripted.onDial = succeeds;
  const first = await command.connected("scripted://there");
  const other = await place.command();
  const environment = { SSH_AUTH_SOCK: "/tmp/fresh" };
  expect(await other.connect("scripted://there", { environment })).toMatchObject({ id: first, joined: true });
  expect((await scripted.of("there")).context.environment.SSH_AUTH_SOCK).toBe("/tmp/fresh");
  const options = { user: "you" };
  expect(await other.connect("scripted://there", { options })).toMatchObject({ joined: false });
  expect(await other.connect("scripted://there", { new: true })).toMatchObject({ joined: false });
  const names = (await command.client.list()).map(({ name }) => name);
  expect(names).toEqual(["daemon", "there", "there-2", "there-3"]);
});

test("the same key joins what it began, also with `new`", async () => {
  const { place, scripted, command } = await scene();
  const key = randomUUID();
  const wish = { key, new: true, attended: true };
  const { id } = await command.connect("scripted://there", wish);
  command.client.close();
  const again = await place.command();
  expect(await again.connect("scripted://there", wish)).toMatchObject({ id, joined: true });
  await (await scripted.of("there")).last.open();
  await again.reaches(id, "connected");
  expect(scripted.scripts).toHaveLength(1);
});

test("a connect whose command goes away before there is a connection is cancelled, after a while", async () => {
  const { scripted, place, command } = await scene({ limits: { askerGraceMs: 50 } });
  const asker = await place.command();
  const { id } = await asker.connect("scripted://there", { attended: true });
  const call = await (await scripted.of("there")).dial(1);
  asker.client.close();
  await until(() => command.about(id).includes("connection_removed"));
  expect(call.aborted).toBe(true);
});

test("one that is up stays without its command if it is kept, and ends with the last of them if it is not", async () => {
  const { scripted, place, command } = await scene({ limits: { askerGraceMs: 50 } });
  scripted.onDial = succeeds;
  const asker = await place.command();
  const kept = await asker.connected("scripted://kept");
  const unkept = await asker.connected("scripted://unkept", { kept: false });
  const other = await place.command();
  expect(await other.connect("scripted://unkept", { kept: false })).toMatchObject({
    id: unkept,
    joined: true,
  });
  const forward = await asker.forward({
    connection: kept,
    direction: "dynamic",
    listen: LISTEN,
    kept: false,
  });
  asker.client.close();
  await until(() => command.about(forward.id).includes("forward_removed"));
  expect(command.about(unkept)).not.toContain("connection_removed");
  other.client.close();
  await until(() => command.about(unkept).includes("connection_removed"));
  await command.reaches(kept, "connected");
});

test("a command that comes back in time has lost nothing", async () => {
  const { scripted, place, command } = await scene({ limits: { askerGraceMs: 60_000 } });
  scripted.onDial = succeeds;
  const key = randomUUID();
  const asker = await place.command();
  const { id } = await asker.connect("scripted://there", { kept: false, key });
  const forwardKey = randomUUID();
  const wish = {
    connection: id,
    direction: "dynamic",
    listen: LISTEN,
    kept: false,
    key: forwardKey,
  } as const;
  const forward = await asker.forward(wish);
  asker.client.close();
  const again = await place.command();
  expect(await again.connect("scripted://there", { kept: false, key })).toMatchObject({ id, joined: true });
  expect(await again.forward(wish)).toMatchObject({ id: forward.id, joined: true });
  await command.reaches(forward.id, "listening");
});

test("asked to be kept by anybody, it is kept", async () => {
  const { scripted, place, command } = await scene({ limits: { askerGraceMs: 20 } });
  scripted.onDial = succeeds;
  const asker = await place.command();
  const id = await asker.connected("scripted://there", { kept: false });
  expect(await command.connection(id)).toMatchObject({ kept: false });
  await command.connect("scripted://there");
  expect(await command.connection(id)).toMatchObject({ kept: true });
});

test("an agent that is there again is tried without being asked to", async () => {
  const { scripted, command } = await scene();
  const { id } = await command.connect("scripted://there", { background: true });
  const script = await scripted.of("there");
  const gone = new HoldfastError({
    code: "auth_required",
    message: "the agent is gone",
    kind: "unauthorized",
    prompt: "the agent is gone",
  });
  await (await script.dial(1)).fail(gone);
  await command.reaches(id, "auth_required");
  const environment = { SSH_AUTH_SOCK: "/tmp/new" };
  expect(await command.client.ask({ type: "attach", id, environment })).toMatchObject({
    machine: String(id),
  });
  await (await script.dial(2)).open();
  await command.reaches(id, "connected");
});
