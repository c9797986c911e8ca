// A keyed digest that is fast and worthless as cryptography: every byte of the key and of the text changes it, and
// nobody in the simulated world attacks it. Whoever wants the real one hands it in.
import type { HmacRequest } from "../../session/handshake/proof.ts";

const WORDS = 8;

/** 32 bytes that depend on all bytes of the key and on the parts as one text. */
export function toyHmac(request: HmacRequest): Uint8Array {
  const state = { a: 0x811c9dc5, b: 0x9e3779b9 };
  absorb(state, request.key);
  state.a ^= request.key.length;
  for (const part of request.parts) absorb(state, part);
  const digest = new Uint8Array(WORDS * 4);
  for (let word = 0; word < WORDS; word++) {
    const mixed = finish(state.a + Math.imul(word + 1, 0x9e3779b1), state.b + word);
    for (let i = 0; i < 4; i++) digest[word * 4 + i] = mixed >>> (8 * i);
  }
  return digest;
}

function absorb(state: { a: number; b: number }, bytes: Uint8Array): void {
  let { a, b } = state;
  for (let i = 0; i < bytes.length; i++) {
    a = Math.imul(a ^ bytes[i]!, 0x01000193);
    b = Math.imul(b + bytes[i]! + 1, 0x5bd1e995) ^ (b >>> 15) ^ a;
  }
  state.a = a;
  state.b = b;
}

function finish(a: number, b: number): number {
  let mixed = a ^ Math.imul(b ^ (b >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return mixed ^ (mixed >>> 16);
}
