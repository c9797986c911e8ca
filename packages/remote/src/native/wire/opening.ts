// What the opener of a stream says in its metadata: version, what the stream is for, which machine. The first three
// fields stay where they are in all versions, so that a later one can be refused in words.
import type { SessionStream } from "@holdfast/core/session";
import { badRecord } from "../failures.ts";

export const WIRE_VERSION = 1;

/** What a stream is for. */
export const PURPOSE = {
  /** One request and its answer. */
  call: 1,
  /** A process: its start, its terminal's size, its end. */
  process: 2,
  stdin: 3,
  stdout: 4,
  stderr: 5,
  /** A connection that the machine makes. */
  connect: 6,
  /** A port on which the machine listens. */
  listen: 7,
  /** A connection that came to such a port. Opened by the serving end. */
  accept: 8,
} as const;

/** The name of a machine, in bytes. */
export const MAX_MACHINE_NAME_BYTES = 200;
const MAX_HOST_BYTES = 255;

export interface Opening {
  readonly version: number;
  readonly purpose: number;
  readonly machine: string;
  /** With `stdin` to `stderr` and `accept`: the stream of the process or the listener. */
  readonly of?: number;
  /** With `accept`. */
  readonly from?: { readonly host: string; readonly port: number };
}

export function encodeOpening({ version, purpose, machine, of = 0, from }: Opening): Uint8Array {
  const name = Buffer.from(machine);
  if (name.length > MAX_MACHINE_NAME_BYTES) throw badRecord("the machine's name is longer than 200 bytes");
  const numbers = Buffer.alloc(6);
  numbers.writeUInt32BE(of, 0);
  numbers.writeUInt16BE(from?.port ?? 0, 4);
  const host = Buffer.from(from?.host ?? "").subarray(0, MAX_HOST_BYTES);
  return Buffer.concat([Buffer.from([version, purpose, name.length]), name, numbers, host]);
}

/** @returns nothing for what is not of this protocol. Later versions may have other fields behind the name. */
export function decodeOpening({ metadata }: Pick<SessionStream, "metadata">): Opening | undefined {
  const [version, purpose, nameBytes] = metadata;
  if (version === undefined || purpose === undefined || nameBytes === undefined) return undefined;
  if (version === 0 || nameBytes > MAX_MACHINE_NAME_BYTES || metadata.length < 3 + nameBytes)
    return undefined;
  const machine = Buffer.from(metadata.subarray(3, 3 + nameBytes)).toString("utf8");
  if (version !== WIRE_VERSION) return { version, purpose, machine };
  const rest = Buffer.from(metadata.subarray(3 + nameBytes));
  if (rest.length < 6 || rest.length > 6 + MAX_HOST_BYTES) return undefined;
  if (!(Object.values(PURPOSE) as number[]).includes(purpose)) return undefined;
  const host = printableHost(rest.subarray(6));
  return { version, purpose, machine, of: rest.readUInt32BE(0), from: { host, port: rest.readUInt16BE(4) } };
}

/** A host name or an address has nothing but these. */
function printableHost(bytes: Buffer): string {
  return bytes.toString("latin1").replaceAll(/[^A-Za-z0-9_.:%@-]/g, "?");
}
