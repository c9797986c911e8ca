// The one file that knows dockerode: the engine's calls that we use, each with a deadline, each failure one of ours.
import Docker from "dockerode";
import type { Clock, HoldfastError } from "@holdfast/core";
import { describeEngine, type EngineAddress } from "./address.ts";
import { boundedCall } from "./deadline.ts";
import { engineFailure, noAnswer } from "./failure.ts";
import { execState, containerState, headerStat } from "./answers.ts";
import type {
  ByteSource,
  ContainerState,
  ExecRequest,
  ExecState,
  ExecStream,
  NewContainer,
  PathStat,
} from "./types.ts";

export interface EngineOptions {
  readonly address: EngineAddress;
  readonly clock: Clock;
  /** For one call, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
}

const CALL_TIMEOUT_MS = 10_000;
/** Bytes that stream in or out may take as long as a slow disk needs. */
const TRANSFER_TIMEOUT_MS = 120_000;
const CREATED = 201;
const NOT_MODIFIED = 304;

export class Engine {
  readonly #docker: Docker;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #timeoutMs: number;

  constructor({ address, clock, timeoutMs = CALL_TIMEOUT_MS }: EngineOptions) {
    this.#docker = dockerAt(address);
    this.#name = describeEngine(address);
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  async ping(signal: AbortSignal, timeoutMs?: number): Promise<void> {
    const run = (abortSignal: AbortSignal): Promise<unknown> =>
      (this.#docker.ping as (options: object) => Promise<unknown>).call(this.#docker, { abortSignal });
    await this.#call("ping", signal, run, undefined, timeoutMs);
  }

  /** By name or id. @throws HoldfastError `not_found`, and what every call may. */
  inspect(container: string, signal: AbortSignal, timeoutMs?: number): Promise<ContainerState> {
    const run = async (abortSignal: AbortSignal): Promise<ContainerState> =>
      containerState(await this.#docker.getContainer(container).inspect({ abortSignal }));
    return this.#call(`container ${container}`, signal, run, undefined, timeoutMs);
  }

  /** The ids of all containers with a label, running or not, the oldest first. */
  labelled(label: string, signal: AbortSignal): Promise<readonly string[]> {
    const options = { all: true, filters: JSON.stringify({ label: [label] }) };
    return this.#call("list of containers", signal, async (abortSignal) => {
      const found = await this.#docker.listContainers({ ...options, abortSignal });
      return found.toSorted((a, b) => a.Created - b.Created).map(({ Id }) => Id);
    });
  }

  /** Gives the new container's id. @throws HoldfastError `conflict` if the name is taken, `not_found` without image. */
  create({ name, image, labels, network }: NewContainer, signal: AbortSignal): Promise<string> {
    const HostConfig = network === undefined ? {} : { NetworkMode: network };
    // A terminal and an open stdin keep an image alive whose program is a shell.
    const options = { name, Image: image, Labels: { ...labels }, HostConfig, Tty: true, OpenStdin: true };
    return this.#call(`container from ${image}`, signal, async (abortSignal) => {
      const made = await this.#docker.createContainer({ ...options, abortSignal });
      return made.id;
    });
  }

  /** Harmless if it runs. */
  async startContainer(id: string, signal: AbortSignal): Promise<void> {
    await this.#call("start of the container", signal, (abortSignal) =>
      this.#docker.getContainer(id).start({ abortSignal }).catch(unless(NOT_MODIFIED)),
    );
  }

  /** With what it runs, and its anonymous volumes. */
  async remove(id: string, signal: AbortSignal): Promise<void> {
    const options = { force: true, v: true };
    await this.#call("removal of the container", signal, (abortSignal) =>
      this.#docker.getContainer(id).remove({ ...options, abortSignal }),
    );
  }

  /** The engine's report on a pull, which ends with it. */
  pull(image: string, signal: AbortSignal): Promise<ByteSource> {
    const named = image.includes("@") || /:[^/]+$/.test(image) ? image : `${image}:latest`;
    const run = (abortSignal: AbortSignal): Promise<ByteSource> =>
      this.#docker.createImage({ fromImage: named, abortSignal }) as Promise<ByteSource>;
    return this.#stream(`pull of ${image}`, signal, run, TRANSFER_TIMEOUT_MS);
  }

  /**
   * What happens to one container, as lines of JSON, until the engine ends it or the signal aborts. Podman answers
   * with its first event only, however late that is: so this has no deadline, and a rejection is an end, too.
   */
  events(container: string, signal: AbortSignal): Promise<ByteSource> {
    const filters = JSON.stringify({ container: [container], type: ["container"] });
    const run = (abortSignal: AbortSignal): Promise<ByteSource> =>
      this.#docker.getEvents({ filters, abortSignal }) as Promise<ByteSource>;
    return this.#stream("event stream", signal, run, Infinity);
  }

  /** Gives the id of the exec. @throws HoldfastError `container_stopped`, `container_paused`, and as every call. */
  createExec(container: string, request: ExecRequest, signal: AbortSignal): Promise<string> {
    const options = {
      Cmd: [...request.command],
      Env: [...request.environment],
      AttachStdin: request.stdin,
      AttachStdout: true,
      AttachStderr: true,
      Tty: request.terminal,
      ...(request.directory === undefined ? {} : { WorkingDir: request.directory }),
      ...(request.user === undefined ? {} : { User: request.user }),
    };
    return this.#call("exec", signal, async (abortSignal) => {
      const made = await this.#docker.getContainer(container).exec({ ...options, abortSignal });
      return made.id;
    });
  }

  startExec(id: string, { terminal }: ExecRequest, signal: AbortSignal): Promise<ExecStream> {
    // A hijacked connection is the only one whose one half can end before the other.
    const options = { hijack: true, stdin: true, Tty: terminal };
    const run = (abortSignal: AbortSignal): Promise<ExecStream> =>
      this.#docker.getExec(id).start({ ...options, abortSignal });
    return this.#stream("start of an exec", signal, run);
  }

  execState(id: string, signal: AbortSignal): Promise<ExecState> {
    return this.#call("state of an exec", signal, async (abortSignal) =>
      execState(await this.#docker.getExec(id).inspect({ abortSignal })),
    );
  }

  async resizeExec(id: string, size: { rows: number; columns: number }, signal: AbortSignal): Promise<void> {
    const options = { h: size.rows, w: size.columns };
    await this.#call("resize", signal, (abortSignal) =>
      // Podman answers 201, which is a success, and which dockerode does not know.
      this.#docker
        .getExec(id)
        .resize({ ...options, abortSignal })
        .catch(unless(CREATED)),
    );
  }

  pathStat(container: string, path: string, signal: AbortSignal): Promise<PathStat> {
    return this.#call(path, signal, async (abortSignal) => {
      const answer = await this.#docker
        .getContainer(container)
        .infoArchive({ path, abortSignal } as { path: string });
      const { headers } = answer as unknown as { headers: Record<string, string | undefined> };
      (answer as unknown as ByteSource).destroy();
      return headerStat(headers["x-docker-container-path-stat"]);
    });
  }

  /** A tar of a file or a folder. */
  getArchive(container: string, path: string, signal: AbortSignal): Promise<ByteSource> {
    return this.#stream(path, signal, async (abortSignal) => {
      const options = { path, abortSignal } as { path: string };
      return (await this.#docker.getContainer(container).getArchive(options)) as ByteSource;
    });
  }

  /** Unpack a tar in a folder. */
  async putArchive(container: string, folder: string, tar: Uint8Array, signal: AbortSignal): Promise<void> {
    const bytes = Buffer.from(tar.buffer, tar.byteOffset, tar.byteLength);
    const put = (abortSignal: AbortSignal): Promise<unknown> =>
      this.#docker
        .getContainer(container)
        .putArchive(bytes, { path: folder, abortSignal } as { path: string });
    await this.#call(folder, signal, put, undefined, TRANSFER_TIMEOUT_MS);
  }

  /** A call whose answer is a stream: destroyed if it comes too late, and never without a listener for its errors. */
  #stream<S extends ByteSource>(
    what: string,
    signal: AbortSignal,
    run: (abortSignal: AbortSignal) => Promise<S>,
    timeoutMs?: number,
  ): Promise<S> {
    const discard = (late: S): void => void late.destroy();
    const guarded = async (abortSignal: AbortSignal): Promise<S> => {
      const stream = await run(abortSignal);
      stream.on("error", () => undefined);
      return stream;
    };
    return this.#call(what, signal, guarded, discard, timeoutMs);
  }

  async #call<T>(
    what: string,
    signal: AbortSignal,
    run: (signal: AbortSignal) => Promise<T>,
    discard?: (late: T) => void,
    timeoutMs: number = this.#timeoutMs,
  ): Promise<T> {
    const tooLate = (): HoldfastError => noAnswer(what, timeoutMs);
    try {
      return await boundedCall({ clock: this.#clock, timeoutMs, tooLate, signal, run, discard });
    } catch (thrown) {
      // Whoever gave the signal chose the reason.
      if (signal.aborted) throw signal.reason;
      throw engineFailure(thrown, what, this.#name);
    }
  }
}

/** Every blank is filled in, because docker-modem fills it from the DOCKER_* variables of this process otherwise. */
function dockerAt(address: EngineAddress): Docker {
  const nothing = { host: undefined, port: undefined, socketPath: undefined, timeout: undefined };
  const plain = { protocol: "http", ca: undefined, cert: undefined, key: undefined, sshOptions: undefined };
  // A connection for each call: one kept for later may be dead by then, and its death would look like the engine's.
  const headers = { Connection: "close" };
  return new Docker({ ...nothing, ...plain, headers, ...address } as Docker.DockerOptions);
}

/** dockerode takes this status for a failure; it is none. */
function unless(status: number): (thrown: unknown) => void {
  return (thrown) => {
    if ((thrown as { statusCode?: unknown }).statusCode !== status) throw thrown;
  };
}
