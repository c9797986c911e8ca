// A command that runs a process on a machine, from its line to the daemon to the exit code: every failure of ours is
// 255, wrong usage apart.
import type { ConnectionEntry } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import type { DaemonClient } from "@holdfast/remote";
import type { Context } from "../command.ts";
import { EXIT, exitCodeOfError } from "../exit-codes.ts";
import { openDaemonOf } from "../remote/open-daemon.ts";
import { OURS } from "./exit-status.ts";
import { runFarProcess, type FarProcessOptions } from "./far-process.ts";

export interface ThroughOptions extends Omit<FarProcessOptions, "context" | "client" | "entry"> {
  /** Which connection: one that is there, or one that is made. */
  readonly choose: (client: DaemonClient) => Promise<ConnectionEntry>;
}

/** A person is there for a shell. */
export function wantsTerminal({ output }: Context): boolean {
  return process.stdin.isTTY && process.stdout.isTTY && !output.json;
}

/** Never rejects. */
export async function runThrough(context: Context, options: ThroughOptions): Promise<number> {
  let client: DaemonClient | undefined = undefined;
  try {
    client = openDaemonOf(context);
    const entry = await options.choose(client);
    return await runFarProcess({ ...options, context, client, entry });
  } catch (thrown) {
    const error = HoldfastError.from(thrown);
    context.output.error(error);
    return exitCodeOfError(error) === EXIT.usage ? EXIT.usage : OURS;
  } finally {
    await client?.close();
  }
}
