// Shows that the rules of the house are held: plants a violation of each in a copy of the repository and sees the
// compiler, the linter or a test object. A rule whose plant goes unnoticed fails the command.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

interface Plant {
  /** The rule of the house, and how it is broken here. */
  readonly rule: string;
  readonly path: string;
  readonly text: string;
  /** Who must object. */
  readonly check: readonly string[];
  /** What the objection says. */
  readonly says: RegExp;
}

const LINT = ["oxlint", "--type-aware"];
const COMPILE_CORE = ["tsc", "-p", "packages/core/tsconfig.json", "--noEmit", "--composite", "false"];
const COMPILE_NET = ["tsc", "-p", "packages/net/tsconfig.portable.json", "--noEmit", "--composite", "false"];
const COMPILE_TUNNEL = ["tsc", "-p", "packages/tunnel/tsconfig.json", "--noEmit", "--composite", "false"];
const HOUSE = ["vitest", "run", "test/house"];

const lines = (count: number, line: string): string => `// Planted.\n${`${line}\n`.repeat(count)}`;

const PLANTS: readonly Plant[] = [
  {
    rule: "1: core has no timers",
    path: "packages/core/src/planted.ts",
    text: "// Planted.\nsetTimeout(() => undefined, 1);\n",
    check: COMPILE_CORE,
    says: /Cannot find name 'setTimeout'/,
  },
  {
    rule: "1: core has no process, console or sockets",
    path: "packages/core/src/planted.ts",
    text: '// Planted.\nimport "node:net";\nconsole.log(process.pid);\n',
    check: COMPILE_CORE,
    says: /Cannot find name 'process'|Cannot find module 'node:net'/,
  },
  {
    rule: "1: core knows no clock",
    path: "packages/core/src/planted.ts",
    text: "// Planted.\nexport const now: number = Date.now();\n",
    check: LINT,
    says: /time is an argument/,
  },
  {
    rule: "1: core makes no random numbers",
    path: "packages/core/src/planted.ts",
    text: "// Planted.\nexport const dice: number = Math.random();\n",
    check: LINT,
    says: /randomness is an argument/,
  },
  {
    rule: "1: core imports no sibling",
    path: "packages/core/src/planted.ts",
    text: '// Planted.\nexport { connect } from "@holdfast/net";\n',
    check: LINT,
    says: /core imports nothing/,
  },
  {
    rule: "2: products do not import the command",
    path: "packages/tunnel/src/planted.ts",
    text: '// Planted.\nimport "@holdfast/cli";\n',
    check: LINT,
    says: /never each other/,
  },
  {
    rule: "2: arrows point one way, also for a package that lint forgot",
    path: "packages/net/src/node/planted.ts",
    text: '// Planted.\nimport "@holdfast/control";\n',
    check: HOUSE,
    says: /imports only what is left of it/,
  },
  {
    rule: "2: nothing is called utils",
    path: "packages/tunnel/src/relay-utils.ts",
    text: "// Planted.\nexport const planted: number = 1;\n",
    check: HOUSE,
    says: /calls nothing utils/,
  },
  {
    rule: "3: a product opens no sockets",
    path: "packages/tunnel/src/planted.ts",
    text: '// Planted.\nimport { connect } from "node:net";\nexport const planted = connect;\n',
    check: LINT,
    says: /sockets, timers and processes belong to net/,
  },
  {
    rule: "3: a product sets no timers",
    path: "packages/tunnel/src/planted.ts",
    text: "// Planted.\nsetTimeout(() => undefined, 1);\n",
    check: LINT,
    says: /timers belong to net/,
  },
  {
    rule: "3: a product does not touch the process",
    path: "packages/tunnel/src/planted.ts",
    text: "// Planted.\nexport const planted: number = process.pid;\n",
    check: LINT,
    says: /process belongs to net/,
  },
  {
    rule: "3: the driver needs no Node",
    path: "packages/net/src/planted.ts",
    text: '// Planted.\nimport { Socket } from "node:net";\nexport const planted: unknown = Socket;\n',
    check: COMPILE_NET,
    says: /Cannot find module 'node:net'|Cannot find name/,
  },
  {
    rule: "4: public names are listed one by one",
    path: "packages/net/src/planted.ts",
    text: '// Planted.\nexport * from "./link.ts";\n',
    check: HOUSE,
    says: /re-exports nothing wholesale/,
  },
  {
    rule: "4: what is not exported is closed",
    path: "packages/tunnel/src/planted.ts",
    text: '// Planted.\nimport { Watch } from "@holdfast/net/src/watch.ts";\nexport const planted: unknown = Watch;\n',
    check: COMPILE_TUNNEL,
    says: /Cannot find module '@holdfast\/net\/src\/watch.ts'/,
  },
  {
    rule: "5: a transport passes the compliance suite",
    path: "packages/net/src/node/planted.ts",
    text: '// Planted.\nimport type { Dial, Link } from "../link.ts";\nexport function pigeon(): Dial<Link> {\n  throw new Error("no pigeons");\n}\n',
    check: HOUSE,
    says: /pigeon passes the compliance suite/,
  },
  {
    rule: "6: whatever collects says what bounds it",
    path: "packages/tunnel/src/planted.ts",
    text: "// Planted.\nexport class Planted {\n  readonly #all = new Map<string, string>();\n  size(): number {\n    return this.#all.size;\n  }\n}\n",
    check: HOUSE,
    says: /says of every field that collects what bounds it/,
  },
  {
    rule: "7: a product reads no clock",
    path: "packages/tunnel/src/planted.ts",
    text: "// Planted.\nexport const planted: number = Date.now();\n",
    check: LINT,
    says: /time is an argument/,
  },
  {
    rule: "7: a product throws no dice",
    path: "packages/tunnel/src/planted.ts",
    text: "// Planted.\nexport const planted: number = Math.random();\n",
    check: LINT,
    says: /randomness is an argument/,
  },
  {
    rule: "8: no file over 500 lines",
    path: "packages/tunnel/src/planted.ts",
    text: lines(501, "// A line."),
    check: HOUSE,
    says: /keeps every file within 500 lines/,
  },
  {
    rule: "8: a function fits on a screen",
    path: "packages/tunnel/src/planted.ts",
    text: `// Planted.\nexport function planted(a: number): number {\n  let b = a;\n${"  b += 1;\n".repeat(71)}  return b;\n}\n`,
    check: LINT,
    says: /max-lines-per-function/,
  },
];

const root = process.cwd();

function copyOfRepository(): string {
  const copy = mkdtempSync(join(tmpdir(), "holdfast-rules-"));
  const files = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  for (const path of files.split("\n").filter((line) => line !== "" && existsSync(join(root, line)))) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    cpSync(join(root, path), join(copy, path), { force: true, errorOnExist: false });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  execFileSync("git", ["init", "-q"], { cwd: copy });
  return copy;
}

function run(copy: string, [tool = "", ...args]: readonly string[]): { ok: boolean; output: string } {
  const bin = join(root, "node_modules", ".bin", tool);
  const env = { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" };
  const result = spawnSync(bin, args, { cwd: copy, encoding: "utf8", env });
  return { ok: result.status === 0, output: `${result.stdout}${result.stderr}` };
}

function main(): number {
  const copy = copyOfRepository();
  let failures = 0;
  try {
    const checks = [...new Set(PLANTS.map(({ check }) => check))];
    for (const check of checks) {
      const { ok, output } = run(copy, check);
      if (ok) continue;
      failures += 1;
      console.log(`FAIL  without any plant, ${check.join(" ")} objects:\n${output}`);
    }
    for (const plant of PLANTS) {
      writeFileSync(join(copy, plant.path), plant.text);
      const { ok, output } = run(copy, plant.check);
      rmSync(join(copy, plant.path));
      const held = !ok && plant.says.test(output);
      if (!held) failures += 1;
      console.log(`${held ? "held " : "FAIL "} rule ${plant.rule}  (${plant.check[0]})`);
      if (!held) console.log(output.slice(-2_000));
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
  console.log(`${PLANTS.length} plants, ${failures} unnoticed or broken`);
  return failures === 0 ? 0 : 1;
}

process.exitCode = main();
