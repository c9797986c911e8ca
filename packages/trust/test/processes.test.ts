// Real processes on the same files at once: what a lock within one process could not show.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadOwnerKey, loadRelayIdentity, openKnownRelays } from "@holdfast/trust";
import { rolldown } from "rolldown";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { TestClock, temporaryFolder } from "./fixture.ts";

const PROCESSES = 4;
let code = "";

beforeAll(async () => {
  const bundle = await rolldown({
    input: fileURLToPath(import.meta.resolve("./one-of-many.ts", import.meta.url)),
    platform: "node",
    resolve: { conditionNames: ["@holdfast/source"] },
    external: /^node:/,
  });
  const { output } = await bundle.generate({ format: "es", codeSplitting: false });
  await bundle.close();
  code = output[0].code;
});

interface Child {
  /** Resolves when it runs; nothing is touched yet. */
  readonly ready: Promise<unknown>;
  start(): void;
  stop(): void;
  /** What it printed, once it has ended by itself. */
  readonly printed: Promise<string>;
  readonly gone: Promise<unknown>;
}

async function program(): Promise<string> {
  const path = join(await temporaryFolder(), "one-of-many.mjs");
  await writeFile(path, code);
  return path;
}

function run(path: string, ...args: string[]): Child {
  const child = spawn(process.execPath, [path, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let out = "";
  const ready = new Promise<void>((resolve) => {
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
      if (out.includes("ready\n")) resolve();
    });
  });
  const gone = once(child, "close");
  return {
    ready,
    start: () => child.stdin.end(),
    stop: () => void child.kill("SIGKILL"),
    printed: gone.then(() => out.replace("ready\n", "").trim()),
    gone,
  };
}

/** Start them together and wait for all. */
async function together(...args: string[]): Promise<string[]> {
  const path = await program();
  const children = Array.from({ length: PROCESSES }, (_, i) => run(path, ...args, String(i)));
  await Promise.all(children.map(({ ready }) => ready));
  for (const child of children) child.start();
  return await Promise.all(children.map(({ printed }) => printed));
}

test("processes that make an owner key at once get the same one", async () => {
  const file = join(await temporaryFolder(), "state", "owner.key");
  const printed = await together("owner", file);
  expect(new Set(printed).size).toBe(1);
  expect(printed[0]).toBe(Buffer.from(await loadOwnerKey(file)).toString("hex"));
});

test("processes that set a damaged owner key aside at once get the same new one", async () => {
  const folder = await temporaryFolder();
  const file = join(folder, "owner.key");
  await writeFile(file, "damaged", { mode: 0o600 });
  const printed = await together("owner", file);
  expect(new Set(printed).size).toBe(1);
  expect(printed[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(printed[0]).toBe(Buffer.from(await loadOwnerKey(file)).toString("hex"));
  expect((await readdir(folder)).filter((name) => name.includes(".corrupt-"))).toHaveLength(1);
});

test("relays that start at once in one folder are one", async () => {
  const folder = join(await temporaryFolder(), "relay");
  const printed = await together("relay", folder);
  const identity = await loadRelayIdentity(folder, { clock: new TestClock() });
  expect(printed).toEqual(Array.from({ length: PROCESSES }, () => identity.current().fingerprint));
});

test("no relay that was remembered is lost, though processes are killed in the middle", async () => {
  const path = join(await temporaryFolder(), "known_relays");
  const killed = run(await program(), "known", path, "9");
  await killed.ready;
  killed.start();
  const relays = openKnownRelays({ path, clock: new TestClock() });
  await expect.poll(async () => (await relays.all()).length, { timeout: 20_000 }).toBeGreaterThan(2);
  killed.stop();
  await killed.gone;
  const before = await relays.all();
  const printed = await together("known", path);
  expect(printed).toEqual(Array.from({ length: PROCESSES }, () => "25"));
  const names = new Set((await relays.all()).map(({ relay }) => relay));
  for (const { relay } of before) expect(names).toContain(relay);
  for (let child = 0; child < PROCESSES; child++) {
    for (let i = 0; i < 25; i++) expect(names).toContain(`process-${child}-${i}:7836`);
  }
});
