// One dial of the plugin: a session line of its own until its session is over, and the machine at the other end of it.
import type { HoldfastError } from "@holdfast/core";
import { RESET, type SessionStream } from "@holdfast/core/session";
import type { Attempt, ByteLink, Line } from "@holdfast/net";
import { nodeCrypto } from "@holdfast/net/node";
import { openSession, type SessionHandle, type SessionLine, type SessionLink } from "@holdfast/net/session";
import type { Machine } from "../../plugin/machine.ts";
import { linkLost } from "../failures.ts";
import { sessionMachine, type SessionMachine } from "../client/session-machine.ts";
import type { HoldfastPluginOptions, ServerAccess } from "./holdfast-plugin.ts";

/** A machine that outlives links. */
export interface HoldfastMachine extends Machine {
  /** The line that keeps its session: the truth about the links below. */
  readonly line: Line<SessionLink>;
}

export interface DialMachineOptions extends Omit<HoldfastPluginOptions, "access"> {
  readonly attempt: Attempt;
  readonly access: ServerAccess;
  /** Which machine of that server. */
  readonly name: string;
  readonly warn: (text: string) => void;
}

/** @throws HoldfastError why the first dial of the session failed; the signal's reason. */
export async function dialMachine(options: DialMachineOptions): Promise<HoldfastMachine> {
  const { attempt } = options;
  if (attempt.signal.aborted) throw attempt.signal.reason;
  return new MachineDial(options).run();
}

class MachineDial {
  readonly #options: DialMachineOptions;
  #sessions: SessionLine | undefined = undefined;
  #machine: SessionMachine | undefined = undefined;
  /** The machine was given out, and neither closed nor lost. */
  #live = false;

  constructor(options: DialMachineOptions) {
    this.#options = options;
  }

  async run(): Promise<HoldfastMachine> {
    const { attempt } = this.#options;
    const sessions = this.#open();
    this.#sessions = sessions;
    const stop = (): void => void sessions.close();
    attempt.signal.addEventListener("abort", stop, { once: true });
    try {
      await sessions.line.ready();
      const machine = this.#machine;
      if (attempt.signal.aborted || machine === undefined) throw linkLost();
      this.#live = true;
      return this.#given(sessions, machine);
    } catch (thrown) {
      void sessions.close();
      throw attempt.signal.aborted ? attempt.signal.reason : thrown;
    } finally {
      attempt.signal.removeEventListener("abort", stop);
    }
  }

  #open(): SessionLine {
    const {
      access,
      policy,
      sessionLimits,
      wakes,
      crypto = nodeCrypto(),
      clock,
      random,
      warn,
    } = this.#options;
    return openSession({
      ...policy,
      crypto,
      dial: (inner) => this.#link(inner),
      secret: access.secret,
      ownerKey: access.ownerKey,
      ...(access.credentials && { credentials: access.credentials }),
      ...(sessionLimits && { limits: sessionLimits }),
      ...(wakes && { wakes }),
      ...(clock && { clock }),
      ...(random && { random }),
      // The line above waits and tries again; a session that has begun goes on by itself.
      failFast: true,
      onSession: (session) => this.#begun(session),
      onStream: (stream) => this.#take(stream),
      onWarning: (warning) => warn(warning.text),
    });
  }

  #link(inner: Attempt): Promise<ByteLink> {
    const { access, attempt } = this.#options;
    const heard = (): void => {
      inner.heard();
      attempt.heard();
    };
    return access.dial({ ...inner, heard });
  }

  #take(stream: SessionStream): void {
    if (this.#machine?.take(stream) !== true) stream.reset(RESET.notProcessed);
  }

  #begun(session: SessionHandle): void {
    // After the loss of the one that the machine was on: the line above decides what happens next.
    if (this.#machine !== undefined) return void this.#sessions?.close();
    const { name, warn } = this.#options;
    this.#machine = sessionMachine(session, { name, warn });
    void session.ended.then(({ error }) => this.#lost(error));
  }

  #given(sessions: SessionLine, machine: SessionMachine): HoldfastMachine {
    void sessions.line.closed.then(({ error }) => this.#lost(error));
    return {
      line: sessions.line,
      files: machine.files,
      survivesPingFailure: true,
      start: (request) => machine.start(request),
      connectTcp: (host, port) => machine.connectTcp(host, port),
      listenTcp: (host, port, onConnection) => machine.listenTcp(host, port, onConnection),
      systemInfo: () => machine.systemInfo(),
      ping: () => machine.ping(),
      close: (reason) => {
        this.#live = false;
        machine.close(reason);
        void sessions.close();
      },
    };
  }

  /** Told once, and never after a close. */
  #lost(cause: HoldfastError | undefined): void {
    const failure = linkLost(cause);
    this.#machine?.close(failure);
    void this.#sessions?.close();
    if (!this.#live) return;
    this.#live = false;
    this.#options.attempt.lost(cause?.kind === "fatal" ? cause : failure);
  }
}
