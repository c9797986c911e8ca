// Who proves what to whom: the shared secret, bound to the TLS connection or not, credentials, owners.
import { describe, expect, test } from "vitest";
import { Client, makeAcceptor, Meeting, type MeetingOptions, secretHash, TLS } from "./meeting.ts";

const SECRET = secretHash("hunter2");
const NOBODY = { ...TLS, confidential: false };
const PROXIED = { ...TLS, exporter: undefined };
const OTHER = { ...TLS, exporter: new Uint8Array(32).fill(0x11) };

function meet(client: Client, options: Partial<MeetingOptions> = {}, secrets = [SECRET]): Meeting {
  const acceptor = makeAcceptor({ secretHashes: () => secrets });
  return new Meeting({ acceptor, client, ...options }).start().run();
}

const knowing = (more: object = {}): Client => new Client({ secretHash: SECRET, ...more });

describe("a shared secret over the exporter", () => {
  test("is proved both ways, also to a server that nobody verified", () => {
    const meeting = meet(knowing(), { trust: NOBODY, serverTrust: TLS });
    expect(meeting.clientOutcome?.type).toBe("greeted");
    expect(meeting.asked?.proved).toBe(true);
    // Proved over the exporter, the link is as good as a verified one: the session can be resumed.
    expect(meeting.options.client.resumption?.clientKey).toHaveLength(32);
  });

  test("somebody in between, with two TLS connections, is found out by the server", () => {
    const meeting = meet(knowing(), { trust: NOBODY, serverTrust: OTHER });
    expect(meeting.clientOutcome).toMatchObject({ failure: { code: "bad_secret" } });
    expect(meeting.asked).toBeUndefined();
  });

  test("an impostor that knows no secret is found out by the client", () => {
    const impostor = meet(knowing(), { trust: NOBODY, serverTrust: TLS }, []);
    expect(impostor.serverOutcome?.type).toBe("attached");
    expect(impostor.clientOutcome).toMatchObject({
      type: "refused",
      failure: { code: "identity_changed", kind: "fatal", fault: "peer" },
    });
    expect(impostor.options.client.session.calls).toEqual([]);
  });

  test("a proof that is wrong, or the client's own sent back, is none", () => {
    for (const forge of ["flip", "echo"]) {
      const acceptor = makeAcceptor({ secretHashes: () => [SECRET] });
      const meeting: Meeting = new Meeting({
        acceptor,
        client: knowing(),
        toClient: (frame) => {
          const changed = frame.slice();
          if (forge === "flip") changed[95]! ^= 1;
          else changed.set(meeting.fromClient[0]!.subarray(80, 112), 64);
          return changed;
        },
      });
      meeting.start().run();
      expect(meeting.clientOutcome).toMatchObject({ failure: { code: "identity_changed" } });
    }
  });

  test("a HELLO that was recorded is worth nothing on another connection", () => {
    const recorded = meet(knowing());
    const acceptor = makeAcceptor({ secretHashes: () => [SECRET] });
    const thief = new Meeting({
      acceptor,
      client: new Client({}, 70),
      serverTrust: OTHER,
      toServer: () => recorded.fromClient[0]!,
    });
    thief.start().run();
    expect(thief.refusals).toEqual(["unauthorized"]);
  });

  test("during a rotation the old and the new one are good, and answered in kind", () => {
    for (const secret of ["new", "hunter2"]) {
      const client = new Client({ secretHash: secretHash(secret) });
      const meeting = meet(client, {}, [secretHash("new"), SECRET]);
      expect(meeting.clientOutcome?.type).toBe("greeted");
    }
    expect(meet(knowing(), {}, [secretHash("new")]).refusals).toEqual(["unauthorized"]);
  });

  test("nobody is heard without a proof where one is needed", () => {
    const meeting = meet(new Client());
    expect(meeting.clientOutcome).toMatchObject({
      failure: { code: "secret_required", kind: "unauthorized" },
    });
    expect(meeting.asked).toBeUndefined();
  });

  test("a client without a secret does not mind a server's", () => {
    const meeting = meet(new Client(), {}, []);
    expect(meeting.clientOutcome?.type).toBe("greeted");
    expect(meeting.asked?.proved).toBe(false);
  });
});

describe("a shared secret without an exporter", () => {
  const unbound = (options: Partial<MeetingOptions>, allow = true, relayIdentities?: string[]): Meeting =>
    new Meeting({
      acceptor: makeAcceptor({
        secretHashes: () => [secretHash("new"), SECRET],
        allowUnboundProofs: allow,
        ...(relayIdentities && { relayIdentities }),
      }),
      client: knowing(),
      trust: PROXIED,
      ...options,
    })
      .start()
      .run();

  test("is taken only where that is configured", () => {
    expect(unbound({}, false).refusals).toEqual(["unauthorized"]);
    const meeting = unbound({});
    expect(meeting.clientOutcome?.type).toBe("greeted");
    expect(meeting.asked?.proved).toBe(true);
  });

  test("is not taken at a relay of another name, so that an impostor cannot pass it on", () => {
    const serverTrust = { ...PROXIED, relayIdentity: "name:other.example" };
    expect(unbound({ serverTrust }).refusals).toEqual(["unauthorized"]);
    expect(unbound({ serverTrust }, true, ["name:relay.example"]).clientOutcome?.type).toBe("greeted");
  });

  test("where the names are configured, what somebody asked for is none of them", () => {
    const asked = { ...PROXIED, relayIdentity: "name:impostor.example" };
    expect(unbound({ trust: asked, serverTrust: asked }).clientOutcome?.type).toBe("greeted");
    const options = { trust: asked, serverTrust: asked };
    expect(unbound(options, true, ["name:relay.example"]).refusals).toEqual(["unauthorized"]);
  });

  test.each(["name:localhost", "name:127.0.0.1", "name:::1", "name:127.0.0.2", "name:/run/holdfast.sock"])(
    "needs no configuration on a link within the machine, to %s",
    (relayIdentity) => {
      const here = { ...PROXIED, relayIdentity };
      expect(unbound({ trust: here, serverTrust: here }, false).clientOutcome?.type).toBe("greeted");
      expect(unbound({ trust: here, serverTrust: TLS }, false).refusals).toEqual(["unauthorized"]);
      const open = { ...here, confidential: false };
      expect(unbound({ trust: open, serverTrust: open }, false).refusals).toEqual(["unauthorized"]);
    },
  );

  test("is not taken from a client of a proxy on the machine, which dialled another name", () => {
    expect(unbound({ trust: PROXIED, serverTrust: PROXIED }, false).refusals).toEqual(["unauthorized"]);
  });

  test("is taken from a browser by a server whose own TLS could export", () => {
    expect(unbound({ serverTrust: TLS }).clientOutcome?.type).toBe("greeted");
  });

  test("a client that can export never proves itself without", () => {
    expect(unbound({ trust: TLS, serverTrust: PROXIED }).refusals).toEqual(["unauthorized"]);
  });
});

describe("credentials", () => {
  const TOKEN = Uint8Array.from("token", (letter) => letter.charCodeAt(0));

  test("travel in HELLO to a verified server, and are not kept", () => {
    const meeting = meet(new Client({ credentials: TOKEN }), {}, []);
    expect(meeting.asked?.credentials).toEqual(TOKEN);
    expect(meeting.clientOutcome).toMatchObject({ type: "greeted", authenticate: false });
    const attached = meeting.serverOutcome;
    expect(attached?.type === "attached" && attached.session.hello.credentials).toHaveLength(0);
  });

  test("wait for AUTH until an unverified server has proved the secret", () => {
    const meeting = meet(knowing({ credentials: TOKEN }), { trust: NOBODY, serverTrust: TLS });
    expect(meeting.asked?.credentials).toHaveLength(0);
    expect(meeting.clientOutcome).toMatchObject({ type: "greeted", authenticate: true });
  });

  test("are never sent to one that cannot prove itself", () => {
    for (const trust of [NOBODY, { ...NOBODY, exporter: undefined }]) {
      const meeting = meet(new Client({ credentials: TOKEN }), { trust, serverTrust: TLS }, []);
      expect(meeting.fromClient[0]).toHaveLength(136);
      expect(meeting.clientOutcome).toMatchObject({ type: "greeted", authenticate: false });
    }
  });

  test("that do not fit are a mistake of this end", () => {
    const meeting = meet(new Client({ credentials: new Uint8Array(3_969) }), {}, []);
    expect(meeting.clientOutcome).toMatchObject({ failure: { code: "bad_config", fault: "local" } });
    expect(meeting.fromClient).toEqual([]);
  });
});

test("an owner is known by a name that does not give the token away", () => {
  const owner = new Uint8Array(32).fill(7);
  const meeting = meet(new Client({ owner }), {}, []);
  expect(meeting.asked?.owner).toEqual(owner);
  expect(meeting.asked?.ownerId).toHaveLength(16);
  expect(meet(new Client(), {}, []).asked).toMatchObject({ owner: undefined, ownerId: undefined });
});
