// Reading a socket into a buffer of our own, again and again, so that bulk data is neither allocated nor copied here.
// Node offers that as `onread`, but only for sockets that it connects itself and only from their beginning. This file
// switches it on for any TCP socket, half way too, by what `onread` sets inside. That is undocumented: it is used
// only where everything it needs is there, and whoever reads must have another way.
import { Socket } from "node:net";

/** What most sockets of visitors never fill; one that does gets a large buffer, or the next best. */
const FIRST_BYTES = 4 * 1024;
const MEDIUM_BYTES = 64 * 1024;
const LARGE_BYTES = 256 * 1024;
/** Large buffers of all sockets together: 32 MiB. They are kept for the next socket. */
const MAX_LARGE = 128;

const NOTHING: Buffer = Buffer.alloc(0);

/** Large buffers that no socket has, at most `MAX_LARGE`. */
const spare: Buffer[] = [];
let largeInUse = 0;

/**
 * Takes bytes that are valid until it returns `true`, or until the socket is resumed if it returns `false`, which
 * stops the reading.
 */
export type TakeBytes = (bytes: Buffer) => boolean;

export interface DirectRead {
  /** The socket is done. `unused`: nobody holds the bytes that were taken last. */
  end(unused: boolean): void;
}

/**
 * Read what comes from now on by `take` instead of `data`; `end`, `pause` and `resume` work as always. What was read
 * before comes by `data`, first. Keep a listener for it: it is also where bytes would go if Node changed inside.
 * @returns nothing if this socket, or this Node, does not allow it. Then nothing has changed.
 */
export function readDirectly(socket: Socket, take: TakeBytes): DirectRead | undefined {
  const inside = insideOf(socket);
  if (inside === undefined) return undefined;
  const { fields, keys, handle } = inside;
  let buffer: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  fields[keys.buffer] = buffer;
  // Asked for after each read, so a buffer may be exchanged, but never while the system reads into it.
  fields[keys.next] = () => buffer;
  let yielding = false;
  const goOn = (): void => {
    if (!yielding || socket.isPaused()) return;
    yielding = false;
    socket.resume();
  };
  fields[keys.take] = (count: number, filled: Buffer): boolean => {
    yielding = false;
    if (count === filled.length) buffer = largerThan(filled);
    if (!take(filled.subarray(0, count))) return false;
    if (count < LARGE_BYTES) return true;
    // After a full buffer libuv reads on at once, up to 32 times: 8 MiB, and every other socket waits.
    yielding = true;
    setImmediate(goOn);
    return false;
  };
  handle.useUserBuffer(buffer);
  return {
    end(unused) {
      if (buffer.length === LARGE_BYTES) {
        largeInUse -= 1;
        if (unused) spare.push(buffer);
      }
      buffer = NOTHING;
      fields[keys.buffer] = null;
    },
  };
}

/** The buffer for a socket that filled this one: this one again, if there is no larger one to have. */
function largerThan(filled: Buffer): Buffer {
  if (filled.length === LARGE_BYTES) return filled;
  if (largeInUse < MAX_LARGE) {
    largeInUse += 1;
    return spare.pop() ?? Buffer.allocUnsafeSlow(LARGE_BYTES);
  }
  return filled.length < MEDIUM_BYTES ? Buffer.allocUnsafeSlow(MEDIUM_BYTES) : filled;
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

/** A plain socket that is connected, that nobody reads directly yet, and that has all that is needed. */
function insideOf(socket: Socket): Inside | undefined {
  if (keysOfSockets === undefined || Object.getPrototypeOf(socket) !== Socket.prototype) return undefined;
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
