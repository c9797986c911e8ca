// This machine, served: by the built command, to the daemon of this user and to others, over TLS and over cuts.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startFaultyProxy } from "@holdfast/net/testing";
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { PATIENCE, build, hostAndPort, makeHome, run, start, type Running } from "./command.ts";

beforeAll(build, 120_000);
vi.setConfig({ testTimeout: 60_000 });

/** A server, and its URL. */
async function serve(home: string, ...args: readonly string[]): Promise<{ server: Running; url: string }> {
  const server = start(["serve", "--port", "0", "--json", ...args], { home });
  const { addresses } = await server.line("ready");
  return { server, url: addresses[0]! };
}

/** A home whose daemon ends with the test. */
async function makeClient(): Promise<string> {
  const home = await makeHome();
  onTestFinished(async () => {
    await run(["daemon", "stop"], { home });
  });
  return home;
}

const portOf = (url: string): number => hostAndPort(url.replace("holdfast://", "")).port;

test("it is this user's alone without a secret, and each session and process is a line of audit", async () => {
  const home = await makeClient();
  const { server, url } = await serve(home);
  const connected = await run(["connect", url, "--json"], { home });
  expect(connected.code, connected.stderr).toBe(0);
  const ran = await run(["exec", "--", "sh", "-c", "echo $0 $1; exit 7", "a b", "c"], { home });
  expect(ran).toMatchObject({ code: 7, stdout: "a b c\n" });
  const began = await server.line("audit", ({ what }) => what === "session_began");
  expect(began).toMatchObject({ session: 1, remote_address: "127.0.0.1" });
  const started = await server.line("audit", ({ what }) => what === "process_started");
  expect(started).toMatchObject({ session: 1, command: ["sh", "-c", "echo $0 $1; exit 7", "a b", "c"] });
  await server.line("audit", ({ what }) => what === "process_ended");
  const entry = await run(["status", "serve", "--json"], { home });
  expect(entry.stdout).toContain('"secret_required":false');
  expect(entry.stdout).toContain('"sessions":1');

  const stranger = await makeClient();
  const refused = await run(["connect", url], { home: stranger });
  expect(refused.code).toBe(3);
  expect(refused.stderr).toMatch(/lets in only who knows its secret/);
  await server.line("audit", ({ what, reason }) => what === "refused" && reason === "unauthorized");
});

test("a connection says that it is away while it is, and what runs in it goes on", async () => {
  const home = await makeClient();
  const { url } = await serve(home);
  const proxy = await startFaultyProxy({ target: { host: "127.0.0.1", port: portOf(url) } });
  onTestFinished(() => proxy.close());
  const port = "port" in proxy.endpoint ? proxy.endpoint.port : 0;
  const args = ["connect", `holdfast://127.0.0.1:${port}`, "--name", "far", "--max-reconnect-delay", "1s"];
  expect((await run(args, { home })).code).toBe(0);
  const events = start(["events", "--json"], { home });
  await events.line("snapshot");
  const cat = start(["exec", "far", "--", "cat"], { home });
  cat.child.stdin?.write("before\n");
  await cat.says(/before/);
  await proxy.refuse();
  proxy.cut();
  const away = await events.line(
    "event",
    ({ event }) =>
      event.type === "connection_state" && event.state === "reconnecting" && event.failure !== null,
  );
  expect(away.event).toMatchObject({ name: "far", epoch: 1 });
  await run(["wait", "far", "--for", "reconnecting"], { home });
  cat.child.stdin?.end("after\n");
  await proxy.heal();
  const outage = await events.line("event", ({ event }) => event.type === "connection_outage");
  expect(outage.event).toMatchObject({ name: "far" });
  if (outage.event.type === "connection_outage") expect(outage.event.streams_resumed).toBeGreaterThan(0);
  await events.line(
    "event",
    ({ event }) => event.type === "connection_state" && event.state === "connected" && event.epoch === 2,
  );
  const { code, stdout } = await cat.finished;
  expect({ code, stdout }).toEqual({ code: 0, stdout: "before\nafter\n" });
});

test("over TLS a client pins the key; its own key is let in by a file, which SIGHUP reads again", async () => {
  const home = await makeClient();
  const keys = join(home, "keys");
  await writeFile(keys, "# nobody yet\n", { mode: 0o600 });
  const { server, url } = await serve(home, "--authorized-keys", keys);
  const client = await makeClient();
  const unknown = await run(["connect", url, "--tls"], { home: client });
  expect(unknown.code).toBe(3);
  expect(unknown.stderr).toMatch(/is not known yet/);
  const [, fingerprint = ""] = await server.says(/fingerprint (SHA256:\S+)/);
  const refused = await run(["connect", url, "--fingerprint", fingerprint], { home: client });
  expect(refused.code).toBe(3);
  const line = /this line for you: ([0-9a-f]{32})/.exec(refused.stderr)?.[1];
  expect(line, refused.stderr).toBeDefined();
  const audit = await server.line(
    "audit",
    ({ what, owner_id: owner }) => what === "refused" && owner !== null,
  );
  expect(audit.owner_id).toBe(line);
  await writeFile(keys, `${line} ada@laptop\n`);
  process.kill(server.pid, "SIGHUP");
  await server.says(/SIGHUP: read again: certificates, keys/);
  const connected = await run(["connect", url, "--fingerprint", fingerprint], { home: client });
  expect(connected.code, connected.stderr).toBe(0);
  const wrong = fingerprint.replace(/.$/, (last) => (last === "A" ? "E" : "A"));
  const changed = await run(["connect", url, "--fingerprint", wrong, "--new"], { home: client });
  expect(changed.code).not.toBe(0);
  expect(changed.stderr).toMatch(/another key|fingerprint/);
});

test("a secret's file is read again by both sides, and drops nobody", async () => {
  const home = await makeClient();
  const secret = join(home, "secret");
  await writeFile(secret, "first\n", { mode: 0o600 });
  const { server, url } = await serve(home, "--secret-file", secret);
  expect((await run(["connect", url, "--secret-file", secret], { home })).code).toBe(0);
  const cat = start(["exec", "--", "cat"], { home });
  await server.line("audit", ({ what }) => what === "process_started");
  await writeFile(secret, "second\n");
  process.kill(server.pid, "SIGHUP");
  await server.says(/SIGHUP: read again: certificates, secret/);
  cat.child.stdin?.end("through\n");
  expect(await cat.finished).toMatchObject({ code: 0, stdout: "through\n" });
  const late = await makeClient();
  const refused = await run(["connect", url, "--secret-file", "-"], { home: late, input: "first\n" });
  expect(refused.code).toBe(3);
  expect(refused.stderr).toMatch(/refused the secret/);
  expect(refused.stderr).not.toContain("first");
  // The daemon was told the file, not what was in it.
  await run(["daemon", "restart"], { home });
  const back = await run(["wait", "127.0.0.1", "--timeout", "20s"], { home });
  expect(back.code, back.stderr).toBe(0);
  const state = await readFile(join(home, "state", "daemon", "connections.json"), "utf8").catch(() => "");
  expect(state).toContain("secret_file");
  expect(state).not.toMatch(/first|second/);
});

test("it ends by itself when nobody is here, or its time is over", async () => {
  const home = await makeClient();
  const lonely = start(["serve", "--port", "0", "--shutdown", "lonely=50ms"], { home });
  expect((await lonely.finished).code).toBe(0);
  expect(lonely.stderr).toMatch(/nobody is here/);
  const { server, url } = await serve(home, "--shutdown", "lonely=8s");
  expect((await run(["connect", url], { home })).code).toBe(0);
  await run(["disconnect", "127.0.0.1"], { home });
  expect((await server.finished).code).toBe(0);
  const timed = start(["serve", "--port", "0", "--shutdown", "after=50ms"], { home });
  expect((await timed.finished).code).toBe(0);
  expect(timed.stderr).toMatch(/its time is over/);
});

test("what is wrong with its options is said before anything listens", async () => {
  const home = await makeHome();
  const open = await run(["serve", "--bind", "0.0.0.0", "--port", "0"], { home });
  expect(open.code).toBe(2);
  expect(open.stderr).toMatch(/would let everybody run programs here/);
  const keys = join(home, "keys");
  await writeFile(keys, "ssh-ed25519 AAAA\n", { mode: 0o600 });
  const bad = await run(["serve", "--port", "0", "--authorized-keys", keys], { home });
  expect(bad.code).toBe(1);
  expect(bad.stderr).toMatch(/line 1 of .*keys does not begin with a client's key/);
  await writeFile(join(home, "loose"), "", { mode: 0o666 });
  const when = await run(["serve", "--port", "0", "--shutdown", "soon"], { home });
  expect(when.code).toBe(2);
  expect(when.stderr).toMatch(/never, after=2h, lonely=10m or once=10m/);
});

test("SIGTERM lets what runs finish", async () => {
  const home = await makeClient();
  const { server, url } = await serve(home);
  await run(["connect", url], { home });
  const cat = start(["exec", "--", "cat"], { home });
  await server.line("audit", ({ what }) => what === "process_started");
  server.child.kill("SIGTERM");
  await server.says(/SIGTERM: draining 1 session/);
  cat.child.stdin?.end("to the end\n");
  expect(await cat.finished).toMatchObject({ code: 0, stdout: "to the end\n" });
  expect((await server.finished).code).toBe(0);
  await vi.waitFor(async () => {
    const { stdout } = await run(["list", "--json"], { home });
    expect(stdout).not.toContain('"type":"server"');
  }, PATIENCE);
});
