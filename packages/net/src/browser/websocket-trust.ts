// What a page can say of the other end of its WebSocket: the browser has checked the certificate, and tells no more.
import type { ByteLinkTrust } from "../byte-link.ts";

/** Without the types of a browser: the parts of a URL that matter here. */
const WEB_SOCKET_URL = /^(wss?):\/\/(?:\[([0-9a-f:.]+)\]|([^/?#:@]+))(?:[:/?#]|$)/i;

export function webSocketTrust(url: string): ByteLinkTrust {
  const [, scheme = "", six, name = ""] = WEB_SOCKET_URL.exec(url) ?? [];
  const host = (six ?? name).toLowerCase();
  const local = host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
  return {
    confidential: scheme.toLowerCase() === "wss" || local,
    exporter: undefined,
    relayIdentity: `name:${host}`,
  };
}
