// One api: stdin, stdout, a connection of the daemon's, and what ends it.
import { randomBytes } from "node:crypto";
import type { ConnectionEntry, OutputLine, Push } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import { systemClock } from "@holdfast/net";
import { Authentication, openApi, type Abilities, type Api, type DaemonClient } from "@holdfast/remote";
import type { Context } from "../command.ts";
import { Stop } from "../control.ts";
import { ConnectionWatch } from "../machine/connection-watch.ts";
import { Notices } from "../machine/notices.ts";
import { callerEnvironment } from "../remote/caller-environment.ts";
import { handleSignals } from "../signals.ts";
import { VERSION } from "../version.ts";
import { KeptMachine } from "./kept-machine.ts";
import type { LineSink } from "./line-sink.ts";
import { Questions } from "./questions.ts";

export interface ServeApiOptions {
  readonly context: Context;
  readonly client: DaemonClient;
  readonly entry: ConnectionEntry;
  readonly sink: LineSink;
  readonly input: NodeJS.ReadStream;
  /** How long a request may take, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** How long requests and processes may take to end once there is no more input, in milliseconds. */
  readonly drainMs: number;
}

/**
 * Resolves when there is no more input, or the reader is gone, and everything has ended.
 * @throws HoldfastError `disconnected` if the connection was ended; why there is no daemon any more.
 */
export async function serveApi(options: ServeApiOptions): Promise<void> {
  const { context, client, entry, sink, input, timeoutMs, drainMs } = options;
  const stop = new Stop();
  const { authentication, questions } = asking(options);
  const machine = new KeptMachine({
    client,
    id: entry.id,
    environment: callerEnvironment(context.env),
    onNext: () => api.relinked(),
  });
  const api: Api = openApi({
    machineOf: machine.machineOf,
    abilities: () => abilitiesOf(client, entry.id),
    send: (line) => sink.answer(line),
    onAuthentication: (message) => authentication.receive(message),
    onMalformed: (failure) => sink.error(failure),
    version: VERSION,
    clock: systemClock,
    unique: () => randomBytes(6).toString("hex"),
    timeoutMs,
  });
  const watch = follow(options, { api, questions, stop });
  input.on("data", (chunk: Buffer) => {
    api.receive(chunk);
    if (!sink.crowded) return;
    input.pause();
    void sink.room().then(() => input.resume());
  });
  for (const event of ["end", "error", "close"]) input.once(event, () => stop.ask("end"));
  handleSignals({
    drain: (signal) => stop.ask(signal),
    hangup: () => void watch.reconnect().catch(() => undefined),
    cut: () => api.close(),
  });
  void context.output.broken.then(() => stop.ask("nobody reads"));
  void client.ended.then(() => stop.ask("no daemon"));
  try {
    const reason = await stop.asked;
    if (reason === "disconnected") throw ended(entry);
    if (reason === "no daemon") throw (await client.ended).error ?? ended(entry);
    authentication.close();
    if (reason !== "nobody reads") await inTime(api.finish(), drainMs);
  } finally {
    input.pause();
    api.close();
    watch.stop();
    await machine.close();
  }
}

interface Asking {
  readonly authentication: Authentication;
  readonly questions: Questions;
}

function asking({ client, entry, sink }: ServeApiOptions): Asking {
  const authentication = new Authentication({
    send: (message) => sink.say(message as OutputLine),
    onOdd: (failure) => sink.error(failure),
  });
  const questions = new Questions(client, entry, authentication);
  client.listen({ onQuestion: (question) => void questions.answer(question) });
  return { authentication, questions };
}

/** Tell how the connection stands, to people and to programs. */
function follow(
  { context, client, entry, sink }: ServeApiOptions,
  { api, questions, stop }: { readonly api: Api; readonly questions: Questions; readonly stop: Stop },
): ConnectionWatch {
  const notices = new Notices(context.output);
  let { epoch } = entry;
  let away = false;
  const look = (now: ConnectionEntry): void => {
    if (now.state === "connected" && away) notices.say(watch.text);
    else if (now.state !== "connected") notices.lasting(watch.text, watch.matter);
    away = now.state !== "connected";
    if (now.state === "connected" && now.epoch !== epoch) {
      epoch = now.epoch;
      api.relinked();
    }
    questions.look(now);
  };
  const onEvent = (push: Extract<Push, { type: "event" }>): void => {
    sink.event(push);
    if (push.event.type === "connection_removed") stop.ask("disconnected");
  };
  const watch = new ConnectionWatch(client, entry, { onChange: look, onEvent });
  look(entry);
  return watch;
}

async function abilitiesOf(client: DaemonClient, id: number): Promise<Abilities> {
  const entry = await (await client.control()).status(id);
  return entry.type === "connection" ? (entry.abilities ?? {}) : {};
}

async function inTime(work: Promise<void>, mostMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, mostMs)));
  await Promise.race([work, late]);
  clearTimeout(timer);
}

function ended({ name }: ConnectionEntry): HoldfastError {
  const message = `the connection ${name} was ended`;
  return new HoldfastError({ code: "disconnected", message, kind: "fatal", fault: "local" });
}
