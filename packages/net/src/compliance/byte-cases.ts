// Bytes: whole, in order, both ways, with back-pressure.
import type { Link } from "../link.ts";
import type { Arena, ByteChannel } from "./arena.ts";
import { demand, pattern, sha256, soon, until } from "./demands.ts";
import type { RecordedAttempt } from "./recorded-attempt.ts";
import { recordAttempt } from "./recorded-attempt.ts";
import type { ArenaCase } from "./transport.ts";

export interface Pair<L extends Link> {
  readonly attempt: RecordedAttempt;
  readonly link: L;
  readonly near: ByteChannel;
  readonly far: ByteChannel;
}

/** Both ends of one link. */
export async function pairUp<L extends Link>(arena: Arena<L>): Promise<Pair<L>> {
  const attempt = recordAttempt();
  const link = await soon(arena.dial(attempt), "the dial");
  const near = arena.channel(link);
  return { attempt, link, near, far: await soon(arena.accept(), "the peer") };
}

/** Everything up to the end. */
export async function readAll(channel: ByteChannel): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const bytes = await soon(channel.receive(), "bytes or the end");
    if (bytes === undefined) return Buffer.concat(chunks);
    chunks.push(bytes);
  }
}

/** As many bytes as that, and not one more with the last of them. */
async function readBytes(channel: ByteChannel, count: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let got = 0;
  while (got < count) {
    const bytes = await soon(channel.receive(), "bytes");
    demand(bytes !== undefined, `an end came after ${got} of ${count} bytes`);
    chunks.push(bytes);
    got += bytes.length;
  }
  demand(got === count, `${count} bytes were sent and ${got} received`);
  return Buffer.concat(chunks);
}

const CHUNK_BYTES = 65_536;
/** More than any kernel buffers; a sender that gets this far without a reader has no back-pressure. */
const FLOOD_BYTES = 96 * 1_048_576;
/** A send that waits this long without a reader has met back-pressure. */
const STALL_MS = 250;

export const byteCases: readonly ArenaCase[] = [
  {
    name: "bytes pass both ways, whole and in order, in pieces of every size",
    run: async (arena) => {
      const { attempt, near, far, link } = await pairUp(arena);
      const up = pattern(300_000, 1);
      const down = pattern(300_000, 2);
      const [atFar, atNear] = await Promise.all([
        readBytes(far, up.length),
        readBytes(near, down.length),
        sendInPieces(near, up),
        sendInPieces(far, down),
      ]);
      demand(sha256(atFar) === sha256(up), "the peer received other bytes than were sent");
      demand(sha256(atNear) === sha256(down), "other bytes were received than the peer sent");
      demand(attempt.heardCount > 0, "bytes came and were not reported as heard");
      link.close();
    },
  },
  {
    name: "each arrival is reported as heard",
    run: async (arena) => {
      const { attempt, near, far, link } = await pairUp(arena);
      for (let i = 0; i < 3; i++) {
        const before = attempt.heardCount;
        await far.send(Buffer.from("sign of life"));
        const bytes = await soon(near.receive(), "a sign of life");
        demand(bytes !== undefined, "an end came instead");
        await until(() => attempt.heardCount > before, "bytes to be reported as heard");
      }
      link.close();
    },
  },
  {
    name: "one direction may end while the other goes on",
    needs: "halfClose",
    run: async (arena) => {
      const { near, far, link } = await pairUp(arena);
      await near.send(Buffer.from("question"));
      near.end();
      demand(String(await readAll(far)) === "question", "the peer did not get the question and its end");
      await far.send(Buffer.from("answer"));
      far.end();
      demand(String(await readAll(near)) === "answer", "the answer did not come after the own end");
      link.close();
    },
  },
  {
    name: "a sender waits for its reader, and nothing is lost by it",
    run: async (arena) => {
      const { near, far, link } = await pairUp(arena);
      const chunk = pattern(CHUNK_BYTES, 3);
      let sent = 0;
      let stalled: Promise<void> | undefined;
      while (stalled === undefined) {
        demand(sent < FLOOD_BYTES, `${FLOOD_BYTES} bytes were taken although nobody reads`);
        const sending = near.send(chunk);
        sent += chunk.length;
        const first = await Promise.race([
          sending.then(() => "sent"),
          new Promise((go) => setTimeout(go, STALL_MS)),
        ]);
        if (first === undefined) stalled = sending;
      }
      const reading = readBytes(far, sent);
      await soon(stalled, "the send to go on once the peer reads");
      const got = await reading;
      const whole = got.length / chunk.length;
      for (let i = 0; i < whole; i++) {
        const piece = got.subarray(i * chunk.length, (i + 1) * chunk.length);
        demand(chunk.equals(piece), "bytes changed under back-pressure");
      }
      link.close();
    },
  },
  {
    name: "ten links at once do not mix their bytes",
    run: async (arena) => {
      const pairs = [];
      // One after the other, so that the n-th that is accepted is the n-th that dialled.
      for (let i = 0; i < 10; i++) pairs.push(await pairUp(arena));
      await Promise.all(
        pairs.map(async ({ near, far, link }, i) => {
          const sent = pattern(100_000, 10 + i);
          const [got] = await Promise.all([readBytes(far, sent.length), sendInPieces(near, sent)]);
          demand(sha256(got) === sha256(sent), `link ${i} carried the bytes of another`);
          link.close();
        }),
      );
    },
  },
];

async function sendInPieces(channel: ByteChannel, bytes: Uint8Array): Promise<void> {
  for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 3) % 20_011) {
    await soon(channel.send(bytes.subarray(at, at + size)), "room to send");
  }
}
