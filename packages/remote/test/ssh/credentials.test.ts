// Who we say that we are, in which order, and what nobody is asked for in the background.
import { describe, expect, it } from "vitest";
import type { AuthContext } from "ssh2";
import { UNATTENDED } from "../../src/index.ts";
import { makeKey, OddServer, Person, type Authenticate } from "./odd-server.ts";

/** Takes this password, and counts what was tried. */
function passwords(right: string, tried: string[]): Authenticate {
  return (context: AuthContext) => {
    tried.push(context.method);
    if (context.method === "password" && context.password === right) context.accept();
    else context.reject(["password"]);
  };
}

function keys(accepted: string, tried: string[] = []): Authenticate {
  const wanted = accepted.split(" ")[1];
  return (context: AuthContext) => {
    tried.push(context.method);
    if (context.method === "publickey" && context.key.data.toString("base64") === wanted) context.accept();
    else context.reject(["publickey"]);
  };
}

describe("a password", () => {
  it("is asked for, three times at most", async () => {
    const tried: string[] = [];
    const server = await OddServer.start({ authenticate: passwords("right", tried) });
    const person = new Person("wrong", "right");
    await server.dial(server.context(), person);
    expect(person.asked).toEqual(["me@127.0.0.1's password: ", "me@127.0.0.1's password: "]);
    expect(tried).toEqual(["none", "password", "password"]);
    const hopeless = new Person("a", "b", "c", "right");
    const refused = server.dial(server.context(), hopeless);
    await expect(refused).rejects.toMatchObject({ code: "auth_required", kind: "unauthorized" });
    expect(hopeless.asked).toHaveLength(3);
  });

  it("is not asked for in the background, and none is tried: that needs a person", async () => {
    const tried: string[] = [];
    const server = await OddServer.start({ authenticate: passwords("", tried) });
    const refused = server.dial(server.context(), UNATTENDED);
    await expect(refused).rejects.toMatchObject({
      code: "auth_required",
      prompt: expect.stringMatching(/me@127\.0\.0\.1.*nobody is there.*\(the server takes password\)/),
    });
    expect(tried).toEqual(["none"]);
  });

  it("does not appear in an error", async () => {
    const server = await OddServer.start({ authenticate: passwords("right", []) });
    const error: unknown = await server
      .dial(server.context(), new Person("s3cret", "s3cret", "s3cret"))
      .catch((e: unknown) => e);
    expect(JSON.stringify([error, String(error)])).not.toContain("s3cret");
  });
});

describe("questions of the server", () => {
  it("are asked as it words them, in as many rounds as it likes", async () => {
    const server = await OddServer.start({
      authenticate: (context: AuthContext) => {
        if (context.method !== "keyboard-interactive") return context.reject(["keyboard-interactive"]);
        context.prompt([{ prompt: "Code?", echo: true }], "", "", (codes) => {
          context.prompt([{ prompt: "PIN?", echo: false }], (pins) => {
            if (codes[0] === "1" && pins[0] === "2") context.accept();
            else context.reject();
          });
        });
      },
    });
    const person = new Person("1", "2");
    await server.dial(server.context(), person);
    expect(person.asked).toEqual(["Code?", "PIN?"]);
    await expect(server.dial()).rejects.toMatchObject({ code: "auth_required" });
  });

  it("too many of them end the dial", async () => {
    const server = await OddServer.start({
      authenticate: (context: AuthContext) => {
        if (context.method !== "keyboard-interactive") return context.reject(["keyboard-interactive"]);
        const again = (): void => context.prompt([{ prompt: "More?", echo: true }], again);
        again();
      },
    });
    await expect(server.dial(server.context(), new Person())).rejects.toMatchObject({
      code: "too_many",
      kind: "fatal",
    });
  });
});

describe("a key file", () => {
  it("is offered by itself", async () => {
    const key = makeKey();
    const server = await OddServer.start({ authenticate: keys(key.public) });
    await server.dial(server.context({ identity_file: server.write("key", key.private) }));
  });

  it("that is locked asks once, and is left out in the background", async () => {
    const key = makeKey("ed25519", "open sesame");
    const server = await OddServer.start({ authenticate: keys(key.public) });
    const context = server.context({ identity_file: server.write("key", key.private) });
    const person = new Person("open sesame");
    await server.dial(context, person);
    expect(person.asked).toEqual([`Passphrase of ${server.path("key")}: `]);
    await expect(server.dial(context)).rejects.toMatchObject({
      code: "auth_required",
      prompt: expect.stringContaining("needs its passphrase"),
    });
    const wrong = new Person("wrong", "open sesame");
    await expect(server.dial(context, wrong)).rejects.toMatchObject({
      prompt: expect.stringContaining("not the passphrase"),
    });
    expect(wrong.asked).toHaveLength(1);
  });

  it("that is refused is not offered again", async () => {
    const tried: string[] = [];
    const server = await OddServer.start({ authenticate: keys(makeKey().public, tried) });
    const context = server.context({ identity_file: server.write("key", makeKey().private) });
    await expect(server.dial(context)).rejects.toMatchObject({
      code: "auth_required",
      kind: "unauthorized",
      prompt: expect.stringContaining("was refused"),
    });
    expect(tried).toEqual(["none", "publickey"]);
  });

  it("and then a password, where the server wants both", async () => {
    const key = makeKey();
    const server = await OddServer.start({
      authenticate: (context: AuthContext) => {
        if (context.method === "publickey") {
          // The first asks whether the key would do; the second is signed.
          if (context.signature === undefined) context.accept();
          else context.reject(["password"], true);
        } else if (context.method === "password" && context.password === "right") context.accept();
        else context.reject(["publickey"]);
      },
    });
    const context = server.context({ identity_file: server.write("key", key.private) });
    await server.dial(context, new Person("right"));
  });

  it("is offered after a password that the server wanted first", async () => {
    const key = makeKey();
    const server = await OddServer.start({
      authenticate: (context: AuthContext) => {
        if (context.method === "password" && context.password === "right")
          context.reject(["publickey"], true);
        else if (context.method === "publickey") context.accept();
        else context.reject(["password"]);
      },
    });
    const person = new Person("right");
    const context = server.context({ identity_file: server.write("key", key.private) });
    await server.dial(context, person);
    expect(person.asked).toHaveLength(1);
  });

  it("that was accepted in part is not offered again, and the next one is", async () => {
    const [one, two] = [makeKey(), makeKey()];
    const blob = (key: typeof one): string => key.public.split(" ")[1] ?? "";
    let half = false;
    const signed: string[] = [];
    const server = await OddServer.start({
      authenticate: (context: AuthContext) => {
        if (context.method !== "publickey") return context.reject(["publickey"]);
        if (context.signature === undefined) return context.accept();
        const shown = context.key.data.toString("base64");
        signed.push(shown);
        if (half && shown === blob(two)) return context.accept();
        half ||= shown === blob(one);
        context.reject(["publickey"], half);
      },
    });
    const files = ["one", "two"].map((name, i) => server.write(name, [one, two][i]?.private ?? ""));
    server.write(
      "ssh_config",
      ["IdentityAgent none", ...files.map((file) => `IdentityFile ${file}`), ""].join("\n"),
    );
    await server.dial();
    expect(signed).toEqual([blob(one), blob(two)]);
  });

  it("that is no key is said to be none", async () => {
    const server = await OddServer.start({ authenticate: keys(makeKey().public) });
    const context = server.context({ identity_file: server.write("key", "no key at all") });
    await expect(server.dial(context)).rejects.toMatchObject({
      prompt: expect.stringContaining("cannot be used"),
    });
  });
});

describe("an agent", () => {
  it("that has gone is named", async () => {
    const server = await OddServer.start({ authenticate: keys(makeKey().public) });
    const socket = server.path("gone.sock");
    await expect(server.dial(server.context({ identity_agent: socket }))).rejects.toMatchObject({
      code: "auth_required",
      prompt: expect.stringContaining(socket),
    });
  });
});
