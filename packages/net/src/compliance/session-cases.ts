// What every transport has to carry: streams that stay whole and in order, over one link or a hundred.
import { RESET } from "@holdfast/core/session";
import type { SessionHandle } from "../session/surface.ts";
import { demand, pattern, rejection, sha256, soon, until } from "./demands.ts";
import type { Wish } from "./session-peer.ts";
import type { SessionStage, StageOptions } from "./session-stage.ts";
import { openChannel, type StreamChannel } from "./stream-channel.ts";

export interface SessionCase {
  readonly name: string;
  readonly options?: StageOptions;
  readonly run: (stage: SessionStage) => Promise<void>;
}

const MIB = 1_048_576;
const SIZES = [0, 1, 2_047, 2_048, 65_535, 65_536, 65_537, 300_000, MIB, 6 * MIB];

export const sessionCases: readonly SessionCase[] = [
  {
    name: "transfers of every size arrive whole, both ways, twelve at once",
    async run({ session }) {
      const handle = await session();
      const transfers = [...SIZES, 4_096, 100_000].map((size, i) => transfer(handle, size, i));
      await Promise.all(transfers);
      await until(() => [...handle.streams()].length === 0, "all streams to be forgotten");
    },
  },
  {
    name: "one direction of a stream may end while the other goes on",
    async run({ session }) {
      const channel = open(await session(), "hash");
      await channel.send(Buffer.from("question"));
      channel.end();
      const answer = await readText(channel);
      demand(answer === `8 ${sha256(Buffer.from("question"))}`, `the answer is ${answer}`);
    },
  },
  {
    name: "a stream that is broken off there is a reset here, with its code and never an end",
    async run({ session }) {
      const handle = await session();
      const channel = open(handle, `break ${RESET.unreachable} 1000`);
      const reading = rejection(readAll(channel), "reading a stream that is broken off");
      await channel.send(pattern(5_000, 1));
      await reading;
      const { received } = channel.stream;
      demand(received?.type === "reset" && received.code === RESET.unreachable, "the code is another");
      await soon(channel.forgotten, "the stream to be forgotten");
    },
  },
  {
    name: "a reader that takes its time holds nobody up but its own writer",
    async run({ session }) {
      const handle = await session();
      const ignored = open(handle, "ignore");
      const flooded = flood(ignored);
      const sipped = transferTo(handle, "sip", 2 * MIB, 5);
      for (let i = 0; i < 10; i++) await transfer(handle, 100_000, i);
      await sipped;
      demand(ignored.stream.queuedBytes <= MIB, "a writer without a reader was not held up");
      ignored.reset();
      await rejection(flooded, "writing to a stream that was reset");
    },
  },
  {
    name: "five hundred streams come and go, fifty at a time",
    async run({ session }) {
      const handle = await session();
      let left = 500;
      const worker = async (): Promise<void> => {
        while (left-- > 0) {
          const text = `stream ${left}`;
          const channel = open(handle, "echo");
          await channel.send(Buffer.from(text));
          channel.end();
          demand((await readText(channel)) === text, "an echo came back changed");
          await soon(channel.forgotten, "a stream to be forgotten");
        }
      };
      await Promise.all(Array.from({ length: 50 }, worker));
      demand(handle.figures.openStreams === 0, "a stream was not forgotten");
    },
  },
];

/** Send, let the other side hash; and be sent, and hash here. */
export async function transfer(handle: SessionHandle, size: number, seed: number): Promise<void> {
  await Promise.all([transferTo(handle, "hash", size, seed), transferFrom(handle, size, seed)]);
}

async function transferTo(
  handle: SessionHandle,
  wish: "hash" | "sip",
  size: number,
  seed: number,
): Promise<void> {
  const bytes = pattern(size, seed);
  const channel = open(handle, wish);
  for (let at = 0, step = 1 + seed; at < size; at += step, step = (step * 3) % 70_001) {
    await soon(channel.send(bytes.subarray(at, at + step)), "room to send");
  }
  channel.end();
  const answer = await readText(channel);
  demand(answer === `${size} ${sha256(bytes)}`, `other bytes than the ${size} that were sent have arrived`);
}

async function transferFrom(handle: SessionHandle, size: number, seed: number): Promise<void> {
  const channel = open(handle, `give ${size} ${seed}`);
  const bytes = await readAll(channel);
  channel.end();
  demand(bytes.length === size, `${bytes.length} bytes came instead of ${size}`);
  demand(sha256(bytes) === sha256(pattern(size, seed)), "other bytes came than were sent");
}

export function open(handle: SessionHandle, wish: Wish): StreamChannel {
  return openChannel(handle, wish);
}

export async function readAll(channel: StreamChannel): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for (;;) {
    const bytes = await soon(channel.receive(), "bytes or the end");
    if (bytes === undefined) return Buffer.concat(pieces);
    pieces.push(bytes);
  }
}

async function readText(channel: StreamChannel): Promise<string> {
  return (await readAll(channel)).toString();
}

/** Write until it is broken off. */
async function flood(channel: StreamChannel): Promise<never> {
  const piece = pattern(65_536, 9);
  for (;;) await channel.send(piece);
}
