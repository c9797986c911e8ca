// The connection behind a program as one stream. What its framing says is the far side's end or reset; a program that
// ends without either, or a link that is lost, destroys the stream: an end is only what the far side sent.
import { Duplex } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import type { DockerProcess } from "../process/docker-process.ts";
import { Frames, type FrameMark } from "./frames.ts";

export class ProgramStream extends Duplex {
  readonly #process: DockerProcess;
  readonly #frames: Frames | undefined;
  #ended = false;

  /** `isBroken` is asked when the program has ended as if all were well. */
  constructor(process: DockerProcess, framed: boolean, isBroken: () => boolean) {
    super({ allowHalfOpen: framed });
    this.#process = process;
    this.#frames = framed ? new Frames() : undefined;
    // Whoever does not listen for errors loses the connection, and nothing else.
    this.on("error", () => undefined);
    process.stdout.on("data", this.#onData);
    process.stdout.once("error", (error) => this.destroy(error));
    // The process may have ended long before all that it said has been read.
    const read = new Promise((resolve) => process.stdout.once("end", resolve));
    process.ended.then(
      (end) => read.then(() => this.#over(end.code === 0 && !isBroken())),
      (error: Error) => void this.destroy(error),
    );
  }

  override _read(): void {
    this.#process.stdout.resume();
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    if (this.#process.stdin.destroyed) return done();
    this.#process.stdin.write(chunk, () => done());
  }

  override _final(done: () => void): void {
    this.#process.stdin.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // What both sides have ended, the program still has to hand over before it ends by itself.
    if (error !== null || !this.readableEnded || !this.writableFinished) void this.#process.abandon();
    done(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#frames === undefined) return this.#give(chunk);
    try {
      this.#frames.push(chunk, this.#give, this.#onMark);
    } catch (error) {
      this.destroy(reset((error as Error).message));
    }
  };

  readonly #give = (bytes: Buffer): void => {
    if (!this.#ended && !this.push(bytes)) this.#process.stdout.pause();
  };

  readonly #onMark = (mark: FrameMark): void => {
    if (mark === "reset") return void this.destroy(reset("the far side reset it"));
    this.#ended = true;
    this.push(null);
  };

  /** The program has ended, and all that it said has been read. */
  #over(cleanly: boolean): void {
    if (this.#ended) return;
    if (this.#frames !== undefined || !cleanly) {
      return void this.destroy(reset("the program that held it in the container ended"));
    }
    this.#ended = true;
    this.push(null);
  }
}

function reset(why: string): HoldfastError {
  return new HoldfastError({
    code: "connection_reset",
    message: `the connection was lost: ${why}`,
    fault: "peer",
  });
}
