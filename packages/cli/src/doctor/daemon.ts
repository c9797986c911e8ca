// Whether the daemon that keeps connections runs, and is of this version.
import type { Check } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import { findDaemon } from "@holdfast/remote/client";
import type { Context } from "../command.ts";
import { plural } from "../terminal/format.ts";
import { VERSION } from "../version.ts";

export async function checkDaemon({ paths }: Context): Promise<Check> {
  const result = (outcome: Check["outcome"], message: string, hint: string | null = null): Check => {
    return { type: "check", name: "daemon", outcome, message, hint };
  };
  // There are no unix sockets, so there is no daemon either.
  if (process.platform === "win32") return result("ok", "not on Windows");
  try {
    const daemon = await findDaemon(paths.runtimeFolder);
    if (daemon === undefined) return result("ok", "not running: it is started when a command needs it");
    const { pid, version } = daemon.hello;
    const connections = (await daemon.list()).filter(({ type }) => type === "connection").length;
    daemon.close();
    if (version === VERSION) return result("ok", `process ${pid}, ${plural(connections, "connection")}`);
    const hint = "holdfast daemon restart starts one of this version; it keeps the connections";
    return result("warning", `process ${pid} is of version ${version}, this command of ${VERSION}`, hint);
  } catch (thrown) {
    const { text, hint } = HoldfastError.from(thrown);
    return result("failed", text, hint ?? null);
  }
}
