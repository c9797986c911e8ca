// Installs the real peers that `npm run test:peers` talks to, in the versions of `test/peers.lock`, below
// `node_modules/.cache/peers`. Run it with a plain `node test/peers/install.mjs [NAME]`; what is already there
// is left alone. Peers that only `npm run bench` compares with come with `--bench`, or by name. Peers that come with
// the system, in whatever version it has, are only looked for. Exit 0: all there, or said to be skipped; 1: a build
// failed, or something is missing with HOLDFAST_REQUIRE_PEERS=1.
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const cache = join(here, "..", "..", "node_modules", ".cache", "peers");
const lock = JSON.parse(readFileSync(join(here, "..", "peers.lock"), "utf8"));
const BUILD_TIMEOUT_MS = 20 * 60_000;

/** Servers are often not on the path of users. */
const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

function findProgram(program) {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...SYSTEM_FOLDERS];
  return folders
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

function lookFor(name, peer) {
  const missing = peer.system.filter((program) => findProgram(program) === undefined);
  if (missing.length === 0) return { code: 0, text: `${name}: ${peer.system.map(findProgram).join(", ")}` };
  const text = `skipped: ${name} needs ${missing.join(", ")} (Debian: ${peer.packages})`;
  return { code: process.env["HOLDFAST_REQUIRE_PEERS"] === "1" ? 1 : 0, text };
}

function install(name, peer) {
  if (peer.system !== undefined) return lookFor(name, peer);
  const root = join(cache, `${name}-${peer.version}`);
  const binary = join(root, peer.binary);
  if (existsSync(binary)) return { code: 0, text: `${name} ${peer.version}: ${binary}` };
  const tool = spawnSync(peer.tool, ["--version"], { stdio: "ignore" });
  if (tool.error !== undefined) {
    const text = `skipped: ${name} ${peer.version} needs ${peer.tool}, which is not installed`;
    return { code: process.env["HOLDFAST_REQUIRE_PEERS"] === "1" ? 1 : 0, text };
  }
  const build = spawnSync(peer.tool, [...peer.install, "--root", root], {
    stdio: ["ignore", "ignore", "inherit"],
    timeout: BUILD_TIMEOUT_MS,
  });
  if (build.status === 0 && existsSync(binary))
    return { code: 0, text: `${name} ${peer.version}: ${binary}` };
  return { code: 1, text: `${name} ${peer.version}: ${peer.tool} ${peer.install.join(" ")} failed` };
}

const bench = process.argv.includes("--bench");
const wanted = process.argv.slice(2).find((word) => word !== "--bench");
const names = Object.keys(lock).filter((name) =>
  wanted === undefined ? bench || lock[name].bench !== true : name === wanted,
);
if (names.length === 0) {
  process.stderr.write(`no peer named ${wanted} in test/peers.lock\n`);
  process.exitCode = 1;
}
for (const name of names) {
  const { code, text } = install(name, lock[name]);
  (code === 0 && !text.startsWith("skipped") ? process.stdout : process.stderr).write(`${text}\n`);
  process.exitCode = Math.max(Number(process.exitCode ?? 0), code);
}
