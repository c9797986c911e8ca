// Where a WebSocket goes, out of its URL.
import { HoldfastError } from "@holdfast/core";
import { printable } from "./endpoint.ts";

export interface WebSocketTarget {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly url: URL;
}

/** @throws HoldfastError `bad_url` (fatal). */
export function webSocketTarget(given: string | URL): WebSocketTarget {
  const url = URL.canParse(String(given)) ? new URL(given) : undefined;
  const secure = url?.protocol === "wss:";
  if (url === undefined || (!secure && url.protocol !== "ws:") || url.hostname === "") throw badUrl(given);
  // A password in a URL finds its way into logs.
  if (url.username !== "" || url.password !== "") throw badUrl("it with a user or password in it");
  url.hash = "";
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? (secure ? 443 : 80) : Number(url.port),
    secure,
    url,
  };
}

function badUrl(given: string | URL): HoldfastError {
  return new HoldfastError({
    code: "bad_url",
    message: `the URL of a WebSocket is like wss://relay.example:7836, not ${printable(String(given))}`,
    kind: "fatal",
    fault: "local",
  });
}
