// Reading a socket into a buffer of our own, again and again, so that bulk data is neither allocated nor copied here.
// Node offers that as `onread`, but only for sockets that it connects itself and only from their beginning. This file
// switches it on for any TCP, unix or TLS socket, half way too, by what `onread` sets inside. That is undocumented: it
// is used only where everything it needs is there, and whoever reads must have another way.
import { Socket } from "node:net";
import { LARGE_BYTES, ReadMemory } from "./read-memory.ts";

const NOTHING: Buffer = Buffer.alloc(0);

/**
 * Takes bytes that are valid until it returns `true`, or until the socket is resumed if it returns `false`, which
 * stops the reading.
 */
export type TakeBytes = (bytes: Buffer) => boolean;

export interface DirectRead {
  /** The socket is done. `unused`: nobody holds the bytes that were taken last. */
  end(unused: boolean): void;
}

/** Who reads a socket directly. */
export interface DirectReader {
  /** What is read into next; asked for after each read, never empty. It must not change while the system reads. */
  memory(): Buffer;
  /** So many bytes came, at the beginning of what `memory` gave. `false` stops the reading until `resume`. */
  take(count: number, memory: Buffer): boolean;
}

/**
 * Read what comes from now on by `take` instead of `data`; `end`, `pause` and `resume` work as always. What was read
 * before comes by `data`, first. Keep a listener for it: it is also where bytes would go if Node changed inside.
 * @returns nothing if this socket, or this Node, does not allow it. Then nothing has changed.
 */
export function readDirectly(socket: Socket, take: TakeBytes): DirectRead | undefined {
  // TLS goes on giving what it has decrypted after it was told to stop.
  if (isTls(socket)) return undefined;
  const memory = new ReadMemory();
  const turns = new Turns(socket);
  const detach = attachReader(socket, {
    memory: () => memory.region,
    take(count, filled) {
      // Exchanged before the bytes are taken: the next read asks for it, also if this one stops.
      memory.used(count, false);
      return turns.mayGoOn(count, take(filled.subarray(0, count)));
    },
  });
  if (detach === undefined) return undefined;
  return {
    end(unused) {
      memory.release(unused);
      detach();
    },
  };
}

/**
 * Let a reader have what comes from now on.
 * @returns how to take it away again, once the socket is done; nothing if it cannot be had.
 */
export function attachReader(socket: Socket, reader: DirectReader): (() => void) | undefined {
  const inside = insideOf(socket);
  if (inside === undefined) return undefined;
  const { fields, keys, handle } = inside;
  const first = reader.memory();
  fields[keys.buffer] = first;
  fields[keys.next] = () => reader.memory();
  fields[keys.take] = (count: number, filled: Buffer): boolean => reader.take(count, filled);
  handle.useUserBuffer(first);
  return () => {
    fields[keys.next] = () => NOTHING;
    fields[keys.take] = () => false;
    fields[keys.buffer] = null;
  };
}

/** Whether a socket is one of TLS: Node's own mark. */
export function isTls(socket: Socket): boolean {
  return (socket as { readonly encrypted?: boolean }).encrypted === true;
}

/** After a full buffer libuv reads on at once, up to 32 times: 8 MiB, and every other socket waits. */
export class Turns {
  readonly #socket: Socket;
  #yielding = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /**
   * Whether to read on at once after so many bytes. `wanted`: more is welcome; then the socket goes on by itself, in
   * the next turn at the latest.
   */
  mayGoOn(count: number, wanted: boolean): boolean {
    this.#yielding = wanted && count >= LARGE_BYTES;
    if (this.#yielding) setImmediate(this.#goOn);
    return wanted && !this.#yielding;
  }

  readonly #goOn = (): void => {
    if (!this.#yielding || this.#socket.isPaused()) return;
    this.#yielding = false;
    this.#socket.resume();
  };
}

/** The part of the system's socket that is needed. */
interface ReadHandle {
  useUserBuffer(buffer: Uint8Array): void;
}

interface Inside {
  readonly fields: Record<symbol, unknown>;
  readonly keys: Keys;
  readonly handle: ReadHandle;
}

/** The fields of a socket behind `onread`. */
interface Keys {
  /** What is read into. */
  readonly buffer: symbol;
  /** A function that gives the next buffer. */
  readonly next: symbol;
  /** A function that takes what was read. */
  readonly take: symbol;
}

const keysOfSockets = findKeys();

/** A socket of Node's own making that is connected, that nobody reads directly yet, and that has all that is needed. */
function insideOf(socket: Socket): Inside | undefined {
  // Without an import of node:tls, which would cost every command's start.
  const prototype: unknown = Object.getPrototypeOf(isTls(socket) ? Object.getPrototypeOf(socket) : socket);
  if (prototype !== Socket.prototype) return undefined;
  if (keysOfSockets === undefined) return undefined;
  const fields = socket as unknown as Record<symbol, unknown>;
  const { _handle: handle } = socket as unknown as { readonly _handle: Partial<ReadHandle> | null };
  if (socket.destroyed || socket.connecting || typeof handle?.useUserBuffer !== "function") return undefined;
  if (fields[keysOfSockets.buffer] !== null) return undefined;
  return { fields, keys: keysOfSockets, handle: handle as ReadHandle };
}

function findKeys(): Keys | undefined {
  const symbols = Object.getOwnPropertySymbols(new Socket());
  const [buffer, next, take] = ["kBuffer", "kBufferGen", "kBufferCb"].map((name) =>
    symbols.find(({ description }) => description === name),
  );
  return buffer === undefined || next === undefined || take === undefined
    ? undefined
    : { buffer, next, take };
}
