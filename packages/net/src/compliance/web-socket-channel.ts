// The bytes of a WebSocket link as a channel of the compliance suite.
import type { ByteLink } from "../byte-link.ts";
import { WebSocketBytes } from "../node/websocket-bytes.ts";
import type { ByteChannel } from "./arena.ts";

/** A send waits while more than this stands in the process. */
const ROOM_BYTES = 262_144;
/** The close codes of an end in order. */
const ORDERLY: ReadonlySet<number> = new Set([1000, 1001, 1005]);

/** @throws Error for a link that is no WebSocket. */
export function webSocketChannel(link: ByteLink): ByteChannel {
  if (!(link instanceof WebSocketBytes)) throw new Error("not a link over a WebSocket");
  const chunks: Uint8Array[] = [];
  let over: "no" | "ended" | "broken" = "no";
  let wake: () => void = () => undefined;
  let room: () => void = () => undefined;
  link.webSocket.once("close", (code) => {
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
