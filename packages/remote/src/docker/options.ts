// The plugin's options, and what a destination means to it.
import { HoldfastError } from "@holdfast/core";
import { formatDestination, type Destination } from "../plugin/destination.ts";
import { quoted } from "../plugin/peer-text.ts";

export interface DockerOptions {
  /** Path or URL of the engine's socket. Default: DOCKER_HOST, else what is found. */
  readonly socket: string | undefined;
  /** Remove the container that `docker+run` made when the connection ends for good. Default false. */
  readonly remove: boolean;
  /** The network of a new container, as `--network` takes it. */
  readonly network: string | undefined;
  /** Who runs processes, as `--user` takes it. Default: the destination's user, else the image's. */
  readonly user: string | undefined;
}

/** A container that exists and is not ours, or an image of which we make one. */
export type Target = { readonly container: string } | { readonly image: string };

const KNOWN = ["socket", "rm", "network", "user"];
const CONTAINER = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
const IMAGE = /^[A-Za-z0-9][A-Za-z0-9_.:/@-]*$/;
const WORD = /^[A-Za-z0-9_][A-Za-z0-9_.:/-]*$/;

/** @throws HoldfastError `bad_option` (fatal). */
export function dockerOptions(given: Readonly<Record<string, string>>): DockerOptions {
  const unknown = Object.keys(given).find((name) => !KNOWN.includes(name));
  if (unknown !== undefined) throw badOption(`docker has no option ${quoted(unknown)}`);
  const { socket, rm = "false", network, user } = given;
  if (rm !== "true" && rm !== "false") throw badOption(`option rm is true or false, not ${quoted(rm)}`);
  for (const [name, value] of Object.entries({ network, user })) {
    if (value === undefined || WORD.test(value)) continue;
    throw badOption(`option ${name} cannot be ${quoted(value)}`);
  }
  return { socket, remove: rm === "true", network, user };
}

/** @throws HoldfastError `bad_destination` (fatal). */
export function targetOf(destination: Destination): {
  readonly target: Target;
  readonly user: string | undefined;
} {
  const { scheme, user, host, port, path } = destination;
  if (scheme === "docker") {
    if (port !== undefined || path !== "" || !CONTAINER.test(host)) {
      throw badDestination(destination, "a container's name or id has letters, digits, `_`, `.` and `-`");
    }
    return { target: { container: host }, user };
  }
  // In `name@sha256:…` what stands before the `@` looks like a user.
  const digest = user !== undefined && /^sha(?:256|512):/.test(host);
  const place = `${digest ? `${user}@` : ""}${host}${port === undefined ? "" : `:${port}`}`;
  const image = path === "" ? place : `${place}/${path}`;
  if (!IMAGE.test(image) || image.includes(".."))
    throw badDestination(destination, "this is no image's name");
  return { target: { image }, user: digest ? undefined : user };
}

function badOption(message: string): HoldfastError {
  const hint = `its options are ${KNOWN.join(", ")}`;
  return new HoldfastError({ code: "bad_option", message, hint, kind: "fatal", fault: "local" });
}

function badDestination(destination: Destination, why: string): HoldfastError {
  const message = `${formatDestination(destination)} is no destination for docker: ${why}`;
  const hint = "such as docker://container or docker+run://ubuntu:24.04";
  return new HoldfastError({ code: "bad_destination", message, hint, kind: "fatal", fault: "local" });
}
