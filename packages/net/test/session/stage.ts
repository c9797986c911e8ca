// A client's line and a host within the process, for tests that look at one thing of either.
import type { Clock } from "@holdfast/core";
import type { SessionEnd } from "@holdfast/core/session";
import type { Attempt, ByteLink } from "@holdfast/net";
import { memorySessionArena, type SessionArena } from "@holdfast/net/compliance";
import { nodeCrypto } from "@holdfast/net/node";
import {
  hostSessions,
  openSession,
  type AcceptedSession,
  type OpenSessionOptions,
  type SessionHandle,
  type SessionHost,
  type SessionHostOptions,
  type SessionLine,
  type StreamListener,
} from "@holdfast/net/session";
import type { HoldfastError } from "@holdfast/core";

export interface Stage {
  readonly arena: SessionArena;
  readonly host: SessionHost;
  /** All that the host has had. */
  readonly accepted: AcceptedSession[];
  readonly refused: HoldfastError[];
  readonly away: AcceptedSession[];
  open(options?: Partial<OpenSessionOptions>): Client;
  [Symbol.asyncDispose](): Promise<void>;
}

interface Client {
  readonly line: SessionLine;
  readonly sessions: SessionHandle[];
  readonly lost: (SessionEnd | undefined)[];
  readonly warnings: HoldfastError[];
}

export async function stage(options: Partial<SessionHostOptions> = {}): Promise<Stage> {
  const arena = await memorySessionArena();
  const accepted: AcceptedSession[] = [];
  const refused: HoldfastError[] = [];
  const away: AcceptedSession[] = [];
  const host = hostSessions({
    crypto: nodeCrypto(),
    onSession: (session) => void accepted.push(session),
    onRefused: (failure) => void refused.push(failure),
    onAway: (session) => void away.push(session),
    ...options,
  });
  arena.listen((link) => host.take(link));
  const lines: SessionLine[] = [];
  return {
    arena,
    host,
    accepted,
    refused,
    away,
    open(given = {}) {
      const [sessions, lost, warnings]: [SessionHandle[], (SessionEnd | undefined)[], HoldfastError[]] = [
        [],
        [],
        [],
      ];
      const line = openSession({
        dial: arena.dial,
        crypto: nodeCrypto(),
        failFast: false,
        backoff: { initialMs: 100, maxMs: 100, firstRetry: "at_once" },
        onWarning: (warning) => void warnings.push(warning),
        onSession(session, before) {
          sessions.push(session);
          lost.push(before);
        },
        ...given,
      });
      lines.push(line);
      return { line, sessions, lost, warnings };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(lines.map((line) => line.close()));
      await host.close();
      await arena.close();
    },
  };
}

/** A dial whose links can be made to carry nothing, both ways, without anybody being told. */
export function mutable(dial: (attempt: Attempt) => Promise<ByteLink>): {
  dial(attempt: Attempt): Promise<ByteLink>;
  muted: boolean;
  /** The dialling side takes its newest link for lost; the other side hears nothing of it. */
  lose(): void;
} {
  let lost: () => void = () => undefined;
  const gate = {
    muted: false,
    lose: () => lost(),
    async dial(attempt: Attempt): Promise<ByteLink> {
      const link = await dial(attempt);
      let abandoned = false;
      lost = () => {
        abandoned = true;
        attempt.lost(new Error("no carrier"));
      };
      return {
        trust: link.trust,
        get queuedBytes() {
          return link.queuedBytes;
        },
        read: (take) => link.read((bytes) => gate.muted || abandoned || take(bytes)),
        write: (bytes) => (gate.muted || abandoned ? undefined : link.write(bytes)),
        cork: () => link.cork(),
        uncork: () => link.uncork(),
        onTaken: (listener) => link.onTaken(listener),
        hold: (held) => link.hold(held),
        end: () => link.end(),
        close: () => (abandoned ? undefined : link.close()),
      };
    },
  };
  return gate;
}

/** A listener that does what is given, and nothing else. */
export function hears(what: Partial<StreamListener>): StreamListener {
  return { readable() {}, writable() {}, forgotten() {}, ...what };
}

/** The machine's clock, with a count of the timers that are armed. */
export function counted(clock: Clock): { readonly clock: Clock; readonly armed: Set<object> } {
  const armed = new Set<object>();
  const timer = (fire: () => void): ReturnType<Clock["timer"]> => {
    const id = {};
    const inner = clock.timer(() => {
      armed.delete(id);
      fire();
    });
    return {
      set: (delayMs) => {
        armed.add(id);
        inner.set(delayMs);
      },
      clear: () => {
        armed.delete(id);
        inner.clear();
      },
    };
  };
  return { clock: { mono: () => clock.mono(), wall: () => clock.wall(), timer }, armed };
}
