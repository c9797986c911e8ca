// Which keys of a host are accepted: by known_hosts, by the policy, and by the first connect of a connection.
import { describe, expect, it } from "vitest";
import { UNATTENDED } from "../../src/index.ts";
import { fingerprint } from "../../src/ssh/host-key.ts";
import { blobOf, makeKey, OddServer, Person } from "./odd-server.ts";

const [first, second, rsa] = [makeKey(), makeKey(), makeKey("rsa")];
const print = (key: typeof first): string => fingerprint(blobOf(key));
const publicKey = (key: typeof first): string => key.public.split(" ").slice(0, 2).join(" ");

describe("a new host", () => {
  it("is recorded, and known from then on", async () => {
    const server = await OddServer.start({ hostKeys: [first] });
    server.write("known_hosts", "# cut off");
    await server.dial();
    expect(server.read("known_hosts")).toBe(`# cut off\n${server.name} ${publicKey(first)}\n`);
    await server.dial(server.context({ host_key_policy: "strict" }));
  });

  it("is recorded hashed if the configuration says so", async () => {
    const server = await OddServer.start({ hostKeys: [first] });
    server.write("ssh_config", "HashKnownHosts yes\nIdentityFile none\n");
    await server.dial();
    expect(server.read("known_hosts")).toMatch(/^\|1\|/);
    await server.dial(server.context({ host_key_policy: "strict" }));
  });

  it("is refused by `strict`, with its fingerprint", async () => {
    const server = await OddServer.start({ hostKeys: [first] });
    const refused = server.dial(server.context({ host_key_policy: "strict" }), new Person());
    await expect(refused).rejects.toMatchObject({
      code: "unknown_host",
      kind: "fatal",
      text: expect.stringContaining(print(first)),
    });
  });

  it("is asked about by `ask`, and recorded after a yes alone", async () => {
    const server = await OddServer.start({ hostKeys: [first] });
    const context = server.context({ host_key_policy: "ask" });
    await expect(server.dial(context)).rejects.toMatchObject({ code: "auth_required" });
    await expect(server.dial(context, new Person(false))).rejects.toMatchObject({ code: "unknown_host" });
    expect(() => server.read("known_hosts")).toThrow("ENOENT");
    const person = new Person(true);
    await server.dial(context, person);
    expect(person.asked).toEqual([expect.stringContaining(print(first))]);
    await server.dial(server.context({ host_key_policy: "strict" }));
  });

  it("is accepted even where it cannot be recorded, with a warning", async () => {
    const server = await OddServer.start();
    const context = server.context({ known_hosts: server.folder });
    await server.dial(context);
    expect(context.warnings.join()).toContain("could not be recorded");
  });
});

describe("a changed key", () => {
  it("is refused with both fingerprints, file, line and the command that removes it", async () => {
    const server = await OddServer.start({ hostKeys: [second] });
    server.write("known_hosts", `# first\n${server.name} ${publicKey(first)}\n`);
    const refused = server.dial(server.context(), new Person());
    await expect(refused).rejects.toMatchObject({ code: "identity_changed", kind: "fatal", fault: "peer" });
    const error = await refused.catch(
      (thrown: { text: string; hint: string }) => thrown as { text: string; hint: string },
    );
    if (!("text" in error)) throw new Error("it was accepted");
    for (const part of [print(first), print(second), `${server.path("known_hosts")}:2`])
      expect(error.text).toContain(part);
    expect(error.hint).toContain(`ssh-keygen -R '${server.name}' -f ${server.path("known_hosts")}`);
  });

  it("that is revoked is refused for good, even where another line accepts it", async () => {
    const server = await OddServer.start({ hostKeys: [first] });
    server.write("known_hosts", `${server.name} ${publicKey(first)}\n@revoked * ${publicKey(first)}\n`);
    for (const interaction of [UNATTENDED, new Person(true)]) {
      await expect(server.dial(server.context(), interaction)).rejects.toMatchObject({
        code: "host_key_revoked",
        kind: "fatal",
      });
    }
  });

  it("an authority is said not to be supported, with file and line, and the host needs a line of its own", async () => {
    const server = await OddServer.start({ hostKeys: [first] });
    server.write("known_hosts", `@cert-authority * ${publicKey(first)}\n`);
    const context = server.context({ host_key_policy: "strict" });
    await expect(server.dial(context)).rejects.toMatchObject({ code: "unknown_host" });
    expect(context.warnings).toEqual([expect.stringContaining(`${server.path("known_hosts")}:1`)]);
  });
});

describe("a host with several keys", () => {
  it.each([
    ["ed25519", first],
    ["rsa", rsa],
  ])("is asked for the one that is recorded: %s", async (_, recorded) => {
    const server = await OddServer.start({ hostKeys: [first, rsa] });
    server.write("known_hosts", `${server.name} ${publicKey(recorded)}\n`);
    await server.dial(server.context({ host_key_policy: "strict" }));
  });
});

describe("nobody's dial after the first", () => {
  it("accepts the key of the original connect, whatever known_hosts says by now", async () => {
    const server = await OddServer.start({ hostKeys: [first, rsa] });
    server.write("known_hosts", `${server.name} ${publicKey(rsa)}\n`);
    const context = server.context();
    await server.dial(context, new Person());
    server.write("known_hosts", `${server.name} ${publicKey(first)}\n`);
    await server.dial(context);
    server.write("known_hosts", "");
    await server.dial(context);
    expect(server.read("known_hosts")).toBe("");
  });

  it("accepts no other key, also none that known_hosts would take: that needs a person", async () => {
    const server = await OddServer.start({ hostKeys: [second] });
    server.write("known_hosts", `${server.name} ${publicKey(second)}\n`);
    const context = server.context();
    context.memory.set(`host_key ${server.name}`, blobOf(first).toString("base64"));
    const refused = server.dial(context);
    await expect(refused).rejects.toMatchObject({ code: "auth_required", kind: "unauthorized" });
    await expect(refused).rejects.toMatchObject({ prompt: expect.stringContaining(print(first)) });
    await expect(refused).rejects.toMatchObject({ prompt: expect.stringContaining(print(second)) });
    // A person who connects again accepts what known_hosts says, and that is the key from then on.
    await server.dial(context, new Person());
    await server.dial(context);
  });

  it("of which known_hosts knows nothing any more asks the person who is there, with both fingerprints", async () => {
    const server = await OddServer.start({ hostKeys: [second] });
    const context = server.context();
    const pinned = blobOf(first).toString("base64");
    context.memory.set(`host_key ${server.name}`, pinned);
    const no = new Person(false);
    await expect(server.dial(context, no)).rejects.toMatchObject({ code: "identity_changed", kind: "fatal" });
    expect(no.asked).toEqual([expect.stringContaining(print(first))]);
    expect(no.asked).toEqual([expect.stringContaining(print(second))]);
    expect(() => server.read("known_hosts")).toThrow("ENOENT");
    expect(context.memory.get(`host_key ${server.name}`)).toBe(pinned);
    await server.dial(context, new Person(true));
    await server.dial(context);
  });

  it("refuses a key that was revoked since", async () => {
    const server = await OddServer.start({ hostKeys: [first] });
    const context = server.context();
    await server.dial(context);
    server.write("known_hosts", `@revoked ${server.name} ${publicKey(first)}\n`);
    await expect(server.dial(context)).rejects.toMatchObject({ code: "host_key_revoked" });
  });
});
