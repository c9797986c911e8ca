// `npm run acceptance -- AREA… [PART OF A NAME]`: does what a user does, with the built command as processes of
// their own, and asserts numbers.
import { runActs, type Act, type Result } from "./harness/run.ts";

const AREAS: Readonly<Record<string, () => Promise<readonly Act[]>>> = {
  tunnel: async () => (await import("./tunnel/acts.ts")).acts,
  session: async () => (await import("./session/acts.ts")).acts,
  remote: async () => (await import("./remote/acts.ts")).acts,
};

const words = process.argv.slice(2);
const areas = words.filter((word) => Object.hasOwn(AREAS, word));
const [only, ...rest] = words.filter((word) => !Object.hasOwn(AREAS, word));
if (areas.length === 0 || rest.length > 0) {
  console.error(`usage: npm run acceptance -- ${Object.keys(AREAS).join("|")}… [PART OF A NAME]`);
  process.exitCode = 2;
} else {
  const results: Result[] = [];
  for (const area of areas) {
    const startedAt = performance.now();
    console.log(`== ${area}`);
    results.push(await runActs((await AREAS[area]?.()) ?? [], only));
    console.log(`== ${area}: ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
  }
  const sum = (count: (result: Result) => number): number =>
    results.reduce((total, result) => total + count(result), 0);
  const [passed, failed, skipped] = [
    sum((one) => one.passed),
    sum((one) => one.failed),
    sum((one) => one.skipped),
  ];
  console.log(`${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`);
  process.exitCode = failed === 0 && passed + skipped > 0 ? 0 : 1;
}
