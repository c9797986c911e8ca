// Where Holdfast keeps its files. HOLDFAST_HOME moves all three folders at once; otherwise the XDG rules hold.
import { tmpdir, homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";

export interface HoldfastPaths {
  /** The configuration that a person writes. */
  readonly configFile: string;
  /** What has to outlive a restart: leases, keys. */
  readonly stateFolder: string;
  /** The control sockets; gone after a reboot. */
  readonly runtimeFolder: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The three places, from the environment. Touches no file. */
export function holdfastPaths(env: Environment = process.env): HoldfastPaths {
  const home = env["HOLDFAST_HOME"];
  if (home !== undefined && home !== "") {
    const root = resolve(home);
    return {
      configFile: join(root, "config.toml"),
      stateFolder: join(root, "state"),
      runtimeFolder: join(root, "run"),
    };
  }
  const xdgRuntime = xdg(env, "XDG_RUNTIME_DIR");
  return {
    configFile: join(
      xdg(env, "XDG_CONFIG_HOME") ?? join(userHome(env), ".config"),
      "holdfast",
      "config.toml",
    ),
    stateFolder: join(xdg(env, "XDG_STATE_HOME") ?? join(userHome(env), ".local", "state"), "holdfast"),
    runtimeFolder:
      xdgRuntime === undefined
        ? join(process.platform === "win32" ? tmpdir() : "/tmp", `holdfast-${process.getuid?.() ?? "user"}`)
        : join(xdgRuntime, "holdfast"),
  };
}

/** The XDG specification says that a relative path is to be ignored. */
function xdg(env: Environment, name: string): string | undefined {
  const value = env[name];
  return value !== undefined && isAbsolute(value) ? value : undefined;
}

function userHome(env: Environment): string {
  const home = env["HOME"];
  return home === undefined || home === "" ? homedir() : home;
}
