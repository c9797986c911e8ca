import fc from "fast-check";
import { expect, test } from "vitest";
import { formatUuid, parseUuid, uuidBytes } from "./uuid.ts";

const UUID = "67e55044-10b1-426f-9247-bb680e5fe0c8";

test.each([
  ["hyphenated", UUID],
  ["upper-case", UUID.toUpperCase()],
  ["simple", UUID.replaceAll("-", "")],
  ["upper-case and simple", UUID.replaceAll("-", "").toUpperCase()],
  ["urn", `urn:uuid:${UUID}`],
  ["braced", `{${UUID}}`],
])("%s is read", (_, form) => {
  expect(parseUuid(form)).toBe(UUID);
});

test.each([
  "",
  UUID.slice(1),
  `${UUID}0`,
  `{${UUID}`,
  `{${UUID.replaceAll("-", "")}}`,
  `urn:${UUID}`,
  UUID.replace("6", "g"),
  UUID.replace("-", "") + "-",
])("%j is not", (form) => {
  expect(parseUuid(form)).toBeUndefined();
});

test("16 random bytes make a version 4 identifier, and come back", () => {
  expect(formatUuid(new Uint8Array(16))).toBe("00000000-0000-4000-8000-000000000000");
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (random) => {
      const uuid = formatUuid(random);
      expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(parseUuid(uuid)).toBe(uuid);
      expect(formatUuid(uuidBytes(uuid))).toBe(uuid);
    }),
  );
});
