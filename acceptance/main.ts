// `npm run acceptance -- AREA [PART OF A NAME]`: does what a user does, with the built command as processes of
// their own, and asserts numbers.
import { runActs, type Act } from "./harness/run.ts";

const AREAS: Readonly<Record<string, () => Promise<readonly Act[]>>> = {
  tunnel: async () => (await import("./tunnel/acts.ts")).acts,
};

const [area = "", only] = process.argv.slice(2);
const load = AREAS[area];
if (load === undefined) {
  console.error(`usage: npm run acceptance -- ${Object.keys(AREAS).join("|")} [PART OF A NAME]`);
  process.exitCode = 2;
} else {
  process.exitCode = await runActs(await load(), only);
}
