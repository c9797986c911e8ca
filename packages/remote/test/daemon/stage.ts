// A daemon in a folder of its own, and commands that speak to it over its real sockets.
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  dialControl,
  type ConnectionEntry,
  type ControlClient,
  type ControlEvent,
  type Entry,
  type EventBody,
  type ForwardEntry,
  type Push,
  type QuestionPush,
  type Request,
} from "@holdfast/control";
import { socketPath } from "@holdfast/control";
import {
  hostPlugin,
  openDaemon,
  pluginRegistry,
  type Daemon,
  type DaemonLog,
  type DaemonOptions,
  type Plugin,
} from "@holdfast/remote";
import { onTestFinished } from "vitest";

export type ConnectWish = Omit<Extract<Request, { type: "connect" }>, "type" | "key"> & { key?: string };
export type ForwardWish = Omit<Extract<Request, { type: "forward" }>, "type" | "key"> & { key?: string };

export async function until<T>(
  condition: () => T | Promise<T>,
  patienceMs = 20_000,
): Promise<Exclude<T, false | undefined | null>> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const value = await condition();
    if (value !== false && value !== undefined && value !== null)
      return value as Exclude<T, false | undefined | null>;
    if (performance.now() > end) throw new Error(`not so after ${patienceMs} ms: ${String(condition)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** One command: its control connection, and all that it was told. */
export class Command {
  readonly client: ControlClient;
  readonly pushes: Push[];
  readonly questions: QuestionPush[];

  constructor(client: ControlClient, pushes: Push[], questions: QuestionPush[]) {
    this.client = client;
    this.pushes = pushes;
    this.questions = questions;
  }

  get events(): readonly EventBody[] {
    return this.pushes
      .filter((push): push is ControlEvent => push.type === "event")
      .map(({ event }) => event);
  }

  /** Types of the events about one id, with the states. */
  about(id: number): readonly string[] {
    return this.events
      .filter((event) => event.id === id)
      .map((event) => ("state" in event ? `${event.type} ${event.state}` : event.type));
  }

  connect(destination: string, wish: Partial<ConnectWish> = {}): Promise<{ id: number; joined: boolean }> {
    return this.client.ask({ type: "connect", key: randomUUID(), destination, ...wish });
  }

  forward(wish: ForwardWish): Promise<{ id: number; joined: boolean }> {
    return this.client.ask({ type: "forward", key: randomUUID(), ...wish });
  }

  async connection(id: number): Promise<ConnectionEntry> {
    const entry = await this.client.status(id);
    if (entry.type !== "connection") throw new Error(`${id} is a ${entry.type}`);
    return entry;
  }

  async forwardEntry(id: number): Promise<ForwardEntry> {
    const entry = await this.client.status(id);
    if (entry.type !== "forward") throw new Error(`${id} is a ${entry.type}`);
    return entry;
  }

  /** The entry, as soon as it is in this state. */
  reaches(id: number, state: Entry["state"]): Promise<Entry> {
    return until(async () => {
      const entry = await this.client.status(id);
      return entry.state === state && entry;
    });
  }

  /** A connection that is up. */
  async connected(destination = "host://localhost", wish: Partial<ConnectWish> = {}): Promise<number> {
    const { id } = await this.connect(destination, wish);
    await this.reaches(id, "connected");
    return id;
  }
}

export class Place {
  readonly folder: string;
  readonly logs: DaemonLog[] = [];
  plugins: readonly Plugin[] = [hostPlugin()];

  constructor(folder: string) {
    this.folder = folder;
  }

  get runtimeFolder(): string {
    return join(this.folder, "run");
  }

  get stateFolder(): string {
    return join(this.folder, "state");
  }

  get stateFile(): string {
    return join(this.stateFolder, "daemon", "connections.json");
  }

  async start(options: Partial<DaemonOptions> = {}): Promise<Daemon> {
    const { runtimeFolder, stateFolder } = this;
    const daemon = await openDaemon({
      plugins: pluginRegistry(this.plugins),
      runtimeFolder,
      stateFolder,
      version: "0.0.0",
      log: (record) => this.logs.push(record),
      ...options,
    });
    onTestFinished(() => daemon.close());
    return daemon;
  }

  async command(pid = process.pid): Promise<Command> {
    const pushes: Push[] = [];
    const questions: QuestionPush[] = [];
    const client = await dialControl(socketPath(this.runtimeFolder, "daemon", pid), {
      timeoutMs: 20_000,
      onPush: (push) => pushes.push(push),
      onQuestion: (question) => questions.push(question),
    });
    onTestFinished(() => client.close());
    return new Command(client, pushes, questions);
  }

  /** A command that hears of everything. */
  async watcher(pid = process.pid): Promise<Command> {
    const command = await this.command(pid);
    await command.client.subscribe(["all"]);
    return command;
  }
}

/** A folder of its own, gone after the test. */
export async function newPlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "hf-daemon-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return new Place(folder);
}

/** A port of this machine that answers with what it was sent. */
export async function echoPort(): Promise<number> {
  const server = createServer((socket) => socket.on("error", () => undefined).pipe(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => void server.close());
  return (server.address() as AddressInfo).port;
}
