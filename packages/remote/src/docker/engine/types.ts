// What we ask of an engine and what of its answers we read. Whatever it sends beside that is not looked at.
import type { Duplex, Readable } from "node:stream";

export interface ContainerState {
  readonly id: string;
  readonly name: string;
  readonly running: boolean;
  readonly paused: boolean;
  /** Changes with each start of the container. */
  readonly startedAt: string;
  readonly workingDirectory: string;
  readonly user: string;
}

export interface NewContainer {
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `none`, `host`, a network's name. Default: the engine's. */
  readonly network: string | undefined;
}

export interface ExecRequest {
  readonly command: readonly string[];
  readonly environment: readonly string[];
  readonly directory: string | undefined;
  readonly user: string | undefined;
  readonly terminal: boolean;
  readonly stdin: boolean;
}

export interface ExecState {
  readonly running: boolean;
  /** Undefined while it runs, or if nobody knows. */
  readonly exitCode: number | undefined;
}

/** A file in a container, as the archive API tells it. */
export interface PathStat {
  readonly size: number;
  /** Go's file mode: the permissions, and its own bits for the type. */
  readonly mode: number;
  readonly linkTarget: string;
}

export type ExecStream = Duplex;
export type ByteSource = Readable;
