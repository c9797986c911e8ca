// How the daemon meets a server over TLS: what a person is asked, what is remembered, and what is never sent.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { holdfastPaths } from "@holdfast/control";
import { systemClock } from "@holdfast/net";
import {
  hostPlugin,
  holdfastPlugin,
  openConnection,
  parseDestination,
  pluginRegistry,
  startMachineServer,
  UNATTENDED,
  type Connection,
  type Interaction,
  type MachineServerEvent,
} from "@holdfast/remote";
import { loadRelayIdentity } from "@holdfast/trust";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Context } from "../src/command.ts";
import { SERVER_OPTIONS, serverAccess } from "../src/serve/server-access.ts";
import { makeHome, PATIENCE } from "./command.ts";

interface Served {
  readonly url: string;
  readonly fingerprint: string;
  readonly events: MachineServerEvent[];
}

/** A server over TLS, whose clients must know the secret if there is one. */
async function serve(secret?: string): Promise<Served> {
  const folder = join(await makeHome(), "serve");
  const certificate = (await loadRelayIdentity(folder, { clock: systemClock })).current();
  const events: MachineServerEvent[] = [];
  const context = { connectionId: "s", environment: {}, options: {}, memory: new Map<string, string>() };
  const nothing = (): void => undefined;
  const host = await hostPlugin().open(parseDestination("host://localhost"), {
    ...context,
    wake: nothing,
    warn: nothing,
  });
  const report = {
    attempt: 1,
    epoch: 1,
    credential: undefined,
    suspect: false,
    heard: nothing,
    lost: nothing,
  };
  const signal = new AbortController().signal;
  const server = await startMachineServer({
    port: 0,
    machine: () => host.dial({ ...report, signal, draining: nothing, progress: nothing }, UNATTENDED),
    tls: certificate,
    secret,
    // Without a secret everybody on this machine: it is the client's doubts that are tested.
    onEvent: (event) => events.push(event),
  });
  onTestFinished(() => server.close());
  const port = "port" in server.endpoint ? server.endpoint.port : 0;
  return { url: `holdfast://127.0.0.1:${port}`, fingerprint: certificate.fingerprint, events };
}

interface Person extends Interaction {
  /** What this person was asked. */
  readonly asked: string[];
}

function person(answers: { readonly confirm?: boolean; readonly secrets?: readonly string[] }): Person {
  const asked: string[] = [];
  const secrets = [...(answers.secrets ?? [])];
  return {
    attended: true,
    asked,
    ask: async (questions, about) => {
      asked.push(`${about}|${questions[0]?.text}|${questions[0]?.echo}`);
      return [secrets.shift() ?? ""];
    },
    confirm: async (text) => {
      asked.push(text);
      return answers.confirm ?? false;
    },
  };
}

async function connectTo(
  home: string,
  { url }: Served,
  interaction: Interaction,
  options: Readonly<Record<string, string>> = { tls: "true" },
): Promise<Connection> {
  // What is printed is not looked at.
  const context = { paths: holdfastPaths({ HOLDFAST_HOME: home }), env: {} } as unknown as Context;
  const connection = await openConnection({
    plugins: pluginRegistry([holdfastPlugin({ access: serverAccess(context), optionNames: SERVER_OPTIONS })]),
    destination: url,
    id: "1",
    options,
    interaction,
    policy: { backoff: { initialMs: 100, maxMs: 200 } },
  });
  onTestFinished(() => connection.close());
  await vi.waitFor(() => expect(connection.status.state).not.toBe("connecting"), PATIENCE);
  return connection;
}

test("an unknown key is confirmed by a person, once, and remembered", async () => {
  const served = await serve();
  const home = await makeHome();
  const ada = person({ confirm: true });
  const connection = await connectTo(home, served, ada);
  await vi.waitFor(() => expect(connection.status.state).toBe("connected"), PATIENCE);
  expect(ada.asked).toHaveLength(1);
  expect(ada.asked[0]).toContain(served.fingerprint);
  expect(await readFile(join(home, "state", "known_relays"), "utf8")).toContain(served.fingerprint);
  await connection.close();
  // The next one asks nobody.
  const again = await connectTo(home, served, UNATTENDED);
  expect(again.status.state).toBe("connected");
});

test("with nobody there it waits for a person, and one who says no has sent nothing", async () => {
  const served = await serve();
  const home = await makeHome();
  const connection = await connectTo(home, served, UNATTENDED);
  expect(connection.status).toMatchObject({ state: "auth_required" });
  expect("prompt" in connection.status && connection.status.prompt).toContain(served.fingerprint);
  const no = person({ confirm: false });
  connection.answer(no);
  await vi.waitFor(() => expect(connection.status.state).toBe("disconnected"), PATIENCE);
  expect(no.asked).toHaveLength(1);
  expect(connection.status.failure?.text).toContain("is not the right server");
  expect(served.events.filter(({ type }) => type !== "refused")).toEqual([]);
});

test("a person is asked for the secret, unseen, as long as it is wrong", async () => {
  const served = await serve("open sesame");
  const home = await makeHome();
  const ada = person({ secrets: ["open barley", "open sesame"] });
  const options = { fingerprint: served.fingerprint };
  const connection = await connectTo(home, served, ada, options);
  await vi.waitFor(() => expect(connection.status.state).toBe("connected"), PATIENCE);
  expect(ada.asked).toHaveLength(2);
  for (const question of ada.asked) expect(question).toMatch(/\|Secret of 127\.0\.0\.1:\d+:\|false$/);
  const nobody = await connectTo(home, served, UNATTENDED, options);
  expect(nobody.status.state).toBe("auth_required");
  expect(nobody.status.failure?.hint).toMatch(/its authorized keys need this line for you: [0-9a-f]{32}/);
  nobody.answer(person({ secrets: ["open sesame"] }));
  await vi.waitFor(() => expect(nobody.status.state).toBe("connected"), PATIENCE);
});

test("another key than the known one gets nothing, whoever is there", async () => {
  const [served, other] = [await serve(), await serve()];
  const home = await makeHome();
  const ada = person({ confirm: true });
  const connection = await connectTo(home, served, ada, { fingerprint: other.fingerprint });
  expect(connection.status).toMatchObject({ state: "disconnected" });
  expect(connection.status.failure?.code).toBe("identity_changed");
  expect(connection.status.failure?.text).not.toMatch(/relay/);
  expect(ada.asked).toEqual([]);
  expect(served.events.filter(({ type }) => type !== "refused")).toEqual([]);
});
