// An engine that answers as a test wants, on a unix socket: what no real one does on demand.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** `undefined`: no answer at all. */
export type Answer = { readonly status: number; readonly body?: unknown } | undefined;
/** What an exec does with its connection; its exit code is looked up afterwards. */
export type Play = (socket: Socket, command: readonly string[], exec: string) => void;

export const frame = (output: 1 | 2, text: string | Buffer): Buffer => {
  const bytes = Buffer.from(text as string);
  const header = Buffer.alloc(8);
  header[0] = output;
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
};

export class FakeEngine {
  readonly socket: string;
  /** By method and the end of the path; the rest has answers that suit a container that runs. */
  readonly answers = new Map<string, (url: string) => Answer>();
  readonly asked: string[] = [];
  readonly eventStreams: ServerResponse[] = [];
  /** Reports on pulls, which the test writes and ends. */
  readonly pulls: ServerResponse[] = [];
  play: Play = (socket) => socket.end();
  execState: unknown = { Running: false, ExitCode: 0 };
  /** Of single execs. */
  readonly execStates = new Map<string, unknown>();
  /** What the container has to make connections with. */
  connectors: readonly string[] = [];
  running = true;
  startedAt = "then";
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #commands = new Map<string, readonly string[]>();
  #execs = 0;

  constructor() {
    const folder = mkdtempSync(join(tmpdir(), "holdfast-engine-"));
    this.socket = join(folder, "engine.sock");
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.on("upgrade", (request, socket: Socket) => this.#upgrade(request, socket));
    this.#server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => undefined).once("close", () => this.#sockets.delete(socket));
    });
    onTestFinished(() => {
      this.stop();
      rmSync(folder, { recursive: true, force: true });
    });
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(this.socket, resolve));
    return this;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const { method = "", url = "" } = request;
    this.asked.push(`${method} ${url}`);
    if (url.endsWith("/exec")) {
      this.#commands.set(`e${++this.#execs}`, (JSON.parse(body) as { Cmd: readonly string[] }).Cmd);
    }
    const given = [...this.answers].find(([key]) => `${method} ${url.split("?")[0]}`.endsWith(key))?.[1];
    const streams = url.startsWith("/events")
      ? this.eventStreams
      : url.startsWith("/images/create")
        ? this.pulls
        : undefined;
    if (given === undefined && streams !== undefined) {
      streams.push(response);
      response.writeHead(200).flushHeaders();
      return;
    }
    const answer = given === undefined ? this.#usual(url) : given(url);
    if (answer === undefined) return;
    response.writeHead(answer.status, { "content-type": "application/json" });
    response.end(answer.body === undefined ? "" : JSON.stringify(answer.body));
  }

  #usual(url: string): Answer {
    if (url.startsWith("/_ping")) return { status: 200, body: "OK" };
    if (url.endsWith("/exec")) return { status: 201, body: { Id: `e${this.#execs}` } };
    if (url.startsWith("/exec/")) {
      return { status: 200, body: this.execStates.get(url.split("/")[2] ?? "") ?? this.execState };
    }
    const State = { Running: this.running, Paused: false, StartedAt: this.startedAt };
    return { status: 200, body: { Id: "c1", Name: "/box", State, Config: {} } };
  }

  #upgrade(request: IncomingMessage, socket: Socket): void {
    this.asked.push(`${request.method} ${request.url}`);
    socket.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    const exec = request.url?.split("/")[2] ?? "";
    const command = this.#commands.get(exec) ?? [];
    const has = this.connectors.map((name) => `has=${name}\n`).join("");
    const answer = `directory=/\nuser=me\nshell=/bin/sh\nos=Linux\nmachine=x86_64\n${has}`;
    if (command.join(" ").includes("uname -m")) socket.end(frame(1, answer));
    else this.play(socket, command, exec);
  }
}
