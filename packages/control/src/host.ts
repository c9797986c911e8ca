// The control host of a process: its registry, and the socket on which others may look at it and steer it.
import { rmSync } from "node:fs";
import { chmod, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import type { Clock } from "@holdfast/core";
import { HoldfastError } from "@holdfast/core";
import { systemClock } from "@holdfast/net";
import { ensurePrivateFolder } from "@holdfast/trust/files";
import { MAX_LINE_BYTES, encodeLine } from "./json-lines.ts";
import { errorLine, timestamp } from "./line-fields.ts";
import { holdfastPaths } from "./paths.ts";
import { Registry, type Item, type ItemOptions } from "./registry.ts";
import type { Entry, Kind } from "./schemas/entries.ts";
import type { ControlEvent } from "./schemas/events.ts";
import type { Hello } from "./schemas/messages.ts";
import { serveClient, type CarryOut, type Session, type SessionLimits } from "./session.ts";
import { socketPath } from "./socket-files.ts";

export interface ControlLimits extends SessionLimits {
  /** Clients at once; the next is told `too_many_clients`. Default 64. */
  readonly maxClients: number;
}

const LIMITS: ControlLimits = { maxLineBytes: MAX_LINE_BYTES, maxQueuedBytes: 256 * 1024, maxClients: 64 };

export interface ControlOptions {
  /** The subcommand, or what a program of your own calls itself. */
  readonly command: string;
  /** The first part of the socket's file name. Default: `command`. */
  readonly name?: string;
  readonly version: string;
  /** Default: from the environment (`HOLDFAST_HOME`, `XDG_RUNTIME_DIR`). */
  readonly runtimeFolder?: string;
  /** Listen on a socket. `false`: only this process sees what it shows. Default: wherever there are unix sockets. */
  readonly listen?: boolean;
  readonly limits?: Partial<ControlLimits>;
  /** Carries out the requests that only a daemon knows. Default: they are answered with the error `unsupported`. */
  readonly carryOut?: CarryOut;
  /** Called before anybody can connect: show here what is there from the start, so that no list is without it. */
  readonly begin?: (add: ControlHost["add"]) => void;
  /** The first id that entries get, so that none is used again after a restart. Default 1. */
  readonly firstId?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

export interface ControlHost {
  /** The first line that every client gets. */
  readonly hello: Hello;
  /** Absent if nobody else can see this process. */
  readonly socketPath: string | undefined;
  /** Show something. */
  add<K extends Kind>(options: ItemOptions<K>): Item;
  entries(): readonly Entry[];
  /** Hear what subscribers hear, within the process. Returns the function that stops it. */
  onEvent(listener: (event: ControlEvent) => void): () => void;
  /** Take the socket away and let every client go. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Open this process's control socket.
 * @throws HoldfastError `unsafe_folder`, `cannot_make_folder`, `path_too_long`, or what the system said to the bind.
 */
export async function openControl(options: ControlOptions): Promise<ControlHost> {
  const clock = options.clock ?? systemClock;
  const registry = new Registry(process.pid, clock, options.firstId);
  const hello = helloLine(options, clock);
  options.begin?.((item) => registry.add(item));
  const socket =
    (options.listen ?? process.platform !== "win32") ? await openSocket(options, registry, hello) : undefined;
  const close = once(async () => socket?.close());
  return {
    hello,
    socketPath: socket?.path,
    add: (item) => registry.add(item),
    entries: () => registry.entries(),
    onEvent: (listener) => registry.listen(listener),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function openSocket(
  options: ControlOptions,
  registry: Registry,
  hello: Hello,
): Promise<{ readonly path: string; close(): Promise<void> }> {
  const folder = options.runtimeFolder ?? holdfastPaths().runtimeFolder;
  await ensurePrivateFolder(folder);
  const path = await freePath(folder, options.name ?? options.command);
  // Loaded here, because a program that only lists what runs has no use for it.
  const { parseRequest } = await import("./parse-request.ts");
  const clients = new Clients({ ...LIMITS, ...options.limits }, (socket, limits) =>
    serveClient({ socket, registry, hello, limits, parse: parseRequest, carryOut: options.carryOut }),
  );
  const server = createServer({ allowHalfOpen: true }, (socket) => clients.accept(socket));
  await listening(server, path);
  // Nobody who waits for a client keeps the process alive: its lines and listeners do.
  server.unref();
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    clients.close();
    await closed;
    await rm(path, { force: true });
    forget(path);
  };
  return { path, close };
}

function helloLine(options: ControlOptions, clock: Clock): Hello {
  return {
    type: "hello",
    schema: 1,
    version: options.version,
    pid: process.pid,
    command: options.command,
    started_at: timestamp(clock.wall()),
  };
}

/** Sockets of this process; a second host in it gets a name with a number. */
const sockets = new Set<string>();

async function freePath(folder: string, name: string): Promise<string> {
  let path = socketPath(folder, name, process.pid);
  for (let number = 2; sockets.has(path); number++)
    path = socketPath(folder, `${name}-${number}`, process.pid);
  // Also a process that is stopped in the middle, or dies of an error, leaves no socket behind.
  if (sockets.size === 0) process.on("exit", removeAll);
  sockets.add(path);
  // What is there under our own process number is left from a process that had it before.
  await rm(path, { force: true });
  return path;
}

function forget(path: string): void {
  sockets.delete(path);
  if (sockets.size === 0) process.off("exit", removeAll);
}

function removeAll(): void {
  for (const path of sockets) rmSync(path, { force: true });
}

async function listening(server: Server, path: string): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, () => {
        server.off("error", reject);
        // An accept that fails for want of file descriptors must not end the process.
        server.on("error", () => undefined);
        resolve();
      });
    });
    if (process.platform !== "win32") await chmod(path, 0o600);
  } catch (thrown) {
    forget(path);
    server.close();
    throw HoldfastError.from(thrown);
  }
}

/** The clients that are connected now. */
class Clients {
  readonly #limits: ControlLimits;
  readonly #serve: (socket: Socket, limits: SessionLimits) => Session;
  /** At most `maxClients`. */
  readonly #sessions = new Set<Session>();

  constructor(limits: ControlLimits, serve: (socket: Socket, limits: SessionLimits) => Session) {
    this.#limits = limits;
    this.#serve = serve;
  }

  accept(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    socket.unref();
    if (this.#sessions.size >= this.#limits.maxClients) {
      socket.end(encodeLine(errorLine(tooMany(this.#limits.maxClients))));
      socket.resume();
      return;
    }
    const session = this.#serve(socket, this.#limits);
    this.#sessions.add(session);
    socket.once("close", () => this.#sessions.delete(session));
  }

  close(): void {
    for (const session of this.#sessions) session.close();
  }
}

function tooMany(most: number): HoldfastError {
  return new HoldfastError({
    code: "too_many_clients",
    message: `this process already has ${most} clients on its control socket`,
    kind: "throttled",
    fault: "peer",
    retryAfterMs: 1_000,
  });
}

function once(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | undefined;
  return () => (closing ??= close());
}
