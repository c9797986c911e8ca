// A daemon that is killed, and the next one.
import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { echoPort, newPlace, type Place } from "./stage.ts";

let program = "";

beforeAll(async () => {
  const bundle = await rolldown({
    input: fileURLToPath(new URL("./child.ts", import.meta.url)),
    platform: "node",
    resolve: { conditionNames: ["@holdfast/source"] },
    external: (name) => !name.startsWith(".") && !name.startsWith("/") && !name.startsWith("@holdfast/"),
  });
  const { output } = await bundle.generate({ format: "es", codeSplitting: false });
  await bundle.close();
  program = output.find((each) => each.type === "chunk")?.code ?? "";
});

interface Child {
  readonly child: ChildProcess;
  readonly pid: number;
}

async function startChild(place: Place): Promise<Child> {
  const args = ["--input-type=module", "-", place.runtimeFolder, place.stateFolder];
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const child = spawn(process.execPath, args, { cwd, stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(program);
  onTestFinished(() => void child.kill("SIGKILL"));
  const [code] = await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
  if (typeof code === "number") throw new Error(`the daemon ended with ${code}`);
  return { child, pid: child.pid ?? 0 };
}

async function kill({ child }: Child, signal: NodeJS.Signals): Promise<unknown> {
  const ended = once(child, "exit");
  child.kill(signal);
  return (await ended)[0];
}

test("after kill -9 everything that was answered for is back, under the same ids and ports", async () => {
  const place = await newPlace();
  const child = await startChild(place);
  const command = await place.command(child.pid);
  const id = await command.connected();
  const target = { host: "127.0.0.1", port: await echoPort() };
  const listen = { host: "127.0.0.1", port: 0 };
  const forward = await command.forward({ connection: id, direction: "local", listen, target });
  const entry = await command.forwardEntry(forward.id);
  const unkept = {
    connection: id,
    direction: "local",
    listen,
    target,
    kept: false,
    key: randomUUID(),
  } as const;
  const fleeting = await command.forward(unkept);
  const fleetingEntry = await command.forwardEntry(fleeting.id);
  await kill(child, "SIGKILL");
  await command.client.closed;
  expect(await readdir(place.runtimeFolder)).toContain("machines.sock");

  const second = await startChild(place);
  const next = await place.command(second.pid);
  await next.reaches(id, "connected");
  await next.reaches(forward.id, "listening");
  expect((await next.forwardEntry(forward.id)).listen).toEqual(entry.listen);
  // What only its command keeps is there again when the command asks for it again.
  await expect(next.client.status(fleeting.id)).rejects.toMatchObject({ code: "unknown_id" });
  expect(await next.forward(unkept)).toMatchObject({ id: fleeting.id, joined: false });
  expect((await next.forwardEntry(fleeting.id)).listen).toEqual(fleetingEntry.listen);
});

test("after kill -9 right behind the answer the id is nobody else's, and its command gets it again", async () => {
  const place = await newPlace();
  const child = await startChild(place);
  const command = await place.command(child.pid);
  const key = randomUUID();
  const { id } = await command.connect("host://localhost", { key });
  await kill(child, "SIGKILL");
  const second = await startChild(place);
  const next = await place.command(second.pid);
  const other = await next.connect("host://localhost", { new: true });
  expect(other.id).toBeGreaterThan(id);
  expect(await next.connect("host://localhost", { key })).toMatchObject({ id });
  await next.reaches(id, "connected");
});

test("a process whose daemon has ended in order can exit: nothing of it is left", async () => {
  const place = await newPlace();
  const child = await startChild(place);
  const command = await place.command(child.pid);
  const id = await command.connected();
  await command.forward({ connection: id, direction: "dynamic", listen: { host: "127.0.0.1", port: 0 } });
  expect(await kill(child, "SIGTERM")).toBe(0);
  expect(await readdir(place.runtimeFolder)).toEqual([]);
});
