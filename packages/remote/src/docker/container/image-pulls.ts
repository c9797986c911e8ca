// Pulling an image takes longer than a dial may: one pull goes on over dials, each of which waits for it as long as it
// can, and its end wakes the line.
import { HoldfastError } from "@holdfast/core";
import type { Engine } from "../engine/engine.ts";
import { peerText } from "../../plugin/peer-text.ts";

const MOST_LINE_BYTES = 1_024 * 1_024;

export class ImagePulls {
  readonly #engine: Engine;
  readonly #onEnd: () => void;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(engine: Engine, onEnd: () => void) {
    this.#engine = engine;
    this.#onEnd = onEnd;
  }

  /** @throws HoldfastError `image_unavailable` (fatal); the signal's reason, and then the pull goes on. */
  async pull(image: string, signal: AbortSignal): Promise<void> {
    this.#running ??= this.#pull(image).finally(() => {
      this.#running = undefined;
      if (!this.#stop.signal.aborted) this.#onEnd();
    });
    const running = this.#running;
    running.catch(() => undefined);
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason as Error);
      if (signal.aborted) return onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      running.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
    });
  }

  stop(): void {
    this.#stop.abort(new HoldfastError({ code: "aborted", message: "the connection was ended" }));
  }

  async #pull(image: string): Promise<void> {
    const { signal } = this.#stop;
    try {
      const report = await this.#engine.pull(image, signal);
      const onAbort = (): void => void report.destroy();
      signal.addEventListener("abort", onAbort, { once: true });
      let line = "";
      for await (const chunk of report as AsyncIterable<Buffer>) {
        const lines = (line + chunk.toString()).split("\n");
        line = (lines.pop() ?? "").slice(0, MOST_LINE_BYTES);
        for (const one of lines) throwIfError(one);
      }
      throwIfError(line);
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      const { kind, text, code } = HoldfastError.from(thrown);
      if (code === "engine_unreachable" || code === "timed_out") throw thrown;
      const message = `image ${image} is not here and could not be pulled: ${text}`;
      throw new HoldfastError({ code: "image_unavailable", message, kind, fault: "peer", cause: thrown });
    }
  }
}

/** The answer's status is 200 long before it is known whether there is such an image. */
function throwIfError(line: string): void {
  let error: unknown;
  try {
    ({ error } = JSON.parse(line) as { error?: unknown });
  } catch {
    return;
  }
  if (typeof error !== "string") return;
  throw new HoldfastError({
    code: "pull_failed",
    message: peerText(error),
    kind: "fatal",
    fault: "peer",
  });
}
