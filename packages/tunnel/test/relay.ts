// A relay for tests, on any port, closed with the test; and clients that speak the wire by hand.
import { onTestFinished } from "vitest";
import { answerChallenge, secretKey } from "../src/bore/auth.ts";
import { startBoreRelay, type BoreRelay, type BoreRelayOptions, type RelayEvent } from "../src/index.ts";
import { Peer } from "./sockets.ts";

export interface TestRelay {
  readonly relay: BoreRelay;
  readonly port: number;
  readonly events: RelayEvent[];
}

/** All tests come from one address, so the limits of addresses are lifted unless a test sets them. */
export async function startRelay(options: BoreRelayOptions = {}): Promise<TestRelay> {
  const events: RelayEvent[] = [];
  const relay = await startBoreRelay({
    port: 0,
    ...options,
    limits: { connectionsPerAddress: 10_000, unauthenticatedPerAddress: 10_000, ...options.limits },
    onEvent: (event) => {
      events.push(event);
      options.onEvent?.(event);
    },
  });
  onTestFinished(() => relay.close());
  return { relay, port: portOf(relay), events };
}

export function portOf(relay: BoreRelay): number {
  if ("path" in relay.endpoint) throw new Error("a relay listens on a port");
  return relay.endpoint.port;
}

/** Speak the wire up to Hello; returns the client and its public port. */
export async function openByHand(
  relay: number,
  wanted = 0,
  secret?: string,
): Promise<{ client: Peer; port: number }> {
  const client = await Peer.connect(relay);
  if (secret !== undefined) await authenticateByHand(client, secret, `{"Hello":${wanted}}\0`);
  else client.say(`{"Hello":${wanted}}\0`);
  await client.hears('{"Hello":');
  const port = Number(/\{"Hello":(\d+)\}/.exec(client.text)?.[1]);
  return { client, port };
}

/** Answer the challenge, with what the client wants behind it in the same segment. */
export async function authenticateByHand(client: Peer, secret: string, wish: string): Promise<void> {
  await client.hears("\0");
  const challenge = /^\{"Challenge":"([0-9a-f-]{36})"\}\0/.exec(client.text)?.[1];
  if (challenge === undefined) throw new Error(`no challenge but ${JSON.stringify(client.text)}`);
  client.say(`{"Authenticate":"${answerChallenge(secretKey(secret), challenge)}"}\0${wish}`);
}

/** The identifiers of the visitors that a client was told of. */
export function visitorsOf(client: Peer): string[] {
  return [...client.text.matchAll(/\{"Connection":"([0-9a-f-]{36})"\}\0/g)].map(([, id]) => id ?? "");
}
