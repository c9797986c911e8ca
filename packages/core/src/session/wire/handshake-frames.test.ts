// The frames of the handshakes at their borders: sizes, ranges, reserved fields, numbers that do not fit.
import { describe, expect, test } from "vitest";
import { LIMIT_RANGES, type PeerLimits } from "../limits.ts";
import { asciiText } from "./ascii.ts";
import { HEADER_BYTES } from "./frame-types.ts";
import { MOST_HEARTBEAT_MS, MOST_HINT_MS, MOST_RESUME_TTL_MS } from "./handshake-frame.ts";
import { decodeHelloOk, encodeHelloOk, type HelloOkFrame } from "./hello-ok.ts";
import { decodeHello, encodeHello, type HelloFrame, MOST_CREDENTIAL_BYTES } from "./hello.ts";
import { putUint32, putUint64, uint64At } from "./integers.ts";
import { decodeRefuse, encodeRefuse, MOST_ALTERNATIVE_BYTES } from "./refuse.ts";
import { decodeResume, decodeResumeOk, encodeResume, encodeResumeOk } from "./resume.ts";

const LIMITS: PeerLimits = {
  maxFrameBytes: 65_536,
  initialCredit: 16_384,
  maxStreams: 64,
  replayBytes: 65_536,
};
const NOT_OURS = expect.objectContaining({ code: "not_our_peer", fault: "peer" });

const hello: HelloFrame = {
  features: 0xff_ff_ff_ff,
  nonce: new Uint8Array(16).fill(1),
  instanceId: new Uint8Array(16).fill(2),
  owner: undefined,
  proof: undefined,
  claim: 0xff_ff_ff_ff,
  limits: LIMITS,
  heartbeatMs: 10_000,
  credentials: Uint8Array.of(7, 8, 9),
};

const helloOk: HelloOkFrame = {
  features: 5,
  sessionId: new Uint8Array(16).fill(3),
  secret: new Uint8Array(32).fill(4),
  proof: undefined,
  limits: LIMITS,
  heartbeatMs: 10_000,
  resumeTtlMs: 900_000,
  reconnectWindowMs: 5_000,
};

const resume = encodeResume({
  sessionId: new Uint8Array(16),
  claim: 1,
  nonce: new Uint8Array(16),
  position: { rx: 2, txLow: 1 },
});
const resumeOk = encodeResumeOk({ claim: 1, nonce: new Uint8Array(16), position: { rx: 2, txLow: 1 } });
const refuse = encodeRefuse({ code: 5, retryAfterMs: 7, alternative: undefined });

const FRAMES = [
  { name: "HELLO", frame: encodeHello(hello), decode: decodeHello, reserved: [10, 11], most: 4_104 },
  { name: "HELLO_OK", frame: encodeHelloOk(helloOk), decode: decodeHelloOk, reserved: [10, 11], most: 124 },
  { name: "RESUME", frame: resume, decode: decodeResume, reserved: [9, 10, 11], most: 96 },
  { name: "RESUME_OK", frame: resumeOk, decode: decodeResumeOk, reserved: [8, 9, 10, 11], most: 80 },
  { name: "REFUSE", frame: refuse, decode: decodeRefuse, reserved: [10, 11], most: 560 },
];

describe.each(FRAMES)("$name", ({ name, frame, decode, reserved, most }) => {
  const least = name === "HELLO" ? frame.length - 3 : frame.length;

  test("comes back as it was", () => {
    expect(decode(frame)).toMatchObject(name === "HELLO" ? hello : name === "HELLO_OK" ? helloOk : {});
  });

  test("has one size, or a least and a greatest", () => {
    const padded = new Uint8Array(most + 1);
    padded.set(frame);
    expect(() => decode(padded.subarray(0, most))).not.toThrow();
    expect(() => decode(padded)).toThrow(NOT_OURS);
    expect(() => decode(frame.subarray(0, least))).not.toThrow();
    for (const length of [0, HEADER_BYTES, least - 1]) {
      expect(() => decode(frame.subarray(0, length))).toThrow(NOT_OURS);
    }
  });

  test("sends zeros in what is reserved, and does not look at it", () => {
    const noisy = frame.slice();
    for (const at of reserved) {
      expect(frame[at]).toBe(0);
      noisy[at] = 0xff;
    }
    expect(decode(noisy)).toEqual(decode(frame));
  });

  test("names no stream", () => {
    const named = frame.slice();
    putUint32(named, 4, 1);
    expect(() => decode(named)).toThrow(NOT_OURS);
  });
});

describe("numbers", () => {
  const places = [
    { name: "HELLO", frame: encodeHello(hello), decode: decodeHello, at: 116 },
    { name: "HELLO_OK", frame: encodeHelloOk(helloOk), decode: decodeHelloOk, at: 96 },
  ];

  test.each(places)("$name: the limits are held to their ranges", ({ frame, decode, at }) => {
    const names = ["maxFrameBytes", "initialCredit", "maxStreams", "replayBytes"] as const;
    names.forEach((limit, index) => {
      const [least, most] = LIMIT_RANGES[limit];
      for (const value of [least, most]) {
        const changed = frame.slice();
        putUint32(changed, at + 4 * index, value);
        expect(decode(changed).limits[limit]).toBe(value);
      }
      for (const value of [least - 1, most + 1, 0xff_ff_ff_ff].filter((number) => number >= 0)) {
        const changed = frame.slice();
        putUint32(changed, at + 4 * index, value);
        expect(() => decode(changed)).toThrow(NOT_OURS);
      }
    });
  });

  test("times are cut to what is believed", () => {
    const endless = 0xff_ff_ff_ff;
    const times = { heartbeatMs: endless, resumeTtlMs: endless, reconnectWindowMs: endless };
    expect(decodeHelloOk(encodeHelloOk({ ...helloOk, ...times }))).toMatchObject({
      heartbeatMs: MOST_HEARTBEAT_MS,
      resumeTtlMs: MOST_RESUME_TTL_MS,
      reconnectWindowMs: MOST_HINT_MS,
    });
    expect(decodeHello(encodeHello({ ...hello, heartbeatMs: endless })).heartbeatMs).toBe(MOST_HEARTBEAT_MS);
    const frame = refuse.slice();
    putUint32(frame, 12, endless);
    expect(decodeRefuse(frame).retryAfterMs).toBe(MOST_HINT_MS);
    const sent = [endless * 2, Infinity, 1.5, -3, Number.NaN].map(
      (retryAfterMs) =>
        decodeRefuse(encodeRefuse({ code: 5, retryAfterMs, alternative: undefined })).retryAfterMs,
    );
    expect(sent).toEqual([MOST_HINT_MS, MOST_HINT_MS, 2, 0, 0]);
  });

  test("a u64 is exact up to 2^53 - 1, and refused above", () => {
    const bytes = new Uint8Array(8);
    for (const value of [
      0,
      1,
      2 ** 32 - 1,
      2 ** 32,
      2 ** 32 + 1,
      2 ** 52 + 12_345,
      Number.MAX_SAFE_INTEGER,
    ]) {
      putUint64(bytes, 0, value);
      expect(Buffer.from(bytes).readBigUInt64BE()).toBe(BigInt(value));
      expect(uint64At(bytes, 0)).toBe(value);
    }
    Buffer.from(bytes.buffer).writeBigUInt64BE(2n ** 53n);
    expect(uint64At(bytes, 0)).toBeUndefined();
    for (const at of [48, 56]) {
      const frame = resume.slice();
      frame.set(bytes, at);
      expect(() => decodeResume(frame)).toThrow(NOT_OURS);
    }
    for (const at of [32, 40]) {
      const frame = resumeOk.slice();
      frame.set(bytes, at);
      expect(() => decodeResumeOk(frame)).toThrow(NOT_OURS);
    }
  });
});

describe("what this end says", () => {
  test("has the right lengths, or is a mistake of this end", () => {
    const mistake = expect.objectContaining({ code: "bad_config", kind: "fatal", fault: "local" });
    expect(() => encodeHello({ ...hello, nonce: new Uint8Array(15) })).toThrow(mistake);
    expect(() => encodeHello({ ...hello, owner: new Uint8Array(33) })).toThrow(mistake);
    expect(() => encodeHello({ ...hello, credentials: new Uint8Array(MOST_CREDENTIAL_BYTES + 1) })).toThrow(
      mistake,
    );
    const longest = encodeHello({ ...hello, credentials: new Uint8Array(MOST_CREDENTIAL_BYTES) });
    expect(decodeHello(longest).credentials.length).toBe(MOST_CREDENTIAL_BYTES);
    expect(() => encodeHelloOk({ ...helloOk, secret: new Uint8Array(31) })).toThrow(mistake);
  });

  test("owner and proof are there if their flags are", () => {
    const owner = new Uint8Array(32).fill(5);
    const proof = new Uint8Array(32).fill(6);
    expect(decodeHello(encodeHello({ ...hello, owner }))).toMatchObject({ owner, proof: undefined });
    expect(decodeHello(encodeHello({ ...hello, proof }))).toMatchObject({ owner: undefined, proof });
    expect(decodeHelloOk(encodeHelloOk({ ...helloOk, proof })).proof).toEqual(proof);
  });

  test("another address is printable, and not too long", () => {
    const said = (alternative: string): string | undefined =>
      decodeRefuse(encodeRefuse({ code: 6, retryAfterMs: 0, alternative })).alternative;
    expect(said("holdfast://two.example:7836")).toBe("holdfast://two.example:7836");
    expect(said("a".repeat(MOST_ALTERNATIVE_BYTES))).toHaveLength(MOST_ALTERNATIVE_BYTES);
    for (const bad of ["a".repeat(MOST_ALTERNATIVE_BYTES + 1), "two words", "\u001b[2J", "é", "\u0141", ""]) {
      expect(said(bad)).toBeUndefined();
    }
    expect(asciiText(Uint8Array.of(0x41, 0x1b, 0x42))).toBeUndefined();
  });
});
