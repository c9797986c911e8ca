// What comes back with the next daemon: the same ids, names, ports; and what does not.
import { randomUUID } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { HoldfastError } from "@holdfast/core";
import { hostPlugin } from "@holdfast/remote";
import { ScriptedPlugin, succeeds } from "./scripted.ts";
import { echoPort, newPlace, until } from "./stage.ts";

const LISTEN = { host: "127.0.0.1", port: 0 };

test("ids, names, environment and forwards are the same with the next daemon", async () => {
  const place = await newPlace();
  const first = await place.start();
  const command = await place.command();
  const environment = { SSH_AUTH_SOCK: "/tmp/agent" };
  const one = await command.connected("host://localhost", { name: "here", environment });
  const other = await command.connected("host://localhost", { new: true });
  const target = { host: "127.0.0.1", port: await echoPort() };
  const wish = { connection: one, direction: "local", listen: LISTEN, target, name: "echo" } as const;
  const forward = await command.forward(wish);
  const { listen } = await command.forwardEntry(forward.id);
  await first.close();
  await command.client.closed;

  await place.start();
  const next = await place.command();
  // What comes back is there from the first list on.
  const entries = await next.client.list();
  expect(entries.map(({ id, type, name }) => [id, type, name])).toEqual([
    [1, "daemon", "daemon"],
    [one, "connection", "here"],
    [other, "connection", "localhost"],
    [forward.id, "forward", "echo"],
  ]);
  await next.reaches(one, "connected");
  await next.reaches(forward.id, "listening");
  expect((await next.forwardEntry(forward.id)).listen).toEqual(listen);
  // An id is never given out again.
  await next.client.disconnect(other);
  const third = await next.connected("host://localhost", { new: true });
  expect(third).toBe(forward.id + 1);
});

test("what was disconnected does not come back, and neither does its id", async () => {
  const place = await newPlace();
  const first = await place.start();
  const command = await place.command();
  const id = await command.connected();
  await command.client.disconnect(id);
  await first.close();
  await place.start();
  const next = await place.command();
  expect(await next.client.list()).toHaveLength(1);
  expect(await next.connected()).toBe(id + 1);
});

test("what is not kept ends with the daemon; its command gets the same id and port again", async () => {
  const place = await newPlace();
  const first = await place.start();
  const command = await place.command();
  const key = randomUUID();
  const forwardKey = randomUUID();
  const id = await command.connected("host://localhost", { kept: false, key });
  const target = { host: "127.0.0.1", port: await echoPort() };
  const wish = { direction: "local", listen: LISTEN, target, kept: false, key: forwardKey } as const;
  const forward = await command.forward({ ...wish, connection: id });
  const { listen } = await command.forwardEntry(forward.id);
  await first.close();

  await place.start();
  const next = await place.command();
  expect(await next.client.list()).toHaveLength(1);
  const again = await next.connect("host://localhost", { kept: false, key });
  expect(again).toEqual({ type: "connect_initiated", id, joined: false });
  await next.reaches(id, "connected");
  expect(await next.forward({ ...wish, connection: id })).toMatchObject({ id: forward.id });
  expect((await next.forwardEntry(forward.id)).listen).toEqual(listen);
});

test("the state file has what links learned, and no secret", async () => {
  const place = await newPlace();
  const scripted = new ScriptedPlugin();
  scripted.onDial = succeeds;
  place.plugins = [scripted.plugin];
  const first = await place.start();
  const command = await place.command();
  const id = await command.connected("scripted://there", { secret: "hush-hush", no_reconnect: true });
  const { context } = await scripted.of("there");
  expect(context.secret?.()).toBe("hush-hush");
  context.memory.set("host_key", "SHA256:abc");
  expect(() => context.memory.set("too much", "x".repeat(65_536))).toThrow(/too_large/);
  await until(async () => (await readFile(place.stateFile, "utf8")).includes("SHA256:abc"));
  await first.close();
  expect(await readFile(place.stateFile, "utf8")).not.toContain("hush");

  await place.start();
  const next = await place.command();
  await next.reaches(id, "connected");
  const restored = (await scripted.of("there")).context;
  expect(restored).not.toBe(context);
  expect(restored.memory.get("host_key")).toBe("SHA256:abc");
  expect(restored.connectionId).toBe(context.connectionId);
  expect(restored.secret?.()).toBeUndefined();
  // It is still not made again after a loss.
  await (await scripted.of("there")).last.lose();
  expect(await next.reaches(id, "disconnected")).toMatchObject({ reason: { code: "not_reconnecting" } });
});

test("what a connection made on the far side stays there over a restart, and not after its end", async () => {
  const place = await newPlace();
  const scripted = new ScriptedPlugin();
  scripted.onDial = succeeds;
  place.plugins = [scripted.plugin];
  const first = await place.start();
  const id = await (await place.command()).connected("scripted://there");
  await first.close();
  expect(scripted.scripts.map(({ disposals }) => disposals)).toEqual([[true]]);
  await place.start();
  const command = await place.command();
  await command.reaches(id, "connected");
  await command.client.disconnect(id);
  await until(() => scripted.scripts[1]?.disposals.length === 1);
  expect(scripted.scripts[1]?.disposals).toEqual([false]);
});

test("a restored connection is dialled by itself, unattended, until it is there", async () => {
  const place = await newPlace();
  const scripted = new ScriptedPlugin();
  scripted.onDial = succeeds;
  place.plugins = [scripted.plugin];
  const first = await place.start();
  const id = await (await place.command()).connected("scripted://there", { attended: true });
  await first.close();
  scripted.onDial = () => undefined;
  await place.start();
  const command = await place.command();
  expect(await command.connection(id)).toMatchObject({ state: "connecting", kept: true });
  const script = await scripted.of("there");
  expect((await script.dial(1)).interaction.attended).toBe(false);
  await script.last.fail(new HoldfastError({ code: "connection_refused", message: "not yet" }));
  await (await script.dial(2)).open();
  await command.reaches(id, "connected");
});

test("a forward whose port was taken meanwhile says so, and listens when it is free", async () => {
  const place = await newPlace();
  const first = await place.start();
  const command = await place.command();
  const connection = await command.connected();
  const target = { host: "127.0.0.1", port: await echoPort() };
  const { id } = await command.forward({ connection, direction: "local", listen: LISTEN, target });
  const { listen } = await command.forwardEntry(id);
  await first.close();
  const { createServer } = await import("node:net");
  const thief = createServer();
  await new Promise<void>((resolve) => thief.listen(listen?.port, "127.0.0.1", resolve));
  await place.start({ limits: { forwardRetryMs: 20 } });
  const next = await place.command();
  expect(await next.reaches(id, "failed")).toMatchObject({ failure: { code: "address_in_use" }, listen });
  await new Promise((resolve) => thief.close(resolve));
  await next.reaches(id, "listening");
});

test.each([
  ["cut", '{"version":1,"next_id":7,"conn'],
  [
    "of a later version",
    '{"version":2,"next_id":7,"daemon_id":1,"connections":[],"forwards":[],"promised":[]}',
  ],
  ["wrong", '{"version":1,"next_id":2,"daemon_id":5,"connections":[],"forwards":[],"promised":[]}'],
])("a state file that is %s is put aside and reported, and the daemon begins anew", async (_, text) => {
  const place = await newPlace();
  await (await place.start()).close();
  await writeFile(place.stateFile, text);
  await place.start();
  const files = await readdir(`${place.stateFolder}/daemon`);
  const aside = files.find((name) => name.startsWith("connections.json.corrupt-"));
  expect(await readFile(`${place.stateFolder}/daemon/${aside}`, "utf8")).toBe(text);
  const record = place.logs.find(({ event }) => event === "state_set_aside");
  expect(record?.message).toContain(String(aside));
  const command = await place.command();
  await command.connected();
});

test("a connection whose plugin is not there is not lost", async () => {
  const place = await newPlace();
  const scripted = new ScriptedPlugin();
  scripted.onDial = succeeds;
  place.plugins = [scripted.plugin, hostPlugin()];
  const first = await place.start();
  const command = await place.command();
  const id = await command.connected("scripted://there");
  const listen = LISTEN;
  const forward = await command.forward({ connection: id, direction: "dynamic", listen });
  await first.close();
  place.plugins = [hostPlugin()];
  const second = await place.start();
  const next = await place.command();
  expect(await next.client.list()).toHaveLength(1);
  expect(place.logs.find(({ event }) => event === "not_restored")?.message).toContain("scripted://");
  expect(await next.connected()).toBe(forward.id + 1);
  await second.close();
  place.plugins = [scripted.plugin, hostPlugin()];
  await place.start();
  const third = await place.command();
  await third.reaches(id, "connected");
  await third.reaches(forward.id, "listening");
});
