// A folder of its own for each test, a host with connections in it, and a raw client that checks every line.
import { mkdtemp, rm } from "node:fs/promises";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import type { EntryFields } from "../src/registry.ts";
import { openControl, type ControlHost, type ControlOptions } from "../src/index.ts";
import { message } from "../src/schemas/index.ts";

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-control-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function host(options: Partial<ControlOptions> = {}): Promise<ControlHost> {
  const runtimeFolder = options.runtimeFolder ?? join(await temporaryFolder(), "run");
  const opened = await openControl({ command: "expose", version: "0.1.0", ...options, runtimeFolder });
  onTestFinished(() => opened.close());
  return opened;
}

export function connected(change: Partial<EntryFields<"connection">> = {}): EntryFields<"connection"> {
  return {
    state: "connected",
    phase: null,
    epoch: 1,
    attempt: 0,
    failures: 0,
    since: "2026-11-22T08:00:00.000Z",
    last_heard: "2026-11-22T08:00:01.000Z",
    delay_ms: null,
    retry_at: null,
    draining: false,
    failure: null,
    reason: null,
    prompt: null,
    destination: "ssh://example",

    plugin: "ssh",
    liveness_timeout_ms: 15_000,
    kept: true,
    forwards: 0,
    ...change,
  };
}

/** Reads what the socket says line by line; every line is checked against the schemas. */
export class RawClient {
  readonly socket: Socket;
  readonly #lines: AsyncIterator<string>;

  constructor(path: string) {
    this.socket = createConnection({ path, allowHalfOpen: true });
    this.socket.on("error", () => undefined);
    this.#lines = createInterface({ input: this.socket })[Symbol.asyncIterator]();
    onTestFinished(() => {
      this.socket.destroy();
    });
  }

  send(...requests: readonly unknown[]): void {
    this.socket.write(requests.map((request) => `${JSON.stringify(request)}\n`).join(""));
  }

  /** The next line, or undefined at the end. */
  async next(): Promise<Record<string, unknown> | undefined> {
    const line = await this.#lines.next();
    if (line.done === true) return undefined;
    const value = JSON.parse(line.value) as Record<string, unknown>;
    message.parse(value);
    return value;
  }
}
