// A daemon as a process of its own: it prints a line when it is there, and ends when it is told to.
import { hostPlugin, openDaemon, pluginRegistry } from "@holdfast/remote";

const [runtimeFolder = "", stateFolder = ""] = process.argv.slice(2);
const daemon = await openDaemon({
  plugins: pluginRegistry([hostPlugin()]),
  runtimeFolder,
  stateFolder,
  version: "0.0.0",
  log: () => undefined,
});
process.stdout.write("ready\n");
process.on("SIGTERM", () => void daemon.close());
