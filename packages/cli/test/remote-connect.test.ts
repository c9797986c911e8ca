// `holdfast connect` and what it leaves behind: nothing, if it fails; a connection, if it does not.
import { beforeAll, describe, expect, test, vi } from "vitest";
import { build, killDaemon, makeHome, run, start } from "./command.ts";
import { connectionsOf, does, silentServer, until } from "./remote-stage.ts";

beforeAll(build, 120_000);
// Each test runs a dozen commands, one after the other, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 });

const HERE = "host://localhost";

describe("a destination that cannot be is exit 2, and says what would be one", () => {
  const cases: readonly (readonly [line: string, says: RegExp])[] = [
    ["connect nowhere://x", /no plugin takes nowhere:\/\/\n {2}these are known: host:\/\//],
    ["connect host://elsewhere", /is not this machine/],
    ["connect ssh://-oProxyCommand=x", /its host begins with -/],
    ["connect ssh://a;b", /characters that no name has/],
    ["connect host://localhost -i key", /has no option "identity_file"/],
    ["connect host://localhost --option color", /--option: expected an option such as key=value/],
    ["connect host://localhost --option a=1 --option a=2", /--option a is given twice/],
    ["connect host://localhost --host-key maybe", /expected one of strict, accept-new, ask/],
    ["connect host://localhost --reconnect-policy never", /expected one of default, preset/],
    ["connect", /missing required argument 'destination'/],
    ["forward list extra", /"extra" is one too many/],
    ["forward close", /takes the id or name of one forward/],
    ["forward 8080", /too few parts\n {2}expected \[LISTEN:\]PORT:HOST:PORT, such as 8080:localhost:80/],
    ["forward -R -D 8080:a:80", /-R and -D are two directions/],
    ["daemon strat", /no action strat.*\n {2}did you mean start\?/],
  ];
  test("each of them, with one daemon for all", async () => {
    const home = await makeHome();
    for (const [line, says] of cases) {
      const { code, stdout, stderr } = await run(line.split(" "), { home });
      expect(stderr, line).toMatch(says);
      expect(stdout, line).toBe("");
      expect(code, line).toBe(2);
    }
    expect(await connectionsOf(home)).toEqual([]);
  });
});

test("the failure of the first dial is the end: exit 1, and nothing is kept", async () => {
  const home = await makeHome();
  const { code, stdout, stderr } = await run(["connect", "ssh://me@127.0.0.1:1"], { home });
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/error: .*refused the connection/);
  expect(await connectionsOf(home)).toEqual([]);
  const json = await run(["connect", "me@127.0.0.1:1", "--json"], { home });
  expect(json.stdout.trimEnd().split("\n").at(-1)).toMatch(/^\{"type":"error","code":"connection_refused"/);
});

test("in the background it is kept and dialled again, whatever comes of it", async () => {
  const home = await makeHome();
  const { stdout } = await does(home, "connect", "ssh://127.0.0.1:1", "--background", "--name", "far");
  expect(stdout).toMatch(/far \(2\): connecting/);
  await until(async () => ((await connectionsOf(home))[0]?.attempt ?? 0) > 1);
  const [far] = await connectionsOf(home);
  expect(far).toMatchObject({ state: "connecting", kept: true, epoch: 0 });
  expect(far?.failure?.code).toBe("connection_refused");
  expect((await does(home, "status", "far")).stdout).toMatch(/connecting.*attempt.*refused the connection/);
  await does(home, "disconnect", "far");
  expect(await connectionsOf(home)).toEqual([]);
});

test("what is there is used again; --new makes another one; ids are the daemon's", async () => {
  const home = await makeHome();
  expect((await does(home, "connect", HERE, "--name", "here")).stdout).toBe(
    "here (2): connected to host://localhost\n",
  );
  expect((await does(home, "connect", HERE)).stdout).toBe("here (2): connected to host://localhost\n");
  const other = await does(home, "connect", HERE, "--new", "--name", "here", "--json");
  expect(other.stdout).toContain('"name":"here-2"');
  expect((await does(home, "list")).stdout).toMatch(/^2 +connection +here +host:\/\/localhost/m);
  expect((await does(home, "reconnect", "2")).stdout).toMatch(/here is connected: making a new link/);
  await until(async () => (await connectionsOf(home))[0]?.epoch === 2);
  const which = await run(["reconnect", "host://localhost"], { home });
  expect(which).toMatchObject({ code: 2, stderr: expect.stringMatching(/may be any of these/) as unknown });
});

test("Ctrl-C cancels it, and nothing is kept", async () => {
  const home = await makeHome();
  const server = await silentServer();
  const destination = `ssh://127.0.0.1:${server.port}`;
  const connecting = start(["connect", destination, "--dial-timeout", "1m"], { home });
  await until(() => server.met() === 1);
  const { code, stderr } = await connecting.stop("SIGINT");
  expect(code).toBe(1);
  expect(stderr).toMatch(/cancelled by SIGINT: nothing is kept/);
  expect(await connectionsOf(home)).toEqual([]);
});

test("it goes on when the daemon is killed while it waits", async () => {
  const home = await makeHome();
  const server = await silentServer();
  const destination = `ssh://127.0.0.1:${server.port}`;
  const connecting = start(["connect", destination, "--dial-timeout", "1m"], { home });
  await until(() => server.met() === 1);
  const [before] = await connectionsOf(home);
  await killDaemon(home);
  await until(() => server.met() >= 2);
  await connecting.says(/the daemon is back/);
  const after = await connectionsOf(home);
  expect(after).toMatchObject([{ destination, state: "connecting", id: before!.id }]);
  await connecting.stop("SIGINT");
  expect(await connectionsOf(home)).toEqual([]);
});

test("`authenticate` makes a connection dial, and says what became of that", async () => {
  const home = await makeHome();
  await does(home, "connect", HERE, "--name", "here");
  expect((await does(home, "authenticate", "here")).stdout).toMatch(/here \(2\): connected/);
  await does(home, "connect", "ssh://127.0.0.1:1", "--background", "--name", "far");
  await until(async () => (await connectionsOf(home)).some(({ phase }) => phase === "waiting"));
  const { code, stderr } = await run(["authenticate", "far"], { home });
  expect(code).toBe(1);
  expect(stderr).toMatch(/refused the connection/);
  const nobody = await run(["authenticate", "nobody"], { home });
  expect(nobody).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/no connection "nobody"/) as unknown,
  });
});
