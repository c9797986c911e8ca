// A long way between two programs of this machine: a program of its own that hands on late what it gets.
import { freePort } from "../processes/free-port.ts";
import { LOOPBACK, type Address } from "./address.ts";
import type { Stage } from "./stage.ts";

export interface Path {
  readonly roundTripMs: number;
  /** Of each connection, each way; nothing: as fast as it comes. */
  readonly bytesPerSecond?: number;
}

/** Where whoever wants to get to `far` by that path has to connect. */
export async function alongPath(
  stage: Stage,
  path: Path | undefined,
  far: Address,
  near?: Address,
): Promise<Address> {
  if (path === undefined) return far;
  const at = near ?? { host: LOOPBACK, port: await freePort() };
  const program = stage.run("processes/long-path.js", [
    `${at.host}:${at.port}`,
    `${far.host}:${far.port}`,
    String(path.roundTripMs / 2),
    String(path.bytesPerSecond ?? 0),
  ]);
  await program.says(/ready/);
  return at;
}
