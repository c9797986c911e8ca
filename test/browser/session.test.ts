// A session from a real browser, through its WebSocket to a real relay: the link is cut again and again, and visitors
// whose service is the page lose nothing.
import { createHash, randomBytes } from "node:crypto";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startFaultyProxy } from "@holdfast/net/testing";
import { expect, it, onTestFinished } from "vitest";
import { Page, skipWithoutChromium } from "./chromium.ts";

const MEGABYTES = 24;
const CUTS = 6;
const MAIN = join(import.meta.dirname, "..", "..", "packages", "cli", "dist", "main.js");

/** The built command. @returns the port that it listens on. */
async function startRelay(origin: string): Promise<number> {
  const home = mkdtempSync(join(tmpdir(), "holdfast-browser-"));
  const args = [
    "relay",
    "--json",
    "--port",
    "0",
    "--no-bore",
    "--ports",
    "20000-29999",
    "--allow-origin",
    origin,
  ];
  const env = { PATH: process.env["PATH"], HOLDFAST_HOME: home };
  const relay = spawn(process.execPath, [MAIN, ...args], { env, stdio: ["ignore", "pipe", "inherit"] });
  const gone = new Promise((resolve) => relay.once("exit", resolve));
  onTestFinished(async () => {
    relay.kill("SIGKILL");
    await gone;
    rmSync(home, { recursive: true, force: true });
  });
  for await (const text of createInterface({ input: relay.stdout })) {
    const line = JSON.parse(text) as { type: string; addresses?: string[] };
    if (line.type === "ready") return Number(/:(\d+)$/.exec(line.addresses?.[0] ?? "")?.[1]);
  }
  throw new Error("the relay ended");
}

/** Send all, read all; what comes back and how it ended. */
function exchange(port: number, bytes: Buffer, onBytes: (count: number) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const hash = createHash("sha256");
    let count = 0;
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("data", (chunk: Buffer) => {
      hash.update(chunk);
      onBytes((count += chunk.length));
    });
    socket.on("end", () => resolve(`${count} ${hash.digest("hex")}`));
    socket.on("error", reject);
    socket.end(bytes);
  });
}

it("a session in Chromium survives the cuts of its link, and loses no byte", async ({ skip }) => {
  skipWithoutChromium(skip);
  const page = await Page.bundle("test/browser/session-page.ts");
  onTestFinished(() => page.close());
  const origin = await page.listen();
  const relayPort = await startRelay(origin);
  const proxy = await startFaultyProxy({ target: { host: "127.0.0.1", port: relayPort } });
  onTestFinished(() => proxy.close());
  const bound = page.posted("/port");
  const { port: proxyPort } = proxy.endpoint as { port: number };
  page.open(origin, `?relay=ws://127.0.0.1:${proxyPort}/`);
  const { port } = (await bound) as { port: number };
  const bytes = randomBytes(MEGABYTES * 1_048_576);
  let cuts = 0;
  const answer = await exchange(port, bytes, (count) => {
    // In the middle of it, at different places each time.
    if (cuts >= CUTS || count < ((cuts + 1) * bytes.length) / (CUTS + 2)) return;
    cuts += 1;
    void proxy.cut();
  });
  expect(answer).toBe(`${bytes.length} ${createHash("sha256").update(bytes).digest("hex")}`);
  expect(cuts).toBe(CUTS);
  await exchange(port, Buffer.from("bye"), () => undefined);
  expect(await page.result).toEqual({ epoch: CUTS + 1, sessions: 1, reason: "" });
});
