// Every running process of this user, by its control socket.
import { HoldfastError } from "@holdfast/core";
import { dialControl, type ControlClient, type DialControlOptions } from "./client.ts";
import type { Entry } from "./schemas/entries.ts";
import { listSocketFiles, removeIfStale, type SocketFile } from "./socket-files.ts";

/** A process that has a socket and gave no answer: stopped, or of another version. */
export interface SilentProcess {
  readonly pid: number;
  /** The first part of its socket's file name; see `socketName`. */
  readonly name: string;
  readonly error: HoldfastError;
}

export interface Found {
  readonly clients: readonly ControlClient[];
  readonly silent: readonly SilentProcess[];
}

export interface Listed {
  readonly client: ControlClient;
  readonly entry: Entry;
}

export interface FindOptions extends DialControlOptions {
  /** Only those whose sockets have this name. Default: all. */
  readonly name?: string;
}

/**
 * Connect to every process. Sockets that a crash left behind are removed. Close the clients when done.
 * @throws HoldfastError `unsafe_folder`.
 */
export async function findProcesses(runtimeFolder: string, options: FindOptions = {}): Promise<Found> {
  const all = await listSocketFiles(runtimeFolder);
  const files = all.filter((file) => options.name === undefined || file.name === options.name);
  const results = await Promise.all(files.map((file) => reach(file, options)));
  return {
    clients: results
      .filter((result) => result !== undefined && "client" in result)
      .map(({ client }) => client),
    silent: results.filter((result) => result !== undefined && "error" in result),
  };
}

/** Every entry of every process, with the client that steers it. A process that ends meanwhile is left out. */
export async function listEntries(clients: readonly ControlClient[]): Promise<readonly Listed[]> {
  const lists = await Promise.all(
    clients.map(async (client) => {
      const entries = await client.list().catch(() => []);
      return entries.map((entry) => ({ client, entry }));
    }),
  );
  return lists.flat();
}

type Reached = { readonly client: ControlClient } | SilentProcess | undefined;

async function reach(file: SocketFile, options: DialControlOptions): Promise<Reached> {
  try {
    return { client: await dialControl(file.path, options) };
  } catch (thrown) {
    const error = HoldfastError.from(thrown);
    // ENOENT: it went away between the listing and the dial.
    if (error.code === "enoent" || error.code === "connection_closed") return undefined;
    if (error.code === "connection_refused" && (await removeIfStale(file))) return undefined;
    return { pid: file.pid, name: file.name, error };
  }
}
