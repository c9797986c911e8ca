// Writes as messages: large ones as they are, without a copy; what is small between them in one.

/** Writes below this size are copied into one message with their neighbours. */
const SMALL_BYTES = 2_048;
/** … until they are this long together. */
const GATHERED_BYTES = 65_536;

export function gatherWrites(writes: readonly Uint8Array[]): Uint8Array[] {
  const messages: Uint8Array[] = [];
  let small: Uint8Array[] = [];
  let smallBytes = 0;
  const flush = (): void => {
    if (small.length > 0) messages.push(joined(small, smallBytes));
    small = [];
    smallBytes = 0;
  };
  for (const bytes of writes) {
    if (bytes.length >= SMALL_BYTES) {
      flush();
      messages.push(bytes);
      continue;
    }
    small.push(bytes);
    smallBytes += bytes.length;
    if (smallBytes >= GATHERED_BYTES) flush();
  }
  flush();
  return messages;
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = pieces;
  if (only !== undefined && pieces.length === 1) return only;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
