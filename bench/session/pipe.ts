// What a bench writes to and reads from, whether it is a bare connection or a stream of a session over one.
import type { Socket } from "node:net";
import type { SessionStream } from "@holdfast/core/session";
import type { SessionHandle, StreamListener } from "@holdfast/net/session";
import type { WebSocket } from "ws";

export interface Pipe {
  /** `false`: full now, wait for `onRoom`. */
  write(bytes: Buffer): boolean;
  /** No more is written. */
  end(): void;
  onRoom(listener: () => void): void;
  /** The bytes are valid during the call. */
  onBytes(listener: (bytes: Uint8Array) => void): void;
  /** The other side writes no more, or has gone. */
  onEnd(listener: () => void): void;
}

export function socketPipe(socket: Socket): Pipe {
  socket.on("error", () => socket.destroy());
  return {
    write: (bytes) => socket.write(bytes),
    end: () => void socket.end(),
    onRoom: (listener) => void socket.on("drain", listener),
    onBytes: (listener) => void socket.on("data", listener),
    onEnd: (listener) => void socket.once("end", listener),
  };
}

/** What a careful program lets wait in a WebSocket, which has no word of its own for it. */
const WAITING_BYTES = 1_024 * 1_024;

/** It has no half close: what ends is the whole. */
export function webSocketPipe(socket: WebSocket): Pipe {
  let room: () => void = () => undefined;
  let waits = false;
  const taken = (): void => {
    if (!waits || socket.bufferedAmount >= WAITING_BYTES / 2) return;
    waits = false;
    room();
  };
  socket.on("error", () => socket.terminate());
  return {
    write(bytes) {
      socket.send(bytes, taken);
      waits = socket.bufferedAmount >= WAITING_BYTES;
      return !waits;
    },
    end: () => socket.close(),
    onRoom: (listener) => (room = listener),
    onBytes: (listener) => void socket.on("message", (bytes) => listener(bytes as Buffer)),
    onEnd: (listener) => void socket.once("close", listener),
  };
}

export function streamPipe(stream: SessionStream, session: Pick<SessionHandle, "listen">): Pipe {
  const pipe = new StreamPipe(stream);
  session.listen(stream, pipe);
  return pipe;
}

/** For `open`, which wants the listener first. */
export class StreamPipe implements Pipe, StreamListener {
  #stream: SessionStream | undefined;
  #room: () => void = () => undefined;
  #bytes: ((bytes: Uint8Array) => void) | undefined;
  #end: () => void = () => undefined;
  #ended = false;
  #delivering = false;

  constructor(stream?: SessionStream) {
    this.#stream = stream;
  }

  attach(stream: SessionStream): this {
    this.#stream = stream;
    return this;
  }

  write(bytes: Buffer): boolean {
    return this.#stream?.write(bytes) ?? false;
  }

  end(): void {
    this.#stream?.end();
  }

  onRoom(listener: () => void): void {
    this.#room = listener;
  }

  onBytes(listener: (bytes: Uint8Array) => void): void {
    this.#bytes = listener;
    this.readable();
  }

  onEnd(listener: () => void): void {
    this.#end = listener;
    this.#look();
  }

  readable(): void {
    const stream = this.#stream;
    if (stream === undefined || this.#bytes === undefined) return;
    this.#delivering = true;
    for (let piece = stream.read(); piece !== undefined; piece = stream.read()) {
      this.#bytes(piece);
      stream.consumed(piece.length);
    }
    this.#delivering = false;
    this.#look();
  }

  writable(): void {
    this.#room();
  }

  forgotten(): void {
    this.#look();
  }

  /** The bytes were looked at, and are not kept. */
  settled(): boolean {
    return false;
  }

  #look(): void {
    const stream = this.#stream;
    if (this.#ended || this.#delivering || stream?.received === undefined || stream.readableBytes > 0) return;
    this.#ended = true;
    this.#end();
  }
}
