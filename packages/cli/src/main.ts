#!/usr/bin/env node
// The entry point. `--version` is answered before anything else is loaded; every subcommand is a file of its own
// that is loaded when it is asked for.
import * as nodeModule from "node:module";
import { VERSION } from "./version.ts";

// Absent in Node 20.
(nodeModule as { enableCompileCache?: () => unknown }).enableCompileCache?.();

const argv = process.argv.slice(2);
if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
  process.stdout.write(`${VERSION}\n`);
} else {
  const { main } = await import("./run.ts");
  await main(argv);
}
