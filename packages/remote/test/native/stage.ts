// This machine, offered over a session that crosses a proxy which cuts it: both ends in one process, over real sockets.
import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { RESET, type SessionStream } from "@holdfast/core/session";
import { recordAttempt } from "@holdfast/net/compliance";
import { listen, nodeCrypto, socketBytes, tcp, type Listener } from "@holdfast/net/node";
import {
  hostSessions,
  type AcceptedSession,
  type SessionHandle,
  type SessionHost,
  type SessionLine,
} from "@holdfast/net/session";
import { openSession } from "@holdfast/net/session";
import { startFaultyProxy, type FaultyProxy } from "@holdfast/net/testing";
import { onTestFinished } from "vitest";
import { hostPlugin } from "../../src/host/host-plugin.ts";
import {
  serveMachine,
  sessionMachine,
  type MachineService,
  type ServeMachineOptions,
  type SessionMachine,
} from "../../src/native/index.ts";
import { UNATTENDED } from "../../src/plugin/interaction.ts";
import type { Machine } from "../../src/plugin/machine.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };

/** A link to this machine, by the plugin `host`. */
export async function thisMachine(): Promise<Machine> {
  const backend = await hostPlugin().open(
    { scheme: "host", host: "localhost", user: undefined, port: undefined, path: "" },
    {
      connectionId: "test",
      environment: {},
      options: {},
      memory: new Map(),
      wake: () => undefined,
      warn: () => undefined,
    },
  );
  return backend.dial(recordAttempt(), UNATTENDED);
}

export interface StageOptions extends ServeMachineOptions {
  readonly resumeTtlMs?: number;
  /** Instead of an honest server. */
  readonly serve?: (stream: SessionStream, session: SessionHandle) => void;
}

export interface Server {
  readonly port: number;
  readonly host: SessionHost;
  readonly services: readonly MachineService[];
  close(): Promise<void>;
}

/** Serve a machine of its own to each session that comes. */
export async function startServer(
  options: StageOptions & { readonly port?: number } = {},
  machineOf: () => Promise<Machine> = thisMachine,
): Promise<Server> {
  const services = new Map<AcceptedSession, MachineService>();
  const all: MachineService[] = [];
  const host = hostSessions({
    crypto: nodeCrypto(),
    ...(options.resumeTtlMs !== undefined && { resumeTtlMs: options.resumeTtlMs }),
    onSession(session) {
      let machine: Promise<Machine> | undefined;
      const service = serveMachine(session, () => (machine ??= machineOf()), options);
      void service.ended.then(async () => (await machine)?.close());
      services.set(session, service);
      all.push(service);
    },
    onStream(stream, session) {
      if (options.serve !== undefined) options.serve(stream, session);
      else if (services.get(session as AcceptedSession)?.take(stream) !== true)
        stream.reset(RESET.notProcessed);
    },
  });
  const links: Listener = await listen({
    endpoint: { ...LOOPBACK, port: options.port ?? 0 },
    onConnection: (socket) => host.take(socketBytes(socket)),
  });
  const port = "port" in links.endpoint ? links.endpoint.port : 0;
  const close = async (): Promise<void> => {
    await links.close();
    await host.close();
    await Promise.all(all.map(({ ended }) => ended));
  };
  return { port, host, services: all, close };
}

export interface Stage {
  readonly server: Server;
  readonly proxy: FaultyProxy;
  readonly line: SessionLine;
  readonly machine: SessionMachine;
}

export async function startStage(
  options: StageOptions = {},
  machineOf: () => Promise<Machine> = thisMachine,
): Promise<Stage> {
  const server = await startServer(options, machineOf);
  const proxy = await startFaultyProxy({ target: { host: "127.0.0.1", port: server.port } });
  const { endpoint } = proxy;
  if ("path" in endpoint) throw new Error("a proxy has a port");
  let machine: SessionMachine | undefined;
  const line = openSession({
    crypto: nodeCrypto(),
    dial: tcp({ host: endpoint.host, port: endpoint.port }),
    failFast: false,
    backoff: { initialMs: 100, maxMs: 100 },
    onSession: (session) => (machine ??= sessionMachine(session, { name: options.name ?? "" })),
    onStream(stream) {
      if (machine?.take(stream) !== true) stream.reset(RESET.notProcessed);
    },
  });
  onTestFinished(async () => {
    await line.close();
    await proxy.close();
    await server.close();
  });
  await line.line.ready();
  if (machine === undefined) throw new Error("no session");
  return { server, proxy, line, machine };
}

/** Cut, and wait until the session is there again. */
export async function cutOnce({ proxy, line }: Stage): Promise<void> {
  const { epoch } = line.line.status;
  proxy.cut();
  await until(() => line.line.status.epoch > epoch && line.line.status.state === "connected");
}

export function readAll(stream: Readable): Promise<Buffer> {
  const pieces: Buffer[] = [];
  return new Promise((resolve, reject) => {
    stream.on("data", (piece: Buffer) => void pieces.push(piece));
    stream.once("end", () => resolve(Buffer.concat(pieces)));
    stream.once("error", reject);
  });
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export async function until(condition: () => boolean, patienceMs = 20_000): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not so after ${patienceMs} ms: ${String(condition)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
