import { X509Certificate, generateKeyPairSync } from "node:crypto";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import {
  certificateFingerprint,
  openKnownRelays,
  relayVerifier,
  type RelayPeer,
  type RelayVerifier,
  type RelayVerifierOptions,
  type UnknownRelay,
} from "@holdfast/trust";
import { HoldfastError } from "@holdfast/core";
import { describe, expect, test } from "vitest";
import { makeSelfSignedCertificate } from "../src/certificate/self-signed.ts";
import { TestClock, temporaryFolder } from "./fixture.ts";

interface Identity {
  readonly der: Uint8Array;
  readonly print: string;
}

async function identity(): Promise<Identity> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = await makeSelfSignedCertificate({ privateKey, commonName: "x", notBefore: 0, notAfter: 1e12 });
  return { der: new Uint8Array(new X509Certificate(pem).raw), print: certificateFingerprint(pem) };
}

const [OURS, STRANGER] = [await identity(), await identity()];

function selfSigned({ der }: Identity, host = "relay.example", port = 7836): RelayPeer {
  return {
    certificateDer: der,
    host,
    port,
    authorized: false,
    authorizationError: "DEPTH_ZERO_SELF_SIGNED_CERT",
  };
}

function vouched({ der }: Identity): RelayPeer {
  return { certificateDer: der, host: "Relay.Example", port: 7836, authorized: true };
}

async function world(): Promise<{
  readonly path: string;
  readonly relays: ReturnType<typeof openKnownRelays>;
  readonly verifier: (options?: Partial<RelayVerifierOptions>) => RelayVerifier;
}> {
  const path = join(await temporaryFolder(), "known_relays");
  const knownRelays = openKnownRelays({ path, clock: new TestClock() });
  return {
    path,
    relays: knownRelays,
    verifier: (options = {}) => relayVerifier({ knownRelays, ...options }),
  };
}

async function refusal(verifier: RelayVerifier, peer: RelayPeer): Promise<HoldfastError> {
  const thrown = await verifier.verify(peer).then(
    (verdict) => expect.fail(`trusted: ${JSON.stringify(verdict)}`),
    (failure: unknown) => failure,
  );
  expect(thrown).toBeInstanceOf(HoldfastError);
  return thrown as HoldfastError;
}

describe("a pin", () => {
  test("decides: the key that is known is trusted, whatever authorities say", async () => {
    const { relays, verifier } = await world();
    await relays.add("relay.example", 7836, OURS.print);
    const trusted = { relayIdentity: `pin:${OURS.print}`, verified: true };
    expect(await verifier().verify(selfSigned(OURS))).toEqual(trusted);
    expect(await verifier().verify(vouched(OURS))).toEqual(trusted);
  });

  test("refuses another key, also one that an authority vouches for, also with a secret, also to a person", async () => {
    const { relays, verifier } = await world();
    await relays.add("relay.example", 7836, OURS.print);
    for (const peer of [selfSigned(STRANGER), vouched(STRANGER)]) {
      for (const options of [{}, { hasSecret: true }, { ask: () => expect.fail("nothing to ask") }]) {
        const failure = await refusal(verifier(options), peer);
        expect(failure).toMatchObject({ code: "identity_changed", kind: "fatal", fault: "peer" });
        expect(failure.prompt).toBeUndefined();
        expect(failure.text).toContain(
          `relay.example:7836 has another key than before: it shows ${STRANGER.print}, known is ${OURS.print} (since 2026-11-22)`,
        );
        expect(failure.text.includes("a certificate authority vouches")).toBe(peer.authorized);
        expect(failure.hint).toMatch(/reinstalled.*somebody is in between/);
        expect(failure.hint).toContain(`--fingerprint ${STRANGER.print}`);
      }
    }
    expect((await relays.pins("relay.example", 7836)).map(({ fingerprint }) => fingerprint)).toEqual([
      OURS.print,
    ]);
  });

  test("counts for its port alone", async () => {
    const { relays, verifier } = await world();
    await relays.add("relay.example", 7836, OURS.print);
    expect(await refusal(verifier(), selfSigned(OURS, "relay.example", 7837))).toMatchObject({
      code: "unknown_relay",
    });
  });

  test("may be one of several", async () => {
    const { relays, verifier } = await world();
    await relays.add("relay.example", 7836, OURS.print);
    await relays.add("relay.example", 7836, STRANGER.print);
    for (const { der, print } of [OURS, STRANGER]) {
      const verdict = await verifier().verify(selfSigned({ der, print }));
      expect(verdict).toEqual({ relayIdentity: `pin:${print}`, verified: true });
    }
    const failure = await refusal(verifier(), selfSigned(await identity()));
    expect(failure.text).toContain(`${OURS.print} (since 2026-11-22) or ${STRANGER.print}`);
  });

  test("that does not match is worth another try only where a session had begun", async () => {
    const { relays, verifier } = await world();
    await relays.add("relay.example", 7836, OURS.print);
    const one = verifier();
    const { relayIdentity } = await one.verify(selfSigned(OURS));
    expect((await refusal(one, selfSigned(STRANGER))).kind).toBe("fatal");
    await one.confirm(relayIdentity);
    expect((await refusal(one, selfSigned(STRANGER))).kind).toBe("transient");
    expect((await refusal(verifier(), selfSigned(STRANGER))).kind).toBe("fatal");
  });
});

describe("a fingerprint that was given", () => {
  test("decides before a pin, an authority and a secret", async () => {
    const { relays, verifier } = await world();
    await relays.add("relay.example", 7836, STRANGER.print);
    const given = verifier({ fingerprints: [OURS.print], hasSecret: true });
    for (const peer of [selfSigned(STRANGER), vouched(STRANGER)]) {
      const failure = await refusal(given, peer);
      expect(failure).toMatchObject({ code: "identity_changed", kind: "fatal" });
      expect(failure.text).toBe(
        `relay.example:7836 has another key than --fingerprint says: it shows ${STRANGER.print}, wanted is ${OURS.print}`,
      );
    }
    expect(await given.verify(selfSigned(OURS))).toEqual({
      relayIdentity: `pin:${OURS.print}`,
      verified: true,
    });
  });

  test("is remembered instead of the pin, but only when a session has begun", async () => {
    const { relays, verifier } = await world();
    await relays.add("relay.example", 7836, STRANGER.print);
    const pinned: string[] = [];
    const given = verifier({
      fingerprints: [OURS.print],
      onPinned: (relay, fingerprint) => pinned.push(`${relay} ${fingerprint}`),
    });
    const { relayIdentity } = await given.verify(selfSigned(OURS));
    expect(await relays.pins("relay.example", 7836)).toMatchObject([{ fingerprint: STRANGER.print }]);
    await given.confirm(relayIdentity);
    await given.confirm(relayIdentity);
    expect(await relays.pins("relay.example", 7836)).toMatchObject([{ fingerprint: OURS.print }]);
    expect(pinned).toEqual([`relay.example:7836 ${OURS.print}`]);
    expect((await verifier().verify(selfSigned(OURS))).verified).toBe(true);
  });

  test("of several, each is added while the relay changes its key", async () => {
    const { relays, verifier } = await world();
    const given = verifier({ fingerprints: [OURS.print, STRANGER.print] });
    for (const one of [OURS, STRANGER])
      await given.confirm((await given.verify(selfSigned(one))).relayIdentity);
    expect(await relays.pins("relay.example", 7836)).toHaveLength(2);
  });

  test("holds a relay of an authority to one key in this run only", async () => {
    const { relays, verifier } = await world();
    const given = verifier({ fingerprints: [Buffer.from(OURS.print.slice(7), "base64").toString("hex")] });
    const { relayIdentity } = await given.verify(vouched(OURS));
    await given.confirm(relayIdentity);
    expect(await relays.all()).toEqual([]);
  });

  test("lets an authority decide from now on, where it vouches for the new key of a relay with a pin", async () => {
    const { relays, verifier } = await world();
    await relays.add("relay.example", 7836, STRANGER.print);
    const given = verifier({ fingerprints: [OURS.print] });
    const { relayIdentity } = await given.verify(vouched(OURS));
    expect(await relays.all()).toHaveLength(1);
    await given.confirm(relayIdentity);
    expect(await relays.all()).toEqual([]);
    expect(await verifier().verify(vouched(await identity()))).toEqual({
      relayIdentity: "name:relay.example",
      verified: true,
    });
  });

  test("that is none is refused before anything is dialled", async () => {
    const { verifier } = await world();
    expect(() => verifier({ fingerprints: ["SHA256:x"] })).toThrow(
      expect.objectContaining({ code: "bad_fingerprint" }) as Error,
    );
  });
});

describe("a certificate authority", () => {
  test("decides where there is no pin: by name, and no key is remembered", async () => {
    const { relays, verifier } = await world();
    const one = verifier({ hasSecret: true });
    const verdict = await one.verify(vouched(OURS));
    expect(verdict).toEqual({ relayIdentity: "name:relay.example", verified: true });
    await one.confirm(verdict.relayIdentity);
    expect(await relays.all()).toEqual([]);
    expect(await one.verify(vouched(STRANGER)), "its key may change").toEqual(verdict);
  });

  test("is not done without once it vouched, not even with a secret", async () => {
    const { verifier } = await world();
    const one = verifier({ hasSecret: true });
    const { relayIdentity } = await one.verify(vouched(OURS));
    const before = await refusal(one, selfSigned(STRANGER));
    expect(before).toMatchObject({ code: "identity_changed", kind: "fatal" });
    expect(before.text).toContain(
      "vouched for by a certificate authority before and is no longer (it made its certificate itself)",
    );
    await one.confirm(relayIdentity);
    expect((await refusal(one, selfSigned(STRANGER))).kind).toBe("transient");
  });
});

describe("the first use", () => {
  test.each([
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "it made its certificate itself"],
    [Object.assign(new Error("x"), { code: "CERT_HAS_EXPIRED" }), "its certificate has expired"],
    [
      Object.assign(new Error("x"), { code: "ERR_TLS_CERT_ALTNAME_INVALID" }),
      "its certificate is for another name",
    ],
    ["SOMETHING_NEW", "TLS says SOMETHING_NEW"],
    ["\u001b[31m evil", "TLS does not accept its certificate"],
    [undefined, "no certificate authority vouches for it"],
  ])("with nobody to ask and no secret is refused, with what a person needs (%s)", async (error, why) => {
    const { relays, verifier } = await world();
    const failure = await refusal(verifier(), { ...selfSigned(OURS), authorizationError: error });
    expect(failure).toMatchObject({ code: "unknown_relay", kind: "fatal", fault: "peer", prompt: undefined });
    expect(failure.text).toBe(
      `the relay relay.example:7836 is not known yet, and ${why}: it shows ${OURS.print}`,
    );
    expect(failure.hint).toContain(`--fingerprint ${OURS.print}`);
    expect(failure.hint).toContain("--secret-file");
    expect(await relays.all()).toEqual([]);
  });

  test("with a secret goes on unverified; the key is remembered when the session's proof was good", async () => {
    const { relays, verifier } = await world();
    const one = verifier({ hasSecret: true });
    const verdict = await one.verify(selfSigned(OURS));
    expect(verdict).toEqual({ relayIdentity: `pin:${OURS.print}`, verified: false });
    expect(await relays.all()).toEqual([]);
    // A stranger's proof fails: nobody confirms it, and nothing of it stays.
    expect((await one.verify(selfSigned(STRANGER))).verified).toBe(false);
    await one.confirm(verdict.relayIdentity);
    expect(await relays.pins("relay.example", 7836)).toMatchObject([{ fingerprint: OURS.print }]);
    expect(await one.verify(selfSigned(OURS))).toEqual({ ...verdict, verified: true });
    expect(await refusal(one, selfSigned(STRANGER))).toMatchObject({
      code: "identity_changed",
      kind: "transient",
    });
  });

  test("what a person deletes from the file is forgotten by processes that run, too", async () => {
    const { relays, verifier } = await world();
    const one = verifier({ hasSecret: true });
    const { relayIdentity } = await one.verify(selfSigned(OURS));
    await one.confirm(relayIdentity);
    await relays.forget("relay.example", 7836);
    expect((await one.verify(selfSigned(STRANGER))).verified).toBe(false);
  });

  test("confirms what was seen and nothing else", async () => {
    const { relays, verifier } = await world();
    const one = verifier({ hasSecret: true });
    await one.verify(selfSigned(OURS));
    await one.confirm(`pin:${STRANGER.print}`);
    await one.confirm("name:relay.example");
    expect(await relays.all()).toEqual([]);
  });

  test("with somebody to ask waits for the answer, and goes on when it is yes", async () => {
    const { relays, verifier } = await world();
    const asked: UnknownRelay[] = [];
    const one = verifier({ ask: (unknown) => asked.push(unknown) });
    for (let dial = 1; dial <= 2; dial++) {
      const failure = await refusal(one, selfSigned(OURS));
      expect(failure).toMatchObject({ code: "unknown_relay", kind: "unauthorized" });
      expect(failure.prompt).toContain(OURS.print);
      expect(asked).toHaveLength(dial);
    }
    expect(asked[0]).toMatchObject({ relay: "relay.example:7836", fingerprint: OURS.print });
    await asked[0]?.accept();
    expect(await one.verify(selfSigned(OURS))).toEqual({
      relayIdentity: `pin:${OURS.print}`,
      verified: true,
    });
    expect(await refusal(one, selfSigned(STRANGER))).toMatchObject({ code: "identity_changed" });
    expect(await relays.pins("relay.example", 7836)).toMatchObject([{ fingerprint: OURS.print }]);
  });

  test("what was proved holds in this process even if it cannot be written", async () => {
    const { path, relays, verifier } = await world();
    await relays.add("other.example", 1, OURS.print);
    const one = verifier({ hasSecret: true });
    const { relayIdentity } = await one.verify(selfSigned(OURS));
    await chmod(path, 0o644);
    await expect(one.confirm(relayIdentity)).rejects.toMatchObject({ code: "unsafe_file" });
    await chmod(path, 0o600);
    expect((await one.verify(selfSigned(OURS))).verified).toBe(true);
    const failure = await refusal(one, selfSigned(STRANGER));
    expect(failure).toMatchObject({ code: "identity_changed", kind: "transient" });
    expect(failure.text).toContain(`known is ${OURS.print}`);
    expect(await verifier({ hasSecret: true }).verify(selfSigned(OURS))).toMatchObject({ verified: false });
  });
});

test("what is no certificate is not our peer", async () => {
  const { verifier } = await world();
  for (const certificateDer of [new Uint8Array(), Buffer.from("hello"), OURS.der.subarray(0, 100)]) {
    const failure = await refusal(verifier({ hasSecret: true }), { ...selfSigned(OURS), certificateDer });
    expect(failure.code).toBe("not_our_peer");
  }
});

test("a file that cannot be trusted trusts nobody", async () => {
  const { path, relays, verifier } = await world();
  await relays.add("relay.example", 7836, OURS.print);
  await chmod(path, 0o646);
  for (const peer of [selfSigned(OURS), vouched(OURS)]) {
    expect(await refusal(verifier({ hasSecret: true }), peer)).toMatchObject({
      code: "unsafe_file",
      kind: "fatal",
    });
  }
});
