// Correctness beside speed: hashed transfers, twelve at once, some with half closes and some with slow readers. A
// bench that only counts bytes likes a data path that loses them.
import { createHash } from "node:crypto";
import { connect } from "node:net";
import { hashOf, payload } from "./payload.ts";
import type { Address } from "./address.ts";
import { MODE, SLOW_READ_MS } from "./wire.ts";

const SIZES = [
  0, 1, 1_000, 65_535, 65_536, 300_000, 1_000_000, 2_000_000, 3_000_000, 4_000_000, 5_000_000, 6_000_000,
];
const AT_ONCE = 12;
const STALL_MS = 20_000;

interface Transfer {
  readonly seed: number;
  readonly up: number;
  readonly down: number;
  /** The visitor ends its side first, and waits for the answer. */
  readonly half: boolean;
  readonly slow: "nobody" | "visitor" | "service";
}

/** Run so many transfers. @throws Error that names the first one that is not byte for byte right, or stalls. */
export async function runTransfers(way: Address, count: number): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const plan = planOf(next);
      next += 1;
      await transfer(way, plan).catch((error: unknown) => {
        next = count;
        throw new Error(`transfer ${JSON.stringify(plan)} failed`, { cause: error });
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

/** Every size in both directions, every kind of end and of reader, in all combinations before long. */
function planOf(index: number): Transfer {
  const { length } = SIZES;
  const round = Math.floor(index / length);
  return {
    seed: index,
    up: SIZES[index % length] ?? 0,
    down: SIZES[(index * 5 + round) % length] ?? 0,
    half: (index + round) % 2 === 0,
    slow: (["nobody", "visitor", "nobody", "service"] as const)[(index + (round >> 1)) % 4] ?? "nobody",
  };
}

function transfer({ host, port }: Address, plan: Transfer): Promise<void> {
  const { seed, up, down, half, slow } = plan;
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
    const hash = createHash("sha256");
    let got = 0;
    let tail = "";
    socket.setTimeout(STALL_MS, () => socket.destroy(new Error(`stalled after ${got} of ${down} bytes`)));
    socket.on("data", (chunk: Buffer) => {
      const body = chunk.subarray(0, Math.max(0, down - got));
      hash.update(body);
      tail += chunk.toString("latin1", body.length);
      got += chunk.length;
      if (slow !== "visitor") return;
      socket.pause();
      setTimeout(() => socket.resume(), SLOW_READ_MS);
    });
    socket.on("error", reject);
    socket.on("end", () => {
      socket.end();
      const uploaded = hashOf(payload(seed, up));
      if (tail !== uploaded)
        reject(new Error(`of the ${up} bytes sent, others came: ${tail.length} bytes of answer`));
      else if (hash.digest("hex") !== hashOf(payload(seed + 1, down)))
        reject(new Error(`other bytes came back`));
      else resolve();
    });
    const flags = `${half ? 1 : 0} ${slow === "service" ? 1 : 0}`;
    socket.write(`${MODE.transfer}${seed} ${up} ${down} ${flags}\n`);
    if (up > 0) socket.write(payload(seed, up));
    if (half) socket.end();
  });
}
