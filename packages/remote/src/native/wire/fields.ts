// Fields of a peer's JSON, each checked for its type and range before anybody uses it.
import { HoldfastError } from "@holdfast/core";
import { badRecord } from "../failures.ts";

/** The longest path, in bytes. */
const MAX_PATH_BYTES = 4_096;

const FATAL_TEXT = new TextDecoder("utf-8", { fatal: true });

export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: unknown) {
    if (typeof values !== "object" || values === null || Array.isArray(values)) {
      throw badRecord("a record that is not a JSON object");
    }
    this.#values = values as Record<string, unknown>;
  }

  /** @throws HoldfastError `bad_record`. */
  static parse(bytes: Uint8Array): Fields {
    let value: unknown;
    try {
      value = JSON.parse(FATAL_TEXT.decode(bytes));
    } catch {
      throw badRecord("a record that is not JSON");
    }
    return new Fields(value);
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#values, name) && this.#values[name] !== null;
  }

  get(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
  }

  text(name: string, mostBytes: number): string {
    const value = this.get(name);
    if (typeof value !== "string") throw wrong(name, "a text");
    if (Buffer.byteLength(value) > mostBytes) throw wrong(name, `a text of at most ${mostBytes} bytes`);
    return value;
  }

  whole(name: string, least: number, most: number): number {
    const value = this.get(name);
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most)
      return value;
    throw wrong(name, `a whole number from ${least} to ${most}`);
  }

  flag(name: string): boolean {
    const value = this.get(name);
    if (typeof value !== "boolean") throw wrong(name, "true or false");
    return value;
  }

  path(name: string): string {
    return checkPath(this.text(name, MAX_JSON_TEXT));
  }
}

const MAX_JSON_TEXT = 524_288;

/** @throws HoldfastError `bad_path` (fatal): empty, with NUL, or longer than 4,096 bytes. */
export function checkPath(path: string): string {
  if (path !== "" && !path.includes("\0") && Buffer.byteLength(path) <= MAX_PATH_BYTES) return path;
  const why =
    path === ""
      ? "it is empty"
      : path.includes("\0")
        ? "it has a NUL in it"
        : "it is longer than 4,096 bytes";
  const message = `this is no path: ${why}`;
  throw new HoldfastError({ code: "bad_path", message, kind: "fatal", fault: "local" });
}

export function wrong(name: string, wanted: string): HoldfastError {
  return badRecord(`the field ${name} is not ${wanted}`);
}

/** JSON of a record. */
export function encodeJson(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
