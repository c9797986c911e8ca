// `holdfast events`: what happens in every process, as it happens.
import { watchProcesses, type Push, type Topic } from "@holdfast/control";
import { defineCommand, type Context } from "../command.ts";
import { Stop } from "../control.ts";
import { describeEntry, describeEvent } from "../describe.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { outputOptions } from "../options/flags.ts";
import { withDefault, type Values } from "../options/option.ts";
import { DaemonKeeper } from "../remote/keep-daemon.ts";
import { needUnixSockets } from "../select.ts";
import { handleSignals } from "../signals.ts";
import { escapeText } from "../terminal/escape.ts";
import { plural } from "../terminal/format.ts";

const TOPICS: readonly Topic[] = ["all", "tunnel", "relay", "connection", "forward", "daemon", "server"];

const options = {
  topics: withDefault(
    {
      name: "topics",
      value: "<topic,...>",
      description: `which ones: ${TOPICS.join(", ")}`,
      shownDefault: "all",
    },
    parseTopics,
  ),
  ...outputOptions,
} as const;

export const events = defineCommand({
  name: "events",
  summary: "what happens, as it happens",
  description:
    "Prints how everything stands, then each change: of processes that run now and of those that start later.\n" +
    "A daemon that crashes meanwhile is started again. Ends when interrupted.",
  usage: "",
  options,
  examples: [
    { line: "holdfast events", does: "in words" },
    { line: "holdfast events --topics tunnel --json", does: "tunnels only, an object a line" },
  ],
  run,
});

function parseTopics(text: string): readonly Topic[] {
  return text.split(",").map((word) => {
    const topic = TOPICS.find((one) => one === word.trim());
    if (topic === undefined) throw new RangeError(`topics out of ${TOPICS.join(", ")}`);
    return topic;
  });
}

async function run(
  context: Context,
  _args: readonly string[],
  values: Values<typeof options>,
): Promise<ExitCode> {
  needUnixSockets();
  const { output } = context;
  const stop = new Stop();
  handleSignals({ drain: (signal) => stop.ask(signal), hangup: () => undefined });
  const keeper = new DaemonKeeper(context);
  const watcher = watchProcesses({
    runtimeFolder: context.paths.runtimeFolder,
    topics: values.topics,
    onPush: (push, client) => {
      keeper.hear(push, client);
      output.line(push);
      for (const line of textOf(push)) output.text(line);
    },
    onGone: (client) => output.detail(`process ${client.hello.pid} (${client.hello.command}) has ended`),
    onError: (error) => {
      output.error(error);
      stop.ask("error");
    },
  });
  await watcher.started;
  output.detail("watching");
  const reason = await Promise.race([stop.asked, output.broken]);
  watcher.close();
  await keeper.close();
  return reason === "error" ? EXIT.failed : EXIT.ok;
}

function textOf(push: Push): string[] {
  switch (push.type) {
    case "snapshot":
      return push.entries.map((entry) =>
        line(push.time, entry.name, describeEntry(entry, Date.parse(push.time))),
      );
    case "event":
      return [line(push.time, push.event.name, describeEvent(push.event))];
    case "missed":
      return [`(${plural(push.count, "event")} missed)`];
  }
}

/** Times as the clock on the wall shows them. */
function line(time: string, name: string, text: string): string {
  const clock = new Date(time).toLocaleTimeString("en-GB", { hour12: false });
  return `${clock} ${escapeText(name)}: ${text}`;
}
