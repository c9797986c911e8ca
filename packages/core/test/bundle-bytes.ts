// How large something is for whoever bundles it: minified, then gzip -9.
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";

/** Of `exported`, taken from the module at `path`, with everything that it needs but what `without` names. */
export async function bundleBytes(
  path: string,
  exported: readonly string[],
  without?: RegExp,
): Promise<number> {
  const entry = `${path}.entry.ts`;
  const bundle = await rolldown({
    input: entry,
    platform: "neutral",
    resolve: { conditionNames: ["@holdfast/source"] },
    external: (id) => without?.test(id) ?? false,
    plugins: [
      {
        name: "entry",
        resolveId: (id) => (id === entry ? id : undefined),
        load: (id) =>
          id === entry ? `export { ${exported.join(", ")} } from ${JSON.stringify(path)};` : undefined,
      },
    ],
  });
  const { output } = await bundle.generate({ format: "es", minify: true });
  await bundle.close();
  const code = output.map((chunk) => (chunk.type === "chunk" ? chunk.code : "")).join("");
  if (!code.includes("export{")) throw new Error("the bundle is empty, or not minified");
  return gzipSync(code, { level: 9 }).length;
}
