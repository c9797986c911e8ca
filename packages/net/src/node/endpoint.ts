// Where a socket goes or a listener sits: a host and port, or a path of a unix socket.
import { HoldfastError } from "@holdfast/core";

/** A TCP address (name or IP; port 0 means any free port when listening), or the path of a unix socket. */
export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string };

// sun_path is 108 bytes on Linux and 104 elsewhere, with a closing zero. Node cuts a longer path silently.
const MAX_PATH_BYTES = process.platform === "linux" ? 107 : 103;

/** For people: `127.0.0.1:80`, `[::1]:80`, `/run/holdfast.sock`. Control bytes are escaped. */
export function formatEndpoint(endpoint: Endpoint): string {
  if ("path" in endpoint) return printable(endpoint.path);
  const host = printable(endpoint.host);
  return host.includes(":") ? `[${host}]:${endpoint.port}` : `${host}:${endpoint.port}`;
}

/** Text from elsewhere, safe to print: control bytes are escaped. */
export function printable(text: string): string {
  return text.replaceAll(
    // The escape character itself, C0, DEL and C1: everything that a terminal might obey.
    /\p{Cc}/gu,
    (char) => `\\x${(char.codePointAt(0) ?? 0).toString(16).padStart(2, "0")}`,
  );
}

/** @throws HoldfastError `bad_endpoint` (fatal) for a port or path that no system call could take. */
export function checkEndpoint(endpoint: Endpoint): void {
  if ("path" in endpoint) return checkPath(endpoint.path);
  if (endpoint.host === "" || endpoint.host.includes("\0")) refuse("a host name must not be empty");
  if (!Number.isInteger(endpoint.port) || endpoint.port < 0 || endpoint.port > 65_535) {
    refuse(`a port is a whole number from 0 to 65535, not ${endpoint.port}`);
  }
}

function checkPath(path: string): void {
  if (path === "" || path.includes("\0")) refuse("the path of a socket must not be empty or contain NUL");
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_PATH_BYTES) {
    refuse(`the path of a socket may have ${MAX_PATH_BYTES} bytes, not ${bytes}: ${printable(path)}`);
  }
}

function refuse(message: string): never {
  throw new HoldfastError({ code: "bad_endpoint", message, kind: "fatal", fault: "local" });
}
