// From any JSON value to a request, or to an error that says what is wrong with it.
import { HoldfastError } from "@holdfast/core";
import { prettifyError } from "zod";
import { request as requestSchema, type Request } from "./schemas/requests.ts";

/** @throws HoldfastError `bad_request`, or `unknown_request` if there is no request of this type. */
export function parseRequest(value: unknown): Request {
  const parsed = requestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const unknown = parsed.error.issues.some((issue) => issue.code === "invalid_union");
  throw new HoldfastError({
    code: unknown ? "unknown_request" : "bad_request",
    message: unknown
      ? "there is no request of this type"
      : prettifyError(parsed.error).replaceAll(/\s*\n\s*/g, " "),
    kind: "fatal",
    fault: "peer",
    hint: `requests are ${requestSchema.options.map((option) => option.shape.type.value).join(", ")}`,
  });
}
