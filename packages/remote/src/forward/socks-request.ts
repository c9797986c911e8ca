// The server's side of a SOCKS5 negotiation (RFC 1928), without any I/O: no authentication, CONNECT alone. Names are
// passed on as they are, so that the far side resolves them.
import type { HoldfastError } from "@holdfast/core";

const VERSION = 5;
const NO_AUTHENTICATION = 0;
const NOT_ACCEPTABLE = 0xff;
const CONNECT = 1;
const [IPV4, NAME, IPV6] = [1, 3, 4];
/** A greeting and a request at their longest; nobody needs to say more before an answer. */
const MOST_BYTES = 2 + 255 + 4 + 1 + 255 + 2;
/** Names end up on command lines of some plugins: none begins with `-` or has other than name characters. */
const HOST_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.:-]*$/;

/** Of RFC 1928, section 6. */
export const SOCKS_REPLY = {
  succeeded: 0,
  failed: 1,
  notAllowed: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  refused: 5,
  expired: 6,
  commandNotSupported: 7,
  addressNotSupported: 8,
} as const;

export type SocksProgress =
  /** Say `answer`, if there is one, and read on. */
  | { readonly at: "more"; readonly answer: Uint8Array | undefined }
  /** Say `answer`, connect, and then say how it went. `rest` came after the request: it is the target's. */
  | {
      readonly at: "request";
      readonly answer: Uint8Array | undefined;
      readonly host: string;
      readonly port: number;
      readonly rest: Uint8Array;
    }
  /** Say `answer`, if there is one, and close. */
  | { readonly at: "refused"; readonly answer: Uint8Array | undefined };

/** One client's negotiation. */
export class SocksRequest {
  /** What was not understood yet; at most `MOST_BYTES` and one piece. */
  #bytes: Uint8Array = new Uint8Array();
  #greeted = false;

  /** The next bytes of the client. Not to be called again after a request or a refusal. */
  receive(piece: Uint8Array): SocksProgress {
    this.#bytes = joined(this.#bytes, piece);
    const greeting = this.#greeted ? undefined : this.#greeting();
    if (greeting === "refused") return { at: "refused", answer: undefined };
    if (greeting === "unacceptable") {
      return { at: "refused", answer: Uint8Array.of(VERSION, NOT_ACCEPTABLE) };
    }
    const answer = greeting === "accepted" ? Uint8Array.of(VERSION, NO_AUTHENTICATION) : undefined;
    return this.#greeted ? this.#request(answer) : { at: "more", answer };
  }

  #greeting(): "more" | "accepted" | "unacceptable" | "refused" {
    const [version, count] = this.#bytes;
    if (version !== undefined && version !== VERSION) return "refused";
    if (count === undefined || this.#bytes.length < 2 + count) return "more";
    const methods = this.#bytes.subarray(2, 2 + count);
    if (!methods.includes(NO_AUTHENTICATION)) return "unacceptable";
    this.#bytes = this.#bytes.subarray(2 + count);
    this.#greeted = true;
    return "accepted";
  }

  #request(answer: Uint8Array | undefined): SocksProgress {
    const bytes = this.#bytes;
    const [version, command, , type, first] = bytes;
    const refuse = (code: number): SocksProgress => {
      return { at: "refused", answer: joined(answer ?? new Uint8Array(), socksReply(code)) };
    };
    if (version !== undefined && version !== VERSION) return { at: "refused", answer };
    if (command !== undefined && command !== CONNECT) return refuse(SOCKS_REPLY.commandNotSupported);
    if (type === undefined) return this.#more(answer);
    const size = type === IPV4 ? 4 : type === IPV6 ? 16 : type === NAME ? (first ?? 0) + 1 : undefined;
    if (size === undefined) return refuse(SOCKS_REPLY.addressNotSupported);
    if (first === undefined || bytes.length < 4 + size + 2) return this.#more(answer);
    const host = hostOf(type, bytes.subarray(4, 4 + size));
    const port = ((bytes[4 + size] ?? 0) << 8) | (bytes[5 + size] ?? 0);
    if (host === undefined || port === 0) return refuse(SOCKS_REPLY.failed);
    return { at: "request", answer, host, port, rest: bytes.subarray(6 + size) };
  }

  #more(answer: Uint8Array | undefined): SocksProgress {
    return this.#bytes.length > MOST_BYTES ? { at: "refused", answer } : { at: "more", answer };
  }
}

/** How it went. The address is nobody's business, and clients do not look at it. */
export function socksReply(code: number): Uint8Array {
  return Uint8Array.of(VERSION, code, 0, IPV4, 0, 0, 0, 0, 0, 0);
}

/** What a client is told of a connection that could not be made. */
export function socksReplyFor({ code }: HoldfastError): number {
  switch (code) {
    case "connection_refused":
      return SOCKS_REPLY.refused;
    case "name_not_resolved":
    case "timed_out":
      return SOCKS_REPLY.hostUnreachable;
    case "unreachable":
    case "not_connected":
      return SOCKS_REPLY.networkUnreachable;
    case "permission_denied":
      return SOCKS_REPLY.notAllowed;
    default:
      return SOCKS_REPLY.failed;
  }
}

function hostOf(type: number, bytes: Uint8Array): string | undefined {
  if (type === IPV4) return bytes.join(".");
  if (type === IPV6) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return Array.from({ length: 8 }, (_, index) => view.getUint16(2 * index).toString(16)).join(":");
  }
  const name = String.fromCharCode(...bytes.subarray(1));
  return HOST_NAME.test(name) ? name : undefined;
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  if (one.length === 0) return other;
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
