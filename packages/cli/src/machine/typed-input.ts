// What a person types: to the program on the other machine, except for escapes; held while the connection is away.
import type { Readable, Writable } from "node:stream";
import { EscapeReader, type Escape } from "./escapes.ts";
import { HeldInput } from "./held-input.ts";

/** Pasted text waits here for a program that does not read, and keys are still heard; beyond it the terminal waits. */
const MOST_QUEUED_BYTES = 65_536;

export interface TypedInputOptions {
  readonly source: Readable;
  readonly sink: Writable;
  /** Nothing that is sent would arrive soon. */
  readonly isAway: () => boolean;
  readonly onEscape: (escape: Escape) => void;
  /** More or less is held; `overflow`: something found no room. */
  readonly onHeld: (overflow: boolean) => void;
}

export class TypedInput {
  readonly #options: TypedInputOptions;
  readonly #escapes = new EscapeReader();
  readonly #held = new HeldInput();
  readonly #take = (chunk: Uint8Array): void => this.#typed(chunk);
  readonly #end = (): void => void this.#options.sink.end();

  constructor(options: TypedInputOptions) {
    this.#options = options;
    const { source } = options;
    source.on("data", this.#take).on("end", this.#end).on("error", this.#end);
  }

  get heldBytes(): number {
    return this.#held.bytes;
  }

  /** The connection is there again. */
  back(): void {
    if (this.#held.bytes === 0) return;
    this.#send(this.#held.take());
    this.#options.onHeld(false);
  }

  stop(): void {
    const { source } = this.#options;
    source.off("data", this.#take).off("end", this.#end).off("error", this.#end);
    source.pause();
  }

  #typed(chunk: Uint8Array): void {
    for (const typed of this.#escapes.read(chunk)) {
      if (typeof typed === "string") this.#options.onEscape(typed);
      else if (this.#options.isAway()) this.#options.onHeld(this.#held.add(typed) > 0);
      else this.#send(typed);
    }
  }

  #send(bytes: Uint8Array): void {
    const { source, sink } = this.#options;
    if (sink.destroyed || sink.writableEnded || sink.write(bytes)) return;
    if (sink.writableLength < MOST_QUEUED_BYTES) return;
    source.pause();
    const goOn = (): void => {
      sink.off("drain", goOn).off("close", goOn);
      source.resume();
    };
    sink.once("drain", goOn).once("close", goOn);
  }
}
