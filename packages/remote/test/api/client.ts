// A client of an api within the test: it writes lines and reads lines, and both ends are in memory.
import { systemClock } from "@holdfast/net";
import type { HoldfastError } from "@holdfast/core";
import { onTestFinished, vi } from "vitest";
import { openApi, type Api, type ApiOptions } from "../../src/api/index.ts";
import type { Machine } from "../../src/plugin/machine.ts";
import { dialHost } from "../host/arena.ts";
import { answerLine, type AnswerLine, type AnswerPayload } from "./answer-schema.ts";

export const PATIENCE = { timeout: 20_000, interval: 5 };

export type OfType<T extends AnswerPayload["type"]> = Extract<AnswerPayload, { type: T }>;

export class Client {
  readonly api: Api;
  /** Every line that was answered, each checked. */
  readonly lines: AnswerLine[] = [];
  readonly malformed: HoldfastError[] = [];
  readonly asked: unknown[] = [];
  #nextId = 0;

  constructor(options: Pick<ApiOptions, "machineOf"> & Partial<ApiOptions>) {
    this.api = openApi({
      abilities: async () => ({ processes: true, files: true }),
      version: "1.2.3",
      clock: systemClock,
      unique: () => "unique",
      onMalformed: (failure) => void this.malformed.push(failure),
      onAuthentication: (message) => void this.asked.push(message),
      send: async (line) => {
        if (!line.endsWith("\n") || line.indexOf("\n") !== line.length - 1)
          throw new Error(`no line: ${line}`);
        this.lines.push(answerLine.parse(JSON.parse(line)));
      },
      ...options,
    });
    onTestFinished(() => this.api.close());
  }

  write(line: string): void {
    this.api.receive(Buffer.from(`${line}\n`));
  }

  /** Send it, and wait for no answer. @returns its id. */
  send(payload: unknown, header?: unknown): string {
    const id = `request-${(this.#nextId += 1)}`;
    this.write(JSON.stringify({ id, payload, ...(header !== undefined && { header }) }));
    return id;
  }

  /** The first answer to it. */
  async ask(payload: unknown, header?: unknown): Promise<AnswerLine["payload"]> {
    const id = this.send(payload, header);
    return (await this.until(({ origin_id }) => origin_id === id)).payload;
  }

  /** The answer, which has to be of this type. */
  async get<T extends AnswerPayload["type"]>(type: T, request: unknown): Promise<OfType<T>> {
    const answer = await this.ask(request);
    if (!Array.isArray(answer) && answer.type === type) return answer as OfType<T>;
    throw new Error(`not ${type}: ${JSON.stringify(answer)}`);
  }

  async until(fits: (line: AnswerLine) => boolean): Promise<AnswerLine> {
    return vi.waitFor(() => {
      const line = this.lines.find(fits);
      if (line === undefined) throw new Error(`not yet in ${JSON.stringify(this.lines).slice(0, 4_000)}`);
      return line;
    }, PATIENCE);
  }

  /** What was said of one type, in order. */
  said<T extends AnswerPayload["type"]>(type: T): readonly OfType<T>[] {
    return this.lines.flatMap(({ payload }) => payload).filter((one): one is OfType<T> => one.type === type);
  }

  /** As soon as it is said. */
  async next<T extends AnswerPayload["type"]>(
    type: T,
    fits: (one: OfType<T>) => boolean = () => true,
  ): Promise<OfType<T>> {
    await this.until(({ payload }) =>
      [payload].flat().some((one) => one.type === type && fits(one as OfType<T>)),
    );
    return this.said(type).find(fits) as OfType<T>;
  }

  /** What a process said on stdout, as text. */
  stdoutOf(process: number): string {
    const pieces = this.said("proc_stdout").filter(({ id }) => id === process);
    return Buffer.concat(pieces.map(({ data }) => Buffer.from(data))).toString();
  }
}

/** A client of this machine, whose home is a folder of the test. */
export async function hostClient(
  home: string,
  options: Partial<ApiOptions> = {},
): Promise<{ readonly client: Client; readonly machine: Machine }> {
  const machine = await dialHost({}, { environment: { HOME: home } });
  onTestFinished(() => machine.close());
  return { client: new Client({ machineOf: async () => machine, ...options }), machine };
}
