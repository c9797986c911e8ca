// Write docs/cli.md and docs/json.md: `node packages/cli/dist/docs/write.js`.
import { writeFile } from "node:fs/promises";
import { commands } from "../commands.ts";
import { cliPage } from "./cli-page.ts";
import { jsonPage } from "./json-page.ts";

const docs = new URL("../../../../docs/", import.meta.url);
const all = await Promise.all(commands.map((command) => command.load()));
await writeFile(new URL("cli.md", docs), cliPage(all));
await writeFile(new URL("json.md", docs), jsonPage());
