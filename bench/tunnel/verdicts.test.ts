import { expect, test } from "vitest";
import { Ledger } from "./ledger.ts";
import { AS_IT_COMES } from "./recovery.ts";
import type { Findings } from "./report.ts";
import { judge } from "./verdicts.ts";

function findings(ledger: Ledger, more: Partial<Findings> = {}): Findings {
  return {
    names: ["direct", "bore", "holdfast"],
    rounds: 9,
    generator: undefined,
    ledger,
    transfers: 0,
    farBytes: 0,
    memory: [],
    recovery: new Map(),
    startUp: [],
    ...more,
  };
}

function of(figure: string, bore: number, holdfast: number): Ledger {
  const ledger = new Ledger();
  for (let round = 0; round < 9; round++) {
    ledger.add(figure, "bore", bore + round / 1_000);
    ledger.add(figure, "holdfast", holdfast + round / 1_000);
  }
  return ledger;
}

/** The last cell of the only row. */
function verdict(all: Findings): string | undefined {
  const rows = judge(all);
  expect(rows).toHaveLength(1);
  return rows[0]?.at(-1);
}

test("a set-up has to be a round trip shorter than bore's", () => {
  expect(verdict(findings(of("set-up over 20 ms", 62, 22)))).toBe("met");
  expect(verdict(findings(of("set-up over 20 ms", 62, 43)))).toBe("missed: 0.95 less");
});

test("bulk has to reach bore's, and a line's rate nearly", () => {
  expect(verdict(findings(of("bulk up 1", 8, 8.1)))).toBe("met");
  expect(verdict(findings(of("bulk up 1", 8, 6)))).toBe("missed: 25 % slower than bore");
  expect(verdict(findings(of("far bulk up", 25e6, 24.5e6)))).toBe("met");
  expect(verdict(findings(of("far bulk up", 25e6, 20e6)))).toBe("missed: 20 % slower than bore");
});

test("a line that even a bare connection did not fill judges nobody", () => {
  const ledger = of("far bulk up", 13e6, 12e6);
  ledger.add("far bulk up", "direct", 13e6);
  expect(verdict(findings(ledger))).toMatch(/^not judged: 13.0 MB\/s/);
});

test("what there is nothing to compare with is said", () => {
  const ledger = new Ledger();
  ledger.add("beside p50", "holdfast", 1);
  expect(verdict(findings(ledger))).toBe("bore is not here to compare with");
});

test("all tunnels have to be back within the longest delay and a second", () => {
  const recovered = (times: readonly (number | undefined)[]): string | undefined =>
    verdict(findings(new Ledger(), { recovery: new Map([[AS_IT_COMES, times]]) }));
  expect(recovered([200, 10_900])).toBe("met");
  expect(recovered([200, 12_000])).toBe("missed: by 1.0 s");
  expect(recovered([200, undefined])).toBe("1 are not back");
});
