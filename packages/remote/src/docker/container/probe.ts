// What a container has: sh, who runs there, where, and the programs that connections can be made with. Asked once by
// each dial, by one exec.
import { HoldfastError } from "@holdfast/core";
import type { SystemInfo } from "../../plugin/machine.ts";
import type { ContainerState } from "../engine/types.ts";
import type { ExecPlace } from "../process/exec.ts";
import { run } from "../process/run.ts";

/** Programs that connections can be made with, the best first. */
export type Connector = "perl" | "python3" | "socat" | "nc";

export interface Surroundings {
  /** The user's shell; undefined if the container has no sh at all. */
  readonly shell: string | undefined;
  readonly connectors: readonly Connector[];
  readonly system: SystemInfo;
}

const CONNECTORS: readonly Connector[] = ["perl", "python3", "socat", "nc"];
const PROBE_TIMEOUT_MS = 20_000;
const NO_SUCH_PROGRAM = new Set([126, 127]);

const PROBE = `
user=$(id -un 2>/dev/null) || user=$(id -u 2>/dev/null)
shell=
while IFS=: read -r name _ _ _ _ _ its; do
  [ "$name" = "$user" ] && shell=$its
done 2>/dev/null </etc/passwd
[ -n "$SHELL" ] && shell=$SHELL
[ -x "$shell" ] && case $shell in */nologin|*/false) shell=/bin/sh ;; esac
[ -x "$shell" ] || shell=/bin/sh
[ -x "$shell" ] || shell=sh
printf '%s\\n' "directory=$PWD" "user=$user" "shell=$shell" "os=$(uname -s)" "machine=$(uname -m)"
command -v perl >/dev/null 2>&1 && perl -MSocket=getaddrinfo -e 1 2>/dev/null && printf 'has=perl\\n'
for program in python3 socat nc; do
  command -v $program >/dev/null 2>&1 && printf 'has=%s\\n' $program
done
exit 0
`;

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: "x64",
  amd64: "x64",
  aarch64: "arm64",
  armv7l: "arm",
  armv6l: "arm",
  i686: "ia32",
  i386: "ia32",
};

/** @throws HoldfastError `container_stopped`, `link_lost`, `timed_out` … */
export async function probe(place: ExecPlace, container: ContainerState): Promise<Surroundings> {
  const answer = await shellAnswer(place);
  return answer === undefined ? withoutShell(container, place.user) : surroundingsOf(answer);
}

/** Read the probe's answer. */
function surroundingsOf(answer: string): Surroundings {
  const all = answer.split("\n").map((line) => /^(\w+)=(.*)$/.exec(line) ?? []);
  const value = (key: string): string => all.find(([, name]) => name === key)?.[2] ?? "";
  const has = all.filter(([, name]) => name === "has").map(([, , program]) => program);
  return {
    shell: value("shell") || "sh",
    connectors: CONNECTORS.filter((program) => has.includes(program)),
    system: {
      family: "unix",
      os: (value("os") || "linux").toLowerCase(),
      arch: ARCHITECTURES[value("machine")] ?? value("machine"),
      currentDirectory: value("directory") || "/",
      username: value("user"),
      shell: value("shell"),
    },
  };
}

async function shellAnswer(place: ExecPlace): Promise<string | undefined> {
  try {
    const command = ["sh", "-c", PROBE];
    const { code, stdout } = await run(place, command, { timeoutMs: PROBE_TIMEOUT_MS });
    return NO_SUCH_PROGRAM.has(code) ? undefined : stdout.toString();
  } catch (thrown) {
    const { code } = HoldfastError.from(thrown);
    if (code === "not_found" || code === "permission_denied" || code === "engine_refused") return undefined;
    throw thrown;
  }
}

function withoutShell({ workingDirectory, user }: ContainerState, asked: string | undefined): Surroundings {
  const username = asked ?? (user === "" ? "root" : user);
  const currentDirectory = workingDirectory === "" ? "/" : workingDirectory;
  // What it runs on, only the engine's machine could tell, which may be another one.
  const system = { family: "unix", os: "linux", arch: "", currentDirectory, username, shell: "" };
  return { shell: undefined, connectors: [], system };
}
