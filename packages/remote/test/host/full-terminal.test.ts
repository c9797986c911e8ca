// A terminal whose program does not read takes no more at some point: what is typed waits, in order and whole, and
// holds nothing else up.
import { createHash, randomBytes } from "node:crypto";
import { afterEach, expect, it } from "vitest";
import { until } from "../../src/compliance/demands.ts";
import type { Machine } from "../../src/plugin/machine.ts";
import type { Process } from "../../src/plugin/process.ts";
import { countHandles, dialHost } from "./arena.ts";

let machine: Machine | undefined;
afterEach(() => machine?.close());

const BYTES = 300_000;
/** Says when it takes bytes as they are, and reads none before it is told to. */
const LATE_READER = `stty raw -echo; trap 'head -c ${BYTES} | sha256sum; exit 4' USR1; echo ready; while :; do sleep 0.05; done`;

async function full(
  bytes: Buffer,
): Promise<{ process: Process; text: () => string; written: () => boolean }> {
  machine = await dialHost();
  const process = await machine.start({
    command: ["sh", "-c", LATE_READER],
    terminal: { rows: 24, columns: 80 },
  });
  let text = "";
  process.stdout.on("data", (piece: Buffer) => void (text += piece.toString()));
  await until(() => text.includes("ready"), "the program");
  let written = false;
  process.stdin.write(bytes, () => (written = true));
  return { process, text: () => text, written: () => written };
}

it("what is typed comes whole once the program reads", async () => {
  const bytes = randomBytes(BYTES);
  const { process, text, written } = await full(bytes);
  // While it is full other things go on.
  for (let i = 0; i < 20; i++) await machine?.ping();
  expect(await machine?.files.exists("/")).toBe(true);
  expect(written()).toBe(false);
  await process.signal("USR1");
  expect(await process.ended).toEqual({ code: 4 });
  expect(text()).toContain(createHash("sha256").update(bytes).digest("hex"));
  expect(written()).toBe(true);
});

it("the end of the link ends it all the same", async () => {
  // The library is loaded once, and that opens files.
  const warm = await full(Buffer.alloc(1));
  machine?.close();
  await expect(warm.process.ended).rejects.toMatchObject({ code: "link_lost" });
  const before = countHandles();
  const { process, written } = await full(randomBytes(BYTES));
  expect(written()).toBe(false);
  machine?.close();
  await expect(process.ended).rejects.toMatchObject({ code: "link_lost" });
  await until(() => process.stdin.closed && process.stdout.closed, "the end of its streams");
  await until(() => countHandles() <= before, "the end of all handles");
});
