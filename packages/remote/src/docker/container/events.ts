// The engine's event stream: lines of JSON, read defensively. What happens is a reason to look, never a fact by itself.
import { HoldfastError } from "@holdfast/core";
import type { Engine } from "../engine/engine.ts";

const MOST_LINE_BYTES = 1_024 * 1_024;

/** How a stream of events ended. */
export interface EventsEnd {
  /** The engine has none to give; it lives all the same. */
  readonly unavailable: boolean;
  readonly cause: HoldfastError;
}

/** Follow a container's events until their stream ends, or the signal aborts. Never rejects. */
export async function followEvents(
  engine: Engine,
  container: string,
  signal: AbortSignal,
  onAction: (action: string) => void,
): Promise<EventsEnd> {
  try {
    const stream = await engine.events(container, signal);
    const onAbort = (): void => void stream.destroy();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      const lines = new Lines();
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        for (const line of lines.push(chunk)) onAction(actionOf(line));
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      stream.destroy();
    }
    return { unavailable: false, cause: ended("it was closed") };
  } catch (thrown) {
    const cause = HoldfastError.from(thrown);
    const refused = cause.cause as { statusCode?: unknown } | undefined;
    return { unavailable: typeof refused?.statusCode === "number", cause: ended(cause.text, thrown) };
  }
}

/** Docker's and podman's words for what happened; empty if it cannot be read. */
function actionOf(line: string): string {
  try {
    const event: unknown = JSON.parse(line);
    if (typeof event !== "object" || event === null) return "";
    const { Action, status } = event as { Action?: unknown; status?: unknown };
    const action = typeof Action === "string" ? Action : status;
    return typeof action === "string" ? action : "";
  } catch {
    return "";
  }
}

class Lines {
  #begun = "";

  push(chunk: Buffer): readonly string[] {
    const lines = (this.#begun + chunk.toString()).split("\n");
    this.#begun = lines.pop() ?? "";
    if (this.#begun.length > MOST_LINE_BYTES) throw new Error("an event is longer than 1 MiB");
    return lines;
  }
}

function ended(why: string, cause?: unknown): HoldfastError {
  const message = `the engine's event stream ended: ${why}`;
  return new HoldfastError({ code: "engine_unreachable", message, cause });
}
