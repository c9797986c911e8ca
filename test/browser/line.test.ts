// The engine and its driver run unchanged in a browser: a line over WebSocket comes back after every cut.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, type Rolldown } from "vite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocketServer } from "ws";

const chromium = findChromium();
const required = process.env["HOLDFAST_REQUIRE_PEERS"] === "1";
const CUTS = 3;

let server: Server;
let result: Promise<unknown>;
let browser: ChildProcess | undefined;
let profile = "";

function findChromium(): string | undefined {
  try {
    return execFileSync("sh", ["-c", "command -v chromium || command -v chromium-browser"], {
      encoding: "utf8",
    }).trim();
  } catch {
    return undefined;
  }
}

async function bundle(): Promise<string> {
  const built = (await build({
    configFile: false,
    logLevel: "silent",
    resolve: { conditions: ["@holdfast/source", "browser", "import", "default"] },
    build: {
      write: false,
      lib: { entry: "test/browser/page.ts", formats: ["es"], fileName: "page" },
    },
  })) as Rolldown.RolldownOutput[];
  return built[0]?.output[0].code ?? "";
}

beforeAll(async () => {
  if (chromium === undefined) return;
  const code = await bundle();
  let settle: (value: unknown) => void = () => undefined;
  result = new Promise((resolve) => (settle = resolve));
  server = createServer((request, response) => {
    if (request.url === "/page.js") {
      response.setHeader("content-type", "text/javascript").end(code);
    } else if (request.url === "/result") {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        response.end();
        settle(JSON.parse(Buffer.concat(chunks).toString()));
      });
    } else {
      response.setHeader("content-type", "text/html").end('<script type="module" src="/page.js"></script>');
    }
  });
  let cuts = 0;
  new WebSocketServer({ server, path: "/line" }).on("connection", (socket) => {
    socket.on("message", () => {
      if (cuts++ < CUTS) socket.terminate();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  profile = mkdtempSync(join(tmpdir(), "holdfast-chromium-"));
  const { port } = server.address() as AddressInfo;
  browser = spawn(
    chromium,
    [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--user-data-dir=${profile}`,
      "--remote-debugging-port=0",
      `http://127.0.0.1:${port}/`,
    ],
    // A group of its own: a browser is many processes, and all of them write into the profile.
    { stdio: "ignore", detached: true },
  );
});

afterAll(async () => {
  if (browser !== undefined) {
    const gone = new Promise((resolve) => browser?.once("exit", resolve));
    if (browser.pid !== undefined) process.kill(-browser.pid, "SIGKILL");
    await gone;
  }
  server?.closeAllConnections();
  server?.close();
  if (profile !== "") rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

it("a line in Chromium comes back after three cuts", async ({ skip }) => {
  if (chromium === undefined) {
    if (required)
      throw new Error("chromium is required here and is not installed (Debian package: chromium)");
    skip("no chromium on this machine (Debian package: chromium)");
  }
  expect(await result).toEqual({
    epoch: CUTS + 1,
    codes: expect.arrayContaining([CUTS + 1, 0]) as unknown,
    states: ["connected", "connecting", "reconnecting"],
    reason: "closed",
  });
});
