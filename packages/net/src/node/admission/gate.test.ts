import { HoldfastError } from "@holdfast/core";
import type { AcceptedByteLink } from "../../byte-link.ts";
import type { AcceptedSession } from "../../session/index.ts";
import { expect, test } from "vitest";
import { VirtualClock } from "@holdfast/core/testing";
import { Gate, type GateLimits } from "./gate.ts";

const LIMITS: GateLimits = {
  connectionsPerAddress: 100,
  unauthenticatedPerAddress: 20,
  failedAuthenticationsPerMinute: 10,
  sessionsPerAddress: 32,
  addresses: 65_536,
  handshakes: 4_096,
};

/** A link that only comes and goes. */
class LinkThatComes {
  readonly remoteAddress = "192.0.2.1";
  readonly trust = { confidential: false, exporter: undefined, relayIdentity: "name:x" };
  closed = false;
  end: (cause: unknown) => void = () => undefined;

  onEnd(listener: (cause: unknown) => void): void {
    this.end = listener;
  }

  close(): void {
    this.closed = true;
  }
}

function start(limits: Partial<GateLimits> = {}) {
  const gate = new Gate({ ...LIMITS, ...limits }, new VirtualClock());
  const come = () => {
    const link = new LinkThatComes();
    return { link, admitted: gate.admit(link as unknown as AcceptedByteLink) };
  };
  return { gate, come };
}

/** A session on this link, and its end. */
function sessionOn(link: AcceptedByteLink | undefined): {
  session: AcceptedSession;
  end: () => Promise<void>;
} {
  let finish: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (finish = resolve));
  const session = { link, remoteAddress: "192.0.2.1", ended } as unknown as AcceptedSession;
  const end = async (): Promise<void> => {
    finish();
    await ended;
    await Promise.resolve();
  };
  return { session, end };
}

test("a link that is closed here, which links tell nobody, does not count any more", () => {
  const { come } = start({ unauthenticatedPerAddress: 1 });
  const late = come();
  expect(come().admitted).toBeUndefined();
  late.admitted?.close();
  expect(late.link.closed).toBe(true);
  const next = come();
  expect(next.admitted).toBeDefined();
  // Once only: the end of the first does not make room for two.
  late.link.end(undefined);
  expect(come().admitted).toBeUndefined();
});

test("a link counts as unauthenticated until it has a session, or has gone, and only once", () => {
  const { gate, come } = start({ unauthenticatedPerAddress: 2 });
  const [a, b, c] = [come(), come(), come()];
  expect([a, b, c].map(({ admitted }) => admitted !== undefined)).toEqual([true, true, false]);
  expect(c.link.closed).toBe(true);
  gate.attached(sessionOn(a.admitted).session);
  expect(come().admitted).toBeDefined();
  // Its end changes nothing any more.
  a.link.end(undefined);
  expect(come().admitted).toBeUndefined();
  b.link.end(undefined);
  expect(come().admitted).toBeDefined();
  expect(come().admitted).toBeUndefined();
});

test("whoever listens to the link hears of its end as well", () => {
  const { come } = start();
  const { link, admitted } = come();
  const heard: unknown[] = [];
  admitted?.onEnd((cause) => heard.push(cause));
  link.end("broken");
  expect(heard).toEqual(["broken"]);
});

test("sessions of an address are bounded, those without a link included, until they end", async () => {
  const { gate, come } = start({ sessionsPerAddress: 1 });
  expect(gate.hasRoom("192.0.2.1")).toBe(true);
  const { session, end } = sessionOn(come().admitted);
  gate.begins(session);
  expect(gate.hasRoom("192.0.2.1")).toBe(false);
  expect(gate.hasRoom("192.0.2.2")).toBe(true);
  await end();
  expect(gate.hasRoom("192.0.2.1")).toBe(true);
});

test("a connection that is let in gives its place back before its link takes one", () => {
  const { gate, come } = start({ unauthenticatedPerAddress: 1 });
  const done = gate.knock("192.0.2.1");
  expect(gate.knock("192.0.2.1")).toBeUndefined();
  done?.();
  expect(come().admitted).toBeDefined();
  expect(gate.knock("192.0.2.1")).toBeUndefined();
});

test("only wrong secrets are held against an address", () => {
  const { gate, come } = start({ failedAuthenticationsPerMinute: 1 });
  gate.refused(new HoldfastError({ code: "busy", message: "" }), "192.0.2.1");
  expect(come().admitted).toBeDefined();
  gate.refused(new HoldfastError({ code: "unauthorized", message: "", kind: "unauthorized" }), "192.0.2.1");
  expect(come().admitted).toBeUndefined();
});
