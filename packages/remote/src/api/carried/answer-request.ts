// One request, from what was asked to what it comes to.
import type { ApiLimits } from "../limits.ts";
import type { MachineUse } from "../machine/machine-use.ts";
import type { Answer } from "../wire/answers.ts";
import { unsupported } from "../wire/errors.ts";
import type { ApiRequest } from "../wire/requests.ts";
import { copy } from "./copy.ts";
import { readDirectory } from "./directory.ts";
import { systemInfo, version, type Abilities } from "./facts.ts";
import { exists, makeDirectory, readFile, remove, rename, writeFile } from "./files.ts";
import { metadata, setPermissions } from "./metadata.ts";
import type { Outcome, Tell } from "./outcome.ts";
import type { Processes } from "./processes.ts";
import type { Tunnels } from "./tunnels.ts";

/** What requests work with. */
export interface Tools {
  readonly use: MachineUse;
  readonly limits: ApiLimits;
  readonly processes: Processes;
  readonly tunnels: Tunnels;
  readonly version: string;
  abilities(): Promise<Abilities>;
  /** Gives a part of a file's name that nobody else uses. */
  readonly unique: () => string;
}

/** @throws whatever is to be answered as an error. */
export function answerRequest(tools: Tools, request: ApiRequest, tell: Tell): Promise<Outcome> {
  const { use, processes, tunnels } = tools;
  switch (request.type) {
    case "proc_spawn":
      return processes.spawn(use, request, tell);
    case "tunnel_open":
      return tunnels.open(use, request, tell);
    case "tunnel_listen":
      return tunnels.listen(use, request, tell);
    default:
      return simply(answerAtOnce(tools, request) ?? answerFiles(tools, request));
  }
}

/** Requests that end with their answer, and are not about files. */
function answerAtOnce(tools: Tools, request: ApiRequest): Promise<Answer> | Answer | undefined {
  const { use, processes, tunnels } = tools;
  switch (request.type) {
    case "proc_stdin":
      return processes.write(request);
    case "proc_kill":
      return processes.kill(request.id);
    case "proc_resize_pty":
      return processes.resize(request.id, request.size);
    case "tunnel_write":
      return tunnels.write(request);
    case "tunnel_close":
      return tunnels.close(request.id);
    case "status":
      return { type: "status_info", tunnels: tunnels.list };
    case "system_info":
      return systemInfo(use);
    case "version":
      return tools.abilities().then((abilities) => version(tools.version, abilities));
    default:
      return undefined;
  }
}

function answerFiles({ use, limits, unique }: Tools, request: ApiRequest): Promise<Answer> {
  switch (request.type) {
    case "file_read":
    case "file_read_text":
      return readFile(use, request, limits.readBytes);
    case "file_write":
    case "file_write_text":
    case "file_append":
    case "file_append_text":
      return writeFile(use, request);
    case "dir_read":
      return readDirectory(use, request, limits.entries);
    case "dir_create":
      return makeDirectory(use, request);
    case "remove":
      return remove(use, request);
    case "copy":
      return copy(use, { src: request.src, dst: request.dst, most: limits.entries, unique: unique() });
    case "rename":
      return rename(use, request);
    case "exists":
      return exists(use, request);
    case "metadata":
      return metadata(use, request);
    case "set_permissions":
      return setPermissions(use, request);
    default:
      throw unsupported(...reasonOf(request.type));
  }
}

function reasonOf(type: ApiRequest["type"]): [message: string, hint: string] {
  return type === "watch" || type === "unwatch"
    ? ["holdfast does not watch files yet", "ask for metadata now and then instead"]
    : ["holdfast does not search yet", "start grep or find with proc_spawn instead"];
}

async function simply(answer: Promise<Answer> | Answer): Promise<Outcome> {
  return { answer: await answer };
}
