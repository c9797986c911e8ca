// A machine through the daemon: it is used like any other, and its end is told when the daemon's is.
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { openRemoteMachine, type RemoteMachine } from "@holdfast/remote";
import { newPlace, type Command, type Place } from "../daemon/stage.ts";

async function opened(place: Place): Promise<{ command: Command; id: number; remote: RemoteMachine }> {
  const command = await place.command();
  const id = await command.connected();
  const remote = await openRemoteMachine({ client: command.client, id });
  onTestFinished(() => remote.close());
  return { command, id, remote };
}

test("processes and files are those of the connection's machine", async () => {
  const place = await newPlace();
  await place.start();
  const { remote } = await opened(place);
  const process = await remote.machine.start({ command: ["cat"] });
  process.stdin.end("there and back\n");
  expect(await text(process.stdout)).toBe("there and back\n");
  expect(await process.ended).toEqual({ code: 0 });
  expect(await remote.machine.files.exists(place.folder)).toBe(true);
  expect(remote.failure).toBeUndefined();
});

test("a connection that is not there is unknown", async () => {
  const place = await newPlace();
  await place.start();
  const { client } = await place.command();
  await expect(openRemoteMachine({ client, id: 77 })).rejects.toMatchObject({ code: "unknown_id" });
});

test("when the daemon has ended this is told, what ran rejects, and nothing waits for another daemon", async () => {
  const place = await newPlace();
  const daemon = await place.start();
  const { remote } = await opened(place);
  const process = await remote.machine.start({ command: ["cat"] });
  await daemon.close();
  expect(await remote.lost).toMatchObject({ code: "daemon_lost" });
  expect(remote.failure).toMatchObject({ code: "daemon_lost" });
  await expect(process.ended).rejects.toMatchObject({ code: "link_lost" });
  await expect(remote.machine.files.exists("/")).rejects.toMatchObject({ code: "not_connected" });
});

test("a daemon that takes the place of another one does not take over its sessions", async () => {
  const place = await newPlace();
  const first = await place.start();
  const { remote } = await opened(place);
  const process = await remote.machine.start({ command: ["cat"] });
  await first.close();
  await place.start();
  expect(await remote.lost).toMatchObject({ code: "daemon_lost" });
  await expect(process.ended).rejects.toMatchObject({ code: "link_lost" });
});

test("a way to the daemon that has vanished is not waited for", async () => {
  const place = await newPlace();
  await place.start();
  const command = await place.command();
  const id = await command.connected();
  const attached = await command.client.ask({ type: "attach", id });
  const sockets = new Set<Socket>();
  const path = join(place.folder, "way.sock");
  const way = createServer((near) => {
    const far = connect(attached.session_socket);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const)
      sockets.add(from.on("error", () => undefined).on("data", (piece) => void to.write(piece)));
  });
  onTestFinished(() => void way.close());
  await new Promise<void>((resolve) => way.listen(path, resolve));
  const ask = (): Promise<never> => Promise.resolve({ ...attached, session_socket: path } as never);
  const remote = await openRemoteMachine({ client: { ask }, id });
  expect(await remote.machine.files.exists("/")).toBe(true);
  way.close();
  for (const socket of sockets) socket.destroy();
  expect(await remote.lost).toMatchObject({ code: "daemon_lost" });
});

test("to close it ends what was started through it", async () => {
  const place = await newPlace();
  await place.start();
  const { remote, command, id } = await opened(place);
  const process = await remote.machine.start({ command: ["sh", "-c", "echo $$; exec cat"] });
  const [pid] = await new Promise<string[]>((resolve) => {
    process.stdout.once("data", (piece: Buffer) => resolve(piece.toString().split("\n")));
  });
  await remote.close();
  expect(await remote.lost).toMatchObject({ code: "closed" });
  await expect(process.ended).rejects.toMatchObject({ code: "link_lost" });
  const other = await openRemoteMachine({ client: command.client, id });
  onTestFinished(() => other.close());
  const waiting = await other.machine.start({ command: `while kill -0 ${pid}; do sleep 0.05; done` });
  expect(await waiting.ended).toEqual({ code: 0 });
});
