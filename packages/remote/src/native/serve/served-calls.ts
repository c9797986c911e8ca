// Requests for files and facts, answered from the machine. Files pass in pieces, so that no request keeps more than
// one of them.
import { HoldfastError } from "@holdfast/core";
import type { Files } from "../../plugin/files.ts";
import { encodeJson } from "../wire/fields.ts";
import { MAX_ANSWER_BYTES, MAX_READ_BYTES, tooLarge } from "../wire/answers.ts";
import { RECORD } from "../wire/record.ts";
import { decodeCall, type CallRequest } from "../wire/requests.ts";
import { badRecord } from "../failures.ts";
import { overLimit } from "../limits.ts";
import type { RecordPort } from "../record-port.ts";
import { brokenOff, type Service } from "./service.ts";

/** What is read or written at a time, in bytes. */
const PIECE_BYTES = 1_048_576;
/** Signs of life that are under way at a time; they do not count as requests. */
const MAX_PINGS = 8;

type FileCall = Exclude<CallRequest, { readonly do: "system_info" | "ping" | "signal" }>;

export class ServedCalls {
  readonly #service: Service;
  readonly #signal: (process: number, name: string) => Promise<void>;
  #pings = 0;

  constructor(service: Service, signal: (process: number, name: string) => Promise<void>) {
    this.#service = service;
    this.#signal = signal;
  }

  /** One request, from its record to its answer. @throws what is to be told to the other end. */
  async serve(port: RecordPort): Promise<void> {
    const request = decodeCall(await port.expect(RECORD.request));
    if (request.do === "ping") return this.#ping(port);
    const ending = { end: () => port.abort(brokenOff()) };
    await this.#service.keep("requests", ending, async () => {
      const answer = await this.#answer(request, port);
      await port.send(RECORD.done, encodeJson(answer));
    });
    port.port.end();
  }

  async #ping(port: RecordPort): Promise<void> {
    if (this.#pings >= MAX_PINGS) throw overLimit("signs of life", MAX_PINGS);
    this.#pings += 1;
    try {
      await (await this.#service.machine()).ping();
    } finally {
      this.#pings -= 1;
    }
    await port.sendJson(RECORD.done, {});
    port.port.end();
  }

  async #answer(request: CallRequest, port: RecordPort): Promise<object> {
    if (request.do === "signal") {
      await this.#signal(request.process, request.name);
      return {};
    }
    const machine = await this.#service.machine();
    if (request.do === "ping") return {};
    if (request.do !== "system_info") return answerFiles(machine.files, request, port);
    const { family, os, arch, currentDirectory, username, shell } = await machine.systemInfo();
    return { family, os, arch, current_directory: currentDirectory, username, shell };
  }
}

async function answerFiles(files: Files, request: FileCall, port: RecordPort): Promise<object> {
  switch (request.do) {
    case "read":
      await readInPieces(files, request, port);
      return {};
    case "write":
      await writeInPieces(files, request, port);
      return {};
    case "stat": {
      const { modifiedMs, ...stat } = await files.stat(request.path, { followSymlinks: request.follow });
      return { ...stat, modified_ms: modifiedMs };
    }
    case "list": {
      const bytes = encodeJson({ files: await files.list(request.path) });
      if (bytes.length > MAX_ANSWER_BYTES) throw tooLong();
      await port.sendData(bytes);
      return {};
    }
    case "exists":
      return { exists: await files.exists(request.path) };
    default:
      await change(files, request);
      return {};
  }
}

function change(
  files: Files,
  request: Extract<FileCall, { readonly do: "make_directory" | "remove" | "rename" }>,
): Promise<void> {
  switch (request.do) {
    case "make_directory":
      return files.makeDirectory(request.path, { parents: request.parents });
    case "remove":
      return files.remove(request.path, { recursive: request.recursive });
    case "rename":
      return files.rename(request.from, request.to);
  }
}

async function readInPieces(
  files: Files,
  { path, offset, length }: Extract<FileCall, { do: "read" }>,
  port: RecordPort,
): Promise<void> {
  // To be refused before 64 MiB have come. Files of the system say 0, and have more.
  if (length === undefined && (await files.stat(path)).size - offset > MAX_READ_BYTES) throw tooLarge();
  let at = offset;
  let left = length ?? MAX_READ_BYTES + 1;
  for (;;) {
    const wanted = Math.min(left, PIECE_BYTES);
    const piece = await files.read(path, { offset: at, length: wanted });
    if (!(await port.sendData(piece))) throw brokenOff();
    at += piece.length;
    left -= piece.length;
    // A short piece is the end of the file.
    if (piece.length < wanted || left === 0) return;
  }
}

async function writeInPieces(
  files: Files,
  { path, append }: Extract<FileCall, { do: "write" }>,
  port: RecordPort,
): Promise<void> {
  let appending = append;
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    await files.write(path, Buffer.concat(pieces), { append: appending });
    appending = true;
    pieces = [];
    bytes = 0;
  };
  for (let record = await port.next(); record !== undefined; record = await port.next()) {
    if (record.type !== RECORD.data) throw badRecord(`a record of type ${record.type} within a file`);
    pieces.push(record.payload);
    bytes += record.payload.length;
    if (bytes >= PIECE_BYTES) await flush();
  }
  if (bytes > 0 || appending === append) await flush();
}

function tooLong(): HoldfastError {
  const message = "the answer is longer than 16 MiB";
  const hint = "there are too many files in this directory to list at once: use a process instead";
  return new HoldfastError({ code: "too_large", message, hint, kind: "fatal", fault: "peer" });
}
