// Who may talk HTTP to us: a name that is ours (or a page elsewhere could reach us by a name of its own), a page of
// ours if it is a page at all, and no forms.
import type { IncomingHttpHeaders } from "node:http";

export interface HttpGate {
  /** Names by which this endpoint is known, besides those of loopback; `*.example.com` stands for all names below. */
  readonly allowedHosts: readonly string[];
  /** Origins of pages elsewhere that may use it, as browsers write them: `https://app.example.com`. */
  readonly allowedOrigins: readonly string[];
  /** The longest body, in bytes. */
  readonly maxBodyBytes: number;
}

export interface Refusal {
  readonly status: number;
  readonly text: string;
}

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "::1"]);

/** @returns why the request is refused; nothing if it may pass. */
export function refusalOf(
  headers: IncomingHttpHeaders,
  secure: boolean,
  gate: HttpGate,
): Refusal | undefined {
  const host = headers.host ?? "";
  if (!isOurName(hostName(host), gate.allowedHosts)) {
    return {
      status: 421,
      text: "this endpoint is not known by that name; whoever runs it can allow the name (--allow-host)",
    };
  }
  const { origin } = headers;
  const own = `${secure ? "https" : "http"}://${host}`.toLowerCase();
  if (origin !== undefined && origin.toLowerCase() !== own && !gate.allowedOrigins.includes(origin)) {
    return {
      status: 403,
      text: "pages of that origin may not use this endpoint; whoever runs it can allow it (--allow-origin)",
    };
  }
  return refusalOfBody(headers, gate);
}

/** The name of a Host header in lower case, without port, brackets and the last dot; empty if it is none. */
export function hostName(host: string): string {
  const [, six, name] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(host) ?? [];
  return (six ?? name ?? "").toLowerCase().replace(/\.$/, "");
}

function isOurName(name: string, allowed: readonly string[]): boolean {
  if (name === "") return false;
  if (LOOPBACK_NAMES.has(name)) return true;
  return allowed.some((entry) => {
    const wanted = entry.toLowerCase();
    return wanted.startsWith("*.") ? name.endsWith(wanted.slice(1)) : name === wanted;
  });
}

/** A page elsewhere can send a form without asking, but not JSON. */
function refusalOfBody(headers: IncomingHttpHeaders, gate: HttpGate): Refusal | undefined {
  if (headers["transfer-encoding"] !== undefined) return { status: 411, text: "say how long the body is" };
  const length = Number(headers["content-length"] ?? 0);
  if (length === 0) return undefined;
  if (length > gate.maxBodyBytes) {
    return { status: 413, text: `a body may have at most ${gate.maxBodyBytes} bytes` };
  }
  const type = (headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  return type === "application/json" ? undefined : { status: 415, text: "a body has to be application/json" };
}
