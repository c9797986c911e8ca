// Trust at work: the real transport, the real listener, and real sessions with a shared secret.
import { once } from "node:events";
import { join } from "node:path";
import type { AddressInfo } from "node:net";
import { HoldfastError } from "@holdfast/core";
import { listenHoldfast, nodeCrypto, tls, type HoldfastListener } from "@holdfast/net/node";
import { hostSessions, openSession, type SessionLine } from "@holdfast/net/session";
import {
  loadRelayIdentity,
  openKnownRelays,
  relayVerifier,
  type CertificateSource,
  type KnownRelays,
  type RelayVerifier,
  type RelayVerifierOptions,
} from "@holdfast/trust";
import { describe, expect, onTestFinished, test } from "vitest";
import { testCertificate } from "../../net/test/node/certificates.ts";
import { TestClock, temporaryFolder } from "./fixture.ts";

const SECRET = "correct horse battery staple";

interface Relay {
  readonly listener: HoldfastListener;
  readonly identity: CertificateSource;
  readonly fingerprint: string;
  readonly port: number;
}

async function relay(port = 0, secrets: readonly string[] = [SECRET]): Promise<Relay> {
  // The certificate is looked at with the machine's own time.
  const clock = { wall: () => Date.now() };
  const identity = await loadRelayIdentity(join(await temporaryFolder(), "relay"), { clock });
  const crypto = nodeCrypto();
  const host = hostSessions({ crypto, secrets: () => secrets, onSession: () => undefined });
  const listener = await listenHoldfast({
    endpoint: { host: "127.0.0.1", port },
    tls: identity.current(),
    onLink: (link) => host.take(link),
  });
  onTestFinished(async () => {
    await host.close();
    await listener.close();
  });
  const { endpoint } = listener;
  const actual = "port" in endpoint ? endpoint.port : 0;
  return { listener, identity, fingerprint: identity.current().fingerprint, port: actual };
}

interface Client {
  readonly session: SessionLine;
  readonly verifier: RelayVerifier;
  readonly verdicts: unknown[];
}

function client(
  port: number,
  knownRelays: KnownRelays,
  options: Partial<RelayVerifierOptions> & { readonly secret?: string } = {},
): Client {
  const { secret, ...rest } = options;
  const verifier = relayVerifier({ knownRelays, hasSecret: secret !== undefined, ...rest });
  const verdicts: unknown[] = [];
  const dial = tls({
    host: "127.0.0.1",
    port,
    verify: async (peer) => {
      const verdict = await verifier.verify(peer);
      verdicts.push(verdict);
      return verdict;
    },
  });
  const session = openSession({ dial, crypto: nodeCrypto(), secret, failFast: true });
  onTestFinished(() => session.close());
  return { session, verifier, verdicts };
}

async function known(): Promise<KnownRelays> {
  return openKnownRelays({ path: join(await temporaryFolder(), "known_relays"), clock: new TestClock() });
}

async function begin({ session, verifier }: Client): Promise<string> {
  const link = await session.line.ready();
  const { relayIdentity } = link.carrier.trust;
  await verifier.confirm(relayIdentity);
  return relayIdentity;
}

async function failure(promise: Promise<unknown>): Promise<HoldfastError> {
  const thrown: unknown = await promise.then(
    () => expect.fail("a session began"),
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(HoldfastError);
  return thrown as HoldfastError;
}

test("an authority that is trusted here decides by name; without it the same relay is not known", async () => {
  const authority = testCertificate("authority");
  const [first, renewed] = [testCertificate("relay", authority), testCertificate("relay", authority)];
  const host = hostSessions({ crypto: nodeCrypto(), onSession: () => undefined });
  const listener = await listenHoldfast({
    endpoint: { host: "127.0.0.1", port: 0 },
    tls: first,
    onLink: (link) => host.take(link),
  });
  onTestFinished(async () => {
    await host.close();
    await listener.close();
  });
  const port = "port" in listener.endpoint ? listener.endpoint.port : 0;
  const relays = await known();
  const verifier = relayVerifier({ knownRelays: relays });
  const meet = async (ca?: string): Promise<string> => {
    const dial = tls({ host: "127.0.0.1", port, ca, verify: (peer) => verifier.verify(peer) });
    const session = openSession({ dial, crypto: nodeCrypto(), failFast: true });
    onTestFinished(() => session.close());
    const { relayIdentity } = (await session.line.ready()).carrier.trust;
    await verifier.confirm(relayIdentity);
    return relayIdentity;
  };
  expect(await failure(meet())).toMatchObject({ code: "unknown_relay" });
  expect(await meet(authority.cert)).toBe("name:127.0.0.1");
  listener.setIdentity(renewed);
  expect(await meet(authority.cert), "with another key").toBe("name:127.0.0.1");
  listener.setIdentity(testCertificate("relay"));
  const refused = await failure(meet(authority.cert));
  expect(refused).toMatchObject({ code: "identity_changed" });
  expect(refused.text).toContain("vouched for by a certificate authority before and is no longer");
  expect(await relays.all()).toEqual([]);
});

describe("a relay with a certificate of its own making", () => {
  test("is met for the first time by a shared secret, and known by its key from then on", async () => {
    const { port, fingerprint } = await relay();
    const relays = await known();
    const first = client(port, relays, { secret: SECRET });
    expect(await begin(first)).toBe(`pin:${fingerprint}`);
    expect(first.verdicts).toEqual([{ relayIdentity: `pin:${fingerprint}`, verified: false }]);
    expect(await relays.pins("127.0.0.1", port)).toMatchObject([{ fingerprint }]);
    const second = client(port, relays, { secret: SECRET });
    await begin(second);
    expect(second.verdicts).toEqual([{ relayIdentity: `pin:${fingerprint}`, verified: true }]);
  });

  test("is not remembered if its secret is another one", async () => {
    const { port } = await relay(0, ["another"]);
    const relays = await known();
    const refused = await failure(begin(client(port, relays, { secret: SECRET })));
    expect(refused.code).toBe("bad_secret");
    expect(await relays.all()).toEqual([]);
  });

  test("is refused without a secret, and accepted by the fingerprint that the refusal names", async () => {
    const { port, fingerprint } = await relay(0, []);
    const relays = await known();
    const refused = await failure(begin(client(port, relays)));
    expect(refused).toMatchObject({ code: "unknown_relay", kind: "fatal" });
    expect(refused.text).toContain("it made its certificate itself");
    const [, named = ""] = /--fingerprint (\S+?);/.exec(refused.hint ?? "") ?? [];
    expect(named).toBe(fingerprint);
    await begin(client(port, relays, { fingerprints: [named] }));
    await begin(client(port, relays));
  });

  test("that another takes the place of is noticed, though the other knows the secret", async () => {
    const { port, listener, fingerprint } = await relay();
    const relays = await known();
    const met = client(port, relays, { secret: SECRET });
    await begin(met);
    await met.session.close();
    await listener.close();
    const other = await relay(port);
    const refused = await failure(begin(client(port, relays, { secret: SECRET })));
    expect(refused).toMatchObject({ code: "identity_changed", kind: "fatal" });
    expect(refused.text).toContain(fingerprint);
    expect(refused.text).toContain(other.fingerprint);
  });

  test("with somebody in between is refused even on first use", async () => {
    const real = await relay();
    // Ends TLS with a key of its own and passes on what is inside: all that a man in the middle can do.
    const middle = await relayInBetween(real.port);
    const relays = await known();
    const refused = await failure(begin(client(middle, relays, { secret: SECRET })));
    // The two exporters differ, so the relay takes the proof for a wrong one, and nothing can be passed on.
    expect(refused.code).toBe("bad_secret");
    expect(await relays.all()).toEqual([]);
  });

  test("keeps its pin over a new certificate, which is put in place while it serves", async () => {
    const { port, identity, listener } = await relay();
    const relays = await known();
    await begin(client(port, relays, { secret: SECRET }));
    listener.setIdentity(await identity.reload());
    await begin(client(port, relays, { secret: SECRET }));
    expect(await relays.all()).toHaveLength(1);
  });
});

/** @returns the port of somebody with a good certificate of their own, who has TLS with both sides. */
async function relayInBetween(target: number): Promise<number> {
  const [{ connect, createServer: createTlsServer }, mine] = await Promise.all([
    import("node:tls"),
    loadRelayIdentity(join(await temporaryFolder(), "middle"), { clock: { wall: () => Date.now() } }),
  ]);
  const sockets = new Set<{ destroy(): void }>();
  const server = createTlsServer({ ...mine.current(), ALPNProtocols: ["holdfast/1"] }, (near) => {
    const far = connect({
      host: "127.0.0.1",
      port: target,
      ALPNProtocols: ["holdfast/1"],
      rejectUnauthorized: false,
    });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
    }
    near.pipe(far).pipe(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}
