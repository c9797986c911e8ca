// Where the engine listens: the option `socket`, else DOCKER_HOST of the caller, else the first socket that exists.
import { HoldfastError } from "@holdfast/core";

/** A unix socket, or plain TCP, which is taken on loopback only. */
export type EngineAddress =
  | { readonly socketPath: string }
  | { readonly host: string; readonly port: number };

export interface AddressSources {
  /** The option `socket`. */
  readonly socket: string | undefined;
  readonly dockerHost: string | undefined;
  readonly runtimeFolder: string | undefined;
  readonly exists: (path: string) => boolean;
}

const DOCKER_SOCKET = "/var/run/docker.sock";
const ROOT_PODMAN_SOCKET = "/run/podman/podman.sock";
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/;

/** @throws HoldfastError `bad_option` (fatal). A socket that is not there (yet) is found out by the dial. */
export function findEngine({ socket, dockerHost, runtimeFolder, exists }: AddressSources): EngineAddress {
  const wanted = socket ?? (dockerHost === "" ? undefined : dockerHost);
  if (wanted !== undefined) return addressOf(wanted);
  const podman = runtimeFolder === undefined ? [] : [`${runtimeFolder}/podman/podman.sock`];
  const known = [DOCKER_SOCKET, ...podman, ROOT_PODMAN_SOCKET];
  return { socketPath: known.find(exists) ?? DOCKER_SOCKET };
}

/** For people. */
export function describeEngine(address: EngineAddress): string {
  return "socketPath" in address ? address.socketPath : `tcp://${address.host}:${address.port}`;
}

function addressOf(text: string): EngineAddress {
  if (text.startsWith("/")) return { socketPath: text };
  const [, scheme, rest = ""] = /^([a-z]+):\/\/(.*)$/s.exec(text) ?? [];
  if (scheme === "unix" && rest.startsWith("/")) return { socketPath: rest };
  if (scheme !== "tcp") throw bad("it is neither unix:///path nor tcp://host:port");
  const [, host = "", port] = /^(.+):(\d{1,5})\/?$/.exec(rest) ?? [];
  if (!LOOPBACK.test(host)) throw bad("plain TCP to an engine is taken on this machine only");
  return { host: host.replaceAll(/[[\]]/g, ""), port: Number(port) };
}

function bad(why: string): HoldfastError {
  const message = `the engine's address (option socket, or DOCKER_HOST) cannot be used: ${why}`;
  const hint = "for an engine on another machine, forward its socket over ssh and name that";
  return new HoldfastError({ code: "bad_option", message, hint, kind: "fatal", fault: "local" });
}
