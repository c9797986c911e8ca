// `holdfast launch`: a server of ours on a machine that has none, for this user alone, and a connection to it; or a new
// container, and a connection to that.
import { parseDestination } from "@holdfast/remote";
import { defineCommand, type Context } from "../command.ts";
import type { ExitCode } from "../exit-codes.ts";
import { nameOption, outputOptions } from "../options/flags.ts";
import { flag, optional, type Values } from "../options/option.ts";
import { parseText } from "../options/values.ts";
import { connectOptions, connectToOf } from "../remote/connect-options.ts";
import { defaultDestination } from "../remote/default-destination.ts";
import { usageError } from "../usage.ts";
import { connectAndShow } from "./connect.ts";

const options = {
  holdfast: optional(
    { name: "holdfast", value: "<path>", description: "the program there (holdfast)" },
    parseText,
  ),
  background: flag({
    name: "background",
    description: "do not wait: it is kept and dialled again from the start",
  }),
  new: flag({ name: "new", description: "another one, also if there is such a connection already" }),
  ...nameOption,
  ...connectOptions,
  ...outputOptions,
} as const;

export const launch = defineCommand({
  name: "launch",
  summary: "start what is needed on a machine, and keep a connection to it",
  description:
    "DESTINATION is ssh://[user@]host[:port] (or user@host): starts `holdfast serve` there, for this connection alone,\n" +
    "and reaches it through ssh connections: no port is open to others, and programs, shells and transfers survive the\n" +
    "loss of the network and of the ssh connection. Its secret is made for it and never written down; it ends with\n" +
    "the connection, or by itself when nobody has been there for long. docker://image starts a container and connects\n" +
    "to it, as docker+run://image. host://localhost is this machine, to try it. Otherwise it is as `connect`.",
  usage: "<destination>",
  options,
  examples: [
    {
      line: "holdfast launch ssh://127.0.0.1:1 --background",
      does: "a machine that may be away, in the background",
    },
    {
      line: "holdfast launch host://localhost --background --json",
      does: "a server of this machine, without waiting for it, as an object",
    },
  ],
  run,
});

/** What is connected to, for what is launched. */
const SCHEMES: ReadonlyMap<string, string> = new Map([
  ["ssh", "launch+ssh"],
  ["host", "launch+host"],
  ["docker", "docker+run"],
  ["docker+run", "docker+run"],
]);

async function run(
  context: Context,
  args: readonly string[],
  values: Values<typeof options>,
): Promise<ExitCode> {
  const { name, background, holdfast } = values;
  const given = defaultDestination(args[0]!);
  const { scheme } = parseDestination(given);
  const wanted = SCHEMES.get(scheme);
  if (wanted === undefined) {
    throw usageError(`nothing can be launched at ${scheme}://`, "launch takes ssh:// and docker://");
  }
  const asked = await connectToOf(`${wanted}${given.slice(scheme.length)}`, values, context.output);
  const program = holdfast !== undefined && wanted.startsWith("launch+") ? { holdfast } : {};
  const all = { ...asked, options: { ...asked.options, ...program } };
  return connectAndShow(context, { ...all, name, background, new: values.new });
}
