import fc from "fast-check";
import { expect, test } from "vitest";
import { parseUuid, uuidBytes } from "./uuid.ts";

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

test("the bytes are those of the digits, in their order", () => {
  expect([...uuidBytes("00112233-4455-6677-8899-aabbccddeeff")]).toEqual(
    Array.from({ length: 16 }, (_, index) => index * 0x11),
  );
  fc.assert(
    fc.property(fc.uuid(), (uuid) => {
      expect(parseUuid(Buffer.from(uuidBytes(uuid)).toString("hex"))).toBe(uuid);
    }),
  );
});
