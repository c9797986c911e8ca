// A browser's WebSocket as a link of bytes.
import type { Clock, Timer } from "@holdfast/core";
import { HoldfastError } from "@holdfast/core";
import type { ByteLink, ByteLinkTrust } from "../byte-link.ts";
import { gatherWrites } from "../gather-writes.ts";
import type { Attempt } from "../link.ts";

/** As much of a WebSocket as is needed, so that this compiles without the types of a browser. */
export interface MinimalWebSocket {
  binaryType: string;
  readonly bufferedAmount: number;
  readonly readyState: number;
  send(bytes: Uint8Array): void;
  close(code?: number): void;
  addEventListener(type: string, listener: (event: unknown) => void): void;
  removeEventListener(type: string, listener: (event: unknown) => void): void;
}

const OPEN = 1;
const NORMAL = 1000;
/** How often it is asked whether bytes were taken, while some wait, in milliseconds. */
const ASK_MS = 10;

export class BrowserWebSocketBytes implements ByteLink {
  readonly trust: ByteLinkTrust;
  readonly #socket: MinimalWebSocket;
  readonly #attempt: Attempt;
  readonly #asking: Timer;
  #live = true;
  #take: ((bytes: Uint8Array) => boolean) | undefined;
  #held = false;
  /** What came before `read` or while held back: a page cannot stop it. Bounded by what the other end may send then. */
  #waiting: Uint8Array[] = [];
  #corked = 0;
  /** Writes since `cork`: bounded by whoever writes, who sees them in `queuedBytes`. */
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #queued = 0;
  #taken: () => void = () => undefined;

  constructor(socket: MinimalWebSocket, trust: ByteLinkTrust, attempt: Attempt, clock: Clock) {
    this.trust = trust;
    this.#socket = socket;
    this.#attempt = attempt;
    this.#asking = clock.timer(() => this.#ask());
    socket.addEventListener("message", this.#onMessage);
    socket.addEventListener("close", this.#onClose);
    if (socket.readyState > OPEN) this.#lost(undefined);
  }

  read(take: (bytes: Uint8Array) => boolean): void {
    this.#take ??= take;
    this.#goOn();
  }

  write(bytes: Uint8Array): void {
    if (!this.#live || this.#socket.readyState !== OPEN) return;
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#corked === 0) this.#send();
  }

  cork(): void {
    this.#corked += 1;
  }

  uncork(): void {
    if (this.#corked > 0 && --this.#corked === 0) this.#send();
  }

  get queuedBytes(): number {
    return this.#socket.bufferedAmount + this.#pendingBytes;
  }

  onTaken(listener: () => void): void {
    this.#taken = listener;
  }

  hold(held: boolean): void {
    this.#held = held;
    // In a turn of its own: whoever lets go is in the middle of something.
    if (!held) void Promise.resolve().then(() => this.#goOn());
  }

  end(): void {
    if (this.#live) this.#socket.close(NORMAL);
  }

  close(): void {
    this.#over();
    this.#socket.close(NORMAL);
  }

  readonly #onMessage = (event: unknown): void => {
    const { data } = event as { readonly data: unknown };
    this.#attempt.heard();
    if (!(data instanceof ArrayBuffer)) return this.#lost(sentText());
    this.#waiting.push(new Uint8Array(data));
    this.#goOn();
  };

  readonly #onClose = (event: unknown): void => {
    const { wasClean } = event as { readonly wasClean?: boolean };
    this.#lost(wasClean === false ? cut() : undefined);
  };

  #goOn(): void {
    while (this.#live && !this.#held && this.#take !== undefined) {
      const bytes = this.#waiting.shift();
      if (bytes === undefined) return;
      this.#take(bytes);
    }
  }

  #send(): void {
    const pending = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    if (this.#socket.readyState !== OPEN) return;
    for (const message of gatherWrites(pending)) this.#socket.send(message);
    this.#queued = this.queuedBytes;
    this.#asking.set(ASK_MS);
  }

  /** Browsers do not tell when bytes leave. */
  #ask(): void {
    if (!this.#live) return;
    const queued = this.queuedBytes;
    const moved = queued < this.#queued || queued === 0;
    this.#queued = queued;
    if (queued > 0) this.#asking.set(ASK_MS);
    if (moved) this.#taken();
  }

  #lost(cause: HoldfastError | undefined): void {
    if (!this.#live) return;
    this.#over();
    this.#socket.close(NORMAL);
    this.#attempt.lost(cause);
  }

  #over(): void {
    this.#live = false;
    this.#waiting = [];
    this.#asking.clear();
    this.#socket.removeEventListener("message", this.#onMessage);
    this.#socket.removeEventListener("close", this.#onClose);
  }
}

function sentText(): HoldfastError {
  const message = "the other end of the WebSocket sent text where bytes were due";
  return new HoldfastError({ code: "not_our_peer", message, kind: "fatal", fault: "peer" });
}

function cut(): HoldfastError {
  const message = "the WebSocket broke; browsers do not say why";
  // The other end may have done it, or the network: a page cannot tell, and the first comes back more spread out.
  return new HoldfastError({ code: "connection_cut", message, fault: "peer" });
}
