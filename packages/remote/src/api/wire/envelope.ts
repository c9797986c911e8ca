// One line of input: a request or a list of them in an envelope, or an answer to a question of ours.
import { HoldfastError } from "@holdfast/core";
import { badInput } from "./errors.ts";
import { parseRequest } from "./parse-request.ts";
import type { ApiRequest } from "./requests.ts";

/** One request of an envelope, or what is wrong with it. */
export type Item = { readonly request: ApiRequest } | { readonly failure: HoldfastError };

export interface Envelope {
  readonly kind: "envelope";
  readonly id: string;
  /** A list: its answers are one, too. */
  readonly batch: boolean;
  /** In order, and no more after the first that fails. Otherwise at the same time. */
  readonly sequence: boolean;
  readonly items: readonly Item[];
}

export type Incoming =
  | Envelope
  /** A message `auth_…`. */
  | { readonly kind: "authentication"; readonly message: Readonly<Record<string, unknown>> }
  | { readonly kind: "malformed"; readonly id: string | undefined; readonly failure: HoldfastError };

const MOST_ID = 1_024;

/** Total: what cannot be understood is `malformed`, with the id if it has one. */
export function parseLine(text: string, mostItems: number): Incoming {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const failure = new HoldfastError({
      code: "bad_json",
      message: "a line is not JSON",
      hint: 'each line is such as {"id":"1","payload":{"type":"version"}}',
      kind: "fatal",
      fault: "peer",
    });
    return { kind: "malformed", id: undefined, failure };
  }
  if (!isObject(value)) return { kind: "malformed", id: undefined, failure: badInput("a line is an object") };
  const { type, id } = value as { type?: unknown; id?: unknown };
  if (typeof type === "string" && type.startsWith("auth_")) return { kind: "authentication", message: value };
  if (typeof id !== "string" || id.length > MOST_ID) {
    return {
      kind: "malformed",
      id: undefined,
      failure: badInput("an envelope has an id, which is a string"),
    };
  }
  return parseEnvelope(id, value, mostItems);
}

function parseEnvelope(id: string, value: Readonly<Record<string, unknown>>, mostItems: number): Incoming {
  const malformed = (message: string): Incoming => ({ kind: "malformed", id, failure: badInput(message) });
  const { header, payload } = value as { header?: unknown; payload?: unknown };
  if (header !== undefined && header !== null && typeof header !== "object")
    return malformed("header is an object");
  // An empty table of Lua may be written as a list.
  const sequence = isObject(header) ? header["sequence"] : undefined;
  if (sequence !== undefined && sequence !== null && typeof sequence !== "boolean") {
    return malformed("header.sequence is true or false");
  }
  const batch = Array.isArray(payload);
  const payloads: readonly unknown[] = Array.isArray(payload) ? payload : [payload];
  if (payloads.length > mostItems) return malformed(`a list has at most ${mostItems} requests`);
  return { kind: "envelope", id, batch, sequence: sequence === true, items: payloads.map(itemOf) };
}

function itemOf(payload: unknown): Item {
  try {
    return { request: parseRequest(payload) };
  } catch (thrown) {
    return { failure: HoldfastError.from(thrown) };
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
