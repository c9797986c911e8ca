// One daemon for each user, in folders that are that user's alone.
import { chmod, chown, mkdir, readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newPlace } from "./stage.ts";

test("a second daemon is refused, and harms the first in nothing", async () => {
  const place = await newPlace();
  await place.start();
  const command = await place.command();
  const id = await command.connected();
  await expect(place.start()).rejects.toMatchObject({ code: "already_running", kind: "fatal" });
  await command.reaches(id, "connected");
  expect(await command.client.list()).toHaveLength(2);
});

test("of several that begin at once, one wins", async () => {
  const place = await newPlace();
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => place.start()));
  const lost = results.filter((result) => result.status === "rejected");
  expect(lost.map(({ reason }) => (reason as { code: string }).code)).toEqual(
    Array(7).fill("already_running"),
  );
  const command = await place.command();
  await command.connected();
});

test("after one has ended in order nothing of it is left, and the next begins", async () => {
  const place = await newPlace();
  const first = await place.start();
  await (await place.command()).connected();
  await first.close();
  await first.ended;
  expect(await readdir(place.runtimeFolder)).toEqual([]);
  const second = await place.start();
  await second.close();
});

test("a state folder has one daemon, also with another runtime folder, and is free when that has gone", async () => {
  const place = await newPlace();
  const first = await place.start();
  const elsewhere = { runtimeFolder: join(place.folder, "elsewhere") };
  await expect(place.start(elsewhere)).rejects.toMatchObject({
    code: "already_running",
    message: expect.stringContaining(first.sessionSocket),
  });
  await first.close();
  await writeFile(join(place.stateFolder, "daemon", "running.json"), '{"session_socket":"/nowhere"}', {
    mode: 0o600,
  });
  const second = await place.start(elsewhere);
  await second.close();
  await place.start();
});

test("the socket of one that was killed is taken over", async () => {
  const place = await newPlace();
  await (await place.start()).close();
  const path = join(place.runtimeFolder, "machines.sock");
  const code = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  await once(spawn(process.execPath, ["-e", code]), "exit");
  expect(await readdir(place.runtimeFolder)).toContain("machines.sock");
  await place.start();
  await (await place.command()).connected();
});

test("a socket that another program listens on is left to it", async () => {
  const place = await newPlace();
  await (await place.start()).close();
  const server = createServer();
  const path = join(place.runtimeFolder, "machines.sock");
  await new Promise<void>((resolve) => server.listen(path, resolve));
  await expect(place.start()).rejects.toMatchObject({ code: "already_running" });
  expect(server.listening).toBe(true);
  server.close();
});

test.each(["runtimeFolder", "stateFolder"] as const)(
  "a %s that others can write to is refused",
  async (which) => {
    const place = await newPlace();
    await mkdir(place[which], { mode: 0o700 });
    await chmod(place[which], 0o770);
    await expect(place.start()).rejects.toMatchObject({ code: "unsafe_folder", kind: "fatal" });
  },
);

test.runIf(process.getuid?.() === 0)(
  "a folder of somebody else is refused (needs root to make one)",
  async () => {
    const place = await newPlace();
    await mkdir(place.runtimeFolder, { mode: 0o700 });
    await chown(place.runtimeFolder, 12_345, 12_345);
    await expect(place.start()).rejects.toMatchObject({ code: "unsafe_folder" });
  },
);

test("one that could not begin lets go of the lock", async () => {
  const place = await newPlace();
  await (await place.start()).close();
  await chmod(place.stateFile, 0o666);
  await expect(place.start()).rejects.toMatchObject({ code: "unsafe_file" });
  await chmod(place.stateFile, 0o600);
  await place.start();
});
