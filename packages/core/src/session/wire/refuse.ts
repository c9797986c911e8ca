// REFUSE: no session now, or no longer. What the client does about it depends on the code, see docs/PROTOCOL.md.
import { asciiBytes, asciiText } from "./ascii.ts";
import { FRAME, HEADER_BYTES, makeFrame } from "./frame-types.ts";
import { checkShape, DIGEST_BYTES, MOST_HINT_MS, putField } from "./handshake-frame.ts";
import { putUint16, putUint32, uint16At, uint32At } from "./integers.ts";

export interface RefuseFrame {
  /** One of `REFUSE`. */
  readonly code: number;
  readonly retryAfterMs: number;
  /** Where to go instead; printable ASCII. */
  readonly alternative: string | undefined;
}

/** The longest alternative address, in bytes. */
export const MOST_ALTERNATIVE_BYTES = 512;

const AT = { code: 8, retryAfter: 12, mac: 16, alternative: 48 } as const;

/** The MAC is left zero; see `putRefuseMac`. An alternative that is no printable ASCII, or too long, is left out. */
export function encodeRefuse(refuse: RefuseFrame): Uint8Array {
  const alternative = writable(refuse.alternative);
  const frame = makeFrame(FRAME.refuse, AT.alternative - HEADER_BYTES + alternative.length, 0);
  putUint16(frame, AT.code, refuse.code);
  putUint32(frame, AT.retryAfter, Math.ceil(Math.max(0, Math.min(refuse.retryAfterMs, MOST_HINT_MS))));
  frame.set(alternative, AT.alternative);
  return frame;
}

function writable(alternative: string | undefined): Uint8Array {
  const bytes = asciiBytes(alternative ?? "");
  return asciiText(bytes) === alternative && bytes.length <= MOST_ALTERNATIVE_BYTES
    ? bytes
    : new Uint8Array();
}

/** What the MAC of REFUSE covers, besides the MAC of the RESUME that is refused. */
export function refuseMacInput(frame: Uint8Array): Uint8Array {
  return frame.subarray(0, AT.mac);
}

export function refuseMac(frame: Uint8Array): Uint8Array {
  return frame.subarray(AT.mac, AT.alternative);
}

export function putRefuseMac(frame: Uint8Array, mac: Uint8Array): void {
  putField(frame, AT.mac, mac, DIGEST_BYTES, "the MAC");
}

/**
 * The hint is cut to what is believed; an alternative that cannot be printed is dropped.
 * @throws HoldfastError `not_our_peer` if it is not as it must be.
 */
export function decodeRefuse(frame: Uint8Array): RefuseFrame {
  checkShape("REFUSE", frame, AT.alternative, AT.alternative + MOST_ALTERNATIVE_BYTES);
  const alternative = asciiText(frame.subarray(AT.alternative));
  return {
    code: uint16At(frame, AT.code),
    retryAfterMs: Math.min(uint32At(frame, AT.retryAfter), MOST_HINT_MS),
    alternative: alternative === "" ? undefined : alternative,
  };
}
