// A headless Chromium that runs one page of ours and sends back what came of it.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, type Rolldown } from "vite";

/** Where Chromium is on this machine, if it is. */
export const chromium: string | undefined = findChromium();

/** Say aloud that there is none, or fail where it is required. */
export function skipWithoutChromium(skip: (why: string) => void): void {
  if (chromium !== undefined) return;
  if (process.env["HOLDFAST_REQUIRE_PEERS"] === "1")
    throw new Error("chromium is required here and is not installed (Debian package: chromium)");
  skip("no chromium on this machine (Debian package: chromium)");
}

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--remote-debugging-port=0",
];

export class Page {
  /** What the page posted to `/result`. */
  readonly result: Promise<unknown>;
  /** Serves the page; WebSocket servers may be attached to it. */
  readonly server: Server;
  readonly #profile: string = mkdtempSync(join(tmpdir(), "holdfast-chromium-"));
  readonly #code: string;
  /** One for each path that somebody waits for. */
  readonly #posts = new Map<string, (value: unknown) => void>();
  #browser: ChildProcess | undefined;

  /** `entry` is the page's script, as a path in this repository. */
  static async bundle(entry: string): Promise<Page> {
    const built = (await build({
      configFile: false,
      logLevel: "silent",
      resolve: { conditions: ["@holdfast/source", "browser", "import", "default"] },
      build: { write: false, lib: { entry, formats: ["es"], fileName: "page" } },
    })) as Rolldown.RolldownOutput[];
    return new Page(built[0]?.output[0].code ?? "");
  }

  private constructor(code: string) {
    this.#code = code;
    this.result = this.posted("/result");
    this.server = createServer((request, response) => {
      if (request.url === "/page.js") {
        response.setHeader("content-type", "text/javascript").end(this.#code);
      } else if (request.method === "POST") {
        const settle = this.#posts.get(request.url ?? "");
        const chunks: Buffer[] = [];
        request.on("data", (chunk: Buffer) => chunks.push(chunk));
        request.on("end", () => {
          response.end();
          settle?.(JSON.parse(Buffer.concat(chunks).toString()));
        });
      } else {
        response.setHeader("content-type", "text/html").end('<script type="module" src="/page.js"></script>');
      }
    });
  }

  /** What the page posts there first. */
  posted(path: string): Promise<unknown> {
    return new Promise((resolve) => this.#posts.set(path, resolve));
  }

  /** The origin that the browser will see. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Open it in a browser of its own. `query` is what the page finds in its URL. */
  open(origin: string, query = ""): void {
    if (chromium === undefined) throw new Error("no chromium");
    const args = [...FLAGS, `--user-data-dir=${this.#profile}`, `${origin}/${query}`];
    // A group of its own: a browser is many processes, and all of them write into the profile.
    this.#browser = spawn(chromium, args, { stdio: "ignore", detached: true });
  }

  async close(): Promise<void> {
    const browser = this.#browser;
    if (browser !== undefined) {
      const gone = new Promise((resolve) => browser.once("exit", resolve));
      if (browser.pid !== undefined) process.kill(-browser.pid, "SIGKILL");
      await gone;
    }
    this.server.closeAllConnections();
    this.server.close();
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

function findChromium(): string | undefined {
  try {
    return execFileSync("sh", ["-c", "command -v chromium || command -v chromium-browser"], {
      encoding: "utf8",
    }).trim();
  } catch {
    return undefined;
  }
}
