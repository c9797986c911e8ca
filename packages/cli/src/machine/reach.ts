// The machine behind a connection, for one command: while its link is away the command waits, and says for what.
import type { ConnectionEntry } from "@holdfast/control";
import { openRemoteMachine, type DaemonClient, type RemoteMachine } from "@holdfast/remote/client";
import type { Context } from "../command.ts";
import { describeOutage } from "../describe.ts";
import { callerEnvironment } from "../remote/caller-environment.ts";
import { ConnectionWatch } from "./connection-watch.ts";
import { Notices } from "./notices.ts";

export interface ReachOptions {
  readonly context: Context;
  readonly client: DaemonClient;
  readonly entry: ConnectionEntry;
  /** How long a link may be waited for, in milliseconds. */
  readonly waitMs: number;
}

export interface Reached {
  readonly watch: ConnectionWatch;
  readonly notices: Notices;
  readonly remote: RemoteMachine;
  /** Called when the state has changed, after it was told. Default: nothing. */
  onState: () => void;
  /** What else is to be told of a connection that is away. Default: nothing. */
  aside: () => string;
  close(): Promise<void>;
}

/** @throws HoldfastError `timed_out`, `auth_required`, `disconnected`, `daemon_lost` … */
export async function reach({ context, client, entry, waitMs }: ReachOptions): Promise<Reached> {
  const { output } = context;
  const notices = new Notices(output);
  const watch: ConnectionWatch = new ConnectionWatch(client, entry, {
    onChange: ({ state }) => {
      tell(state);
      reached?.onState();
    },
    onEvent: (push) => {
      output.line(push);
      const { event } = push;
      if (event.type === "connection_outage") notices.say(`connection ${event.id}: ${describeOutage(event)}`);
    },
  });
  let away = false;
  let reached: Reached | undefined = undefined;
  const tell = (state: ConnectionEntry["state"]): void => {
    if (state === "connected" && away) notices.say(watch.text);
    else if (state !== "connected") notices.lasting(`${watch.text}${reached?.aside() ?? ""}`, watch.matter);
    away = state !== "connected";
  };
  tell(entry.state);
  try {
    await watch.untilConnected(waitMs);
    const environment = callerEnvironment(context.env);
    const remote = await openRemoteMachine({ client, id: entry.id, environment });
    const close = async (): Promise<void> => {
      watch.stop();
      await remote.close();
    };
    reached = { watch, notices, remote, onState: () => undefined, aside: () => "", close };
    return reached;
  } catch (thrown) {
    watch.stop();
    throw thrown;
  }
}
