// Relay and tunnel as a user runs them: the whole life of both, in processes of their own.
import { createConnection, createServer } from "node:net";
import { once } from "node:events";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { openBoreTunnel } from "@holdfast/tunnel";
import { PATIENCE, build, hostAndPort, makeHome, run, start, type Running } from "./command.ts";
import { ask, startEcho, visit } from "./service.ts";

beforeAll(build, 120_000);

const QUICK = ["--max-reconnect-delay", "1s"];

async function startRelay(
  home: string,
  ...args: string[]
): Promise<{ relay: Running; url: string; native: string; port: number }> {
  const relay = start(["relay", "--port", "0", "--bore-port", "0", "--json", ...args], { home });
  const ready = await relay.line("ready");
  const [native, url] = ready.addresses as [string, string];
  return { relay, url, native, port: hostAndPort(url).port };
}

async function publicPort(tunnel: Running): Promise<number> {
  return hostAndPort((await tunnel.line("ready")).addresses[0]!).port;
}

test("without a relay, expose has one of its own; the text on stdout is one line", async () => {
  const home = await makeHome();
  const { port } = await startEcho();
  const tunnel = start(["expose", String(port)], { home });
  const [, at] = await tunnel.says(/^listening at 127\.0\.0\.1:(\d+)\n$/);
  expect(await ask(Number(at), "through")).toBe("through");
  expect(tunnel.stderr).toContain("no relay given and none running");
  const { code, stdout } = await tunnel.stop();
  expect({ code, stdout }).toEqual({ code: 0, stdout: `listening at 127.0.0.1:${at}\n` });
  await expect(ask(Number(at), "gone")).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

test("expose finds the running relay; hello comes first, ready names the addresses", async () => {
  const home = await makeHome();
  const { port } = await startEcho();
  const { relay, native: url } = await startRelay(home);
  const tunnel = start(["expose", String(port), "--json"], { home });
  expect(await publicPort(tunnel)).toBeGreaterThan(1023);
  expect(tunnel.lines[0]).toMatchObject({ type: "hello", schema: 1, pid: tunnel.pid, command: "expose" });
  expect(relay.lines.map((line) => line.type).slice(0, 2)).toEqual(["hello", "ready"]);
  expect(await tunnel.line("tunnel")).toMatchObject({
    relay: url,
    state: "connected",
    name: `expose-${port}`,
  });
  expect((await tunnel.stop("SIGINT")).code).toBe(0);
  expect((await relay.stop("SIGINT")).code).toBe(0);
});

test("several targets have several addresses, at the ports asked for, also to a unix socket", async () => {
  const home = await makeHome();
  const path = join(home, "app.sock");
  const [first] = [await startEcho(), await startEcho({ path })];
  const { url } = await startRelay(home);
  const free = await freePort();
  const args = ["expose", String(first.port), `unix:${path}`, "--to", url, "--port", `0,${free}`, "--json"];
  const tunnel = start(args, { home });
  const { addresses } = await tunnel.line("ready");
  expect(addresses[1]).toBe(`127.0.0.1:${free}`);
  for (const address of addresses) expect(await ask(hostAndPort(address).port, address)).toBe(address);
  const listed = await run(["list", "--json"], { home });
  expect(listed.stdout).toMatch(/expose-app\.sock/);
  await run(["disconnect", "expose-app.sock"], { home });
  await tunnel.line("event", ({ event }) => event.type === "tunnel_removed");
  expect(await ask(hostAndPort(addresses[0]!).port, "still there")).toBe("still there");
  await run(["disconnect", `expose-${first.port}`], { home });
  expect((await tunnel.finished).code).toBe(0);
});

test("a relay that is killed and comes back: what is waited for, the evidence, the same port", async () => {
  const home = await makeHome();
  const { port } = await startEcho();
  const first = await startRelay(home);
  const tunnel = start(["expose", String(port), "--relay", first.url, ...QUICK, "--json"], { home });
  const at = await publicPort(tunnel);
  const events = start(["events", "--json"], { home });
  await events.line("snapshot", ({ entries }) => entries.some((entry) => entry.type === "tunnel"));
  await first.relay.stop("SIGKILL");
  await tunnel.says(/reconnecting in \d+(\.\d+)? m?s \(attempt \d+\): .*refused/);
  const away = await run(["wait", `expose-${port}`, "--for", "reconnecting"], { home });
  expect(away.code).toBe(0);
  const shown = await run(["list"], { home });
  expect(shown.stdout).toMatch(/reconnecting/);
  const second = start(["relay", "--port", "0", "--bore-port", String(first.port), "--json"], { home });
  expect((await run(["wait", `expose-${port}`, "--timeout", "20s"], { home })).code).toBe(0);
  const back = await events.line("event", ({ event }) => event.type === "tunnel_outage");
  expect(back.event).toMatchObject({ type: "tunnel_outage", name: `expose-${port}` });
  await tunnel.says(/back after \d.* \(noticed after \d.*, \d+ attempts?\)/);
  expect(await ask(at, "again")).toBe("again");
  for (const { stop } of [events, tunnel, second].map((one) => ({ stop: () => one.stop() }))) {
    expect((await stop()).code).toBe(0);
  }
});

test("reconnect and SIGHUP dial now instead of later", async () => {
  const home = await makeHome();
  const first = await startRelay(home);
  const tunnel = start(["expose", "1", "--relay", first.url, "--max-reconnect-delay", "590h", "--json"], {
    home,
  });
  await tunnel.line("ready");
  expect((await run(["reconnect", "expose-1"], { home })).stdout).toBe(
    "expose-1 is connected: making sure that the link is alive\n",
  );
  tunnel.child.kill("SIGHUP");
  await tunnel.says(/SIGHUP: expose-1 is connected: making sure that the link is alive/);
  await first.relay.stop("SIGKILL");
  for (const wake of ["SIGHUP", "reconnect", "SIGHUP"]) {
    const before = await tunnel.line("event", isWaiting);
    const attempts = (): number =>
      tunnel.lines.filter((line) => line.type === "event" && isWaiting(line)).length;
    const until = attempts();
    if (wake === "SIGHUP") tunnel.child.kill("SIGHUP");
    else {
      const { code, stdout } = await run(["reconnect", "--json"], { home });
      expect(JSON.parse(stdout.trim().split("\n")[1]!)).toEqual({
        type: "reconnect_initiated",
        id: before.event.id,
      });
      expect(code).toBe(0);
    }
    await vi.waitFor(() => expect(attempts()).toBeGreaterThan(until), PATIENCE);
  }
  await tunnel.says(/SIGHUP: expose-1: dialling now/);
  await tunnel.line("event", isWaiting);
  const said = await run(["reconnect", "expose-1"], { home });
  expect(said.stdout).toBe("expose-1: dialling now\n");
  expect((await tunnel.stop()).code).toBe(0);
});

function isWaiting({ event }: { event: { type: string; phase?: unknown } }): boolean {
  return event.type === "tunnel_state" && event.phase === "waiting";
}

describe("the end says why with its exit code", () => {
  test("3: the relay wants another secret, and no secret is in what is printed", async () => {
    const home = await makeHome();
    await writeFile(join(home, "secret"), "right\n", { mode: 0o600 });
    const { relay, url } = await startRelay(home, "--secret-file", join(home, "secret"));
    const wrong = await run(["expose", "1", "--relay", url, "--json", "--verbose"], {
      home,
      env: { HOLDFAST_SECRET: "wr0ng-secret" },
    });
    expect(wrong.code).toBe(3);
    expect(wrong.stderr).toMatch(/the relay refused the secret\n.*HOLDFAST_SECRET/);
    expect(wrong.stdout).toMatch(/"type":"error","code":"bad_secret"/);
    expect(`${wrong.stdout}${wrong.stderr}${relay.stdout}${relay.stderr}`).not.toMatch(/wr0ng-secret|right/);
    const none = await run(["expose", "1", "--relay", url], { home });
    expect(none).toMatchObject({ code: 3, stderr: expect.stringMatching(/asks for a secret/) });
    const good = start(["expose", "1", "--relay", url, "--secret-file", "-", "--json"], {
      home,
      input: "right\n",
    });
    await good.line("ready");
    expect((await good.stop()).code).toBe(0);
    const seen = start(["expose", "1", "--relay", url, "--secret", "right", "--json"], { home });
    await seen.line("ready");
    expect(seen.stderr).toMatch(/warning: --secret can be seen by other users/);
    await seen.stop();
  });

  test("1: it was told not to reconnect; 4: it gave up as told", async () => {
    const home = await makeHome();
    const { relay, url } = await startRelay(home);
    const once_ = start(["expose", "1", "--relay", url, "--no-reconnect", "--json"], { home });
    const thrice = start(["expose", "2", "--relay", url, "--max-attempts", "2", ...QUICK, "--json"], {
      home,
    });
    await Promise.all([once_.line("ready"), thrice.line("ready")]);
    await relay.stop("SIGKILL");
    const first = await once_.finished;
    expect(first).toMatchObject({ code: 1, stderr: expect.stringMatching(/not reconnecting, as told/) });
    const second = await thrice.finished;
    expect(second).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/gave up after 2 failures: .*refused/),
    });
  });

  test("1: a relay whose port is taken says which", async () => {
    const home = await makeHome();
    const { port } = await startRelay(home);
    const second = await run(["relay", "--port", "0", "--bore-port", String(port)], { home });
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(new RegExp(`error: .*${port}`));
  });

  test("0 after a drain that waits for an open stream, 130 if it is not waited for", async () => {
    const home = await makeHome();
    const { port } = await startEcho();
    const { url } = await startRelay(home);
    for (const impatient of [false, true]) {
      const tunnel = start(["expose", String(port), "--relay", url, "--json"], { home });
      const visitor = await visit(await publicPort(tunnel));
      tunnel.child.kill("SIGINT");
      await tunnel.says(/SIGINT: draining 1 open stream, at most 30\.0 s/);
      visitor.write("more");
      expect(String((await once(visitor, "data"))[0])).toBe("more");
      if (impatient) tunnel.child.kill("SIGINT");
      else visitor.end();
      expect((await tunnel.finished).code).toBe(impatient ? 130 : 0);
    }
  });
});

test("a visitor whose service is not running is told of", async () => {
  const home = await makeHome();
  const target = await freePort();
  const tunnel = start(["expose", String(target), "--json"], { home });
  const at = await publicPort(tunnel);
  await ask(at, "anybody?").catch(() => undefined);
  await tunnel.says(
    new RegExp(`warning: localhost:${target} refused the connection: is your service running\\?`),
  );
});

test("a tunnel survives readers of its output that go away", async () => {
  const home = await makeHome();
  const { port } = await startEcho();
  const tunnel = start(["expose", String(port), "--json", "--verbose"], { home });
  const at = await publicPort(tunnel);
  tunnel.child.stdout!.destroy();
  tunnel.child.stderr!.destroy();
  expect((await run(["reconnect", `expose-${port}`], { home })).code).toBe(0);
  tunnel.child.kill("SIGHUP");
  expect(await ask(at, "still there")).toBe("still there");
  const events = start(["events"], { home });
  await events.says(/connected/);
  events.child.stdout!.destroy();
  await run(["disconnect", `expose-${port}`], { home });
  expect((await events.finished).code).toBe(0);
  expect((await tunnel.finished).code).toBe(0);
});

test("a relay that nobody listens to goes on, and shows its tunnels", async () => {
  const home = await makeHome();
  const { relay, port } = await startRelay(home);
  relay.child.stdout!.pause();
  const tunnels: ReturnType<typeof openBoreTunnel>[] = [];
  onTestFinished(() => Promise.all(tunnels.map((tunnel) => tunnel.close())).then(() => undefined));
  for (let count = 0; count < 3; count++) {
    const tunnel = openBoreTunnel({
      relay: { host: "127.0.0.1", port },
      target: { host: "127.0.0.1", port: 1 },
    });
    tunnels.push(tunnel);
    await tunnel.line.ready();
  }
  await vi.waitFor(async () => {
    expect((await run(["list"], { home })).stdout).toMatch(/listening, 3 tunnels/);
  }, PATIENCE);
  expect((await run(["status", "relay"], { home })).stdout.match(/port \d+ +127\.0\.0\.1/g)).toHaveLength(3);
  expect((await relay.stop()).code).toBe(0);
});

test("text of a peer cannot reach the terminal as control characters", async () => {
  const home = await makeHome();
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.end(`${JSON.stringify({ Error: "\u001B[2Jhello\u202Eevil" })}\0`);
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const url = `bore://127.0.0.1:${(server.address() as { port: number }).port}`;
  const tunnel = start(["expose", "1", "--relay", url], { home });
  await tunnel.says(/the relay said: .*hello/);
  await tunnel.stop();
  expect(tunnel.stderr).not.toContain("\u001B");
  expect(tunnel.stderr).not.toContain("\u202E");
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test("status shows one in full, and watching shows each change until interrupted", async () => {
  const home = await makeHome();
  const { port } = await startEcho();
  const tunnel = start(["expose", String(port), "--name", "mine", "--json"], { home });
  await tunnel.line("ready");
  const shown = await run(["status", "mine"], { home });
  expect(shown.stdout).toMatch(/^mine \(tunnel\)\n {2}state +connected\n {2}target +localhost:\d+\n/);
  const watch = start(["status", "mine", "--watch", "--json"], { home });
  await watch.line("tunnel");
  await tunnel.stop();
  expect((await watch.stop("SIGINT")).code).toBe(0);
  expect((await run(["status", "mine"], { home })).stderr).toMatch(/nothing is running/);
});

test("an ambiguous name is asked about, PID/ID is exact", async () => {
  const home = await makeHome();
  const { url } = await startRelay(home);
  const both = [start(["expose", "1", "2", "--name", "x", "--relay", url, "--json"], { home })];
  await both[0]!.line("ready");
  const asked = await run(["disconnect"], { home });
  expect(asked).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/which one\? .*relay.*x \(\d+\/1\), x-2 \(\d+\/2\)/),
  });
  expect((await run(["disconnct", "x"], { home })).stderr).toMatch(/did you mean disconnect/);
  expect((await run(["status", "x-3"], { home })).stderr).toMatch(
    /nothing called x-3 is running\n {2}did you mean x-2\?/,
  );
  expect((await run(["disconnect", `${both[0]!.pid}/2`], { home })).code).toBe(0);
  await both[0]!.line("event", ({ event }) => event.type === "tunnel_removed" && event.name === "x-2");
  await both[0]!.stop();
});

test("doctor looks at the relay and fails if it is not there", async () => {
  const home = await makeHome();
  const { relay, url, native } = await startRelay(home);
  const fine = await run(["doctor", "--json"], { home });
  expect(fine.code).toBe(0);
  expect(fine.stdout).toContain(`${native} answers after`);
  const bore = await run(["doctor", "--relay", url], { home });
  expect(bore.stdout).toContain(`${url} answers after`);
  await relay.stop();
  for (const gone of [url, native]) {
    const bad = await run(["doctor", "--relay", gone], { home });
    expect(bad).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/FAILED {3}relay: .*refused/),
    });
  }
});

test("doctor asks the relay for a tunnel: one that does not speak bore, or wants another secret, has failed", async () => {
  const home = await makeHome();
  const { port } = await startEcho();
  const echo = await run(["doctor", "--relay", `bore://127.0.0.1:${port}`], { home });
  expect(echo).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/FAILED {3}relay: .* what answers there does not speak the bore protocol/),
  });
  const silent = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void silent.close());
  await once(silent, "listening");
  const mute = `bore://127.0.0.1:${(silent.address() as { port: number }).port}`;
  const waited = await run(["doctor", "--relay", mute, "--dial-timeout", "300ms"], { home });
  expect(waited).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/FAILED {3}relay: .*no answer within/),
  });
  await writeFile(join(home, "secret"), "right\n", { mode: 0o600 });
  const { native: url } = await startRelay(home, "--secret-file", join(home, "secret"));
  const wrong = await run(["doctor"], { home, env: { HOLDFAST_SECRET: "wrong" } });
  expect(wrong).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/FAILED {3}relay: .*refused the secret/),
  });
  const right = await run(["doctor"], { home, env: { HOLDFAST_SECRET: "right" } });
  expect(right).toMatchObject({ code: 0, stdout: expect.stringContaining(`${url} answers after`) });
});

test("doctor says that sockets would not fit into the folder, and goes on after a check that failed", async () => {
  const home = await makeHome();
  const long = await run(["doctor"], { home, env: { HOLDFAST_HOME: join(home, "x".repeat(90)) } });
  expect(long.code).toBe(1);
  expect(long.stdout).toMatch(/FAILED {3}runtime folder: the control socket's path has \d+ bytes/);
  await chmod(home, 0o700);
  await mkdir(join(home, "run"), { mode: 0o755 });
  const open = await run(["doctor"], { home });
  expect(open.code).toBe(1);
  expect(open.stdout).toMatch(
    /FAILED {3}runtime folder: .*open to others[^]*FAILED {3}relay: [^]*ok {7}reconnecting:/,
  );
});

test("a process that is stopped is told of, and is not called gone", async () => {
  const home = await makeHome();
  const tunnel = start(["expose", "1", "--name", "web", "--json"], { home });
  await tunnel.line("ready");
  tunnel.child.kill("SIGSTOP");
  try {
    const says = `web (process ${tunnel.pid}) does not answer`;
    const commands = [
      ["list"],
      ["status"],
      ["status", "web"],
      ["disconnect"],
      ["wait", "web", "--timeout", "1s"],
    ];
    const ends = await Promise.all(commands.map((args) => run(args, { home })));
    for (const { stderr } of ends) {
      expect(stderr).toContain(says);
      expect(stderr).not.toMatch(/not(hing is)? running/);
    }
    expect(ends.map(({ code }) => code)).toEqual([0, 1, 1, 1, 1]);
  } finally {
    tunnel.child.kill("SIGCONT");
  }
  expect((await tunnel.stop()).code).toBe(0);
});

test("wait times out with the state that it saw last", async () => {
  const home = await makeHome();
  const never = await run(["wait", "expose-9", "--timeout", "300ms"], { home });
  expect(never).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/expose-9 was not connected within 300 ms: it is not running/),
  });
  const later = start(["wait", "late", "--json"], { home });
  await later.says(/waiting for late/);
  const tunnel = start(["expose", "1", "--name", "late", "--json"], { home });
  expect((await later.finished).code).toBe(0);
  const ended = start(["wait", "late", "--for", "disconnected"], { home });
  await ended.says(/waiting for late to be disconnected: connected/);
  await tunnel.stop();
  expect((await ended.finished).code).toBe(0);
});

test("the control socket of a real process speaks to anybody who can type JSON", async () => {
  const home = await makeHome();
  const { relay } = await startRelay(home);
  const socket = createConnection({ path: join(home, "run", `relay-${relay.pid}.sock`) });
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  socket.end('{"type":"reconnect","id":1}\n{"type":"list"}\n');
  await once(socket, "close");
  const types = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: string; code?: string });
  expect(types).toMatchObject([{ type: "hello" }, { type: "error", code: "unsupported" }, { type: "list" }]);
});

test("SIGHUP has the relay read its secret and certificates again, and drops nobody", async () => {
  const home = await makeHome();
  const file = join(home, "secret");
  await writeFile(file, "old\n", { mode: 0o600 });
  const { relay, url } = await startRelay(home, "--secret-file", file);
  const { port } = await startEcho();
  const tunnel = start(["expose", String(port), "--relay", url, "--json"], {
    home,
    env: { HOLDFAST_SECRET: "old" },
  });
  const at = await publicPort(tunnel);
  await writeFile(file, "new\n", { mode: 0o600 });
  relay.child.kill("SIGHUP");
  await relay.says(/read again: certificates, secret/);
  const stranger = await run(["expose", String(port), "--relay", url, "--name", "late"], {
    home,
    env: { HOLDFAST_SECRET: "old" },
  });
  expect(stranger.code).toBe(3);
  expect(await ask(at, "still here")).toBe("still here");
  expect((await tunnel.stop()).code).toBe(0);
  expect((await relay.stop()).code).toBe(0);
});
