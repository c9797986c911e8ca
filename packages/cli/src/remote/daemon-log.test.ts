import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { logLine } from "@holdfast/control/schemas";
import { openDaemonLog } from "./daemon-log.ts";

async function logPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "hf-log-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "daemon.log");
}

test("each record is a line of its own, for nobody else to read", async () => {
  const path = await logPath();
  const log = openDaemonLog(path);
  log.write({
    level: "info",
    event: "connection_state",
    id: 7,
    name: "server",
    message: "connected\n\u001B[2J",
  });
  log.write({ level: "error", event: "stopping" });
  log.close();
  const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
  expect(lines.map((line) => logLine.parse(JSON.parse(line)))).toMatchObject([
    { type: "log", level: "info", id: 7, name: "server", message: "connected\n\u001B[2J" },
    { type: "log", level: "error", event: "stopping" },
  ]);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test("a file that has grown is put aside, and only a few are kept", async () => {
  const path = await logPath();
  const log = openDaemonLog(path, { maxBytes: 1_000, keptFiles: 2 });
  for (let number = 0; number < 100; number++) {
    log.write({ level: "info", event: "tick", message: `number ${number}` });
  }
  log.close();
  const folder = join(path, "..");
  expect((await readdir(folder)).toSorted()).toEqual(["daemon.log", "daemon.log.1", "daemon.log.2"]);
  for (const name of await readdir(folder)) {
    expect((await stat(join(folder, name))).size).toBeLessThan(1_300);
  }
  expect(await readFile(path, "utf8")).toContain("number 99");
});
