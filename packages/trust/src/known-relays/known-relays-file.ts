// The text of the file `known_relays`: a line for each pin, so that a person can read it and delete from it.
//
//     relay.example:7836 SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU 2026-11-22T12:00:00.000Z
import { HoldfastError } from "@holdfast/core";
import { parseFingerprint } from "../certificate/fingerprint.ts";
import { parseTime, timeText } from "../wall-time.ts";
import { isRelayAddress } from "./relay-address.ts";

/** A key that a relay is known by. A relay may have several, while it changes from one to the other. */
export interface Pin {
  /** `host:port`. */
  readonly relay: string;
  /** `SHA256:…`. */
  readonly fingerprint: string;
  /** When it was first trusted, in milliseconds since 1970. */
  readonly addedAt: number;
}

/** Relays with several keys each, for a person's lifetime. */
export const MAX_PINS = 4_096;
/** Two while a key is changed; a few more for relays behind one name. */
export const MAX_PINS_PER_RELAY = 16;

const HEADER = `# The relays that are trusted by their keys: address, SHA-256 of the public key, since when.
# holdfast writes this file anew at each change; lines may be deleted, comments do not stay.
`;

/** @throws Error at the first line that is not understood: then nothing in the file is believed. */
export function parseKnownRelays(text: string): readonly Pin[] {
  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line is cut");
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  if (lines.length > MAX_PINS) throw new Error("too many lines");
  return lines.map(parseLine);
}

function parseLine(line: string): Pin {
  const [relay = "", fingerprint = "", time = "", ...more] = line.trim().split(/\s+/);
  const addedAt = parseTime(time);
  if (!isRelayAddress(relay) || Number.isNaN(addedAt) || more.length > 0) throw new Error("a damaged line");
  return { relay, fingerprint: parseFingerprint(fingerprint), addedAt };
}

export function formatKnownRelays(pins: readonly Pin[]): string {
  return (
    HEADER +
    pins.map(({ relay, fingerprint, addedAt }) => `${relay} ${fingerprint} ${timeText(addedAt)}\n`).join("")
  );
}

/** @throws HoldfastError `limit` if that is more than the file may hold. */
export function checkLimits(pins: readonly Pin[], relay: string): void {
  const ofRelay = pins.filter((pin) => pin.relay === relay).length;
  if (pins.length <= MAX_PINS && ofRelay <= MAX_PINS_PER_RELAY) return;
  throw new HoldfastError({
    code: "limit",
    message:
      ofRelay > MAX_PINS_PER_RELAY
        ? `more than ${MAX_PINS_PER_RELAY} keys are known for ${relay}`
        : `more than ${MAX_PINS} keys of relays are known`,
    kind: "fatal",
    fault: "local",
    hint: "forget some that are no longer used",
  });
}
