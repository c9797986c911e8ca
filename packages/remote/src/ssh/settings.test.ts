import { describe, expect, it } from "vitest";
import { parseFile, parseOutput, splitWords } from "./config-words.ts";
import { parseOptions } from "./options.ts";
import { settingsFrom } from "./settings.ts";
import type { SshSettings } from "./settings.ts";

const WANTED = {
  host: "box",
  user: undefined,
  port: undefined,
  home: "/home/me",
  localUser: "me",
  agent: "/agent",
};

function settings(text: string, options = {}, wanted = {}): SshSettings {
  return settingsFrom(parseOutput(text), parseOptions(options), { ...WANTED, ...wanted });
}

describe("settings", () => {
  it("have defaults", () => {
    expect(settings("")).toEqual({
      host: "box",
      hostName: "box",
      port: 22,
      user: "me",
      identityFiles: ["/home/me/.ssh/id_rsa", "/home/me/.ssh/id_ecdsa", "/home/me/.ssh/id_ed25519"],
      identitiesOnly: false,
      agent: "/agent",
      jumps: [],
      proxyCommand: undefined,
      knownHosts: ["/home/me/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts"],
      hashKnownHosts: false,
      hostKeyAlias: undefined,
      hostKeyPolicy: "accept-new",
      authentication: ["publickey", "keyboard-interactive", "password"],
    });
  });

  it("take what ssh -G prints", () => {
    const printed = [
      "user you",
      "hostname 10.0.0.%%",
      "port 2222",
      "identityfile ~/.ssh/%h_%r",
      'identityfile "/with space/key"',
      "identitiesonly yes",
      "identityagent ~/agent.sock",
      "proxycommand nc %h %p %%",
      "userknownhostsfile /a /b",
      "globalknownhostsfile /dev/null",
      "hashknownhosts yes",
      "stricthostkeychecking true",
      "hostkeyalias alias",
      "preferredauthentications password,publickey",
    ].join("\n");
    expect(settings(printed.replace(".%%", ".7"))).toMatchObject({
      hostName: "10.0.0.7",
      port: 2222,
      user: "you",
      identityFiles: ["/home/me/.ssh/10.0.0.7_you", "/with space/key"],
      identitiesOnly: true,
      agent: "/home/me/agent.sock",
      proxyCommand: "nc 10.0.0.7 2222 %",
      knownHosts: ["/a", "/b"],
      hashKnownHosts: true,
      hostKeyPolicy: "strict",
      hostKeyAlias: "alias",
      authentication: ["password", "publickey"],
    });
  });

  it("what the destination and the options say comes first", () => {
    const printed =
      "user you\nport 1\nidentityfile a\nproxyjump x\nuserknownhostsfile /a\nstricthostkeychecking yes";
    const options = {
      identity_file: "~/k",
      known_hosts: "/own",
      proxy_jump: "none",
      host_key_policy: "ask",
      identity_agent: "none",
    };
    expect(settings(printed, options, { user: "they", port: 9 })).toMatchObject({
      user: "they",
      port: 9,
      identityFiles: ["/home/me/k"],
      knownHosts: ["/own"],
      jumps: [],
      hostKeyPolicy: "ask",
      agent: undefined,
    });
  });

  it.each([
    "hostname -oProxyCommand=x",
    "hostname a b",
    "hostname a;b",
    "hostname a$(b)",
    "user -l",
    "user a;b",
    "port 0",
    "port x",
  ])("%s is refused: it may end up on a command line", (printed) => {
    expect(() => settings(printed)).toThrow(
      expect.objectContaining({ code: "bad_configuration", kind: "fatal" }),
    );
  });

  it("go through at most eight hosts", () => {
    expect(settings("proxyjump a,b:2, me@c").jumps).toEqual(["a", "b:2", "me@c"]);
    expect(() => settings("proxyjump a,a,a,a,a,a,a,a,a")).toThrow(
      expect.objectContaining({ code: "bad_configuration" }),
    );
  });
});

describe("options", () => {
  it.each([
    { nonsense: "x" },
    { host_key_policy: "no" },
    { identity_file: "" },
    { heartbeat_interval_ms: "0" },
    { heartbeat_interval_ms: "1e3" },
    { max_heartbeat_failures: "0" },
  ])("%j is refused", (options) => {
    expect(() => parseOptions(options as Record<string, string>)).toThrow(
      expect.objectContaining({ code: "bad_option", kind: "fatal" }),
    );
  });
});

describe("the reader of configuration files", () => {
  const read = (text: string, host = "box", warnings: string[] = []): Record<string, readonly string[]> =>
    Object.fromEntries(parseFile(text, "file", host, (warning) => warnings.push(warning)));

  it("takes the first value of the blocks that speak of the host", () => {
    const text = [
      "# comment",
      "Port 1",
      "Host other b?x !box",
      "  Port 2",
      "  User a",
      "Host *",
      "  User = you",
      "  IdentityFile one",
      "  IdentityFile two",
      "\tHostName 10.0.0.1  ",
    ].join("\n");
    expect(read(text)).toEqual({
      port: ["1"],
      user: ["you"],
      identityfile: ["one", "two"],
      hostname: ["10.0.0.1"],
    });
    expect(read(text, "bax")).toMatchObject({ user: ["a"] });
  });

  it("says what it leaves out", () => {
    const warnings: string[] = [];
    expect(read("Include more\nMatch all\n  User x\nHost box\n  Port 3", "box", warnings)).toEqual({
      port: ["3"],
    });
    expect(warnings).toEqual([
      expect.stringContaining("file:1: Include"),
      expect.stringContaining("file:2: Match"),
    ]);
  });

  it("splits words, quoted ones too", () => {
    expect(splitWords('a "b c"  d')).toEqual(["a", "b c", "d"]);
  });
});
