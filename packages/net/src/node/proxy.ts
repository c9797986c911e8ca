// HTTP proxies: which one applies to a host, and how to get through it by CONNECT.
import { isIP } from "node:net";
import type { Socket } from "node:net";
import { HoldfastError } from "@holdfast/core";
import type { Endpoint } from "./endpoint.ts";
import { formatEndpoint, printable } from "./endpoint.ts";

/** A proxy's answer may be this long, headers included. */
const MAX_ANSWER_BYTES = 16_384;

/**
 * The proxy that the environment asks for: `HTTPS_PROXY`, unless `NO_PROXY` (names, `.suffixes`, `host:port` or
 * `*`) lists the host. Lower-case names win, as in curl. Never one for loopback.
 * @throws HoldfastError `bad_proxy` (fatal) if the variable is not the address of an HTTP proxy.
 */
export function proxyFromEnvironment(host: string, env: NodeJS.ProcessEnv = process.env): URL | undefined {
  const text = env["https_proxy"] || env["HTTPS_PROXY"];
  if (text === undefined || text === "" || isLoopback(host)) return undefined;
  if (isExcluded(host, env["no_proxy"] || env["NO_PROXY"] || "")) return undefined;
  return parseProxy(text);
}

export interface ThroughProxy {
  readonly proxy: URL;
  readonly target: { readonly host: string; readonly port: number };
  readonly open: (endpoint: Endpoint) => Promise<Socket>;
  readonly signal: AbortSignal;
}

/** Open a socket to the proxy and ask it for the target. What the target sent early stays in the socket. */
export async function connectThroughProxy({ proxy, target, open, signal }: ThroughProxy): Promise<Socket> {
  const endpoint = { host: proxyHost(checkScheme(proxy)), port: proxy.port === "" ? 80 : Number(proxy.port) };
  const socket = await open(endpoint);
  const onAbort = (): void => void socket.destroy();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    socket.write(connectRequest(proxy, target));
    const { status, retryAfterMs } = await readAnswer(socket, endpoint);
    if (status < 200 || status > 299) throw refusal(status, endpoint, target, retryAfterMs);
    return socket;
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function parseProxy(text: string): URL {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  try {
    return checkScheme(new URL(withScheme));
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    // The text may contain a password, so it is not repeated.
    throw badProxy("HTTPS_PROXY is not an address such as http://proxy.example:3128");
  }
}

function checkScheme(proxy: URL): URL {
  if (proxy.protocol === "http:") return proxy;
  throw badProxy(`a proxy is reached by http://, not ${printable(proxy.protocol)}//`);
}

function badProxy(message: string): HoldfastError {
  return new HoldfastError({ code: "bad_proxy", message, kind: "fatal", fault: "local" });
}

function proxyHost(proxy: URL): string {
  return proxy.hostname.replace(/^\[(.*)\]$/, "$1");
}

function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, "");
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  if (isIP(name) === 4) return name.startsWith("127.");
  return name === "::1" || name.startsWith("::ffff:127.");
}

function isExcluded(host: string, list: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, "");
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .some((entry) => {
      if (entry === "*") return true;
      const wanted = isIP(entry) === 0 ? entry.replace(/:\d+$/, "").replace(/^\*?\./, "") : entry;
      return name === wanted || (isIP(name) === 0 && name.endsWith(`.${wanted}`));
    });
}

function connectRequest(proxy: URL, target: { host: string; port: number }): string {
  const where = formatEndpoint(target);
  const lines = [`CONNECT ${where} HTTP/1.1`, `Host: ${where}`];
  if (proxy.username !== "" || proxy.password !== "") {
    const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
    lines.push(`Proxy-Authorization: Basic ${Buffer.from(pair).toString("base64")}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

interface Answer {
  readonly status: number;
  readonly retryAfterMs: number | undefined;
}

function readAnswer(socket: Socket, proxy: Endpoint): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let head: Buffer = Buffer.alloc(0);
    const settle = (finish: () => void): void => {
      socket.removeListener("readable", onReadable);
      socket.removeListener("end", onEnd);
      socket.removeListener("close", onEnd);
      socket.removeListener("error", reject);
      finish();
    };
    const onEnd = (): void => settle(() => reject(notAProxy(proxy, "it hung up")));
    const onReadable = (): void => {
      for (let chunk: Buffer | null; (chunk = socket.read() as Buffer | null) !== null;) {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf("\r\n\r\n");
        if (end < 0 && head.length <= MAX_ANSWER_BYTES) continue;
        return settle(() => {
          const answer = end < 0 ? undefined : parseAnswer(head.toString("latin1", 0, end));
          if (answer === undefined) return reject(notAProxy(proxy, "its answer is not HTTP"));
          if (head.length > end + 4) socket.unshift(head.subarray(end + 4));
          resolve(answer);
        });
      }
    };
    socket.on("readable", onReadable);
    socket.once("end", onEnd);
    socket.once("close", onEnd);
    socket.once("error", reject);
    onReadable();
  });
}

function parseAnswer(head: string): Answer | undefined {
  const status = /^HTTP\/1\.[01] (\d{3})(?: |\r\n|$)/.exec(head)?.[1];
  if (status === undefined) return undefined;
  const seconds = /\r\nretry-after: *(\d{1,9})(?:\r\n|$)/i.exec(head)?.[1];
  return { status: Number(status), retryAfterMs: seconds === undefined ? undefined : Number(seconds) * 1000 };
}

function notAProxy(proxy: Endpoint, why: string): HoldfastError {
  const message = `${formatEndpoint(proxy)} does not work as an HTTP proxy: ${why}`;
  return new HoldfastError({ code: "proxy_failed", message, hint: "check HTTPS_PROXY" });
}

function refusal(status: number, proxy: Endpoint, target: Endpoint, retryAfterMs?: number): HoldfastError {
  const message = `the proxy ${formatEndpoint(proxy)} answered ${status} for ${formatEndpoint(target)}`;
  if (status === 407) {
    const hint = "put a valid user and password into HTTPS_PROXY (http://user:password@host:port)";
    return new HoldfastError({ code: "proxy_unauthorized", message, kind: "fatal", fault: "local", hint });
  }
  if (retryAfterMs !== undefined) {
    return new HoldfastError({
      code: "proxy_busy",
      message,
      kind: "throttled",
      fault: "network",
      retryAfterMs,
    });
  }
  const hint =
    status === 403 ? "the proxy's rules forbid it: list the host in NO_PROXY or ask who runs it" : undefined;
  return new HoldfastError({ code: "proxy_refused", message, hint });
}
