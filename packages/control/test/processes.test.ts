// Many processes, found by their sockets: the ones that live, the ones that crashed, the ones that are slow.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { dialControl, findProcesses, holdfastPaths, listEntries, watchProcesses } from "../src/index.ts";
import type { Push } from "../src/index.ts";
import { connected, host, temporaryFolder } from "./fixture.ts";

test("the folder is 0700, the socket 0600, and neither is left behind", async () => {
  const runtimeFolder = join(await temporaryFolder(), "deep", "run");
  const control = await host({ runtimeFolder, name: "../expose 3000" });
  expect((await stat(runtimeFolder)).mode & 0o777).toBe(0o700);
  expect((await stat(control.socketPath!)).mode & 0o777).toBe(0o600);
  expect(await readdir(runtimeFolder)).toEqual([`..-expose-3000-${process.pid}.sock`]);
  await control.close();
  await control.close();
  expect(await readdir(runtimeFolder)).toEqual([]);
});

test("a folder that others can enter, a link or a path too long is refused", async () => {
  const folder = await temporaryFolder();
  const open = join(folder, "open");
  await mkdir(open);
  await chmod(open, 0o755);
  await expect(host({ runtimeFolder: open })).rejects.toMatchObject({
    code: "unsafe_folder",
    hint: /chmod 700/,
  });
  await expect(findProcesses(open)).rejects.toMatchObject({ code: "unsafe_folder" });
  await mkdir(join(folder, "real"), { mode: 0o700 });
  await symlink(join(folder, "real"), join(folder, "link"));
  await expect(host({ runtimeFolder: join(folder, "link") })).rejects.toMatchObject({
    code: "unsafe_folder",
  });
  await expect(host({ runtimeFolder: join(folder, "x".repeat(120)) })).rejects.toMatchObject({
    code: "path_too_long",
  });
  await writeFile(join(folder, "file"), "");
  await expect(host({ runtimeFolder: join(folder, "file") })).rejects.toMatchObject({
    code: "cannot_make_folder",
  });
  await symlink(join(folder, "nowhere"), join(folder, "dangling"));
  await expect(host({ runtimeFolder: join(folder, "dangling", "run") })).rejects.toMatchObject({
    code: "cannot_make_folder",
  });
});

test.runIf(process.platform === "linux")(
  "a place where no folder can be made is an error, not an endless loop",
  async () => {
    await expect(host({ runtimeFolder: "/proc/nope/run" })).rejects.toMatchObject({
      code: "cannot_make_folder",
      text: "cannot make the folder /proc/nope/run: no folder can be made there",
    });
  },
);

test("entries of several hosts are merged and each is steered through its own", async () => {
  const runtimeFolder = join(await temporaryFolder(), "run");
  const reconnect = vi.fn();
  (await host({ runtimeFolder, name: "a" })).add({ kind: "connection", name: "a", status: connected });
  (await host({ runtimeFolder, name: "b" })).add({
    kind: "connection",
    name: "b",
    status: connected,
    reconnect,
  });
  const { clients, silent } = await findProcesses(runtimeFolder);
  expect(silent).toEqual([]);
  const listed = await listEntries(clients);
  expect(listed.map(({ entry }) => entry.name).toSorted()).toEqual(["a", "b"]);
  const b = listed.find(({ entry }) => entry.name === "b")!;
  await b.client.reconnect(b.entry.id);
  expect(reconnect).toHaveBeenCalledOnce();
  await expect(b.client.reconnect(99)).rejects.toMatchObject({ code: "unknown_id", fault: "peer" });
  for (const client of clients) client.close();
});

test("two hosts of one process get sockets of their own, also under one name", async () => {
  const runtimeFolder = join(await temporaryFolder(), "run");
  const first = await host({ runtimeFolder });
  const second = await host({ runtimeFolder });
  expect(first.socketPath).not.toBe(second.socketPath);
});

test("the socket of a crashed process is removed, one of a living process never", async () => {
  const runtimeFolder = join(await temporaryFolder(), "run");
  await host({ runtimeFolder });
  const child = spawn(process.execPath, ["-e", ""]);
  const pid = child.pid!;
  await once(child, "exit");
  const leave = async (name: string): Promise<void> => {
    // Binding, then removing the server's chance to unlink, is what a crash looks like.
    const crash = `const s=require("net").createServer().listen(${JSON.stringify(join(runtimeFolder, name))},()=>process.kill(process.pid,"SIGKILL"))`;
    await once(spawn(process.execPath, ["-e", crash]), "exit");
  };
  await leave(`crashed-${pid}.sock`);
  await leave(`starting-${process.ppid}.sock`);
  expect(await readdir(runtimeFolder)).toHaveLength(3);
  const { clients, silent } = await findProcesses(runtimeFolder);
  expect(clients).toHaveLength(1);
  expect(silent).toMatchObject([{ pid: process.ppid, error: { code: "connection_refused" } }]);
  expect((await readdir(runtimeFolder)).filter((name) => name.startsWith("crashed"))).toEqual([]);
  for (const client of clients) client.close();
});

test("a process that accepts and says nothing, or garbage, is reported and holds nobody up", async () => {
  const runtimeFolder = join(await temporaryFolder(), "run");
  await host({ runtimeFolder });
  for (const [name, says] of [
    ["mute", ""],
    ["odd", '{"type":"hello","schema":2,"pid":1}\n'],
    ["rude", "GET /\n"],
  ]) {
    const server = createServer((socket) => void socket.on("error", () => undefined).write(says!));
    await new Promise<void>((resolve) => server.listen(join(runtimeFolder, `${name}-1.sock`), resolve));
    onTestFinished(() => void server.close());
  }
  const { clients, silent } = await findProcesses(runtimeFolder, { timeoutMs: 200 });
  expect(clients).toHaveLength(1);
  expect(silent.map(({ error }) => error.code).toSorted()).toEqual([
    "bad_json",
    "timed_out",
    "unsupported_schema",
  ]);
  for (const client of clients) client.close();
});

test("a client whose process ends fails its requests and does not hang", async () => {
  const control = await host();
  const client = await dialControl(control.socketPath!);
  await control.close();
  await client.closed;
  await expect(client.list()).rejects.toMatchObject({ code: "connection_closed" });
});

test("a watch hears those who are there, those who come later, and those who come back", async () => {
  const runtimeFolder = join(await temporaryFolder(), "run");
  const pushes: Push[] = [];
  const gone: number[] = [];
  const names = (): string[] =>
    pushes.flatMap((push) => (push.type === "snapshot" ? push.entries.map((entry) => entry.name) : []));
  const first = await host({ runtimeFolder, name: "first" });
  first.add({ kind: "connection", name: "first", status: connected });
  const watch = watchProcesses({
    runtimeFolder,
    intervalMs: 10,
    onPush: (push) => pushes.push(push),
    onGone: (client) => gone.push(client.hello.pid),
  });
  onTestFinished(() => watch.close());
  await watch.started;
  expect(names()).toEqual(["first"]);
  const later = await host({ runtimeFolder, name: "later" });
  later.add({ kind: "connection", name: "later", status: connected });
  await vi.waitFor(() => expect(names()).toContain("later"), 10_000);
  await first.close();
  await vi.waitFor(() => expect(gone).toHaveLength(1), 10_000);
  const again = await host({ runtimeFolder, name: "first" });
  again.add({ kind: "connection", name: "again", status: connected });
  await vi.waitFor(() => expect([...names(), ...eventNames(pushes)]).toContain("again"), 10_000);
});

function eventNames(pushes: readonly Push[]): string[] {
  return pushes.flatMap((push) => (push.type === "event" ? [push.event.name] : []));
}

test("HOLDFAST_HOME moves all three places, otherwise XDG does", () => {
  expect(holdfastPaths({ HOLDFAST_HOME: "/h" })).toEqual({
    configFile: "/h/config.toml",
    stateFolder: "/h/state",
    runtimeFolder: "/h/run",
  });
  const xdg = { XDG_CONFIG_HOME: "/c", XDG_STATE_HOME: "/s", XDG_RUNTIME_DIR: "/r", HOME: "/home/me" };
  expect(holdfastPaths(xdg)).toEqual({
    configFile: "/c/holdfast/config.toml",
    stateFolder: "/s/holdfast",
    runtimeFolder: "/r/holdfast",
  });
  expect(holdfastPaths({ HOME: "/home/me", XDG_RUNTIME_DIR: "relative" })).toEqual({
    configFile: "/home/me/.config/holdfast/config.toml",
    stateFolder: "/home/me/.local/state/holdfast",
    runtimeFolder: `/tmp/holdfast-${process.getuid?.()}`,
  });
});
