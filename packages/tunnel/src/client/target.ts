// Where visitors end up: a port of this machine, a port of another one, or a unix socket.
import { HoldfastError } from "@holdfast/core";
import type { Endpoint } from "@holdfast/net/node";

const PORT = /^\d{1,5}$/;
const HOST_PORT = /^(?:\[([0-9a-f:.%\w]+)\]|([^:/[\]]+)):(\d{1,5})$/i;

/**
 * Read `3000`, `host:3000`, `[::1]:3000`, or the path of a unix socket (with a slash, or after `unix:`).
 * @throws HoldfastError `bad_target` (fatal) for anything else.
 */
export function parseTarget(text: string): Endpoint {
  if (text.startsWith("unix:")) return { path: text.slice("unix:".length) };
  if (text.includes("/")) return { path: text };
  if (PORT.test(text)) return { host: "localhost", port: readPort(text, text) };
  const [, bracketed, plain, port] = HOST_PORT.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || port === undefined) throw badTarget(text);
  return { host, port: readPort(port, text) };
}

function readPort(digits: string, text: string): number {
  const port = Number(digits);
  if (port < 1 || port > 65_535) throw badTarget(text);
  return port;
}

function badTarget(text: string): HoldfastError {
  return new HoldfastError({
    code: "bad_target",
    message: `${JSON.stringify(text)} is not a port, host:port or path of a unix socket`,
    hint: "for example 3000, 192.168.0.7:3000 or ./app.sock",
    kind: "fatal",
    fault: "local",
  });
}
