// Small commands of our own on the far side: what they print, and how they end.
import { sessionFailure } from "./failures.ts";
import type { ClientChannel, SshClient } from "./library.ts";
import type { LinkLife } from "./link-life.ts";

export interface LineResult {
  /** `undefined` if it did not say. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that says more is cut off. */
const MOST_OUTPUT_BYTES = 65_536;

/** @throws HoldfastError `link_lost`, `not_connected`, `refused`. */
export async function runLine(
  client: SshClient,
  life: LinkLife,
  line: string,
  env: Readonly<Record<string, string>> = {},
): Promise<LineResult> {
  const explain = sessionFailure("the far side started no command");
  const channel = await life.run<ClientChannel>((settle) => client.exec(line, { env }, settle), explain);
  return life.run<LineResult>((settle) => {
    let code: number | undefined;
    const [stdout, stderr] = [collect(channel), collect(channel.stderr)];
    channel.on("error", () => undefined);
    channel.on("exit", (exit: number | null) => (code = exit ?? undefined));
    channel.once("close", () => settle(undefined, { code, stdout: stdout(), stderr: stderr() }));
    channel.end();
  }, explain);

  function collect(stream: NodeJS.ReadableStream): () => string {
    const pieces: Buffer[] = [];
    let length = 0;
    stream.on("data", (piece: Buffer) => {
      length += piece.length;
      if (length <= MOST_OUTPUT_BYTES) pieces.push(piece);
      else channel.close();
    });
    return () => Buffer.concat(pieces).toString();
  }
}
