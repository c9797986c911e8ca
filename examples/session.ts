// A session between two programs of your own: the stream in it goes on over every loss of the link.
import { KIND } from "@holdfast/core/session";
import { listenHoldfast, nodeCrypto, streamDuplex, tcp, type HoldfastListener } from "@holdfast/net/node";
import { hostSessions, openSession, type SessionLine } from "@holdfast/net/session";
import type { Duplex } from "node:stream";

/** Answer every stream with what comes in it. */
export function serveEcho(port = 0): Promise<HoldfastListener> {
  const host = hostSessions({
    crypto: nodeCrypto(),
    onSession: () => undefined,
    onStream(stream, session) {
      const duplex = streamDuplex(stream, session);
      duplex.pipe(duplex);
    },
  });
  return listenHoldfast({ endpoint: { host: "127.0.0.1", port }, onLink: (link) => host.take(link) });
}

/** One stream, which goes on over every link that the line makes. */
export function openStream(port: number, onStream: (duplex: Duplex) => void): SessionLine {
  return openSession({
    dial: tcp({ host: "127.0.0.1", port }),
    crypto: nodeCrypto(),
    failFast: false,
    onSession(session) {
      onStream(streamDuplex(session.open(KIND.tcp, new Uint8Array()), session));
    },
  });
}
