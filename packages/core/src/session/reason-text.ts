// The reason in CLOSE, for people. What a peer says is shown with everything but printable ASCII escaped, so that it
// cannot steer a terminal.

/** Of a long reason so much is kept, in bytes. */
const MOST_SHOWN_BYTES = 256;

export function encodeReason(reason: string, mostBytes: number): Uint8Array {
  const bytes = new Uint8Array(Math.min(reason.length, mostBytes));
  for (let i = 0; i < bytes.length; i++) {
    const unit = reason.charCodeAt(i);
    bytes[i] = printable(unit) ? unit : 0x3f;
  }
  return bytes;
}

export function decodeReason(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  const end = Math.min(to, from + MOST_SHOWN_BYTES);
  for (let i = from; i < end; i++) {
    const byte = bytes[i]!;
    text += printable(byte) ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return text;
}

function printable(unit: number): boolean {
  return unit >= 0x20 && unit <= 0x7e;
}
