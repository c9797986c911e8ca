import { HoldfastError } from "@holdfast/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  socksReply,
  socksReplyFor,
  SocksRequest,
  type SocksProgress,
} from "../../src/forward/socks-request.ts";

const GREETING = [5, 1, 0];
const bytes = (...all: number[]): Uint8Array => Uint8Array.from(all);
const name = (text: string): number[] => [text.length, ...Buffer.from(text)];
const request = (...tail: number[]): Uint8Array => bytes(...GREETING, 5, 1, 0, ...tail);
const ACCEPTED = bytes(5, 0);

describe("a SOCKS5 request", () => {
  it.each([
    ["an IPv4 address", request(1, 127, 0, 0, 1, 0, 80), "127.0.0.1", 80],
    ["a name", request(3, ...name("db.internal"), 0x15, 0x38), "db.internal", 5_432],
    [
      "an IPv6 address",
      request(4, 0x20, 1, 0xd, 0xb8, ...Array(11).fill(0), 1, 1, 0xbb),
      "2001:db8:0:0:0:0:0:1",
      443,
    ],
  ])("to %s is understood", (_, sent, host, port) => {
    const progress = new SocksRequest().receive(sent);
    expect(progress).toEqual({ at: "request", answer: ACCEPTED, host, port, rest: bytes() });
  });

  it("is understood in whatever pieces it comes, and keeps what follows for the target", () => {
    const sent = [...request(3, ...name("a.b"), 0, 22), 7, 8, 9];
    fc.assert(
      fc.property(fc.array(fc.nat(sent.length), { maxLength: 12 }), (cuts) => {
        const socks = new SocksRequest();
        const edges = [0, ...cuts.toSorted((a, b) => a - b), sent.length];
        const answers: number[] = [];
        const rest: number[] = [];
        let found: SocksProgress | undefined = undefined;
        for (let i = 1; i < edges.length; i++) {
          const piece = Uint8Array.from(sent.slice(edges[i - 1], edges[i]));
          if (found !== undefined) {
            rest.push(...piece);
            continue;
          }
          const progress = socks.receive(piece);
          answers.push(...(progress.answer ?? []));
          if (progress.at === "request") {
            found = progress;
            rest.push(...progress.rest);
          } else expect(progress.at).toBe("more");
        }
        expect(found).toMatchObject({ host: "a.b", port: 22 });
        expect(answers).toEqual([5, 0]);
        expect(rest).toEqual([7, 8, 9]);
      }),
    );
  });

  it.each([
    ["SOCKS4", bytes(4, 1, 0, 80), undefined],
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n"), undefined],
    ["no method that we have", bytes(5, 1, 2), bytes(5, 0xff)],
    ["no method at all", bytes(5, 0), bytes(5, 0xff)],
    ["another version after the greeting", bytes(...GREETING, 4, 1, 0, 1), ACCEPTED],
    ["BIND", bytes(...GREETING, 5, 2, 0, 1), bytes(...ACCEPTED, ...socksReply(7))],
    ["UDP ASSOCIATE", bytes(...GREETING, 5, 3, 0, 1), bytes(...ACCEPTED, ...socksReply(7))],
    ["an unknown kind of address", request(2, 1, 2, 3), bytes(...ACCEPTED, ...socksReply(8))],
    ["port 0", request(1, 1, 2, 3, 4, 0, 0), bytes(...ACCEPTED, ...socksReply(1))],
    ["an empty name", request(3, 0, 0, 80), bytes(...ACCEPTED, ...socksReply(1))],
    ["an option for a name", request(3, ...name("-oX=1"), 0, 80), bytes(...ACCEPTED, ...socksReply(1))],
    ["a name with a line break", request(3, ...name("a\nb"), 0, 80), bytes(...ACCEPTED, ...socksReply(1))],
    ["a name with a shell in it", request(3, ...name("a;b"), 0, 80), bytes(...ACCEPTED, ...socksReply(1))],
  ])("with %s is refused", (_, sent, answer) => {
    expect(new SocksRequest().receive(sent)).toEqual({ at: "refused", answer });
  });

  it("never throws, never keeps much, and always comes to an end", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }),
        fc.boolean(),
        (pieces, greet) => {
          const socks = new SocksRequest();
          if (greet) socks.receive(Uint8Array.from(GREETING));
          let received = 0;
          for (const piece of pieces) {
            const progress = socks.receive(piece);
            received += piece.length;
            if (progress.at === "more") {
              expect(received).toBeLessThanOrEqual(600);
              continue;
            }
            if (progress.at === "request") {
              expect(progress.port).toBeGreaterThan(0);
              expect(progress.host).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_.:-]*$|^[0-9a-f:]+$/);
            }
            return;
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("is answered with what happened", () => {
    const codeFor = (code: string): number => socksReplyFor(new HoldfastError({ code, message: code }));
    expect(codeFor("connection_refused")).toBe(5);
    expect(codeFor("name_not_resolved")).toBe(4);
    expect(codeFor("not_connected")).toBe(3);
    expect(codeFor("whatever")).toBe(1);
  });
});
