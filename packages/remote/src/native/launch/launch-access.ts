// How a launched server is reached: each link of the session is a link of its own to the machine (an ssh connection), and
// a connection through it to the server's port there. The server, and with it the session, outlives them all.
import { randomBytes } from "node:crypto";
import { HoldfastError } from "@holdfast/core";
import type { Attempt, ByteLink } from "@holdfast/net";
import { forPerson } from "../../connection/connection-failures.ts";
import { UNATTENDED, type Interaction } from "../../plugin/interaction.ts";
import type { Machine } from "../../plugin/machine.ts";
import type { Backend } from "../../plugin/plugin.ts";
import { SERVER_GONE } from "../failures.ts";
import type { ServerAccess } from "../plugin/holdfast-plugin.ts";
import { DuplexLink } from "./duplex-link.ts";
import { startRemoteServer, type RemoteServer } from "./remote-server.ts";

const SECRET_BYTES = 32;
/** Nobody stands between: the link to the machine is the machine's own, and the server on its loopback. */
const TRUST = { confidential: true, exporter: undefined, relayIdentity: "name:127.0.0.1" } as const;

/** A link to the machine, and what becomes of it while nobody uses it yet. */
interface Held {
  readonly machine: Machine;
  onLost: (cause: unknown) => void;
  lost: { readonly cause: unknown } | undefined;
  attempt: Attempt | undefined;
}

export class LaunchAccess implements ServerAccess {
  readonly #backend: Backend;
  readonly #program: string;
  /** Made by a dial that could ask a person, for the link that comes next. */
  #ready: Held | undefined = undefined;
  #server: RemoteServer | undefined = undefined;

  constructor(backend: Backend, program: string) {
    this.#backend = backend;
    this.#program = program;
  }

  get secret(): string | undefined {
    return this.#server?.secret;
  }

  readonly prepare = async (attempt: Attempt, interaction: Interaction): Promise<void> => {
    this.#drop();
    const held = await this.#reach(attempt, interaction);
    this.#ready = held;
    try {
      this.#server ??= await startRemoteServer(held.machine, {
        program: this.#program,
        secret: randomBytes(SECRET_BYTES).toString("hex"),
        signal: attempt.signal as AbortSignal,
      });
    } catch (thrown) {
      this.#drop();
      throw held.lost === undefined ? thrown : HoldfastError.from(held.lost.cause ?? thrown);
    }
  };

  readonly dial = async (attempt: Attempt): Promise<ByteLink> => {
    const server = this.#server;
    if (server === undefined) throw serverGone();
    const ready = this.#ready;
    this.#ready = undefined;
    const held = ready === undefined || ready.lost !== undefined ? await this.#reachAlone(attempt) : ready;
    held.attempt = attempt;
    // Of a dial that takes too long; a link is closed by its session, which may have something to say.
    const stop = (): void => held.machine.close();
    attempt.signal.addEventListener("abort", stop, { once: true });
    try {
      const stream = await held.machine.connectTcp("127.0.0.1", server.port);
      const { localAddress } = held.machine;
      const link = new DuplexLink({
        stream,
        attempt,
        trust: TRUST,
        localAddress,
        onGone: (reason) => held.machine.close(reason),
      });
      held.onLost = (cause) => link.lost(cause);
      return link;
    } catch (thrown) {
      held.machine.close();
      throw this.#judged(HoldfastError.from(thrown));
    } finally {
      attempt.signal.removeEventListener("abort", stop);
    }
  };

  readonly dispose = async (): Promise<void> => {
    this.#drop();
    await this.#backend.dispose();
  };

  /** The machine answers, and nobody listens there any more: another server is started for another session. */
  #judged(failure: HoldfastError): HoldfastError {
    if (failure.code !== "connection_refused") return failure;
    this.#server = undefined;
    return serverGone(failure);
  }

  #drop(): void {
    this.#ready?.machine.close();
    this.#ready = undefined;
  }

  /** A login that is refused is for a person to mend; the session waits. */
  async #reachAlone(attempt: Attempt): Promise<Held> {
    try {
      return await this.#reach(attempt, UNATTENDED);
    } catch (thrown) {
      throw forPerson(HoldfastError.from(thrown));
    }
  }

  async #reach(attempt: Attempt, interaction: Interaction): Promise<Held> {
    let lost: Held["lost"] = undefined;
    let held: Held | undefined = undefined;
    // The link may serve another attempt than the one that made it.
    const machine = await this.#backend.dial(
      {
        ...attempt,
        signal: attempt.signal,
        heard: () => (held?.attempt ?? attempt).heard(),
        lost: (cause) => {
          lost = { cause };
          if (held === undefined) return;
          held.lost = lost;
          held.onLost(cause);
        },
        draining: () => undefined,
        progress: () => undefined,
      },
      interaction,
    );
    held = { machine, onLost: () => undefined, lost, attempt: undefined };
    return held;
  }
}

function serverGone(cause?: HoldfastError): HoldfastError {
  const message = "the server that was started on the machine is not there any more";
  const hint = "another one is started; what ran in the old one has ended";
  return new HoldfastError({ code: SERVER_GONE, message, hint, kind: "fatal", fault: "peer", cause });
}
