// Machines of the daemon as commands use them: by sessions, on its session socket.
import { chmod } from "node:fs/promises";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { nodeCrypto, unix } from "@holdfast/net/node";
import { openSession, type SessionLine } from "@holdfast/net/session";
import { hostPlugin, sessionMachine, type SessionMachine } from "@holdfast/remote";
import { ScriptedPlugin } from "./scripted.ts";
import { newPlace, until, type Command } from "./stage.ts";

async function machineOf(
  command: Command,
  id: number,
): Promise<{ machine: SessionMachine; line: SessionLine }> {
  const { session_socket: path, machine: name } = await command.client.ask({ type: "attach", id });
  let machine: SessionMachine | undefined = undefined;
  const line = openSession({
    dial: unix({ path }),
    crypto: nodeCrypto(),
    onSession: (session) => (machine = sessionMachine(session, { name })),
    onStream: (stream) => void machine?.take(stream),
  });
  onTestFinished(() => line.close());
  await line.line.ready();
  return { machine: await until(() => machine), line };
}

test("processes and files of each connection, by its id", async () => {
  const place = await newPlace();
  await place.start();
  const command = await place.command();
  const id = await command.connected();
  const { machine } = await machineOf(command, id);
  const process = await machine.start({ command: ["echo", "over the daemon"] });
  expect(await text(process.stdout)).toBe("over the daemon\n");
  expect(await process.ended).toEqual({ code: 0 });
  await machine.files.write(`${place.folder}/file`, Buffer.from("bytes"));
  expect(Buffer.from(await machine.files.read(`${place.folder}/file`)).toString()).toBe("bytes");
});

test("what was started over a connection ends with it", async () => {
  const place = await newPlace();
  await place.start();
  const command = await place.watcher();
  const id = await command.connected();
  const { machine } = await machineOf(command, id);
  const process = await machine.start({ command: ["sleep", "1000"] });
  const ended = process.ended.then(
    (end) => end.signal ?? "ended",
    (thrown: { code: string }) => thrown.code,
  );
  await command.client.disconnect(id);
  expect(await ended).toBe("link_lost");
  await until(() => command.about(id).includes("connection_removed"));
  // While what ran there is being ended it is closed; then nobody knows it.
  const gone: unknown = expect.stringMatching(/^(closed|unsupported)$/);
  await expect(machine.systemInfo()).rejects.toMatchObject({ code: gone });
});

test("a request waits for the link, and is told when none comes", async () => {
  const place = await newPlace();
  const scripted = new ScriptedPlugin();
  place.plugins = [scripted.plugin, hostPlugin()];
  await place.start();
  const command = await place.command();
  const { id } = await command.connect("scripted://there", { background: true });
  const { machine } = await machineOf(command, id);
  const info = machine.systemInfo().catch((thrown: { code: string }) => thrown.code);
  await (await scripted.of("there")).dial(1);
  await command.client.disconnect(id);
  expect(await info).toBe("closed");
});

test("what a killed command had started is ended", async () => {
  const place = await newPlace();
  await place.start({ limits: { sessionResumeMs: 100 } });
  const command = await place.command();
  const id = await command.connected();
  const { machine, line } = await machineOf(command, id);
  const process = await machine.start({
    command: [
      "sh",
      "-c",
      `trap 'echo ended > ${place.folder}/end; exit' TERM HUP; echo ready; while :; do sleep 0.05; done`,
    ],
  });
  await new Promise((resolve) => process.stdout.once("data", resolve));
  // As its death does: the socket breaks, and nobody comes back.
  const other = await machineOf(command, id);
  void line.line.close();
  await until(() => other.machine.files.exists(`${place.folder}/end`));
});

test("machines that are not there are not served, and what is no session is dropped", async () => {
  const place = await newPlace();
  const daemon = await place.start();
  const command = await place.command();
  await expect(command.client.ask({ type: "attach", id: 1 })).rejects.toMatchObject({ code: "unknown_id" });
  let machine: SessionMachine | undefined = undefined;
  const line = openSession({
    dial: unix({ path: daemon.sessionSocket }),
    crypto: nodeCrypto(),
    onSession: (session) => (machine = sessionMachine(session, { name: "77" })),
  });
  onTestFinished(() => line.close());
  await line.line.ready();
  await expect((await until(() => machine)).systemInfo()).rejects.toMatchObject({ code: "unsupported" });
  const socket = connect(daemon.sessionSocket);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.on("error", () => undefined);
  socket.write("GET / HTTP/1.1\r\n\r\n");
  await closed;
  await chmod(daemon.sessionSocket, 0o600);
});
