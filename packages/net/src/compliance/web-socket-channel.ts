// The bytes of a WebSocket link as a channel of the compliance suite.
import type { ByteLink } from "../byte-link.ts";
import type { ByteChannel } from "./arena.ts";

/** A send waits while more than this stands in the process. */
const ROOM_BYTES = 262_144;
/** The close codes of an end in order. */
const ORDERLY: ReadonlySet<number> = new Set([1000, 1001, 1005]);

/** `closed` is given whom to tell of the end, with its code. */
export function webSocketChannel(
  link: ByteLink,
  closed: (listener: (code: number) => void) => void,
): ByteChannel {
  const chunks: Uint8Array[] = [];
  let over: "no" | "ended" | "broken" = "no";
  let wake: () => void = () => undefined;
  let room: () => void = () => undefined;
  closed((code) => {
    over = ORDERLY.has(code) ? "ended" : "broken";
    wake();
    room();
  });
  link.onTaken(() => room());
  link.hold(true);
  link.read((bytes) => {
    chunks.push(bytes);
    link.hold(true);
    wake();
    return false;
  });
  return {
    async send(bytes) {
      link.write(bytes);
      while (over === "no" && link.queuedBytes > ROOM_BYTES) {
        await new Promise<void>((resolve) => (room = resolve));
      }
      if (over !== "no") throw new Error("the WebSocket is closed");
    },
    async receive() {
      for (;;) {
        const chunk = chunks.shift();
        if (chunk !== undefined) return chunk;
        if (over === "ended") return undefined;
        if (over === "broken") throw new Error("the WebSocket broke");
        const more = new Promise<void>((resolve) => (wake = resolve));
        link.hold(false);
        await more;
      }
    },
    end: () => link.end(),
    reset: () => link.close(),
  };
}
