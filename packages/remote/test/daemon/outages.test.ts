// What becomes of connections and what runs over them while links come and go, as commands see it.
import { connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { dialControl, socketPath, type Message } from "@holdfast/control";
import { HoldfastError, type Clock } from "@holdfast/core";
import { systemClock, type WakeSource } from "@holdfast/net";
import type { Daemon } from "@holdfast/remote";
import { failsWith, ScriptedPlugin, succeeds } from "./scripted.ts";
import { newPlace, until, type Command, type Place } from "./stage.ts";

const REFUSED = new HoldfastError({ code: "connection_refused", message: "nobody listens there" });
const LISTEN = { host: "127.0.0.1", port: 0 };

async function scene(
  options: Parameters<Place["start"]>[0] = {},
  setUp: (scripted: ScriptedPlugin) => void = () => undefined,
): Promise<{ place: Place; daemon: Daemon; scripted: ScriptedPlugin; command: Command }> {
  const place = await newPlace();
  const scripted = new ScriptedPlugin();
  scripted.onDial = succeeds;
  setUp(scripted);
  place.plugins = [scripted.plugin];
  const daemon = await place.start(options);
  return { place, daemon, scripted, command: await place.watcher() };
}

const statesOf = (command: Command, id: number): readonly (string | null)[] =>
  command.events.flatMap((event) =>
    event.type === "connection_state" && event.id === id ? [event.state] : [],
  );

test("an outage is told with reason, attempt and next retry, and with its evidence when it is over", async () => {
  const { place, scripted, command } = await scene();
  const policy = { max_reconnect_delay_ms: 100 };
  const id = await command.connected("scripted://there", { policy });
  const script = await scripted.of("there");
  scripted.onDial = failsWith(REFUSED);
  await script.last.lose();
  await until(() => script.calls.length === 4);
  scripted.onDial = succeeds;
  await command.reaches(id, "connected");
  await until(() => command.about(id).includes("connection_outage"));
  const away = command.events.filter(
    (event) => event.type === "connection_state" && event.state === "reconnecting",
  );
  expect(away[0]).toMatchObject({ phase: "waiting", attempt: 1, failure: { code: "link_lost" }, epoch: 1 });
  const waits = away.filter((event) => event.type === "connection_state" && event.phase === "waiting");
  for (const wait of waits)
    expect(wait).toMatchObject({ retry_at: expect.any(String), delay_ms: expect.any(Number) });
  expect(waits.at(-1)).toMatchObject({ failure: { code: "connection_refused" } });
  const outage = command.events.find((event) => event.type === "connection_outage");
  expect(outage).toMatchObject({ id, attempts: script.calls.length - 1 });
  // The log has each reason once, however many dials ended with it.
  const logged = place.logs.filter(
    ({ level, message }) => level === "info" && message?.includes(REFUSED.text),
  );
  expect(logged).toHaveLength(1);
  expect(await command.connection(id)).toMatchObject({ epoch: 2, attempt: 0 });
});

test("a healthy connection is replaced without an outage: the epoch rises, and it was never away", async () => {
  const { scripted, command } = await scene();
  const id = await command.connected("scripted://there");
  await command.client.reconnect(id);
  await until(async () => (await command.connection(id)).epoch === 2);
  const script = await scripted.of("there");
  expect(script.calls).toHaveLength(2);
  await until(() => script.calls[0]?.machine.closes === 1);
  expect(statesOf(command, id)).toEqual(["connecting", "connected", "connected"]);
  expect(command.about(id)).not.toContain("connection_outage");
});

test("a second reconnect joins the first", async () => {
  const { place, scripted, command } = await scene();
  const id = await command.connected("scripted://there");
  scripted.onDial = () => undefined;
  const other = await place.command();
  await Promise.all([command.client.reconnect(id), other.client.reconnect(id), command.client.reconnect(id)]);
  const script = await scripted.of("there");
  await (await script.dial(2)).open();
  await until(async () => (await command.connection(id)).epoch === 2);
  expect(script.calls).toHaveLength(2);
  await expect(command.client.reconnect(99)).rejects.toMatchObject({ code: "unknown_id" });
});

test("retries of many connections run beside each other: one that hangs holds up no other", async () => {
  const { scripted, command } = await scene();
  const hosts = Array.from({ length: 20 }, (_, index) => `host${index}`);
  const ids = await Promise.all(hosts.map((host) => command.connected(`scripted://${host}`)));
  const scripts = await Promise.all(hosts.map((host) => scripted.of(host)));
  // The dials of the first never end.
  scripted.onDial = (call, script) => (script === scripts[0] ? undefined : succeeds(call));
  await Promise.all(scripts.map((script) => script.last.lose()));
  await Promise.all(ids.slice(1).map((id) => command.reaches(id, "connected")));
  expect(await command.connection(ids[0] ?? 0)).toMatchObject({ state: "reconnecting" });
});

test.each(["dialing", "waiting"])("disconnect ends retries at once while %s", async (phase) => {
  const { scripted, command } = await scene();
  const policy = { max_reconnect_delay_ms: 3_600_000 };
  const { id } = await command.connect("scripted://there", { policy, background: true });
  await command.reaches(id, "connected");
  const script = await scripted.of("there");
  scripted.onDial = phase === "dialing" ? () => undefined : failsWith(REFUSED);
  await script.last.lose();
  await until(async () => {
    const entry = await command.connection(id);
    return script.calls.length > 1 && entry.phase === phase;
  });
  const dials = script.calls.length;
  await command.client.disconnect(id);
  await until(() => command.about(id).includes("connection_removed"));
  if (phase === "dialing") expect(script.last.aborted).toBe(true);
  expect(script.calls).toHaveLength(dials);
  await until(() => script.disposals.length === 1);
});

test("forwards keep their port over an outage, say that they wait, and take who came meanwhile along", async () => {
  const { scripted, command } = await scene();
  const connection = await command.connected("scripted://there");
  const target = { host: "far", port: 80 };
  const { id } = await command.forward({ connection, direction: "local", listen: LISTEN, target });
  const reverse = await command.forward({
    connection,
    direction: "reverse",
    listen: { host: "far", port: 81 },
    target: { host: "127.0.0.1", port: 1 },
  });
  const { listen } = await command.forwardEntry(id);
  const script = await scripted.of("there");
  scripted.onDial = () => undefined;
  await script.last.lose();
  await command.reaches(id, "waiting");
  await command.reaches(reverse.id, "waiting");
  const visitor = connect(listen?.port ?? 0, "127.0.0.1");
  onTestFinished(() => void visitor.destroy());
  visitor.write("hello");
  await until(async () => (await command.forwardEntry(id)).waiting === 1);
  await (await script.dial(2)).open();
  const echoed = await new Promise((resolve) => visitor.once("data", (data) => resolve(data.toString())));
  expect(echoed).toBe("hello");
  await command.reaches(reverse.id, "listening");
  expect(await command.forwardEntry(id)).toMatchObject({
    state: "listening",
    listen,
    connections: 1,
    waiting: 0,
  });
  expect(script.last.machine.listened).toEqual(["far:81"]);
  const told = command.about(id).filter((each, index, all) => each !== all[index - 1]);
  expect(told).toEqual(
    ["waiting", "listening", "waiting", "listening"].map((state) => `forward_state ${state}`),
  );
});

test("a forward that the far side refuses says so, and one that the plugin cannot do is refused", async () => {
  const { scripted, command } = await scene();
  const wish = { direction: "reverse", listen: { host: "far", port: 81 }, target: LISTEN } as const;
  const connection = await command.connected("scripted://there");
  const taken = new HoldfastError({ code: "address_in_use", message: "taken", kind: "fatal" });
  (await scripted.of("there")).last.machine.refuse = taken;
  const { id } = await command.forward({ ...wish, connection });
  expect(await command.reaches(id, "failed")).toMatchObject({
    failure: { code: "address_in_use" },
    listen: null,
  });

  const { command: other } = await scene({}, (plugin) => (plugin.reverse = "this plugin listens nowhere"));
  const over = await other.connected("scripted://there");
  await expect(other.forward({ ...wish, connection: over })).rejects.toMatchObject({
    code: "unsupported",
    message: expect.stringContaining("this plugin listens nowhere"),
  });
  expect(await other.connection(over)).toMatchObject({ forwards: 0 });
});

test("`connected` is never shown by evidence that is too old, and is told again when there is new", async () => {
  let jumpMs = 0;
  const clock: Clock = {
    mono: () => systemClock.mono(),
    wall: () => systemClock.wall() + jumpMs,
    timer: (fire) => systemClock.timer(fire),
  };
  const { scripted, command } = await scene({ clock });
  const policy = { heartbeat_interval_ms: 200, heartbeat_timeout_ms: 4_800, max_heartbeat_failures: 0 };
  const id = await command.connected("scripted://there", { policy });
  const { machine, attempt } = (await scripted.of("there")).last;
  let answer: () => void = () => undefined;
  machine.onPing = () => new Promise((resolve) => (answer = resolve));
  const { pings } = machine;
  await until(() => machine.pings > pings);
  // As after a sleep: the wall clock has moved on, and nothing was heard.
  jumpMs = 3_600_000;
  const entry = await command.connection(id);
  expect(entry).toMatchObject({ state: "reconnecting", epoch: 1, failure: { code: "no_sign_of_life" } });
  expect(Date.parse(entry.last_heard ?? "")).toBeLessThan(clock.wall() - 15_000);
  await until(() => statesOf(command, id).at(-1) === "reconnecting");
  attempt.heard();
  answer();
  await until(() => statesOf(command, id).at(-1) === "connected");
  expect(await command.connection(id)).toMatchObject({ state: "connected", epoch: 1 });
  expect(command.about(id)).not.toContain("connection_outage");
});

test("`no_reconnect`: disconnected at once after a loss; reconnecting by hand still works", async () => {
  const { scripted, command } = await scene();
  const id = await command.connected("scripted://there", { no_reconnect: true });
  const script = await scripted.of("there");
  await script.last.lose();
  expect(await command.reaches(id, "disconnected")).toMatchObject({ reason: { code: "not_reconnecting" } });
  expect(script.calls).toHaveLength(1);
  await command.client.reconnect(id);
  expect(await command.reaches(id, "connected")).toMatchObject({ epoch: 2 });
});

test("a plugin without a preset is not reconnected, and the reason says so", async () => {
  const { scripted, command } = await scene({}, (plugin) => (plugin.preset = undefined));
  const id = await command.connected("scripted://there");
  await (await scripted.of("there")).last.lose();
  expect(await command.reaches(id, "disconnected")).toMatchObject({ reason: { code: "unsupported" } });
});

test("a policy is kept to: so many attempts, and then it has given up", async () => {
  const { scripted, command } = await scene();
  const policy = {
    max_attempts: 2,
    max_reconnect_delay_ms: 100,
    heartbeat_interval_ms: 100,
    heartbeat_timeout_ms: 200,
  };
  const id = await command.connected("scripted://there", { policy });
  expect(await command.connection(id)).toMatchObject({ liveness_timeout_ms: 900 });
  const script = await scripted.of("there");
  scripted.onDial = failsWith(REFUSED);
  await script.last.lose();
  const entry = await command.reaches(id, "disconnected");
  expect(entry).toMatchObject({ reason: { code: "gave_up", error: { code: "connection_refused" } } });
  // What has ended is not joined.
  scripted.onDial = succeeds;
  expect(await command.connect("scripted://there")).toMatchObject({ joined: false });
});

test("a change of the network ends the wait for the next dial", async () => {
  let change: () => void = () => undefined;
  const wakes: WakeSource[] = [(wake) => ((change = () => wake("network")), () => undefined)];
  const hour = {
    initialMs: 3_600_000,
    maxMs: 3_600_000,
    jitter: { kind: "none" },
    firstRetry: "schedule",
  } as const;
  const { scripted, command } = await scene({ wakes }, (plugin) => (plugin.preset = { backoff: hour }));
  const id = await command.connected("scripted://there", { policy: { preset: true } });
  await (await scripted.of("there")).last.lose();
  expect(await command.reaches(id, "reconnecting")).toMatchObject({ phase: "waiting", delay_ms: 3_600_000 });
  change();
  expect(await command.reaches(id, "connected")).toMatchObject({ epoch: 2 });
});

test("reconnectAll dials what is away and replaces what is up, but leaves alone what needs a person", async () => {
  const { daemon, scripted, command } = await scene();
  const policy = { max_reconnect_delay_ms: 3_600_000, dial_timeout_ms: 60_000 };
  const up = await command.connected("scripted://up");
  const away = await command.connected("scripted://away", { policy });
  const asking = await command.connected("scripted://asking");
  const ended = await command.connected("scripted://ended", { no_reconnect: true });
  const scripts = await Promise.all(["up", "away", "asking", "ended"].map((host) => scripted.of(host)));
  const locked = { code: "bad_credentials", message: "no", kind: "unauthorized" } as const;
  scripted.onDial = (call, { host }) =>
    void call.fail(host === "asking" ? new HoldfastError(locked) : REFUSED);
  for (const script of scripts.slice(1)) await script.last.lose();
  await command.reaches(asking, "auth_required");
  await command.reaches(ended, "disconnected");
  // Its waits are long by now.
  await until(async () => ((await command.connection(away)).delay_ms ?? 0) > 500);
  const before = scripts.map(({ calls }) => calls.length);
  scripted.onDial = succeeds;
  daemon.reconnectAll();
  await command.reaches(away, "connected");
  await until(async () => (await command.connection(up)).epoch === 2);
  expect(
    scripts.map(({ calls }) => calls.length).map((calls, index) => calls - (before[index] ?? 0)),
  ).toEqual([1, 1, 0, 0]);
});

test("a slow reader is told how much it missed, and gets a new snapshot", async () => {
  const { place, command } = await scene();
  const id = await command.connected("scripted://there");
  const socket = connect(socketPath(place.runtimeFolder, "daemon", process.pid));
  onTestFinished(() => void socket.destroy());
  socket.write('{"type":"subscribe","topics":["connection"]}\n');
  let text = "";
  const read = (data: Buffer): void => void (text += data.toString());
  socket.on("data", read);
  await until(() => text.includes('"snapshot"'));
  socket.pause();
  // Far more events than a socket and the limit behind it hold.
  const fast = await dialControl(socketPath(place.runtimeFolder, "daemon", process.pid));
  onTestFinished(() => fast.close());
  const before = text.length;
  for (let round = 0; round < 180; round++) {
    const other = await fast.ask({
      type: "connect",
      key: `a key of its own ${round}`,
      destination: `scripted://${"x".repeat(900)}${round}`,
    });
    await fast.disconnect(other.id);
  }
  socket.resume();
  await until(() => text.includes('"type":"missed"'));
  await until(() => text.slice(before).includes('"type":"snapshot"'));
  const lines = text
    .slice(0, text.lastIndexOf("\n"))
    .split("\n")
    .map((line) => JSON.parse(line) as Message);
  const missed = lines.findIndex((line) => line.type === "missed");
  expect(lines[missed]).toMatchObject({ count: expect.any(Number) });
  expect(lines[missed + 1]).toMatchObject({ type: "snapshot", entries: [{ id }] });
});
