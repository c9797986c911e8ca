// Streams over two sessions back to back: bytes, half close, flow control, cuts.
import { describe, expect, it } from "vitest";
import { KIND } from "../../src/session/index.ts";
import { hexOf, Pair, pattern, readAll, textBytes } from "./pair.ts";

describe("streams", () => {
  it("carry bytes both ways and end when both directions have ended", () => {
    const pair = new Pair().begin();
    const here = pair.client.session.open(KIND.tcp, textBytes("hello"));
    here.write(textBytes("ping"));
    here.end();
    pair.flow();
    const there = pair.opened(pair.server, here.id);
    expect(hexOf(there.metadata)).toBe(hexOf(textBytes("hello")));
    expect(hexOf(readAll(there))).toBe(hexOf(textBytes("ping")));
    expect(there.received).toEqual({ type: "finished" });
    there.write(textBytes("pong"));
    there.end();
    pair.flow();
    expect(hexOf(readAll(here))).toBe(hexOf(textBytes("pong")));
    expect([...pair.client.session.streams()]).toEqual([]);
    expect([...pair.server.session.streams()]).toEqual([]);
    pair.collect();
    expect(pair.client.events.at(-1)).toEqual({ type: "forgotten", stream: here });
    expect(pair.server.events.at(-1)).toEqual({ type: "forgotten", stream: there });
  });

  it("carry more than any window, as fast as the reader consumes", () => {
    const pair = new Pair().begin();
    const here = pair.client.session.open(KIND.tcp, new Uint8Array(0));
    const all = pattern(3_000_000);
    let written = 0;
    let read = 0;
    for (let i = 0; i < 10_000 && read < all.length; i++) {
      while (written < all.length && here.writable) {
        here.write(all.subarray(written, Math.min(all.length, written + 50_000)));
        written = Math.min(all.length, written + 50_000);
      }
      pair.pass(1);
      for (const event of pair.server.events.splice(0)) {
        if (event.type !== "readable" && event.type !== "opened") continue;
        const piece = readAll(event.stream);
        expect(hexOf(piece) === hexOf(all.subarray(read, read + piece.length))).toBe(true);
        read += piece.length;
      }
    }
    expect(read).toBe(all.length);
  });

  it("go on after cuts at any byte", () => {
    for (let cutAt = 0; cutAt < 200; cutAt++) {
      const pair = new Pair().begin();
      pair.flow();
      const here = pair.client.session.open(KIND.tcp, textBytes("x"));
      here.write(pattern(100));
      here.write(pattern(3_000, 100));
      here.end();
      const bytes = pair.take(pair.client);
      pair.give(pair.server, bytes.subarray(0, Math.min(bytes.length, cutAt)));
      pair.cut().resume().flow();
      const there = pair.opened(pair.server, here.id);
      expect(hexOf(readAll(there))).toBe(hexOf(pattern(3_100)));
      expect(there.received).toEqual({ type: "finished" });
    }
  });
});
