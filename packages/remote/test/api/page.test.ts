// docs/api.md cannot lie about which requests there are, what the plugins can do, and where the limits are.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DEFAULT_API_LIMITS } from "../../src/api/limits.ts";
import { REQUEST_TYPES } from "../../src/api/wire/parse-request.ts";
import { docker, holdfastPlugin, hostPlugin, sshPlugin, type Ability, type Plugin } from "../../src/index.ts";

const page = readFileSync(new URL("../../../../docs/api.md", import.meta.url), "utf8");

const cellsOf = (line: string): readonly string[] =>
  line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());

/** The rows of the table with these headings, however it is laid out. */
function rows(heading: string): readonly (readonly string[])[] {
  const lines = page.split("\n");
  const wanted = cellsOf(heading).join("|");
  const after = lines.slice(lines.findIndex((line) => cellsOf(line).join("|") === wanted) + 2);
  const end = after.findIndex((line) => !line.startsWith("|"));
  return after.slice(0, end).map(cellsOf);
}

describe("docs/api.md", () => {
  it("has every request once", () => {
    const named = rows("| request | fields | answer | needs |").flatMap(([names = ""]) =>
      [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    );
    expect(named.toSorted()).toEqual([...REQUEST_TYPES].toSorted());
  });

  it("says what each plugin can", () => {
    const unreachable = (): never => {
      throw new Error("nobody dials");
    };
    const plugins: readonly Plugin[] = [
      hostPlugin(),
      sshPlugin,
      docker({}),
      holdfastPlugin({ access: unreachable }),
    ];
    const shown = rows("| needs | host | ssh | docker | holdfast |");
    expect(shown.map(([ability]) => ability).toSorted()).toEqual(
      Object.keys(hostPlugin().abilities).toSorted(),
    );
    for (const [ability = "", ...cells] of shown) {
      const can = plugins.map(({ abilities }) => (abilities[ability as Ability] === true ? "yes" : "no"));
      expect(cells, ability).toEqual(can);
    }
  });

  it("has the limits that hold", () => {
    const shown = Object.fromEntries(
      rows("| what | limit | beyond it |").map(([what, limit]) => [what, limit]),
    );
    const { lineBytes, requests, batchWidth, processes, tunnels, listeners, inputBytes, readBytes, entries } =
      DEFAULT_API_LIMITS;
    const mebibytes = (bytes: number): string => `${bytes / 1_048_576} MiB`;
    const number = (count: number): string => count.toLocaleString("en-US");
    expect(shown).toMatchObject({
      "bytes of a line": mebibytes(lineBytes),
      "requests under way, those of lists included": number(requests),
      "requests of a list asked at the same time": number(batchWidth),
      "processes, tunnels, ports": [processes, tunnels, listeners].map(number).join(", "),
      "bytes that wait for one process or tunnel": mebibytes(inputBytes),
      "bytes of files in one answer": mebibytes(readBytes),
      "entries of a directory, files of a copy": number(entries),
    });
  });
});
