import { describe, expect, it } from "vitest";
import { parseDestination } from "../plugin/destination.ts";
import { findEngine } from "./engine/address.ts";
import { dockerOptions, targetOf } from "./options.ts";

const nothing = { socket: undefined, dockerHost: undefined, runtimeFolder: undefined };

describe("what a destination means to docker", () => {
  it.each([
    ["docker://box", { target: { container: "box" }, user: undefined }],
    ["docker://me@box", { target: { container: "box" }, user: "me" }],
    ["docker+run://ubuntu:24.04", { target: { image: "ubuntu:24.04" }, user: undefined }],
    ["docker+run://redis:7", { target: { image: "redis:7" }, user: undefined }],
    ["docker+run://localhost:5000/a/b:c", { target: { image: "localhost:5000/a/b:c" }, user: undefined }],
    ["docker+run://app@sha256:abc", { target: { image: "app@sha256:abc" }, user: undefined }],
  ])("%s is understood", (text, expected) => {
    expect(targetOf(parseDestination(text))).toEqual(expected);
  });

  it.each(["docker://a/../../info", "docker://a%2Fb", "docker://box:80", "docker+run://a/../b"])(
    "%s is refused",
    (text) => {
      expect(() => targetOf(parseDestination(text))).toThrow(
        expect.objectContaining({ code: "bad_destination", kind: "fatal" }),
      );
    },
  );

  it.each([{ nosuch: "1" }, { rm: "yes" }, { network: "a b" }, { user: "-x" }])(
    "option %j is refused",
    (given) => {
      const options = Object.fromEntries(Object.entries(given));
      expect(() => dockerOptions(options)).toThrow(expect.objectContaining({ code: "bad_option" }));
    },
  );
});

describe("where the engine is looked for", () => {
  it("is the option, then DOCKER_HOST, then the first socket that exists", () => {
    const exists = (path: string): boolean => path === "/run/user/1/podman/podman.sock";
    const dockerHost = "unix:///a.sock";
    expect(findEngine({ ...nothing, socket: "/b.sock", dockerHost, exists })).toEqual({
      socketPath: "/b.sock",
    });
    expect(findEngine({ ...nothing, dockerHost, exists })).toEqual({ socketPath: "/a.sock" });
    expect(findEngine({ ...nothing, runtimeFolder: "/run/user/1", exists })).toEqual({
      socketPath: "/run/user/1/podman/podman.sock",
    });
    expect(findEngine({ ...nothing, exists: () => false })).toEqual({ socketPath: "/var/run/docker.sock" });
  });

  it("is plain TCP on this machine only", () => {
    const exists = (): boolean => true;
    expect(findEngine({ ...nothing, socket: "tcp://127.0.0.1:2375", exists })).toEqual({
      host: "127.0.0.1",
      port: 2375,
    });
    for (const socket of ["tcp://192.0.2.1:2375", "ssh://host", "relative.sock", "tcp://localhost"]) {
      expect(() => findEngine({ ...nothing, socket, exists })).toThrow(
        expect.objectContaining({ code: "bad_option" }),
      );
    }
  });
});
