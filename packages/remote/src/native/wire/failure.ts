// A failure on the wire. Codes that nobody knows pass; kinds that nobody knows are transient; text is printable.
import { HoldfastError, type FailureKind, type Fault } from "@holdfast/core";
import { Fields } from "./fields.ts";

/** Texts for people, in UTF-16 code units. Longer ones are cut. */
const MAX_TEXT = 1_024;
const MAX_CODE = 64;
const KINDS: readonly string[] = ["fatal", "transient", "throttled", "unauthorized"] satisfies FailureKind[];
const FAULTS: readonly string[] = ["local", "peer", "network"] satisfies Fault[];

export function encodeFailure(thrown: unknown): Uint8Array {
  const { code, text, kind, fault, hint } = HoldfastError.from(thrown);
  const cut = { code: code.slice(0, MAX_CODE), message: text.slice(0, MAX_TEXT), kind, fault };
  return Buffer.from(
    JSON.stringify({ ...cut, ...(hint !== undefined && { hint: hint.slice(0, MAX_TEXT) }) }),
  );
}

/** Total: whatever came is a failure of some kind. */
export function decodeFailure(payload: Uint8Array): HoldfastError {
  try {
    const fields = Fields.parse(payload);
    const [kind, fault] = [fields.get("kind"), fields.get("fault")];
    const code = fields.get("code");
    const hint = fields.get("hint");
    return new HoldfastError({
      code: typeof code === "string" && /^[a-z0-9_]{1,64}$/.test(code) ? code : "failed",
      message:
        typeof fields.get("message") === "string" ? shown(fields.get("message") as string) : "it failed",
      kind: KINDS.includes(kind as string) ? (kind as FailureKind) : "transient",
      fault: FAULTS.includes(fault as string) ? (fault as Fault) : "peer",
      hint: typeof hint === "string" ? shown(hint) : undefined,
    });
  } catch (thrown) {
    return HoldfastError.from(thrown);
  }
}

/** A peer's text, with everything escaped that could steer a terminal. */
function shown(text: string): string {
  return text
    .slice(0, MAX_TEXT)
    .replaceAll(
      /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu,
      (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
    );
}
