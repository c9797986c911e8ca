// The examples of docs/PROTOCOL.md, byte for byte: decoded and encoded by the wire's own code, with MACs and proofs
// that Node's HMAC and HKDF agree with.
import { createHash, createHmac, hkdfSync } from "node:crypto";
import { REFUSE } from "@holdfast/core/session";
import { describe, expect, test } from "vitest";
import { decodeHelloOk, encodeHelloOk } from "../src/session/wire/hello-ok.ts";
import { decodeHello, encodeHello } from "../src/session/wire/hello.ts";
import { decodeRefuse, encodeRefuse, putRefuseMac } from "../src/session/wire/refuse.ts";
import {
  decodeResume,
  decodeResumeOk,
  encodeResume,
  encodeResumeOk,
  putResumeMac,
  putResumeOkMac,
} from "../src/session/wire/resume.ts";
import { example, EXAMPLES, GIVEN, hex } from "./protocol-examples.ts";

function hmac(key: Uint8Array | string, ...parts: readonly (Uint8Array | string)[]): Uint8Array {
  const digest = createHmac("sha256", key);
  for (const part of parts) digest.update(part);
  return digest.digest();
}

function hkdf(info: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", GIVEN.secret, "", info, 32));
}

const shared = createHash("sha256").update("hunter2").digest();
const owner = hmac(GIVEN.ownerKey, "holdfast owner\0", GIVEN.relayIdentity);
const resumeMac = hmac(hkdf("c2s resume"), example("RESUME").subarray(0, 64), GIVEN.exporter);
const bytes = (from: string, start: number, end?: number): string => hex(example(from).subarray(start, end));

describe("docs/PROTOCOL.md, 2.12: handshakes", () => {
  test("has an example of every frame", () => {
    expect([...EXAMPLES.keys()].join(", ")).toBe(
      "HELLO, HELLO_OK, RESUME, RESUME_OK, REFUSE STALE, owner id, OPEN, DATA, CREDIT, FIN, RESET, " +
        "RESET of the sending side, STOP, GOAWAY, ACK, PING, PONG, DETACH, CLOSE, AUTH, AUTH_STATE, DATAGRAM",
    );
  });

  test("HELLO", () => {
    const hello = {
      features: 7,
      nonce: GIVEN.clientNonce,
      instanceId: GIVEN.instanceId,
      owner,
      proof: hmac(shared, "client", GIVEN.exporter),
      claim: 1,
      limits: { maxFrameBytes: 262_144, initialCredit: 16_384, maxStreams: 1_024, replayBytes: 4_194_304 },
      heartbeatMs: 10_000,
      credentials: new Uint8Array(),
    };
    expect(hex(encodeHello(hello))).toBe(bytes("HELLO", 0));
    const decoded = decodeHello(example("HELLO"));
    expect(hex(encodeHello(decoded))).toBe(bytes("HELLO", 0));
    expect(decoded).toMatchObject({ features: 7, claim: 1, limits: hello.limits, heartbeatMs: 10_000 });
  });

  test("HELLO_OK", () => {
    const answer = {
      features: 7,
      sessionId: GIVEN.sessionId,
      secret: GIVEN.secret,
      proof: hmac(shared, "server", GIVEN.exporter),
      limits: { maxFrameBytes: 262_144, initialCredit: 16_384, maxStreams: 64, replayBytes: 4_194_304 },
      heartbeatMs: 10_000,
      resumeTtlMs: 600_000,
      reconnectWindowMs: 5_000,
    };
    expect(hex(encodeHelloOk(answer))).toBe(bytes("HELLO_OK", 0));
    expect(hex(encodeHelloOk(decodeHelloOk(example("HELLO_OK"))))).toBe(bytes("HELLO_OK", 0));
  });

  test("RESUME", () => {
    const frame = encodeResume({
      sessionId: GIVEN.sessionId,
      claim: 7,
      nonce: GIVEN.clientNonce,
      position: { rx: 0x1234, txLow: 0x1000 },
    });
    putResumeMac(frame, resumeMac);
    expect(hex(frame)).toBe(bytes("RESUME", 0));
    expect(decodeResume(frame)).toMatchObject({ claim: 7, position: { rx: 0x1234, txLow: 0x1000 } });
  });

  test("RESUME_OK", () => {
    const position = { rx: 0x2010, txLow: 0x2000 };
    const frame = encodeResumeOk({ claim: 7, nonce: GIVEN.serverNonce, position });
    putResumeOkMac(frame, hmac(hkdf("s2c resume"), frame.subarray(0, 48), resumeMac));
    expect(hex(frame)).toBe(bytes("RESUME_OK", 0));
    expect(decodeResumeOk(frame)).toMatchObject({ claim: 7, position });
  });

  test("REFUSE", () => {
    const frame = encodeRefuse({ code: REFUSE.stale, retryAfterMs: 0, alternative: undefined });
    putRefuseMac(frame, hmac(hkdf("s2c resume"), frame.subarray(0, 16), resumeMac));
    expect(hex(frame)).toBe(bytes("REFUSE STALE", 0));
    expect(decodeRefuse(frame)).toEqual({ code: REFUSE.stale, retryAfterMs: 0, alternative: undefined });
  });

  test("owner id", () => {
    expect(hex(hmac("holdfast owner id", owner).subarray(0, 16))).toBe(bytes("owner id", 0));
  });
});
