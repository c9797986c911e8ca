// The dialling end, a program of its own: `client.js TRANSPORT bare|session PORT TEST SECONDS` runs one test, once to
// warm up and once to be counted by the server; `hashed` counts transfers instead of seconds.
import { createHash } from "node:crypto";
import { payload } from "../tunnel/payload.ts";
import { dial, type Dialled } from "./dial.ts";
import { MODE } from "./kinds.ts";
import type { Pipe } from "./pipe.ts";

const BLOCK = payload(0, 64 * 1_024);
const MESSAGE = Buffer.alloc(64, "m");
const WARM_MS = 300;
const AT_ONCE = 6;
const SIZES = [0, 1, 2_047, 16_384, 65_536, 65_537, 300_000, 1_000_000, 3_000_000];

const [transport = "", how = "", port, test = "", amount] = process.argv.slice(2);
const dialled = await dial(transport, how, Number(port));
if (test === "hashed") {
  await transfers(Number(amount));
} else {
  await run(WARM_MS);
  await run(Number(amount) * 1_000);
}
await dialled.close();
console.log("done");
process.exit(0);

async function run(ms: number): Promise<void> {
  const pipes = await Promise.all(
    Array.from({ length: test === "bulk 8" ? 8 : 1 }, () => begun(dialled, MODE.sink)),
  );
  await Promise.all(pipes.map((pipe) => fill(pipe, test === "small" ? MESSAGE : BLOCK, ms)));
}

async function begun(from: Dialled, mode: string): Promise<Pipe> {
  const pipe = await from.open();
  pipe.onBytes(() => undefined);
  pipe.write(Buffer.from(mode));
  return pipe;
}

/** Write for so long; done when the other end has seen the end. */
function fill(pipe: Pipe, block: Buffer, ms: number): Promise<void> {
  const endsAt = performance.now() + ms;
  return new Promise((resolve) => {
    pipe.onEnd(resolve);
    const more = (): void => {
      while (performance.now() < endsAt) if (!pipe.write(block)) return;
      pipe.onRoom(() => undefined);
      pipe.end();
    };
    pipe.onRoom(more);
    more();
  });
}

/** @throws Error that names the first transfer whose hash is another one. */
async function transfers(count: number): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await transfer(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  console.log(`hashed ${count}`);
}

async function transfer(index: number): Promise<void> {
  const bytes = payload(index, SIZES[index % SIZES.length] ?? 0);
  const pipe = await dialled.open();
  const answer = new Promise<string>((resolve) => {
    const got: Buffer[] = [];
    pipe.onBytes((piece) => void got.push(Buffer.from(piece)));
    pipe.onEnd(() => resolve(Buffer.concat(got).toString("hex")));
  });
  const sent = Buffer.concat([Buffer.from(MODE.hash), bytes]);
  await writeAll(pipe, sent, 10_000 + index * 17);
  if ((await answer) !== createHash("sha256").update(sent).digest("hex")) {
    throw new Error(`transfer ${index} of ${bytes.length} bytes arrived as something else`);
  }
}

function writeAll(pipe: Pipe, bytes: Buffer, step: number): Promise<void> {
  return new Promise((resolve) => {
    let at = 0;
    const more = (): void => {
      while (at < bytes.length) {
        const piece = bytes.subarray(at, at + step);
        at += piece.length;
        if (!pipe.write(piece)) return;
      }
      pipe.onRoom(() => undefined);
      pipe.end();
      resolve();
    };
    pipe.onRoom(more);
    more();
  });
}
