// Makes package-lock.json whole. A registry that mirrors only some platforms' builds of a tool leaves the others
// out of the lock file, and then `npm ci` refuses it everywhere. This writes an entry for each optional dependency
// that is missing; npm fetches it only on the platform that it names. Run by `npm run lock`, before anything is built.
import { readFileSync, writeFileSync } from "node:fs";

const OS = ["android", "darwin", "freebsd", "linux", "openharmony", "win32"];
const CPU = {
  "arm-": "arm",
  arm64: "arm64",
  ia32: "ia32",
  ppc64: "ppc64",
  riscv64: "riscv64",
  s390x: "s390x",
  x64: "x64",
};

/** What a name like `@tool/binding-linux-arm64-musl` says of its platform. */
function platformOf(name) {
  const os = OS.find((each) => name.includes(each));
  const cpu = Object.entries(CPU).find(([part]) => `${name}-`.includes(`-${part}`))?.[1];
  if (os === undefined || cpu === undefined) throw new Error(`no platform in the name ${name}`);
  const libc = name.endsWith("-musl") ? ["musl"] : name.endsWith("-gnu") ? ["glibc"] : undefined;
  return { cpu: [cpu], ...(libc && { libc }), os: [os] };
}

const path = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8"));
let added = 0;
for (const [folder, entry] of Object.entries({ ...lock.packages })) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const at = `node_modules/${name}`;
    const exact = /^\d+\.\d+\.\d+$/.test(version);
    if (!exact || at in lock.packages || `${folder}/${at}` in lock.packages) continue;
    lock.packages[at] = { version, ...platformOf(name), ...(entry.dev && { dev: true }), optional: true };
    added += 1;
  }
}
const root = lock.packages[""];
const rest = Object.entries(lock.packages).filter(([key]) => key !== "");
lock.packages = { "": root, ...Object.fromEntries(rest.sort(([a], [b]) => (a < b ? -1 : 1))) };
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`package-lock.json: ${added} entries added for other platforms`);
