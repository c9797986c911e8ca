// What a client makes of relays that refuse it, of relays that are none, and of silence.
import { describe, expect, test } from "vitest";
import { startRelay } from "./relay.ts";
import { freePort, serve, until } from "./sockets.ts";
import { backAfter, openTunnel, publicPort } from "./tunnel.ts";

const CHALLENGE = '{"Challenge":"00000000-0000-4000-8000-000000000000"}\0';

/** A relay that says this at once, whatever it hears, and hangs up if told to. */
function relayThatSays(text: string, hangUp = true): ReturnType<typeof serve> {
  return serve((socket) => {
    socket.resume();
    if (hangUp) socket.end(text);
    else socket.write(text);
  });
}

const FATAL: [why: string, says: string, secret: string | undefined, code: string][] = [
  ["a wrong secret", `${CHALLENGE}{"Error":"invalid secret"}\0`, "guess", "bad_secret"],
  ["a challenge, and no secret", CHALLENGE, undefined, "secret_required"],
  ["no challenge, but a secret", '"Heartbeat"\0', "secret", "secret_not_expected"],
  [
    "a missing secret",
    '{"Error":"server requires secret, but no secret was provided"}\0',
    undefined,
    "secret_required",
  ],
  [
    "a port out of range",
    '{"Error":"client port number not in allowed range"}\0',
    undefined,
    "port_not_allowed",
  ],
  ["a privileged port", '{"Error":"permission denied"}\0', undefined, "permission_denied"],
  ["a web server", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", undefined, "not_our_peer"],
  ["a web server, and a secret", "HTTP/1.1 400 Bad Request\r\n\r\n", "secret", "not_our_peer"],
  ["endless garbage", "x".repeat(10_000), undefined, "not_our_peer"],
  ["an echo of what was asked", '{"Hello":0}\0', undefined, "not_our_peer"],
  ["something else than Hello", '"Heartbeat"\0', undefined, "not_our_peer"],
  ["a second challenge", CHALLENGE + CHALLENGE, "secret", "not_our_peer"],
];

const TRANSIENT: [why: string, says: string, secret: string | undefined, code: string][] = [
  ["a port in use", '{"Error":"port already in use"}\0', undefined, "port_in_use"],
  ["no free port", '{"Error":"failed to find an available port"}\0', undefined, "no_port_available"],
  ["a failed bind", '{"Error":"failed to bind to port"}\0', undefined, "bind_failed"],
  ["an end instead of Hello", "", undefined, "connection_closed"],
  ["an end instead of a challenge", "", "secret", "connection_closed"],
  ["null instead of Hello", "null\0", undefined, "connection_closed"],
  ["an end behind the challenge", CHALLENGE, "secret", "connection_closed"],
  ["a text of the future", `${CHALLENGE}{"Error":"invalid secrets"}\0`, "guess", "relay_error"],
];

describe("on the first connect", () => {
  test.each(FATAL)("%s is fatal at once", async (_, says, secret, code) => {
    const relay = await relayThatSays(says);
    const { tunnel } = openTunnel({ relayPort: relay.port, target: "1", secret });
    expect(await tunnel.line.closed).toMatchObject({ code: "failed", error: { code, kind: "fatal" } });
    expect(tunnel.line.status.attempt).toBeLessThanOrEqual(1);
  });

  test.each(TRANSIENT)("%s is tried again", async (_, says, secret, code) => {
    const relay = await relayThatSays(says);
    const { tunnel } = openTunnel({ relayPort: relay.port, target: "1", secret });
    await until("it waits for the next dial", () => {
      return "phase" in tunnel.line.status && tunnel.line.status.phase === "waiting";
    });
    expect(tunnel.line.status).toMatchObject({ state: "connecting", failures: 1, failure: { code } });
    await tunnel.close();
  });

  test("a relay that is away is waited for", async () => {
    const relayPort = await freePort();
    const { tunnel } = openTunnel({ relayPort, target: "1", backoff: { maxMs: 200 } });
    await until("a dial failed", () => tunnel.line.status.failures > 0);
    expect(tunnel.line.status.failure).toMatchObject({ code: "connection_refused" });
    await startRelay({ port: relayPort });
    await publicPort(tunnel);
  });

  test("a secret against a relay without one is fatal within four seconds", async () => {
    const { port: relayPort } = await startRelay();
    const began = performance.now();
    const { tunnel } = openTunnel({ relayPort, target: "1", secret: "secret" });
    const { error } = await tunnel.line.closed;
    expect(error).toMatchObject({ code: "no_challenge", kind: "fatal" });
    expect(error?.hint).toContain("HOLDFAST_SECRET");
    expect(performance.now() - began).toBeLessThan(4_000 + 2_000);
    expect(tunnel.line.status.failures).toBe(1);
  });

  test("a relay without a secret that hangs up first, as the real one may, is the same", async () => {
    const relay = await serve((socket) => void setTimeout(() => socket.end(), 2_700));
    const { tunnel } = openTunnel({ relayPort: relay.port, target: "1", secret: "secret" });
    expect(await tunnel.line.closed).toMatchObject({ error: { code: "no_challenge", kind: "fatal" } });
  });

  test("the real relay refuses a wrong and a missing secret, and both ends are told", async () => {
    const { port: relayPort, events } = await startRelay({ secret: "secret" });
    const wrong = openTunnel({ relayPort, target: "1", secret: "guess" });
    expect(await wrong.tunnel.line.closed).toMatchObject({ error: { code: "bad_secret" } });
    const missing = openTunnel({ relayPort, target: "1" });
    expect(await missing.tunnel.line.closed).toMatchObject({ error: { code: "secret_required" } });
    expect(events.map((event) => event.type === "refused" && event.reason)).toContain("invalid secret");
    expect(JSON.stringify(events)).not.toContain("guess");
  });
});

describe("after it had been connected", () => {
  /** Connected once, then the relay is replaced by one that says this. */
  async function afterwards(says: string, secret: string | undefined, hangUp = true) {
    const first = await startRelay({ secret });
    const opened = openTunnel({ relayPort: first.port, target: "1", secret });
    await publicPort(opened.tunnel);
    await first.relay.close();
    const impostor = await serve((socket) => {
      socket.resume();
      if (hangUp) socket.end(says);
      else socket.write(says);
    }, first.port);
    return { ...opened, impostor, relayPort: first.port };
  }

  test("garbage is waited out at the cap, and the tunnel comes back", async () => {
    const { tunnel, impostor, relayPort } = await afterwards("HTTP/1.1 400 Bad Request\r\n\r\n", undefined);
    await until("it met the impostor", () => tunnel.line.status.failure?.code === "not_our_peer");
    expect(tunnel.line.status.state).toBe("reconnecting");
    await impostor.close();
    await startRelay({ port: relayPort });
    tunnel.line.wake();
    await backAfter(tunnel, 1);
  });

  test("silence where a challenge was due is transient", async () => {
    const { tunnel } = await afterwards("", "secret", false);
    await until("it met the silence", () => tunnel.line.status.failure?.code === "timed_out");
    expect(tunnel.line.status.state).toBe("reconnecting");
  });

  test("a secret that was changed is fatal", async () => {
    const { tunnel } = await afterwards(`${CHALLENGE}{"Error":"invalid secret"}\0`, "secret");
    expect(await tunnel.line.closed).toMatchObject({ error: { code: "bad_secret" } });
  });
});

test("a busy relay is given the time that it asked for", async () => {
  const relay = await relayThatSays('{"Error":"busy, retry in 300.0 s"}\0');
  const { tunnel } = openTunnel({ relayPort: relay.port, target: "1" });
  await until("it waits", () => "phase" in tunnel.line.status && tunnel.line.status.phase === "waiting");
  const { status } = tunnel.line;
  expect(status).toMatchObject({ failure: { code: "busy", kind: "throttled" } });
  if (!("delayMs" in status)) throw new Error("it does not wait");
  expect(status.delayMs).toBeGreaterThanOrEqual(300_000);
  expect(status.delayMs).toBeLessThanOrEqual(301_000);
});

test("an error in the middle of a tunnel is told and changes nothing, nor do other surprises", async () => {
  const relay = await serve((socket) => {
    socket.once("data", () => {
      socket.write('{"Hello":9114}\0"Heartbeat"\0{"Error":"\\u001b[31mred"}\0{"Hello":1}\0');
      socket.write(`${CHALLENGE}{"Heartbeat":null}\0`);
    });
  });
  const { tunnel, events } = openTunnel({ relayPort: relay.port, target: "1" });
  await until("all was read", () => events.filter(({ type }) => type === "warning").length === 3);
  expect(tunnel.line.status).toMatchObject({ state: "connected", epoch: 1 });
  expect(tunnel.publicEndpoint?.port).toBe(9_114);
  expect(JSON.stringify(events)).not.toContain("\\u001b");
});

test.each([
  ["the end", "null\0"],
  ["garbage", "garbage\0"],
  ["a frame that is too long", "x".repeat(300)],
])("%s in the middle of a tunnel makes the client come back", async (_, says) => {
  let connections = 0;
  const relay = await serve((socket) => {
    connections += 1;
    const nth = connections;
    socket.once("data", () => socket.write(`{"Hello":9114}\0"Heartbeat"\0${nth === 1 ? says : ""}`));
  });
  const { tunnel } = openTunnel({ relayPort: relay.port, target: "1", backoff: { maxMs: 200 } });
  await backAfter(tunnel, 1);
  expect(connections).toBe(2);
});
