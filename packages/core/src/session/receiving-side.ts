// What came for one stream, and how that ended.
import { ReadQueue } from "./read-queue.ts";
import type { StreamEnd } from "./stream.ts";
import type { Window } from "./window.ts";

export class ReceivingSide {
  readonly queue: ReadQueue = new ReadQueue();
  readonly window: Window;
  /** Bytes of data that came, thrown away ones included. */
  bytesIn = 0;
  bytesRead = 0;
  end: StreamEnd | undefined;
  /** The other end's FIN or RESET is here: nothing more comes. */
  ended = false;
  /** Nobody wants it: what comes is counted and thrown away. */
  muted = false;

  constructor(window: Window) {
    this.window = window;
  }

  mute(): void {
    this.muted = true;
    this.queue.clear();
    this.window.release();
  }
}
