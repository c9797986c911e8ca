// What is written to a process or a tunnel, where its stream behaves badly.
import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { Feed } from "../../src/api/carried/feed.ts";

describe("a feed", () => {
  it("answers every write when its stream goes away in the middle of one, and tells nothing", async () => {
    const stream = new Writable({ write: () => undefined, destroy: (_error, done) => done(null) });
    const feed = new Feed(stream, 1_000, "process 1");
    const writes = [1, 2, 3].map(() => feed.write(new Uint8Array(10), false));
    const outcomes = Promise.allSettled(writes);
    stream.destroy();
    const reasons = (await outcomes).map((one) =>
      one.status === "rejected" ? (one.reason as unknown) : "taken",
    );
    expect(reasons).toEqual([1, 2, 3].map(() => expect.objectContaining({ code: "broken_pipe" })));
    await expect(feed.write(new Uint8Array(1), false)).rejects.toMatchObject({ code: "broken_pipe" });
  });

  it("has room again for what was taken, and takes one that is larger than all the room", async () => {
    let take: () => void = () => undefined;
    const stream = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => void (take = done) });
    const feed = new Feed(stream, 10, "tunnel 1");
    const large = feed.write(new Uint8Array(100), false);
    await expect(feed.write(new Uint8Array(1), false)).rejects.toMatchObject({ code: "limit" });
    take();
    await large;
    const small = feed.write(new Uint8Array(10), true);
    take();
    await small;
    await expect(feed.write(new Uint8Array(1), false)).rejects.toMatchObject({ code: "broken_pipe" });
  });
});
