import { setImmediate } from "node:timers/promises";
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { HoldfastError } from "@holdfast/core";
import { openSocket, proxyFromEnvironment, splice } from "@holdfast/net/node";
import { ManualClock } from "./manual-clock.ts";
import { closed, readAll, serve, until } from "./sockets.ts";
import type { TestServer } from "./sockets.ts";

const TARGET = { host: "relay.example", port: 7836 };

function urlOf(server: TestServer, credentials = ""): URL {
  const port = "port" in server.endpoint ? server.endpoint.port : 0;
  return new URL(`http://${credentials}127.0.0.1:${port}`);
}

/** A proxy that reads a request and answers with the text. */
async function answering(
  proxy: TestServer,
  answer: string | Buffer,
): Promise<{ request: string; socket: Socket }> {
  const socket = await proxy.accept();
  let request = "";
  socket.on("data", (chunk) => (request += String(chunk))).resume();
  await until(() => request.endsWith("\r\n\r\n"));
  socket.write(answer);
  return { request, socket };
}

async function refusalTo(answer: string | Buffer): Promise<HoldfastError> {
  await using proxy = await serve();
  const dial = openSocket(TARGET, { proxy: urlOf(proxy, "user:s3cret@") }).catch((thrown: unknown) => thrown);
  const { socket } = await answering(proxy, answer);
  const error = (await dial) as HoldfastError;
  expect(error).toBeInstanceOf(HoldfastError);
  expect(`${error.message} ${error.hint}`).not.toContain("s3cret");
  // The dial closes its side.
  socket.end();
  await closed(socket);
  return error;
}

describe("a dial through a proxy", () => {
  it("asks by CONNECT, with credentials, and then carries bytes of the target", async () => {
    await using proxy = await serve();
    await using target = await serve();
    const dial = openSocket(TARGET, { proxy: urlOf(proxy, "user:p%40ss@") });
    const { request, socket } = await answering(
      proxy,
      "HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nearly ",
    );
    expect(request).toBe(
      "CONNECT relay.example:7836 HTTP/1.1\r\nHost: relay.example:7836\r\n" +
        `Proxy-Authorization: Basic ${Buffer.from("user:p@ss").toString("base64")}\r\n\r\n`,
    );
    const near = await dial;
    const relayed = splice(socket, await openSocket(target.endpoint));
    near.end("to the target");
    const far = await target.accept();
    far.end("bytes");
    expect(String(await readAll(near))).toBe("early bytes");
    expect(String(await readAll(far))).toBe("to the target");
    expect((await relayed).error).toBeUndefined();
  });

  it("does not look the target's name up: the proxy does", async () => {
    await using proxy = await serve();
    const dial = openSocket({ host: "only.the.proxy.knows", port: 1 }, { proxy: urlOf(proxy) });
    await answering(proxy, "HTTP/1.0 200 OK\r\n\r\n");
    (await dial).destroy();
  });

  it("407 is fatal and says where the password goes", async () => {
    const error = await refusalTo("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    expect(error).toMatchObject({ code: "proxy_unauthorized", kind: "fatal" });
    expect(error.hint).toContain("HTTPS_PROXY");
  });

  it("403 is a refusal that may be over later", async () => {
    const error = await refusalTo("HTTP/1.1 403 Forbidden\r\n\r\n");
    expect(error).toMatchObject({ code: "proxy_refused", kind: "transient" });
    expect(error.hint).toContain("NO_PROXY");
  });

  it("503 with Retry-After says when to come back", async () => {
    const error = await refusalTo("HTTP/1.1 503 Busy\r\nRetry-After: 12\r\n\r\n");
    expect(error).toMatchObject({ code: "proxy_busy", kind: "throttled", retryAfterMs: 12_000 });
  });

  it.each([
    ["garbage", "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
    ["no end", Buffer.alloc(20_000, 0x61)],
  ])("%s is not a proxy", async (_, answer) => {
    expect(await refusalTo(answer)).toMatchObject({ code: "proxy_failed", kind: "transient" });
  });

  it("a proxy that hangs up is a failed dial", async () => {
    await using proxy = await serve();
    const dial = openSocket(TARGET, { proxy: urlOf(proxy) });
    (await proxy.accept()).resume().end();
    await expect(dial).rejects.toMatchObject({ code: "proxy_failed" });
  });

  it("a proxy that resets is a failed dial", async () => {
    await using proxy = await serve();
    const dial = openSocket(TARGET, { proxy: urlOf(proxy) });
    (await proxy.accept()).resetAndDestroy();
    await expect(dial).rejects.toBeInstanceOf(HoldfastError);
  });

  it("a proxy that says nothing ends at the deadline, and its socket is closed", async () => {
    await using proxy = await serve();
    const clock = new ManualClock();
    const dial = openSocket(TARGET, { proxy: urlOf(proxy), clock, timeoutMs: 5_000 }).catch(
      (e: unknown) => e,
    );
    const socket = await proxy.accept();
    socket.resume();
    await until(() => socket.bytesRead > 0);
    clock.advance(5_000);
    expect(await dial).toMatchObject({ code: "timed_out" });
    socket.end();
    await closed(socket);
    await setImmediate();
    expect(clock.armed).toBe(0);
  });

  it("an https:// proxy is refused by name", async () => {
    const dial = openSocket(TARGET, { proxy: new URL("https://proxy.example") });
    await expect(dial).rejects.toMatchObject({ code: "bad_proxy", kind: "fatal" });
  });
});

describe("proxyFromEnvironment", () => {
  const env = {
    HTTPS_PROXY: "http://proxy.example:3128",
    NO_PROXY: "corp.example, .intra.example,10.0.0.7 *.w.example:8443",
  };

  it.each([
    ["relay.example", true],
    ["notcorp.example", true],
    ["corp.example", false],
    ["a.corp.example", false],
    ["A.CORP.example.", false],
    ["x.intra.example", false],
    ["y.w.example", false],
    ["10.0.0.7", false],
    ["10.0.0.70", true],
    ["localhost", false],
    ["db.localhost", false],
    ["127.0.0.1", false],
    ["127.9.9.9", false],
    ["::1", false],
    ["::ffff:127.0.0.1", false],
    ["::2", true],
  ])("%s goes through the proxy: %s", (host, through) => {
    expect(proxyFromEnvironment(host, env)?.host).toBe(through ? "proxy.example:3128" : undefined);
  });

  it("lower case wins, a scheme may be left out, and * excludes everything", () => {
    expect(proxyFromEnvironment("a.b", { ...env, https_proxy: "other:1" })?.host).toBe("other:1");
    expect(proxyFromEnvironment("a.b", { ...env, no_proxy: "*" })).toBeUndefined();
    expect(proxyFromEnvironment("a.b", {})).toBeUndefined();
    expect(proxyFromEnvironment("a.b", { HTTPS_PROXY: "" })).toBeUndefined();
  });

  it.each(["http://", "socks5://p:1", "http://user:s3cret@:x"])("refuses %s without repeating it", (text) => {
    const find = (): unknown => proxyFromEnvironment("a.b", { HTTPS_PROXY: text });
    expect(find).toThrow(HoldfastError);
    expect(find).not.toThrow(/s3cret/);
  });
});
