// Requests about the machine itself, and about who answers.
import type { Ability } from "../../plugin/plugin.ts";
import type { MachineUse } from "../machine/machine-use.ts";
import { separatorOf } from "../machine/canonical-path.ts";
import type { Answer } from "../wire/answers.ts";

/** What a connection can do: true, or why not. */
export type Abilities = Readonly<Partial<Record<Ability, true | string>>>;

/** Node's words, and those of distant. */
const OS: Readonly<Record<string, string>> = { darwin: "macos", win32: "windows" };
const ARCH: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64", ia32: "x86" };

/** The version of distant whose requests these are. */
const PROTOCOL_VERSION = "0.21.0";

export async function systemInfo(use: MachineUse): Promise<Answer> {
  const { family, os, arch, currentDirectory, username, shell } = await use.look((machine) =>
    machine.systemInfo(),
  );
  return {
    type: "system_info",
    family,
    os: OS[os] ?? os,
    arch: ARCH[arch] ?? arch,
    current_dir: currentDirectory,
    main_separator: separatorOf(family),
    username,
    shell,
  };
}

export function version(server: string, abilities: Abilities): Answer {
  return {
    type: "version",
    server_version: server,
    protocol_version: PROTOCOL_VERSION,
    capabilities: capabilitiesOf(abilities),
  };
}

/** In the words of distant. What is missing is answered with `unsupported`. */
function capabilitiesOf(abilities: Abilities): string[] {
  const can = (...wanted: readonly Ability[]): boolean => wanted.every((one) => abilities[one] === true);
  const all: readonly (readonly [name: string, has: boolean])[] = [
    ["exec", can("processes")],
    ["fs_io", can("files")],
    ["fs_perm", can("files", "processes")],
    ["sys_info", can("system_info")],
    ["tcp_tunnel", can("forward")],
    ["tcp_rev_tunnel", can("reverse_forward")],
  ];
  return all.filter(([, has]) => has).map(([name]) => name);
}
