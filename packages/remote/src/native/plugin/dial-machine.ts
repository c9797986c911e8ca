// One dial of the plugin: a session line of its own until its session is over, and the machine at the other end of it.
import { HoldfastError, type Policy } from "@holdfast/core";
import { RESET, type SessionStream } from "@holdfast/core/session";
import type { Attempt, ByteLink, Line } from "@holdfast/net";
import { nodeCrypto } from "@holdfast/net/node";
import { openSession, type SessionHandle, type SessionLine, type SessionLink } from "@holdfast/net/session";
import type { Interaction } from "../../plugin/interaction.ts";
import type { LineBelow, Machine } from "../../plugin/machine.ts";
import { linkLost, SERVER_GONE } from "../failures.ts";
import { sessionMachine, type SessionMachine } from "../client/session-machine.ts";
import type { SessionBackendOptions } from "./holdfast-plugin.ts";

/** A machine that outlives links. */
export interface HoldfastMachine extends Machine {
  /** The line that keeps its session: the truth about the links below. */
  readonly line: LineBelow & Pick<Line, "closed">;
  readonly openStreams: number;
}

export interface DialMachineOptions extends SessionBackendOptions {
  readonly attempt: Attempt;
  readonly interaction: Interaction;
}

/** @throws HoldfastError why the first dial of the session failed; the signal's reason. */
export async function dialMachine(options: DialMachineOptions): Promise<HoldfastMachine> {
  const { attempt, access, interaction } = options;
  for (let questions = 0; ; questions++) {
    if (attempt.signal.aborted) throw attempt.signal.reason;
    await access.prepare?.(attempt, interaction);
    try {
      return await new MachineDial(options).run();
    } catch (thrown) {
      if (attempt.signal.aborted) throw thrown;
      const failure = HoldfastError.from(thrown);
      if (failure.code === SERVER_GONE && questions < MAX_QUESTIONS) continue;
      const asking = interaction.attended && questions < MAX_QUESTIONS;
      if (!asking || (await access.ask?.(failure, interaction)) !== true)
        throw access.explain?.(failure) ?? failure;
    }
  }
}

/** Whoever answers wrong so often is not asked again in this dial. */
const MAX_QUESTIONS = 4;

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
    const { attempt, access } = this.#options;
    const sessions = this.#open();
    this.#sessions = sessions;
    const stop = (): void => void sessions.close();
    attempt.signal.addEventListener("abort", stop, { once: true });
    try {
      const link = await firstLink(sessions);
      const machine = this.#machine;
      access.begun?.(link.carrier.trust.relayIdentity);
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
      context,
    } = this.#options;
    const below: Policy = { ...policy, ...context.links?.policy };
    return openSession({
      ...below,
      crypto,
      dial: (inner) => this.#link(inner),
      secret: access.secret,
      ownerKey: access.ownerKey,
      ...(access.credentials && { credentials: access.credentials }),
      ...(sessionLimits && { limits: sessionLimits }),
      wakes: [...(wakes ?? []), ...(context.links?.wakes ?? [])],
      ...(clock && { clock }),
      ...(random && { random }),
      // The line above waits and tries again; a session that has begun goes on by itself.
      failFast: true,
      onSession: (session) => this.#begun(session),
      onStream: (stream) => this.#take(stream),
      onWarning: (warning) => context.warn(warning.text),
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
    const { name, context } = this.#options;
    const warn = (text: string): void => context.warn(text);
    this.#machine = sessionMachine(session, { name, warn });
    void session.ended.then(({ error }) => this.#lost(error));
  }

  #given(sessions: SessionLine, machine: SessionMachine): HoldfastMachine {
    void sessions.line.closed.then(({ error }) => this.#lost(error));
    return {
      line: this.#shown(sessions.line),
      get openStreams() {
        return openStreamsOf(sessions);
      },
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

  #shown(line: Line<SessionLink>): HoldfastMachine["line"] {
    return {
      closed: line.closed,
      get status() {
        return line.status;
      },
      get liveness() {
        return line.liveness;
      },
      changes: (options) => line.changes(options),
      wake: (reason) => line.wake(reason),
      answer: async (interaction) => {
        const { access, attempt } = this.#options;
        const { failure } = line.status;
        await access.prepare?.(attempt, interaction);
        if (failure !== undefined) await access.ask?.(failure, interaction);
        line.answer();
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
    const final = cause?.kind === "fatal" && cause.code !== SERVER_GONE;
    this.#options.attempt.lost(final ? cause : failure);
  }
}

/** Also a question ends the first dial: it is asked by whoever dialled. */
async function firstLink({ line }: SessionLine): Promise<SessionLink> {
  for await (const { state, failure } of line.changes()) {
    if (line.link !== undefined) return line.link;
    if (state === "auth_required") throw failure ?? linkLost();
    if (state === "disconnected") break;
  }
  return line.ready();
}

function openStreamsOf({ session }: SessionLine): number {
  let count = 0;
  for (const _ of session?.streams() ?? []) count++;
  return count;
}
