// The plugins of the daemon: what each scheme of a destination means.
import {
  docker,
  holdfastPlugin,
  hostPlugin,
  launchPlugin,
  pluginRegistry,
  sshPlugin,
  type PluginRegistry,
} from "@holdfast/remote";
import type { Context } from "../command.ts";
import { SERVER_OPTIONS, serverAccess } from "../serve/server-access.ts";

export function pluginsOf(context: Context): PluginRegistry {
  const native = holdfastPlugin({ access: serverAccess(context), optionNames: SERVER_OPTIONS });
  const [host, ssh] = [hostPlugin(), sshPlugin];
  return pluginRegistry([host, ssh, docker(), native, launchPlugin({ through: [host, ssh] })]);
}
