// The life of one link: what it gives to all that it started, and ends with. Lost once, closed once, whichever comes
// first; afterwards nothing begins any more.
import { setMaxListeners } from "node:events";
import { HoldfastError } from "@holdfast/core";

export class LinkLife {
  readonly #end = new AbortController();
  readonly #onLost: (cause: HoldfastError) => void;

  constructor(onLost: (cause: HoldfastError) => void) {
    this.#onLost = onLost;
    // One listener for each call and process under way, whose numbers have limits of their own.
    setMaxListeners(0, this.#end.signal);
  }

  /** Aborted with `link_lost` when the link ends, however it does. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  get ended(): boolean {
    return this.#end.signal.aborted;
  }

  /** The link is gone. The first cause is reported, the others are echoes of it. */
  lose(cause: HoldfastError): void {
    if (this.ended) return;
    this.#end.abort(linkLost(cause));
    this.#onLost(cause);
  }

  /** We end it: nobody needs to be told. */
  close(reason?: HoldfastError): void {
    if (!this.ended) this.#end.abort(linkLost(reason));
  }

  /** @throws HoldfastError `not_connected`: the link had ended before this was asked. */
  check(): void {
    if (!this.ended) return;
    const message = "the link to the container has ended";
    throw new HoldfastError({ code: "not_connected", message, hint: "ask the connection's next link" });
  }
}

function linkLost(cause: HoldfastError | undefined): HoldfastError {
  const why = cause === undefined ? "it was closed" : cause.text;
  return new HoldfastError({ code: "link_lost", message: `the link to the container ended: ${why}`, cause });
}

/** The stream of one process was lost while the engine lives. */
export function streamLost(why: string, cause?: unknown): HoldfastError {
  const message = `the engine dropped the stream of a process: ${why}; the process may still run`;
  return new HoldfastError({ code: "link_lost", message, cause });
}
