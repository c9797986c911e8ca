import { duplexPair } from "node:stream";
import { describe, expect, it } from "vitest";
import { joinStreams } from "../../src/forward/join-streams.ts";

describe("joined streams", () => {
  it("hold no more than their buffers while the other side does not read", async () => {
    const [visitor, near] = duplexPair();
    const [far, target] = duplexPair();
    const joined = joinStreams(near, far);
    let accepted = 0;
    const piece = Buffer.alloc(16 * 1_024);
    const write = (): void => {
      accepted += piece.length;
      if (accepted < 64 * 1_024 * 1_024) visitor.write(piece, write);
    };
    write();
    for (let turns = 0; turns < 200; turns++) await new Promise((resolve) => void setImmediate(resolve));
    expect(accepted).toBeLessThan(1_024 * 1_024);
    visitor.on("error", () => undefined).destroy();
    target.on("error", () => undefined).destroy();
    near.destroy(new Error("enough"));
    expect(await joined).toMatchObject({ name: "HoldfastError" });
    expect(far.destroyed).toBe(true);
  });
});
