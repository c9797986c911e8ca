// A download and an upload over one connection, where both ends know every byte that they should see and how the
// other one should end.
import { connect, type Socket } from "node:net";
import { fateOf } from "./fate.ts";
import { Digest, sendPattern, type Content } from "./pattern.ts";
import type { Scene } from "./scene.ts";
import { listenForScene } from "./service.ts";

/** What the visitor asks for and brings. Seeds name the pattern. */
export interface Order {
  readonly seed: number;
  readonly downBytes: number;
  readonly upBytes: number;
}

/** What one end has got from the other when the connection was over. */
export interface Got extends Content {
  /** `end` as the far application said it; otherwise the code of the error that broke it off. */
  readonly fate: string;
}

export interface ExchangeService {
  readonly port: number;
  /** What each visitor brought, by the seed of its order; at most one for each visitor of the scene. */
  readonly uploads: ReadonlyMap<number, Got>;
}

/** The first line that a visitor sends is its order; behind it comes what it uploads. */
export async function exchangeService(scene: Scene): Promise<ExchangeService> {
  const uploads = new Map<number, Got>();
  const port = await listenForScene(scene, (socket) => {
    let head = "";
    const readOrder = (chunk: Buffer): void => {
      const end = chunk.indexOf("\n");
      head += chunk.subarray(0, end < 0 ? chunk.length : end).toString();
      if (end < 0) return;
      socket.off("data", readOrder);
      const [seed = 0, downBytes = 0] = head.split(" ").map(Number);
      void receive(socket, chunk.subarray(end + 1)).then((got) => uploads.set(seed, got));
      sendPattern(socket, seed, downBytes);
    };
    socket.on("data", readOrder);
  });
  return { port, uploads };
}

/** Everything until the end of the other side's direction, whichever it is. */
async function receive(socket: Socket, first: Buffer, onBytes?: (count: number) => void): Promise<Got> {
  const digest = new Digest();
  if (first.length > 0) digest.take(first);
  socket.on("data", (chunk: Buffer) => {
    digest.take(chunk);
    onBytes?.(digest.bytes);
  });
  const fate = await fateOf(socket);
  return { ...digest.finish(), fate };
}

/** A visitor that carries out an order at `port`, to the end of both directions. `onBytes` sees its download grow. */
export async function exchange(
  port: number,
  { seed, downBytes, upBytes }: Order,
  onBytes?: (count: number) => void,
): Promise<Got> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  const sent = new Promise<void>((resolve) => socket.once("finish", resolve).once("close", () => resolve()));
  socket.write(`${seed} ${downBytes}\n`);
  sendPattern(socket, upSeed(seed), upBytes);
  const got = await receive(socket, Buffer.alloc(0), onBytes);
  if (got.fate === "end") await sent;
  socket.destroy();
  return got;
}

/** What is uploaded has another pattern than what is downloaded, so that neither can pass for the other. */
export function upSeed(seed: number): number {
  return seed + 1_000_000;
}
