// A daemon does what it is for: connections and forwards that commands ask for, shown as they are.
import { connect } from "node:net";
import { stat } from "node:fs/promises";
import { expect, test } from "vitest";
import { echoPort, newPlace, until } from "./stage.ts";

async function echoed(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    socket.once("data", (data) => {
      socket.destroy();
      resolve(data.toString());
    });
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed without a word")));
  });
}

test("a connection comes up, is shown with its evidence, and ends when it is told to", async () => {
  const place = await newPlace();
  const daemon = await place.start({ logFile: "/somewhere/daemon.log" });
  const command = await place.watcher();
  const { id, joined } = await command.connect("host://localhost");
  expect(joined).toBe(false);
  await command.reaches(id, "connected");
  const entry = await command.connection(id);
  expect(entry).toMatchObject({
    type: "connection",
    name: "localhost",
    destination: "host://localhost",
    plugin: "host",
    state: "connected",
    epoch: 1,
    kept: true,
    forwards: 0,
    liveness_timeout_ms: 30_000,
  });
  expect(Date.parse(entry.last_heard ?? "")).toBeGreaterThan(Date.now() - 30_000);
  expect(entry.abilities).toMatchObject({ processes: true });
  const [first] = await command.client.list();
  expect(first).toMatchObject({ type: "daemon", state: "running", connections: 1, forwards: 0 });
  expect(first).toMatchObject({ session_socket: daemon.sessionSocket, log_file: "/somewhere/daemon.log" });
  await command.client.disconnect(id);
  await until(() => command.about(id).includes("connection_removed"));
  expect(command.about(id)).toEqual([
    "connection_state connecting",
    "connection_state connected",
    "connection_state disconnected",
    "connection_removed",
  ]);
  expect(await command.client.list()).toHaveLength(1);
});

test("a forward carries bytes, is counted, and goes with its connection", async () => {
  const place = await newPlace();
  await place.start();
  const command = await place.watcher();
  const connection = await command.connected();
  const target = { host: "127.0.0.1", port: await echoPort() };
  const listen = { host: "127.0.0.1", port: 0 };
  const { id } = await command.forward({ connection, direction: "local", listen, target });
  const entry = await command.forwardEntry(id);
  expect(entry).toMatchObject({ state: "listening", connection, target, kept: true, connections: 0 });
  expect(await echoed(entry.listen?.port ?? 0, "over it")).toBe("over it");
  expect(await command.connection(connection)).toMatchObject({ forwards: 1 });
  await command.client.disconnect(connection);
  await until(() => command.about(connection).includes("connection_removed"));
  const order = command.events.map(({ type }) => type).filter((type) => type.endsWith("_removed"));
  expect(order).toEqual(["forward_removed", "connection_removed"]);
  await expect(echoed(entry.listen?.port ?? 0, "gone")).rejects.toThrow(/refused/i);
});

test("its sockets and its files are its user's alone", async () => {
  const place = await newPlace();
  const daemon = await place.start();
  const command = await place.command();
  await command.connected();
  const modes = [daemon.sessionSocket, daemon.control.socketPath ?? "", place.stateFile, place.runtimeFolder];
  const found = await Promise.all(modes.map(async (path) => (await stat(path)).mode & 0o777));
  expect(found).toEqual([0o600, 0o600, 0o600, 0o700]);
});
